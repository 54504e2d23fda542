// The packed package in Node, as an ES module and as CommonJS, against a real engine.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { CJS, ESM, layScenario, runProgram, settingFor } from "./program.ts";
import { expected } from "./scenario.mjs";

describe("Node", () => {
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

  /** Runs a script that finds the address in its environment. */
  async function run(
    name: string,
    text: string,
    node: string = process.execPath,
  ): Promise<unknown> {
    const { baseUrl = "", ...setting } = await settingFor(engine, key, name);
    project.write(name, text);
    return runProgram(project, [node, name], setting, { CREDITS_URL: baseUrl });
  }

  test("an ES module makes all calls", async () => {
    assert.deepEqual(await run("esm.mjs", ESM), expected("other"));
  });

  test("CommonJS makes all calls", async () => {
    // A Node that can require an ES module goes by the condition `module-sync`; an older one
    // gets the CommonJS build, which is asked for by its path below.
    assert.deepEqual(await run("common.cjs", CJS), expected("other"));
  });

  test("the oldest Node that is supported runs it", async (t) => {
    // One that the machine has: the tests bring a later one.
    const env = { PATH: process.env.PATH?.replaceAll(/[^:]*node_modules[^:]*:?/g, "") };
    const ask = ["node", "-p", "process.version + process.execPath"];
    const found = await promisify(execFile)("/usr/bin/env", ask, { env }).catch(() => undefined);
    const node = found?.stdout.trim() ?? "none";
    if (!node.startsWith("v20.")) return t.skip(`the machine has ${node}`);
    const path = node.slice(node.indexOf("/"));
    assert.deepEqual(await run("oldest.mjs", ESM, path), expected("other"));
    assert.deepEqual(await run("oldest.cjs", CJS, path), expected("other"));
  });

  test("an error of one copy is an instance of the other copy's class", async () => {
    const esm = await project.import();
    const cjs = project.require("./node_modules/edge-credits/dist/index.cjs");
    assert.notEqual(esm.CreditEngine, cjs.CreditEngine);
    const client = new cjs.CreditEngine({ apiKey: key, baseUrl: engine.url });
    const error = await client.getBalance("nobody").catch((error: unknown) => error);
    assert.ok(error instanceof esm.CreditEngineError);
    assert.ok(!(error instanceof esm.InsufficientCreditsError));
    assert.ok(!(new Error("plain") instanceof esm.CreditEngineError));
    const Mine = class extends esm.CreditEngineError {};
    assert.ok(!(error instanceof Mine));
    assert.ok(new Mine() instanceof esm.CreditEngineError);
  });

  test("an error's stack begins at the line that called", async () => {
    const { CreditEngine } = await project.import();
    const client = new CreditEngine({ apiKey: key, baseUrl: engine.url });
    async function theCaller() {
      return client.consumeOrFail("nobody", 1);
    }
    const error = await theCaller().catch((error: Error) => error);
    const frame = (error as Error).stack?.split("\n").find((line) => line.startsWith("    at "));
    assert.match(frame ?? "", /theCaller.*node\.test\.ts/);
  });

  test("nothing of a key is in any message", async () => {
    const { CreditEngine, AuthenticationError, ConfigurationError } = await project.import();
    const forged = `${key.slice(0, -4)}AAAA`;
    const client = new CreditEngine({ apiKey: forged, baseUrl: engine.url });
    const refused = await client.getBalance("a").catch((error: unknown) => error);
    assert.ok(refused instanceof AuthenticationError);
    assert.equal(refused.status, 401);
    const shown = [refused.stack, JSON.stringify(refused), String(refused)].join();
    assert.ok(!shown.includes(forged.slice(8, 30)), shown);
    const unusable = () => new CreditEngine({ apiKey: `${forged}\n`, baseUrl: engine.url });
    assert.throws(unusable, (error: Error) => {
      return error instanceof ConfigurationError && !`${error.stack}`.includes(forged.slice(8, 30));
    });
  });
});
