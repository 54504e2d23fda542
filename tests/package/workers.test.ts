// The packed package in a user's Worker: bundled by wrangler, run on workerd, against a real
// engine that is bound to it or has an address.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { Project } from "./install.ts";
import { IMPORTS, layScenario, settingFor } from "./program.ts";
import { expected, type Setting } from "./scenario.mjs";
import { bundle, UserWorker } from "./worker.ts";

const WORKER = `${IMPORTS}
// What a bundler without the condition "workerd" would take.
import * as inline from "./node_modules/edge-credits/dist/index.js";

export default {
  async fetch(request, env) {
    if (request.method === "GET") {
      try {
        new inline.CreditEngine({ apiKey: "ce_live_x" });
      } catch (error) {
        return new Response([error instanceof inline.ConfigurationError, error.message].join());
      }
    }
    return Response.json(await everything(packages, await request.json(), env.CREDITS));
  },
};`;

describe("a Worker on workerd", () => {
  let engine: Engine;
  let project: Project;
  let key: string;
  let said: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    project = new Project();
    layScenario(project);
    said = await bundle(project, WORKER);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  /** Asks a fresh Worker, which must have nothing to say beside its answer. */
  async function ask(init: RequestInit, bound?: string): Promise<string> {
    const worker = await UserWorker.start(project, bound ? { bound } : {});
    try {
      const text = await (await fetch(worker.url, init)).text();
      assert.equal(worker.output, "");
      return text;
    } finally {
      worker.end();
    }
  }

  async function answerTo(setting: Setting, bound?: string): Promise<unknown> {
    return JSON.parse(await ask({ method: "POST", body: JSON.stringify(setting) }, bound));
  }

  test("wrangler bundles it without a warning", () => {
    assert.doesNotMatch(said, /warn|error/i);
  });

  test("through a service binding it makes all calls, without any other network", async () => {
    const { baseUrl = "", ...setting } = await settingFor(engine, key, "bound");
    assert.deepEqual(await answerTo(setting, new URL(baseUrl).host), expected("cloudflare"));
  });

  test("by the engine's address it makes all calls", async () => {
    const setting = await settingFor(engine, key, "address");
    assert.deepEqual(await answerTo(setting), expected("cloudflare"));
  });

  test("the build for other runtimes says what to do", async () => {
    assert.match(await ask({}), /^true,this runtime does not compile.* conditions "workerd"/);
  });
});
