import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine } from "./engine.ts";
import { Shop } from "./plans.ts";
import { journal, until } from "./watch.ts";

const TIERS = [
  {
    id: "three",
    allocation: 100,
    period: "month",
    rate_limit: { requests: 3, window_seconds: 3600 },
  },
  { id: "brief", allocation: 100, period: "month", rate_limit: { requests: 1, window_seconds: 2 } },
  { id: "free", allocation: 100, period: "month" },
];

const ONCE = { requests: 1, window_seconds: 3600 };

let engine: Engine;
let shop: Shop;
before(async () => {
  engine = await Engine.start();
  shop = await Shop.open(engine, "shop", TIERS);
});
after(() => engine.end());

const left = ({ headers }: Answer) => {
  assert.equal(headers.get("RateLimit-Policy"), '"tier";q=3;w=3600');
  const found = /^"tier";r=(\d+);t=(\d+)$/.exec(headers.get("RateLimit") ?? "");
  const [, remaining, seconds] = (found ?? []).map(Number);
  assert.ok(seconds !== undefined && seconds > 3_500 && seconds <= 3_600, `${seconds}`);
  return remaining;
};

test("beyond its tier's rate a customer is told to wait, and nothing is done", async () => {
  await shop.create("quick", { tier_id: "three" });
  const hold = { user_id: "quick", amount: 1 };
  assert.equal(left(await shop.consume("quick", 1)), 2);
  assert.equal(left(await shop.send("POST", "usage-transactions", hold)), 1);
  const batch = { items: [{ amount: 1 }, { amount: 1 }], atomic: false };
  assert.equal(left(await shop.send("POST", "customers/quick/consume-batch", batch)), 0);
  const before = journal(engine, "quick");
  for (const refused of [
    await shop.consume("quick", 1),
    await shop.send("POST", "usage-transactions", hold),
    await shop.send("POST", "customers/quick/consume-batch", batch),
  ]) {
    assert.deepEqual([refused.status, refused.body.code], [429, "rate_limited"]);
    assert.equal(left(refused), 0);
    const wait = Number(refused.headers.get("Retry-After"));
    assert.ok(wait > 3_500 && wait <= 3_600, `${wait}`);
  }
  assert.deepEqual(journal(engine, "quick"), before, "a refusal writes nothing");
  assert.equal((await shop.customer("quick")).balance, 97);
});

test("reading and adding credits count nowhere, and each customer has its own window", async () => {
  for (const id of ["reader", "other"]) await shop.create(id, { tier_id: "three" });
  for (let times = 0; times < 5; times += 1) {
    await shop.check("reader", 1);
    await shop.credit("reader", 1);
    await shop.customer("reader");
  }
  for (let times = 0; times < 3; times += 1) await shop.consume("other", 1);
  assert.equal((await shop.consume("other", 1)).status, 429);
  assert.equal(left(await shop.consume("reader", 1)), 2);
  await shop.create("unlimited", { tier_id: "free" });
  const { headers } = await shop.consume("unlimited", 1);
  assert.deepEqual([headers.get("RateLimit"), headers.get("RateLimit-Policy")], [null, null]);
});

test("a refusal for lack of credits counts, and says how the rate stands", async () => {
  await shop.create("poor", { tier_id: "three" });
  const refused = await shop.consume("poor", 1000);
  assert.deepEqual([refused.status, left(refused)], [402, 2]);
  const declined = await shop.send("POST", "usage-transactions", { user_id: "poor", amount: 1000 });
  assert.deepEqual([declined.status, declined.body.continue, left(declined)], [200, false, 1]);
});

test("the charge that creates a customer on the default tier is its first request", async () => {
  const auto = await Shop.open(engine, "auto", TIERS);
  await auto.settings({ default_tier: "three" });
  assert.equal(left(await auto.consume("newcomer", 1)), 2);
  assert.equal(left(await auto.consume("newcomer", 1)), 1);
  const refused = await auto.consume("too-much", 1000);
  assert.deepEqual([refused.status, left(refused)], [402, 2]);
});

test("when the window is over the customer may ask again", async () => {
  await shop.create("patient", { tier_id: "brief" });
  // On a slow machine a window may be over before its second request.
  const refused = await until("a second request in one window", async () => {
    assert.equal((await shop.consume("patient", 1)).status, 200);
    const answer = await shop.consume("patient", 1);
    return answer.status === 429 ? answer : undefined;
  });
  assert.ok(Number(refused.headers.get("Retry-After")) <= 2);
  const done = await until("another window", async () => {
    const answer = await shop.consume("patient", 1);
    return answer.status === 200 ? answer : undefined;
  });
  assert.match(done.headers.get("RateLimit") ?? "", /^"tier";r=0;t=[12]$/);
});

test("a change of tier changes the rate at once", async () => {
  await shop.create("mover", { tier_id: "three" });
  for (let times = 0; times < 3; times += 1) await shop.consume("mover", 1);
  assert.equal((await shop.consume("mover", 1)).status, 429);
  await shop.done("POST", "customers/mover/tier", { tier_id: "free" });
  assert.equal((await shop.consume("mover", 1)).status, 200);
  await shop.tiers([...TIERS.slice(0, 2), { ...TIERS[2], rate_limit: ONCE }]);
  assert.equal((await shop.consume("mover", 1)).status, 429);
  await shop.tiers(TIERS);
});

test("the gate holds to the rate too, and does not call the service", async () => {
  const rules = [{ method: "*", path: "/*", amount: 1, origin: "http://127.0.0.1:1" }];
  await shop.done("PUT", "gate-rules", rules);
  await shop.create("gated", { tier_id: "three" });
  for (let times = 0; times < 3; times += 1) await shop.consume("gated", 1);
  const headers = { "X-Customer-Id": "gated" };
  const refused = await engine.send("GET", "/gate/x", { key: shop.key, headers });
  assert.deepEqual([refused.status, refused.body.code, left(refused)], [429, "rate_limited", 0]);
});
