// What pkg/README.md says to those who come from another client: its examples are checked by the
// compiler against the packed types, then run in order, and print what it says.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { ROOT, TSC } from "../../scripts/toolchain.mjs";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";

const README = readFileSync(join(ROOT, "pkg", "README.md"), "utf8");
const [, ownPart = ""] = README.split("## Coming from another client");
const SECTION = ownPart.split(/\n## /)[0] ?? "";
const EXAMPLES = [...SECTION.matchAll(/```ts\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/g)].map(
  ([, code = "", printed = ""], index) => ({ name: `example${index}.mts`, code, printed }),
);
const run = promisify(execFile);

describe("pkg/README.md, coming from another client", () => {
  let engine: Engine;
  let project: Project;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    engine = await Engine.start();
    const key = (await engine.project("shop")).live;
    const body = [{ model: "gpt-4", input_per_million: 100_000, output_per_million: 200_000 }];
    assert.equal((await engine.send("PUT", "/v1/models", { key, body })).status, 200);
    await engine.customer(key, "user_123", 450);
    const { key: own } = await engine.customerKey(key, "user_123");
    env = { ...process.env, CREDITS_URL: engine.url, CREDITS_KEY: key, CUSTOMER_KEY: own };
    project = new Project();
    for (const { name, code } of EXAMPLES) project.write(name, code);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  test("every surface has an example", () => {
    const imports = EXAMPLES.map(({ code }) => /from ['"]edge-credits\/?(\w*)/.exec(code)?.[1]);
    assert.deepEqual(imports, ["", "credly", "credly", "hiveforge", "openrouter", "predev"]);
  });

  test("the examples are right by the packed types, strictly", async () => {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: "nodenext",
      target: "es2022",
      lib: ["es2022"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules", "@types")],
    };
    const config = { compilerOptions, files: EXAMPLES.map(({ name }) => name) };
    const path = project.write("tsconfig.json", JSON.stringify(config));
    await run(process.execPath, [TSC, "-p", path]).catch(({ stdout }) => assert.fail(stdout));
  });

  test("the examples print what it says", async () => {
    for (const { name, printed } of EXAMPLES) {
      const options = { cwd: project.dir, env, timeout: 60_000 };
      const { stdout } = await run(process.execPath, [join(project.dir, name)], options);
      assert.equal(stdout, printed, name);
    }
  });
});
