// The packed package in Node, as an ES module and as CommonJS, against a real engine.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { EXPECTED } from "./scenario.mjs";

const SCENARIO = fileURLToPath(new URL("scenario.mjs", import.meta.url));

/** Each run has a customer of its own. */
const CUSTOMER = '"cus_" + process.pid';
const ESM = `
  import * as edgeCredits from "edge-credits";
  import { scenario } from "./scenario.mjs";
  const options = { apiKey: process.env.CREDITS_KEY };
  console.log(JSON.stringify(await scenario(edgeCredits, options, ${CUSTOMER})));`;
const CJS = `
  const edgeCredits = require("edge-credits");
  import("./scenario.mjs").then(async ({ scenario }) => {
    const options = { apiKey: process.env.CREDITS_KEY };
    console.log(JSON.stringify(await scenario(edgeCredits, options, ${CUSTOMER})));
  });`;

describe("Node", () => {
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    project = new Project();
    copyFileSync(SCENARIO, join(project.dir, "scenario.mjs"));
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  /** Runs a script in a process of its own; it must end by itself, soon after its last line. */
  async function run(
    name: string,
    text: string,
    node: string = process.execPath,
  ): Promise<unknown> {
    const env = { ...process.env, CREDITS_URL: engine.url, CREDITS_KEY: key };
    const options = { cwd: project.dir, env, timeout: 20_000 };
    const path = project.write(name, text);
    const { stdout } = await promisify(execFile)(node, [path], options);
    return JSON.parse(stdout);
  }

  test("an ES module makes all calls", async () => {
    assert.deepEqual(await run("esm.mjs", ESM), EXPECTED);
  });

  test("CommonJS makes all calls", async () => {
    // A Node that can require an ES module goes by the condition `module-sync`; an older one
    // gets the CommonJS build, which is asked for by its path below.
    assert.deepEqual(await run("common.cjs", CJS), EXPECTED);
  });

  test("the oldest Node that is supported runs it", async (t) => {
    // One that the machine has: the tests bring a later one.
    const env = { PATH: process.env.PATH?.replaceAll(/[^:]*node_modules[^:]*:?/g, "") };
    const ask = ["node", "-p", "process.version + process.execPath"];
    const found = await promisify(execFile)("/usr/bin/env", ask, { env }).catch(() => undefined);
    const node = found?.stdout.trim() ?? "none";
    if (!node.startsWith("v20.")) return t.skip(`the machine has ${node}`);
    const path = node.slice(node.indexOf("/"));
    assert.deepEqual(await run("oldest.mjs", ESM, path), EXPECTED);
    assert.deepEqual(await run("oldest.cjs", CJS, path), EXPECTED);
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
