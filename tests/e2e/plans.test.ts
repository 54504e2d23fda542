import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine } from "./engine.ts";
import { Shop } from "./plans.ts";
import { assertSound } from "./watch.ts";

const FREE = { id: "free", allocation: 10, period: "month" };
const PRO = { id: "pro", allocation: 100, period: "month" };
const DAILY = { id: "daily", allocation: 3, period: "day" };
const NOTHING = { id: "nothing", allocation: 0, period: "year" };

let engine: Engine;
let shop: Shop;
before(async () => {
  engine = await Engine.start();
  shop = await Shop.open(engine, "shop", [FREE, PRO, DAILY, NOTHING]);
});
after(() => engine.end());

/** The same instant so many calendar months later; `day` must be at most the 28th. */
function monthsLater(iso: string, months: number): string {
  const date = new Date(iso);
  date.setUTCMonth(date.getUTCMonth() + months);
  return date.toISOString();
}

test("a customer that is created on a tier has its first allocation at once", async () => {
  const anchor = "2020-01-15T06:30:00.000Z";
  const made = await shop.create("created", { tier_id: "free", anchor, metadata: { a: 1 } });
  const { tier_id, balance, available, held, replayed } = made;
  assert.deepEqual([tier_id, balance, available, held, replayed], ["free", 10, 10, 0, false]);
  assert.match(made.period_start, /^\d{4}-\d\d-15T06:30:00\.000Z$/);
  assert.ok(made.period_start <= made.created_at && made.created_at < made.period_end);
  assert.equal(made.period_end, monthsLater(made.period_start, 1));
  const { replayed: _, seq: __, ...asRead } = made;
  assert.deepEqual(await shop.customer("created"), asRead);
  assert.deepEqual(await shop.history("created"), [["allocation", 10, 10]]);
  const [grant] = (await shop.done("GET", "customers/created/balance?include=breakdown")).breakdown;
  const { source, product, amount, priority, expires_at } = grant;
  assert.deepEqual([source, product, amount, priority], ["period", "free", 10, 20]);
  assert.equal(expires_at, made.period_end);
  await assertSound(engine, shop.key, "created");
});

test("without an anchor periods are counted from the creation, days from their own", async () => {
  const made = await shop.create("unanchored", { tier_id: "daily" });
  assert.equal(made.period_start, made.created_at);
  assert.equal(Date.parse(made.period_end) - Date.parse(made.period_start), 86_400_000);
  assert.deepEqual(await shop.grants("unanchored"), [["daily", 3]]);
});

test("a customer without a tier has no period", async () => {
  const { tier_id, period_start, period_end } = await shop.create("tierless");
  assert.deepEqual([tier_id, period_start, period_end], [null, null, null]);
  await shop.credit("credited", 5);
  assert.equal((await shop.customer("credited")).tier_id, null);
});

test("a tier that allocates nothing has periods and no transactions", async () => {
  const made = await shop.create("nothing", { tier_id: "nothing" });
  assert.deepEqual([made.tier_id, made.balance], ["nothing", 0]);
  assert.deepEqual(await shop.history("nothing"), []);
  assert.equal((await shop.consume("nothing", 1)).status, 402);
});

test("creating with a key is done once, whatever came after", async () => {
  const headers = { "Idempotency-Key": "create-1" };
  const body = { id: "once", tier_id: "free" };
  const create = () => engine.send("POST", "/v1/customers", { key: shop.key, body, headers });
  const first = await create();
  await shop.consume("once", 4);
  const again = await create();
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  assert.equal(again.headers.get("Idempotent-Replayed"), "true");
  assert.equal((await shop.customer("once")).balance, 6);
});

test("what cannot be created creates nothing", async () => {
  for (const [more, field] of [
    [{ tier_id: "none" }, "tier_id"],
    [{ anchor: "2026-01-01T00:00:00Z" }, "anchor"],
    [{ tier_id: "free", settings: { default_tier: "pro" } }, "settings.default_tier"],
    [{ settings: { overage_limit: -1 } }, "settings.overage_limit"],
  ] as const) {
    const { status, body } = await shop.send("POST", "customers", { id: "refused", ...more });
    assert.deepEqual([status, body.field], [400, field]);
  }
  assert.equal((await shop.send("GET", "customers/refused")).status, 404);
});

test("with a default tier a first consume, hold or credit creates the customer on it", async () => {
  const auto = await Shop.open(engine, "auto", [FREE, PRO]);
  assert.equal((await auto.consume("anna", 4)).status, 402, "without one it does not");
  await auto.settings({ default_tier: "free" });
  assert.equal((await auto.send("GET", "customers/anna")).status, 404, "reading creates nobody");
  assert.deepEqual(
    [(await auto.check("anna", 4)).allowed, (await auto.check("anna", 11)).allowed],
    [true, false],
  );
  assert.equal((await auto.send("GET", "customers/anna")).status, 404, "nor does a quote");
  const { status, body } = await auto.consume("anna", 4);
  assert.deepEqual([status, body.balance], [200, 6]);
  assert.deepEqual(await auto.history("anna"), [
    ["allocation", 10, 10],
    ["consumption", -4, 6],
  ]);
  const start = { user_id: "hannah", amount: 3 };
  const held = await auto.done("POST", "usage-transactions", start);
  assert.deepEqual([held.continue, held.balance], [true, 10]);
  assert.equal((await auto.customer("hannah")).available, 7);
  assert.equal((await auto.credit("carl", 2.5)).balance, 12.5);
  assert.deepEqual(await auto.history("carl"), [
    ["allocation", 10, 10],
    ["topup", 2.5, 12.5],
  ]);
  const batch = { items: [{ amount: 1 }, { amount: 2 }], atomic: true };
  assert.equal((await auto.done("POST", "customers/bea/consume-batch", batch)).balance, 7);
  for (const id of ["anna", "hannah", "carl", "bea"]) {
    assert.equal((await auto.customer(id)).tier_id, "free", id);
    await assertSound(engine, auto.key, id);
  }
});

