// The packed package in Deno, from node_modules, against a real engine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { CJS, ESM, layScenario, runProgram, settingFor } from "./program.ts";
import { expected, type Setting } from "./scenario.mjs";

const DENO = join(RUNTIMES_DIR, "node_modules", ".bin", "deno");
/** Nothing is downloaded and nothing is asked: what is not allowed here is denied. */
const RUN = [DENO, "run", "--no-prompt", "--no-remote", "--node-modules-dir=manual"];

describe("Deno", () => {
  let engine: Engine;
  let project: Project;
  let key: string;
  let host: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    host = new URL(engine.url).host;
    project = new Project();
    layScenario(project);
    project.write("esm.mjs", ESM);
    project.write("common.cjs", CJS);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  function run(file: string, allowed: string[], setting: Setting, env: Record<string, string>) {
    const surroundings = { DENO_DIR: join(project.dir, "deno"), DENO_NO_UPDATE_CHECK: "1", ...env };
    return runProgram(project, [...RUN, ...allowed, file], setting, surroundings);
  }

  test("with no permission but the engine's address it makes all calls, and asks for no other", async () => {
    for (const file of ["esm.mjs", "common.cjs"]) {
      const { baseUrl = "", ...setting } = await settingFor(engine, key, file);
      const log = join(project.dir, `${file}.log`);
      const env = { DENO_AUDIT_PERMISSIONS: log, VERCEL: "1", CREDITS_URL: "http://127.0.0.1:1" };
      const found = await run(file, [`--allow-net=${host}`], { ...setting, baseUrl }, env);
      assert.deepEqual(found, expected("other"), file);
      const lines = readFileSync(log, "utf8").trimEnd().split("\n");
      // A variable that is denied would stop a program at a terminal until somebody answers.
      const asked = new Set(lines.map((line) => JSON.parse(line).permission));
      assert.deepEqual([...asked].sort(), ["net"], file);
    }
  });

  test("reads the variables that it is allowed to read", async () => {
    const { baseUrl: CREDITS_URL = "", ...setting } = await settingFor(engine, key, "variables");
    const allowed = [`--allow-net=${host}`, "--allow-env=CREDITS_URL,VERCEL"];
    const found = await run("esm.mjs", allowed, setting, { CREDITS_URL, VERCEL: "1" });
    assert.deepEqual(found, expected("vercel"));
  });
});
