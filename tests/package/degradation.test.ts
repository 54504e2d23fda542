// Graceful degradation against an engine that is really killed and started again: what was let
// through is charged once, and never more is let through than was allowed.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { freePort } from "../../scripts/process.mjs";
import { Engine } from "../e2e/engine.ts";
import { until } from "../e2e/watch.ts";
import { type Package, Project } from "./install.ts";

describe("graceful degradation", () => {
  let engine: Engine;
  let project: Project;
  let edgeCredits: Package;
  let key: string;

  before(async () => {
    engine = await Engine.start({ port: await freePort() });
    key = (await engine.project("shop")).live;
    const costs = [{ service: "images", action: "generate", credits: 0.3 }];
    await engine.send("PUT", "/v1/costs", { key, body: costs });
    project = new Project();
    edgeCredits = await project.import();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });
  afterEach(async () => {
    if ((await fetch(`${engine.url}/healthz`).catch(() => undefined)) === undefined)
      await engine.restart();
  });

  function client(options: object = {}): Package {
    const common = { apiKey: key, baseUrl: engine.url, maxRetries: 0 };
    return new edgeCredits.CreditEngine({ ...common, gracefulDegradation: true, ...options });
  }

  async function consumed(customer: string): Promise<[number, number]> {
    const { body } = await engine.send("GET", `/v1/customers/${customer}/transactions?limit=100`, {
      key,
    });
    const charges = body.data.filter((row: { type: string }) => row.type === "consumption");
    const millionths = charges.map((row: { amount: number }) => Math.round(-row.amount * 1e6));
    return [charges.length, millionths.reduce((sum: number, each: number) => sum + each, 0) / 1e6];
  }

  test("it is off unless asked for", async () => {
    await engine.customer(key, "off", 10);
    const plain = client({ gracefulDegradation: false });
    await engine.kill();
    await assert.rejects(plain.consume("off", 1), edgeCredits.ConnectionError);
    assert.equal(plain.pendingOperations, 0);
    await plain.destroy();
  });

  test("what is let through is bounded, and charged once the engine is back", async () => {
    await engine.customer(key, "ann", 100);
    const degrading = client({ gracefulDegradation: { maxCredits: "5" } });
    const other = client({ gracefulDegradation: { maxCredits: "5" } });
    await engine.kill();
    for (let count = 0; count < 4; count += 1) {
      const charged = await degrading.consume("ann", 1.1, "in the dark");
      const { idempotencyKey, ...rest } = charged;
      const expected = { success: true, degraded: true, balance: Number.NaN, amount: 1.1 };
      assert.deepEqual(rest, { ...expected, replayed: false });
      assert.equal(typeof idempotencyKey, "string");
    }
    // 4.4 of 5 are used, by all engines of the process together.
    await assert.rejects(degrading.consume("ann", 0.7), edgeCredits.ConnectionError);
    await assert.rejects(other.consumeOrFail("ann", 0.7), edgeCredits.ConnectionError);
    const small = await other.consumeOrFail("ann", 0.6);
    assert.equal(small.degraded, true);
    assert.deepEqual([degrading.pendingOperations, other.pendingOperations], [4, 1]);
    await engine.restart();
    // The next answer is enough.
    assert.equal((await degrading.getBalance("ann")).balance, 100);
    await until("settled", async () => degrading.pendingOperations === 0);
    assert.deepEqual(await consumed("ann"), [4, 4.4]);
    await other.destroy();
    assert.deepEqual(await consumed("ann"), [5, 5]);
    assert.equal(other.pendingOperations, 0);
    assert.equal((await engine.audit(key, "ann")).journal_balance, 95);
    // The budget is free again.
    await engine.kill();
    assert.equal((await degrading.consume("ann", 5)).degraded, true);
    await engine.restart();
    await degrading.destroy();
    assert.deepEqual(await consumed("ann"), [6, 10]);
  });

  test("a charge whose answer was lost is charged once", async () => {
    await engine.customer(key, "lost", 10);
    let isCut = true;
    const cutting = async (url: string, init: object) => {
      const response = await fetch(url, init);
      if (!isCut) return response;
      throw new TypeError("cut");
    };
    const degrading = client({ fetch: cutting });
    const first = await degrading.consume("lost", 2, undefined, { idempotencyKey: "job-1" });
    const again = await degrading.consume("lost", 2, undefined, { idempotencyKey: "job-1" });
    assert.deepEqual([first.replayed, again.replayed], [false, true]);
    // The same key for something else would be refused by the engine.
    const other = degrading.consume("lost", 3, undefined, { idempotencyKey: "job-1" });
    await assert.rejects(other, edgeCredits.ConnectionError);
    assert.equal(degrading.pendingOperations, 1);
    isCut = false;
    await degrading.destroy();
    assert.deepEqual(await consumed("lost"), [1, 2]);
  });

  test("a refusal stays counted and is told", async () => {
    await engine.customer(key, "poor", 1);
    const errors: Package[] = [];
    const onError = (error: Package) => errors.push(error);
    const degrading = client({ onError, gracefulDegradation: { maxCredits: 3 } });
    await engine.kill();
    await degrading.consume("poor", 2);
    await engine.restart();
    await degrading.getBalance("poor");
    await until("told", async () => errors.length === 1);
    assert.ok(errors[0] instanceof edgeCredits.InsufficientCreditsError);
    assert.equal(degrading.pendingOperations, 1);
    const unsettled = await degrading.destroy().catch((error: unknown) => error);
    assert.equal(unsettled.code, "unsettled");
    const [{ idempotencyKey, ...operation }] = unsettled.details.operations;
    assert.deepEqual(operation, { customerId: "poor", amount: "2", code: "insufficient_credits" });
    assert.equal(typeof idempotencyKey, "string");
    // With credits it is charged after all.
    await engine.customer(key, "poor", 5);
    await degrading.destroy();
    assert.equal(degrading.pendingOperations, 0);
    assert.deepEqual(await consumed("poor"), [1, 2]);
    await assert.rejects(degrading.consume("poor", 1), { code: "destroyed" });
  });

  test("only an outage lets anything through", async () => {
    await engine.customer(key, "strict", 1);
    const statuses = [402, 400, 401, 403, 404, 409, 422, 429];
    for (const status of statuses) {
      const refusing = client({ fetch: async () => new Response("{}", { status }) });
      await assert.rejects(refusing.consume("strict", 1), { status }, `${status}`);
      assert.equal(refusing.pendingOperations, 0);
    }
    for (const status of [500, 502, 503, 504]) {
      const failing = client({ fetch: async () => new Response("{}", { status }) });
      assert.equal((await failing.consume("strict", 0.1)).degraded, true, `${status}`);
      await assert.rejects(failing.destroy(), { code: "unsettled" });
    }
    const hanging = client({ fetch: () => new Promise(() => {}), timeoutMs: 50 });
    assert.equal((await hanging.consume("strict", 0.1)).degraded, true);
    const deadline = new Date(Date.now() + 60_000);
    const late = hanging.consume("strict", 0.1, undefined, { deadline });
    await assert.rejects(late, edgeCredits.TimeoutError);
    const stop = AbortSignal.abort();
    const aborted = hanging.consume("strict", 0.1, undefined, { signal: stop });
    await assert.rejects(aborted, edgeCredits.AbortError);
    await assert.rejects(hanging.consume("strict", -1), { code: "invalid_amount" });
  });

  test("a priced charge is let through only by prices that were read", async () => {
    await engine.customer(key, "priced", 10);
    const charge = { service: "images", action: "generate", quantity: 3 };
    const [knowing, ignorant] = [client(), client()];
    assert.equal(await knowing.estimate(charge), 0.9);
    await engine.kill();
    await assert.rejects(ignorant.consume("priced", charge), edgeCredits.ConnectionError);
    const unknown = { service: "images", action: "delete" };
    await assert.rejects(knowing.consume("priced", unknown), edgeCredits.ConnectionError);
    const { degraded, amount } = await knowing.consume("priced", charge);
    assert.deepEqual([degraded, amount], [true, 0.9]);
    await engine.restart();
    await knowing.destroy();
    assert.deepEqual(await consumed("priced"), [1, 0.9]);
  });

  test("an engine that dies amid many charges takes each of them once", async () => {
    await engine.customer(key, "many", 1_000);
    const degrading = client({ gracefulDegradation: { maxCredits: 40 } });
    let passed = 0;
    const consume = async () => {
      const charged = await degrading.consume("many", 0.5).catch(() => undefined);
      if (charged?.success) passed += 1;
    };
    const charges = Array.from({ length: 40 }, consume);
    await Promise.race(charges);
    await engine.kill();
    await Promise.all(charges);
    await Promise.all(Array.from({ length: 40 }, consume));
    assert.ok(degrading.pendingOperations > 0);
    await engine.restart();
    await degrading.destroy();
    assert.deepEqual(await consumed("many"), [passed, passed / 2]);
    assert.equal((await engine.audit(key, "many")).journal_balance, 1_000 - passed / 2);
  });

  test("a limit must be an amount", () => {
    for (const maxCredits of [0, -1, Number.NaN, "many"]) {
      const made = () => client({ gracefulDegradation: { maxCredits } });
      assert.throws(made, { code: "invalid_amount" });
    }
  });
});
