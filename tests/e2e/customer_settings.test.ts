import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine, type Json } from "./engine.ts";
import { Shop } from "./plans.ts";
import { assertSound } from "./watch.ts";

const DEFAULTS = {
  overage_mode: "block",
  overage_limit: 0,
  auto_purchase_limit: 3,
  ai_provider_priority: null,
  credit_name: "credits",
  low_balance_threshold: null,
  spend_limits: [],
  overrides: [],
  auto_purchase_blocked: false,
};

let engine: Engine;
let shop: Shop;
before(async () => {
  engine = await Engine.start();
  shop = await Shop.open(engine, "shop", [
    { id: "free", allocation: 0, period: "month", overage_mode: "auto_purchase" },
  ]);
});
after(() => engine.end());

const read = (id: string): Promise<Json> => shop.done("GET", `customers/${id}/settings`);

/** Changes settings; the answer but for what it says of the change itself. */
async function change(id: string, patch: Json): Promise<Json> {
  const answer = await shop.done("PATCH", `customers/${id}/settings`, patch);
  const { replayed, seq, ...settings } = answer;
  assert.deepEqual([replayed, typeof seq], [false, "number"]);
  return settings;
}

test("a customer lives by its own settings, its tier's, the project's, the defaults", async () => {
  await shop.create("layers");
  assert.deepEqual(await read("layers"), DEFAULTS);
  await shop.settings({ overage_mode: "allow", overage_limit: 7, credit_name: "pearls" });
  const project = { ...DEFAULTS, overage_mode: "allow", overage_limit: 7, credit_name: "pearls" };
  assert.deepEqual(await read("layers"), project);
  await shop.done("POST", "customers/layers/tier", { tier_id: "free" });
  const onTier = { ...project, overage_mode: "auto_purchase" };
  assert.deepEqual(await read("layers"), onTier);
  const own = { overage_mode: "block", overage_limit: 0.5, credit_name: "coins" };
  const overrides = ["overage_mode", "overage_limit", "credit_name"];
  assert.deepEqual(await change("layers", own), { ...onTier, ...own, overrides });
  const balance = await shop.done("GET", "customers/layers/balance");
  assert.equal(balance.credit_name, "coins");
  assert.deepEqual(await change("layers", { overage_mode: null, credit_name: null }), {
    ...onTier,
    overage_limit: 0.5,
    overrides: ["overage_limit"],
  });
  assert.equal((await shop.done("GET", "customers/layers/balance")).credit_name, "pearls");
  assert.deepEqual(await change("layers", { overage_limit: null }), onTier);
  await assertSound(engine, shop.key, "layers");
  const nothing = { overage_mode: null, overage_limit: null, credit_name: null };
  await shop.settings(nothing);
});

test("settings can be given at creation, and outlive a power cut", async () => {
  const settings = {
    auto_purchase_limit: 0,
    ai_provider_priority: "openai",
    low_balance_threshold: 0,
    spend_limits: [{ per: "period", amount: 100, feature: "chat" }],
  };
  await shop.create("given", { settings: { ...settings, overage_mode: null } });
  const expected = { ...DEFAULTS, ...settings, overrides: Object.keys(settings) };
  assert.deepEqual(await read("given"), expected);
  await engine.kill();
  await engine.restart();
  assert.deepEqual(await read("given"), expected);
});

test("of changes at once to different settings none is lost", async () => {
  await shop.create("racer");
  const changes = [
    { overage_mode: "allow" },
    { overage_limit: 1 },
    { auto_purchase_limit: 2 },
    { ai_provider_priority: "anthropic" },
    { credit_name: "coins" },
    { low_balance_threshold: 3 },
    { spend_limits: [{ per: "day", amount: 4, feature: null }] },
  ];
  await Promise.all(changes.map((patch) => change("racer", patch)));
  const all = Object.assign({}, ...changes);
  assert.deepEqual(await read("racer"), { ...DEFAULTS, ...all, overrides: Object.keys(all) });
});

test("a change is made once per key, and its repeat answers what it set", async () => {
  await shop.create("keyed");
  const send = (body: Json) =>
    engine.send("PATCH", "/v1/customers/keyed/settings", {
      key: shop.key,
      body,
      headers: { "Idempotency-Key": "s1" },
    });
  const first = await send({ overage_limit: 1 });
  await change("keyed", { overage_limit: 2 });
  const again = await send({ overage_limit: 1 });
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  assert.equal((await read("keyed")).overage_limit, 2);
  assert.equal((await send({ overage_limit: 3 })).status, 422);
});

test("what is the project's alone is no setting of a customer", async () => {
  await shop.create("plain");
  for (const body of [{ default_tier: "free" }, { webhook_url: "https://example.com" }]) {
    const { status, body: problem } = await shop.send("PATCH", "customers/plain/settings", body);
    assert.deepEqual([status, problem.code], [400, "unknown_field"]);
  }
  assert.deepEqual(await change("plain", { auto_purchase_blocked: false }), DEFAULTS);
});

test("a customer that is unknown has no settings, and its own key sets none", async () => {
  for (const [method, body] of [
    ["GET", undefined],
    ["PATCH", { overage_limit: 1 }],
  ] as const) {
    const { status, body: problem } = await shop.send(method, "customers/nobody/settings", body);
    assert.deepEqual([status, problem.code], [404, "not_found"]);
  }
  await shop.create("own");
  const own = new Shop(engine, (await engine.customerKey(shop.key, "own")).key);
  assert.equal(
    (await own.send("PATCH", "customers/own/settings", { overage_limit: 9 })).status,
    403,
  );
  assert.equal((await own.send("GET", "customers/own/settings")).status, 403);
});

test("a project's changed settings reach a customer that is known already", async () => {
  await shop.credit("reached", 1);
  assert.equal((await shop.consume("reached", 2)).status, 402);
  await shop.settings({ overage_mode: "allow", overage_limit: 1 });
  assert.equal((await shop.consume("reached", 2)).body.balance, -1);
  await shop.settings({ overage_mode: null, overage_limit: null });
  assert.equal((await shop.consume("reached", 1)).status, 402);
});
