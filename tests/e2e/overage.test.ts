import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clockAt, Engine, type Json } from "./engine.ts";
import { Shop } from "./plans.ts";
import { assertSound } from "./watch.ts";

const TIERS = [
  { id: "blocking", allocation: 10, period: "month", overage_mode: "block" },
  { id: "plain", allocation: 10, period: "month" },
];

let engine: Engine;
let shop: Shop;
before(async () => {
  engine = await Engine.start();
  shop = await Shop.open(engine, "shop", TIERS);
  await shop.settings({ overage_mode: "allow", overage_limit: 5 });
});
after(() => engine.end());

/** A charge that must succeed: the balance after it. */
async function spend(id: string, amount: number, more: Json = {}): Promise<number> {
  const { status, body } = await shop.consume(id, amount, more);
  assert.equal(status, 200, JSON.stringify(body));
  return body.balance;
}

test("overage goes into debt down to its limit, by the millionth and no further", async () => {
  await shop.credit("debtor", 3);
  assert.equal(await spend("debtor", 4), -1);
  const { status, body } = await shop.consume("debtor", 4.000001);
  assert.deepEqual(
    [status, body.code, body.balance, body.available, body.requested, body.shortfall],
    [402, "insufficient_credits", -1, -1, 4.000001, 0.000001],
  );
  assert.equal(await spend("debtor", 4), -5);
  assert.equal((await shop.consume("debtor", 0.000001)).status, 402);
  const overage = (await shop.transactions("debtor")).map((row) => row.overage);
  assert.deepEqual(overage, [undefined, 1, 4], "the part that no credits were there for");
  await assertSound(engine, shop.key, "debtor");
});

test("many charges at once do not pass the overage limit together", async () => {
  await shop.credit("crowd", 2);
  const answers = await Promise.all(Array.from({ length: 40 }, () => shop.consume("crowd", 0.5)));
  const taken = answers.filter(({ status }) => status === 200).length;
  assert.equal(taken, 14, "7 credits in halves");
  assert.equal((await shop.customer("crowd")).balance, -5);
  await assertSound(engine, shop.key, "crowd");
});

test("the next credit pays the debt first", async () => {
  await shop.credit("payer", 1);
  assert.equal(await spend("payer", 4), -3);
  assert.deepEqual(await shop.grants("payer"), []);
  assert.equal((await shop.credit("payer", 2)).balance, -1);
  assert.deepEqual(await shop.grants("payer"), [], "it went into the debt");
  assert.equal((await shop.credit("payer", 10)).balance, 9);
  assert.deepEqual(await shop.grants("payer"), [["topup", 9]]);
  assert.deepEqual(await shop.history("payer"), [
    ["topup", 1, 1],
    ["consumption", -4, -3],
    ["topup", 2, -1],
    ["topup", 10, 9],
  ]);
  await assertSound(engine, shop.key, "payer");
});

test("a quote says what a charge does, within overage and beyond it", async () => {
  await shop.credit("quoted", 1);
  assert.deepEqual(await shop.check("quoted", 6), {
    allowed: true,
    balance: 1,
    available: 1,
    required: 6,
    shortfall: 0,
  });
  const beyond = await shop.check("quoted", 6.5);
  assert.deepEqual(
    [beyond.allowed, beyond.shortfall, beyond.reason],
    [false, 0.5, "insufficient_credits"],
  );
  assert.equal((await shop.consume("quoted", 6.5)).body.shortfall, 0.5);
  assert.equal(await spend("quoted", 6), -5);
});

test("a hold may go into overage as a charge does", async () => {
  await shop.credit("holder", 2);
  const start = { user_id: "holder", amount: 6 };
  const held = await shop.done("POST", "usage-transactions", start);
  assert.equal(held.continue, true);
  assert.equal((await shop.customer("holder")).available, -4);
  assert.equal((await shop.consume("holder", 1.5)).status, 402);
  const path = `usage-transactions/${held.transaction_id}/complete`;
  const done = await shop.done("POST", path, { success: true });
  assert.deepEqual([done.credits_used, done.balance], [6, -4]);
  const more = await shop.done("POST", "usage-transactions", { user_id: "holder", amount: 1.5 });
  assert.deepEqual([more.continue, more.balance], [false, -4]);
  await assertSound(engine, shop.key, "holder");
});

test("a tier's mode is over the project's, and the customer's own over both", async () => {
  await shop.create("modes", { tier_id: "blocking" });
  assert.equal((await shop.consume("modes", 12)).status, 402);
  const path = "customers/modes/settings";
  await shop.done("PATCH", path, { overage_mode: "allow" });
  assert.equal(await spend("modes", 12), -2);
  await shop.done("PATCH", path, { overage_limit: 2 });
  assert.equal((await shop.consume("modes", 0.5)).status, 402);
  await shop.done("PATCH", path, { overage_mode: null, overage_limit: null });
  assert.equal((await shop.consume("modes", 0.5)).body.shortfall, 2.5, "debt and all");
});

test("an unknown customer has no overage", async () => {
  assert.equal((await shop.consume("stranger", 1)).status, 402);
  assert.equal((await shop.send("GET", "customers/stranger")).status, 404);
});

