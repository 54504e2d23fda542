// The packed package in the VM of Vercel's edge runtime, against a real engine. A `.wasm?module`
// becomes what Next.js makes of it: a global that holds the compiled module.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build, type Plugin } from "esbuild";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { IMPORTS, layScenario, load, settingFor } from "./program.ts";
import { expected } from "./scenario.mjs";

const PROGRAM = `${IMPORTS}
globalThis.program = { packages, everything };`;
const WASM_GLOBAL = "wasm_edge_credits";
/** Node's types lack it. */
const { Module } = (
  globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object } }
).WebAssembly;

const importedModule: Plugin = {
  name: "imported-module",
  setup(build) {
    const namespace = "wasm-module";
    build.onResolve({ filter: /\.wasm\?module$/ }, ({ path }) => ({ path, namespace }));
    build.onLoad({ filter: /.*/, namespace }, () => ({
      contents: `module.exports = ${WASM_GLOBAL};`,
    }));
  },
};

describe("Vercel's edge runtime", () => {
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    project = new Project();
    layScenario(project);
    project.write("program.js", PROGRAM);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  /** A VM, in which like on Vercel no code is made from text or bytes, with the program in it. */
  async function start(conditions: string[]) {
    const { EdgeRuntime } = load("edge-runtime");
    const { outputFiles, warnings } = await build({
      entryPoints: [join(project.dir, "program.js")],
      bundle: true,
      write: false,
      conditions,
      plugins: [importedModule],
    });
    assert.deepEqual(warnings, []);
    const vm = new EdgeRuntime({
      codeGeneration: { strings: false, wasm: false },
      extend: (context: object) => {
        const dist = join(project.dir, "node_modules", "edge-credits", "dist");
        const bytes = readFileSync(join(dist, "edge_credits.wasm"));
        return Object.assign(context, { [WASM_GLOBAL]: new Module(bytes) });
      },
    });
    vm.evaluate(outputFiles[0]?.text);
    return vm;
  }

  test("by the condition edge-light it makes all calls", async () => {
    const vm = await start(["edge-light"]);
    const { baseUrl: CREDITS_URL, ...setting } = await settingFor(engine, key, "edge");
    Object.assign(vm.context, { setting, process: { env: { CREDITS_URL, VERCEL: "1" } } });
    const found = await vm.evaluate(
      "program.everything(program.packages, setting).then((found) => JSON.stringify(found))",
    );
    assert.deepEqual(JSON.parse(found), expected("vercel"));
  });

  test("the build for other runtimes says what to do", async () => {
    const vm = await start([]);
    const told = vm.evaluate(`
      try {
        new program.packages.main.CreditEngine({ apiKey: "ce_live_x" });
      } catch (error) {
        [error instanceof program.packages.main.ConfigurationError, error.message].join();
      }`);
    assert.match(told, /^true,this runtime does not compile.* "edge-light"/);
  });
});
