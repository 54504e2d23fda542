// What CreditEngine offers beyond the scenario that every runtime runs, against a real engine.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { event, pay, report, WEBHOOK_ENV } from "../e2e/stripe_events.ts";
import { StripeServer } from "../e2e/stripe_server.ts";
import { until } from "../e2e/watch.ts";
import { type Package, Project } from "./install.ts";
import { randomFrom } from "./proxy.ts";

const COSTS = [
  { service: "images", action: "generate", credits: 0.3 },
  { service: "images", action: "tiny", credits: 0.000001 },
];
const MODELS = [
  { model: "large-1", input_per_million: 300.5, output_per_million: 1500, minimum: 0.01 },
  { model: "small-1", input_per_million: 15, output_per_million: 60, cached_input_per_million: 3 },
  { model: "micro-1", input_per_million: 0.000007, output_per_million: 0.000001 },
];

describe("CreditEngine", () => {
  let stripe: StripeServer;
  let engine: Engine;
  let project: Project;
  let edgeCredits: Package;
  let key: string;

  before(async () => {
    stripe = await StripeServer.start();
    engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
    key = (await engine.project("shop")).test;
    const pack = { id: "small", name: "500", credits: 500, price_cents: 900, currency: "usd" };
    const lists = { "/v1/packs": [pack], "/v1/costs": COSTS, "/v1/models": MODELS };
    for (const [path, body] of Object.entries(lists)) {
      assert.equal((await engine.send("PUT", path, { key, body })).status, 200);
    }
    project = new Project();
    edgeCredits = await project.import();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
    await stripe?.end();
  });

  function client(options: object = {}): Package {
    return new edgeCredits.CreditEngine({ apiKey: key, baseUrl: engine.url, ...options });
  }

  test("analytics add up what was charged", async () => {
    const analyzed = client();
    const today = new Date().toISOString().slice(0, 10);
    const priced = { service: "images", action: "generate", quantity: 2 };
    await analyzed.add("ann", 10);
    await analyzed.consume("ann", priced);
    await analyzed.consume("ann", 1.5);
    await analyzed.add("bob", 5);
    await analyzed.consume("bob", 2);
    const summary = await until("analytics", async () => {
      const summary = await analyzed.getAnalyticsSummary({ period: "last_7_days" });
      return summary.total_transactions === 5 && summary;
    });
    const { total_consumed, total_added, net_change, active_customers, comparison, to } = summary;
    assert.deepEqual([total_consumed, total_added, net_change], [4.1, 15, 10.9]);
    assert.deepEqual([active_customers, comparison.total_consumed, to], [2, 0, today]);
    assert.equal(comparison.change_percent, null);

    const usage = await analyzed.getUsageAnalytics({ period: "last_7_days", customerId: "ann" });
    assert.equal(usage.data.length, 7);
    const { day, consumed, added, net, transaction_count } = usage.data.at(-1);
    assert.deepEqual([day, consumed, added, net], [today, 2.1, 10, 7.9]);
    assert.equal(transaction_count, 3);
    const byDay = await analyzed.getUsageAnalytics();
    assert.deepEqual([byDay.data.length, byDay.data.at(-1).consumed], [30, 4.1]);
    const since = await analyzed.getUsageAnalytics({ from: new Date(), to: today });
    assert.deepEqual([since.data.length, since.data[0].consumed], [1, 4.1]);
    const byAction = await analyzed.getUsageAnalytics({ groupBy: "action" });
    const breakdown = await analyzed.getActionBreakdown({ period: "current_month" });
    for (const rows of [byAction.data, breakdown]) {
      const row = rows.find((row: Package) => row.action === "generate");
      assert.deepEqual([row.service, row.type, row.consumed], ["images", "consumption", 0.6]);
    }
    const consumers = await analyzed.getTopConsumers({ period: "last_30_days", limit: 1 });
    assert.deepEqual(
      consumers.map((row: Package) => [row.customer_id, row.total_consumed]),
      [["ann", 2.1]],
    );
    const burn = await analyzed.getBurnRate({ days: 1 });
    assert.deepEqual([burn.daily_avg_consumed, burn.daily_avg_added, burn.days], [4.1, 15, 1]);
    assert.equal((await analyzed.getBurnRate()).days, 30);
    await assert.rejects(analyzed.getUsageAnalytics({ period: "ever" }), { code: "invalid_field" });
    await assert.rejects(analyzed.getTopConsumers({ limit: 0 }), { status: 400 });
  });

  test("credits are held for work, and what it cost is charged", async () => {
    const holding = client();
    await holding.add("hank", 10);
    // 1,000 of 15 and 2,000 of 60 per million: 0.015 + 0.12.
    const tokens = { inputTokens: 1_000, outputTokens: 2_000 };
    const held = await holding.startUsage("hank", { model: "small-1", tokens }, { expiresIn: 60 });
    const { transactionId, expiresAt, ...rest } = held;
    assert.deepEqual(rest, { success: true, balance: 10, amount: 0.135 });
    const left = Date.parse(expiresAt) - Date.now();
    assert.ok(left > 0 && left <= 61_000, expiresAt);
    assert.equal((await holding.getBalance("hank")).available, 9.865);
    const used = { tokens: { input_tokens: 1_000, output_tokens: 1_000 } };
    const done = { amount: 0.075, balance: 9.925, adjustment: 0.06 };
    assert.deepEqual(await holding.completeUsage(transactionId, used), done);
    const { state, credits_used } = await holding.getUsage(transactionId);
    assert.deepEqual([state, credits_used], ["completed", 0.075]);

    const whole = await holding.startUsage("hank", 2, { feature: "chat" });
    assert.equal((await holding.completeUsage(whole.transactionId)).amount, 2);
    const failed = await holding.startUsage("hank", "0.5");
    const released = await holding.completeUsage(failed.transactionId, { success: false });
    assert.deepEqual(released, { amount: 0, balance: 7.925, adjustment: 0.5 });
    assert.equal((await holding.getUsage(failed.transactionId)).state, "failed");
    assert.deepEqual(await holding.startUsage("hank", 8), { success: false, balance: 7.925 });
    await assert.rejects(holding.startUsage("hank", -1), { code: "invalid_amount" });
  });

  test("a top-up session is a page of the payment provider's", async () => {
    const urls = { successUrl: "https://app.test/paid", cancelUrl: "https://app.test/no" };
    const options = { customerId: "carl", packId: "small", idempotencyKey: "cart-1", ...urls };
    const session = await client().createTopUpSession(options);
    const made = stripe.sessions.get(session.sessionId);
    assert.deepEqual(session, { checkoutUrl: made.url, sessionId: made.id });
    assert.deepEqual([made.success_url, made.cancel_url], Object.values(urls));
    assert.deepEqual(await client().createTopUpSession(options), session);
    assert.equal(
      (await report(engine, event("checkout.session.completed", pay(stripe, made.id)))).status,
      200,
    );
    assert.equal((await client().getBalance("carl")).balance, 500);
    const { data } = await client().getTransactions("carl");
    assert.deepEqual([data.length, data[0].type, data[0].amount], [1, "purchase", 500]);
    const { packId: _, idempotencyKey: _k, ...onlyPack } = options;
    assert.equal((await client().createTopUpSession(onlyPack)).checkoutUrl.slice(0, 4), "http");
    const without = client().createTopUpSession({ customerId: "carl", successUrl: "https://a.b" });
    await assert.rejects(without, { code: "missing_field" });
  });

  test("an estimate is what is charged", async () => {
    const estimating = client();
    await estimating.add("dora", 1_000);
    const random = randomFrom(4);
    const upTo = (most: number) => Math.floor(random() * most);
    const charges: Package[] = [0.1, "2.000001", 3n, { service: "images", action: "generate" }];
    for (let count = 0; count < 40; count += 1) {
      const { model } = MODELS[count % MODELS.length] as (typeof MODELS)[number];
      const inputTokens = 1 + upTo(20_000);
      const tokens = {
        inputTokens,
        outputTokens: upTo(9_000),
        cachedInputTokens: upTo(inputTokens),
      };
      charges.push({ model, tokens });
      const { action } = COSTS[count % COSTS.length] as (typeof COSTS)[number];
      charges.push({ service: "images", action, quantity: 1 + upTo(5) });
    }
    charges.push({ model: "small-1", tokens: { input_tokens: 1, output_tokens: 1 } });
    for (const charge of charges) {
      const estimate = await estimating.estimate(charge);
      const { success, amount } = await estimating.consume("dora", charge);
      assert.deepEqual([success, amount], [true, estimate], String(JSON.stringify(charge, String)));
    }
  });

  test("prices are read once in their life, and what has none is said", async () => {
    let requests = 0;
    const counting = (url: string, init: RequestInit) => {
      requests += 1;
      return fetch(url, init);
    };
    const charge = { service: "images", action: "generate" };
    const keeping = client({ fetch: counting });
    for (let count = 0; count < 3; count += 1) assert.equal(await keeping.estimate(charge), 0.3);
    assert.equal(await keeping.estimate(7), 7);
    assert.equal(requests, 2);
    const forgetting = client({ fetch: counting, pricesMaxAgeMs: 0 });
    for (let count = 0; count < 3; count += 1) await forgetting.estimate(charge);
    assert.equal(requests, 8);
    const refused = (charge: object, code: string) =>
      assert.rejects(keeping.estimate(charge), (error: Package) => {
        return error instanceof edgeCredits.CreditEngineError && error.code === code;
      });
    await refused({ service: "images", action: "delete" }, "unknown_price");
    await refused({ model: "none", tokens: { inputTokens: 1 } }, "unknown_price");
    await refused({ service: "images", action: "tiny", quantity: 0.5 }, "invalid_field");
    await refused(
      { model: "small-1", tokens: { inputTokens: 1, cachedInputTokens: 2 } },
      "invalid_field",
    );
    await assert.rejects(keeping.estimate(0), { code: "invalid_amount" });
    assert.throws(() => client({ pricesMaxAgeMs: -1 }), edgeCredits.ConfigurationError);
    await assert.rejects(client({ apiKey: "ce_test_wrong" }).estimate(charge), { status: 401 });
  });

  test("the mode is stateless everywhere, and the runtime is told", () => {
    const script = `
      const { CreditEngine } = require("edge-credits");
      const { mode, runtime } = new CreditEngine({ apiKey: "ce_test_x" });
      console.log(mode, runtime);`;
    const inRuntime = (env: Record<string, string>) =>
      execFileSync(process.execPath, ["-e", script], {
        cwd: project.dir,
        env: { PATH: process.env.PATH ?? "", ...env },
        encoding: "utf8",
      }).trim();
    assert.equal(inRuntime({}), "stateless other");
    assert.equal(inRuntime({ VERCEL: "1", AWS_LAMBDA_FUNCTION_NAME: "f" }), "stateless vercel");
    assert.equal(inRuntime({ AWS_LAMBDA_FUNCTION_NAME: "f" }), "stateless aws-lambda");
    assert.equal(inRuntime({ NETLIFY: "true" }), "stateless netlify");
    assert.equal(inRuntime({ CLOUDFLARE_WORKER: "1" }), "stateless cloudflare");
    for (const mode of ["auto", "stateless"]) assert.equal(client({ mode }).mode, "stateless");
    const refusal = { code: "unsupported_mode", message: /persistent.*not in this release/ };
    assert.throws(() => client({ mode: "persistent" }), refusal);
    assert.throws(() => client({ mode: "else" }), { code: "unsupported_mode" });
  });

  test("a destroyed engine makes no more calls", async () => {
    const destroyed = client();
    assert.equal(destroyed.pendingOperations, 0);
    await destroyed.add("eve", 1);
    await destroyed[Symbol.asyncDispose]();
    for (const call of [destroyed.getBalance("eve"), destroyed.consume("eve", 1)]) {
      await assert.rejects(call, { code: "destroyed" });
    }
    await destroyed.destroy();
  });
});
