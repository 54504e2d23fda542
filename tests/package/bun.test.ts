// The packed package in Bun, as an ES module and as CommonJS, against a real engine.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { CJS, ESM, layScenario, runProgram, settingFor } from "./program.ts";
import { expected } from "./scenario.mjs";

const BUN = join(RUNTIMES_DIR, "node_modules", ".bin", "bun");

describe("Bun", () => {
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    project = new Project();
    layScenario(project);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  for (const [name, text] of Object.entries({ "esm.mjs": ESM, "common.cjs": CJS })) {
    test(`${name} makes all calls`, async () => {
      const setting = await settingFor(engine, key, name);
      project.write(name, text);
      const command = [BUN, "run", "--no-install", name];
      assert.deepEqual(await runProgram(project, command, setting), expected("other"));
    });
  }
});