test("a first consume that is refused creates nobody", async () => {
  const auto = await Shop.open(engine, "refusing", [FREE]);
  await auto.settings({ default_tier: "free" });
  const { status, body } = await auto.consume("anna", 10.5);
  assert.deepEqual([status, body.code, body.shortfall], [402, "insufficient_credits", 0.5]);
  assert.equal((await auto.send("GET", "customers/anna")).status, 404);
  assert.deepEqual((await auto.done("GET", "customers")).data, []);
});

test("a customer's own key is enough to begin on the default tier", async () => {
  const auto = await Shop.open(engine, "own-keys", [FREE]);
  await auto.settings({ default_tier: "free", credit_name: "pearls" });
  const { key } = await engine.customerKey(auto.key, "kim");
  const own = new Shop(engine, key);
  assert.equal((await own.consume("kim", 1)).body.balance, 9);
  const balance = await own.done("GET", "customers/kim/balance");
  assert.deepEqual([balance.balance, balance.credit_name], [9, "pearls"]);
});

test("a change of tier with reset_balance begins a period now and ends the old credits", async () => {
  const made = await shop.create("reset", { tier_id: "free", anchor: "2026-01-15T00:00:00Z" });
  await shop.credit("reset", 7);
  await shop.consume("reset", 4);
  const path = "customers/reset/tier";
  const moved = await shop.done("POST", path, { tier_id: "pro", reset_balance: true });
  assert.deepEqual([moved.tier_id, moved.balance, moved.replayed], ["pro", 107, false]);
  assert.ok(moved.period_start > made.created_at);
  assert.equal(moved.period_end.slice(10), moved.period_start.slice(10), "counted from now");
  assert.deepEqual(await shop.history("reset"), [
    ["allocation", 10, 10],
    ["topup", 7, 17],
    ["consumption", -4, 13],
    ["expiry", -6, 7],
    ["allocation", 100, 107],
  ]);
  assert.deepEqual(await shop.grants("reset"), [
    ["period", 100],
    ["topup", 7],
  ]);
  const back = await shop.done("POST", path, {
    tier_id: "free",
    reset_balance: true,
    anchor: "2026-01-03T12:00:00Z",
  });
  assert.deepEqual([back.tier_id, back.balance], ["free", 17]);
  assert.match(back.period_end, /-03T12:00:00\.000Z$/);
  await assertSound(engine, shop.key, "reset");
});

test("a change of tier without reset_balance leaves the running period as it is", async () => {
  const made = await shop.create("kept", { tier_id: "free", anchor: "2026-01-15T00:00:00Z" });
  await shop.consume("kept", 4);
  const moved = await shop.done("POST", "customers/kept/tier", { tier_id: "pro" });
  assert.deepEqual([moved.tier_id, moved.balance], ["pro", 6]);
  assert.deepEqual([moved.period_start, moved.period_end], [made.period_start, made.period_end]);
  assert.deepEqual(await shop.grants("kept"), [["period", 6]]);
  const anchored = { tier_id: "free", anchor: "2026-01-01T00:00:00Z" };
  const refused = await shop.send("POST", "customers/kept/tier", anchored);
  assert.deepEqual([refused.status, refused.body.field], [400, "anchor"]);
});

test("a customer without a tier gets the first allocation of its first one at once", async () => {
  await shop.credit("upgrader", 5);
  const body = { tier_id: "pro", anchor: "2026-01-20T00:00:00Z" };
  const moved = await shop.done("POST", "customers/upgrader/tier", body);
  assert.deepEqual([moved.balance, moved.tier_id], [105, "pro"]);
  assert.match(moved.period_end, /-20T00:00:00\.000Z$/);
});

test("a change of tier is done once per key, and only by who may write", async () => {
  await shop.create("keyed", { tier_id: "free" });
  const headers = { "Idempotency-Key": "tier-1" };
  const send = (tier_id: string, key = shop.key) =>
    engine.send("POST", "/v1/customers/keyed/tier", {
      key,
      body: { tier_id, reset_balance: true },
      headers,
    });
  assert.equal((await send("pro")).body.balance, 100);
  const again = await send("pro");
  assert.deepEqual([again.body.replayed, again.body.balance], [true, 100]);
  assert.equal((await send("daily")).status, 422);
  const { key } = await engine.customerKey(shop.key, "keyed");
  assert.deepEqual((await send("pro", key)).status, 403);
  assert.deepEqual(await shop.history("keyed"), [
    ["allocation", 10, 10],
    ["expiry", -10, 0],
    ["allocation", 100, 100],
  ]);
});

test("who is unknown has no tier, and a tier that is unknown is none", async () => {
  const unknown = await shop.send("POST", "customers/nobody/tier", { tier_id: "pro" });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "not_found"]);
  await shop.create("loyal", { tier_id: "free" });
  const none = await shop.send("POST", "customers/loyal/tier", { tier_id: "none" });
  assert.deepEqual([none.status, none.body.field], [400, "tier_id"]);
  assert.equal((await shop.customer("loyal")).tier_id, "free");
});

test("a customer that is deleted and comes back begins anew", async () => {
  await shop.create("phoenix", { tier_id: "pro", settings: { credit_name: "ashes" } });
  await shop.done("DELETE", "customers/phoenix");
  const again = await shop.create("phoenix", { tier_id: "free" });
  assert.deepEqual([again.tier_id, again.balance], ["free", 10]);
  assert.equal((await shop.done("GET", "customers/phoenix/balance")).credit_name, "credits");
});