test("a day's limit holds from midnight to midnight UTC, a period's for the period", async () => {
  const later = await Engine.start({ env: clockAt("2044-03-30T22:00:00Z") });
  try {
    const limited = await Shop.open(later, "limited", TIERS);
    await limited.settings({
      spend_limits: [
        { per: "day", amount: 4 },
        { per: "period", amount: 9 },
      ],
    });
    await limited.create("spender", { tier_id: "plain", anchor: "2044-03-10T00:00:00Z" });
    await limited.credit("spender", 100);
    assert.equal((await limited.consume("spender", 3)).status, 200);
    const { status, body } = await limited.consume("spender", 1.5);
    assert.equal(status, 402);
    const { code, balance, requested, spent, limit, per, feature } = body;
    assert.deepEqual(
      { code, balance, requested, spent, limit, per, feature },
      {
        code: "limit_reached",
        balance: 107,
        requested: 1.5,
        spent: 3,
        limit: 4,
        per: "day",
        feature: null,
      },
    );
    const quote = await limited.check("spender", 1.5);
    assert.deepEqual([quote.allowed, quote.reason, quote.shortfall], [false, "limit_reached", 0]);
    assert.equal((await limited.consume("spender", 1)).status, 200);
    await later.travel("2044-03-31T00:00:00Z");
    assert.equal((await limited.consume("spender", 4)).status, 200);
    await later.travel("2044-04-01T00:00:00Z");
    const period = (await limited.consume("spender", 2)).body;
    assert.deepEqual([period.per, period.spent, period.limit], ["period", 8, 9]);
    assert.equal((await limited.consume("spender", 1)).status, 200);
    await later.travel("2044-04-10T00:00:00Z");
    assert.equal((await limited.consume("spender", 4)).status, 200);
    // Without a tier the period is the calendar's month.
    await limited.credit("tierless", 100);
    assert.equal((await limited.consume("tierless", 4)).status, 200);
    await later.travel("2044-04-20T00:00:00Z");
    assert.equal((await limited.consume("tierless", 4)).status, 200);
    await later.travel("2044-04-30T00:00:00Z");
    assert.equal((await limited.consume("tierless", 2)).body.per, "period");
    await later.travel("2044-05-01T00:00:00Z");
    assert.equal((await limited.consume("tierless", 2)).status, 200);
    await assertSound(later, limited.key, "spender");
  } finally {
    await later.end();
  }
});

test("a limit of one feature counts that feature, holds included, and what is given back", async () => {
  const limited = await Shop.open(engine, "features");
  await limited.settings({ spend_limits: [{ per: "day", amount: 5, feature: "chat" }] });
  await limited.credit("fan", 100);
  const chat = { feature: "chat" };
  const charge = await limited.consume("fan", 3, chat);
  assert.equal((await limited.consume("fan", 50, { feature: "image" })).status, 200);
  assert.equal((await limited.consume("fan", 20)).status, 200);
  const hold = { user_id: "fan", amount: 1.5, feature_identifier: "chat" };
  const held = await limited.done("POST", "usage-transactions", hold);
  assert.equal(held.continue, true);
  const { body } = await limited.consume("fan", 1, chat);
  assert.deepEqual([body.code, body.spent, body.feature], ["limit_reached", 4.5, "chat"]);
  const refused = await limited.done("POST", "usage-transactions", hold);
  assert.deepEqual([refused.continue, refused.transaction_id], [false, null]);
  const complete = `usage-transactions/${held.transaction_id}/complete`;
  await limited.done("POST", complete, { success: false });
  assert.equal((await limited.consume("fan", 1, chat)).status, 200, "4 of 5");
  const refund = { amount: 2, type: "refund", refund_of: charge.body.transaction_id };
  await limited.done("POST", "customers/fan/credits", refund);
  assert.equal((await limited.consume("fan", 3, chat)).status, 200, "5 of 5");
  assert.equal((await limited.consume("fan", 0.000001, chat)).body.spent, 5);
});

test("work that was done under a hold is charged, whatever the limit", async () => {
  const limited = await Shop.open(engine, "works");
  await limited.credit("worker", 100);
  const hold = { user_id: "worker", amount: 2 };
  const { transaction_id } = await limited.done("POST", "usage-transactions", hold);
  await limited.settings({ spend_limits: [{ per: "day", amount: 1 }] });
  const path = `usage-transactions/${transaction_id}/complete`;
  const done = await limited.done("POST", path, { success: true, amount: 3 });
  assert.deepEqual([done.credits_used, done.balance], [3, 97]);
  assert.equal((await limited.consume("worker", 1)).body.code, "limit_reached");
});

test("a batch that passes a limit is refused at the item that does", async () => {
  const limited = await Shop.open(engine, "batches");
  await limited.settings({ spend_limits: [{ per: "day", amount: 5 }] });
  await limited.credit("packer", 100);
  const items = [{ amount: 3 }, { amount: 3 }, { amount: 2 }];
  const path = "customers/packer/consume-batch";
  const all = await limited.send("POST", path, { items, atomic: true });
  assert.deepEqual([all.status, all.body.code, all.body.item], [402, "limit_reached", 1]);
  assert.equal((await limited.customer("packer")).balance, 100);
  const each = await limited.done("POST", path, { items, atomic: false });
  assert.deepEqual(
    each.results.map(({ status }: Json) => status),
    [200, 402, 200],
  );
});

test("limits of a customer's own are in place of the project's, none of them too", async () => {
  const limited = await Shop.open(engine, "owns");
  await limited.settings({ spend_limits: [{ per: "day", amount: 1 }] });
  const own = { spend_limits: [{ per: "day", amount: 3 }] };
  await limited.create("vip", { settings: own });
  await limited.credit("vip", 100);
  assert.equal((await limited.consume("vip", 2)).status, 200);
  assert.equal((await limited.consume("vip", 2)).body.limit, 3);
  const path = "customers/vip/settings";
  await limited.done("PATCH", path, { spend_limits: [] });
  assert.equal((await limited.consume("vip", 50)).status, 200);
  await limited.done("PATCH", path, { spend_limits: null });
  // What was charged while there was no limit is not counted.
  assert.equal((await limited.consume("vip", 0.5)).status, 200);
  const { spent, limit } = (await limited.consume("vip", 0.75)).body;
  assert.deepEqual([spent, limit], [0.5, 1]);
});
