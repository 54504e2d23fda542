import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
});
after(() => engine.end());

const add = (id: string, body: Json, headers: Record<string, string> = {}): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/credits`, { key, body, headers });
const consume = (id: string, amount: number): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/consume`, { key, body: { amount } });
const breakdown = async (id: string): Promise<Json> =>
  (await engine.send("GET", `/v1/customers/${id}/balance?include=breakdown`, { key })).body;
const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
const DAY = 86_400_000;

test("a top-up adds a grant and says what the balance became", async () => {
  const first = await add("anna", { amount: 10.5, type: "topup" });
  const { transaction_id, grant_id, ...rest } = first.body;
  assert.deepEqual(rest, { balance: 10.5, amount: 10.5, replayed: false, seq: 1 });
  assert.match(transaction_id, /^txn_\w+$/);
  const second = await add("anna", { amount: 0.000001, type: "topup" });
  assert.deepEqual([second.body.balance, second.body.seq], [10.500001, 2]);
  const { breakdown: grants } = await breakdown("anna");
  assert.deepEqual(
    grants.map(({ grant_id, amount }: Json) => [grant_id, amount]),
    [
      [grant_id, 10.5],
      [second.body.grant_id, 0.000001],
    ],
  );
});

test("credits burn by priority, then by expiry, then by age", async () => {
  const grants: Json[] = [
    { product: "topup, old" },
    { product: "topup, new" },
    { product: "refund", source: "refund" },
    { product: "topup, expires late", expires_at: soon(30 * DAY) },
    { product: "topup, expires soon", expires_at: soon(10 * DAY) },
    { product: "rollover", source: "rollover" },
    { product: "daily", source: "daily" },
    { product: "period", source: "period", expires_at: soon(5 * DAY) },
    { product: "prototype", source: "prototype" },
    { product: "first of all", priority: 0 },
    { product: "last of all", priority: 1_000_000, expires_at: soon(DAY) },
  ];
  for (const grant of grants) await add("burner", { amount: 1, type: "topup", ...grant });
  const order = [
    "first of all",
    "prototype",
    "period",
    "daily",
    "rollover",
    "topup, expires soon",
    "topup, expires late",
    "topup, old",
    "topup, new",
    "refund",
    "last of all",
  ];
  const products = async (): Promise<string[]> =>
    (await breakdown("burner")).breakdown.map(({ product }: Json) => product);
  assert.deepEqual(await products(), order);
  const { breakdown: listed } = await breakdown("burner");
  assert.deepEqual(
    listed.map(({ priority }: Json) => priority),
    [0, 10, 20, 20, 30, 40, 40, 40, 40, 40, 1_000_000],
  );
  for (let burnt = 1; burnt < order.length; burnt += 1) {
    await consume("burner", 1);
    assert.deepEqual(await products(), order.slice(burnt));
  }
});

test("a charge takes from as many grants as it needs", async () => {
  await add("parts", { amount: 5, type: "topup", product: "a" });
  await add("parts", { amount: 5, type: "topup", product: "b", source: "prototype" });
  await consume("parts", 7.25);
  const { breakdown: grants, balance } = await breakdown("parts");
  assert.equal(balance, 2.75);
  assert.deepEqual(
    grants.map(({ product, amount, remaining }: Json) => [product, amount, remaining]),
    [["a", 5, 2.75]],
  );
});

test("an adjustment may be negative, but takes no more than there is", async () => {
  await add("adjusted", { amount: 10, type: "adjustment" });
  const less = await add("adjusted", { amount: -4, type: "adjustment", description: "error" });
  assert.deepEqual([less.body.balance, less.body.amount, "grant_id" in less.body], [6, -4, false]);
  const beyond = await add("adjusted", { amount: -6.000001, type: "adjustment" });
  assert.equal(beyond.status, 402);
  assert.deepEqual([beyond.body.requested, beyond.body.shortfall], [6.000001, 0.000001]);
  for (const type of ["topup", "refund"]) {
    const { status, body } = await add("adjusted", { amount: -1, type });
    assert.deepEqual([status, body.code], [400, "invalid_amount"]);
  }
});

test("refunds of one charge never exceed what it charged", async () => {
  await engine.customer(key, "refunded", 10);
  const { transaction_id: refund_of } = (await consume("refunded", 6)).body;
  const refund = (amount: number): Promise<Answer> =>
    add("refunded", { amount, type: "refund", refund_of });
  assert.equal((await refund(4)).body.balance, 8);
  const more = await refund(2.000001);
  assert.deepEqual([more.status, more.body.code], [400, "invalid_amount"]);
  assert.equal((await refund(2)).body.balance, 10);
  const rest = await refund(0.000001);
  assert.deepEqual([rest.status, rest.body.code], [400, "invalid_amount"]);
  const { body } = await engine.send("GET", "/v1/customers/refunded/transactions?type=refund", {
    key,
  });
  assert.deepEqual(
    body.data.map((entry: Json) => [entry.amount, entry.refund_of]),
    [
      [2, refund_of],
      [4, refund_of],
    ],
  );
});

test("many refunds at once give back a charge once", async () => {
  await engine.customer(key, "raced", 10);
  const { transaction_id: refund_of } = (await consume("raced", 6)).body;
  const body = { amount: 2, type: "refund", refund_of };
  const answers = await Promise.all(Array.from({ length: 12 }, () => add("raced", body)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 3);
  assert.equal((await engine.audit(key, "raced")).journal_balance, 10);
});

test("a refund names a charge of this customer, or no charge at all", async () => {
  await engine.customer(key, "owner", 10);
  await engine.customer(key, "other", 10);
  const charge = (await consume("owner", 5)).body.transaction_id;
  const topup = (await add("other", { amount: 1, type: "topup" })).body.transaction_id;
  const wrong = [charge, topup, "txn_x", "", charge.replace("txn_", "grant_"), `${charge}0`];
  for (const refund_of of wrong) {
    const { status, body } = await add("other", { amount: 1, type: "refund", refund_of });
    assert.deepEqual(
      [status, body.code, body.field],
      [400, "invalid_field", "refund_of"],
      refund_of,
    );
  }
  const kind = await add("owner", { amount: 1, type: "topup", refund_of: charge });
  assert.deepEqual([kind.status, kind.body.field], [400, "refund_of"]);
  assert.equal((await add("other", { amount: 1, type: "refund" })).status, 200);
  assert.equal((await engine.audit(key, "other")).journal_balance, 12);
  assert.equal((await engine.audit(key, "owner")).journal_balance, 5);
});

test("credits are spendable from effective_at until expires_at, and leave by an expiry", async () => {
  await add("timed", { amount: 3, type: "topup", effective_at: soon(DAY) });
  const later = await breakdown("timed");
  assert.deepEqual([later.balance, later.available], [3, 0]);
  assert.equal((await consume("timed", 1)).status, 402);
  const expires_at = soon(DAY / 24);
  await add("timed", { amount: 2, type: "topup", expires_at });
  assert.deepEqual((await breakdown("timed")).available, 2);
  assert.equal((await consume("timed", 0.5)).status, 200);
  await engine.travel(expires_at);
  const after = await breakdown("timed");
  assert.deepEqual([after.balance, after.available, after.breakdown.length], [3, 0, 1]);
  const { body } = await engine.send("GET", "/v1/customers/timed/transactions?limit=1", { key });
  const { type, amount, balance_after } = body.data[0];
  assert.deepEqual([type, amount, balance_after], ["expiry", -1.5, 3]);
  await engine.audit(key, "timed");
});

test("an expiry lies ahead and behind effective_at", async () => {
  const amount = { amount: 1, type: "topup" };
  for (const times of [
    { expires_at: soon(-1000) },
    { expires_at: "2020-01-01T00:00:00Z" },
    { effective_at: soon(2 * DAY), expires_at: soon(DAY) },
  ]) {
    const { status, body } = await add("times", { ...amount, ...times });
    assert.deepEqual([status, body.code, body.field], [400, "invalid_field", "expires_at"]);
  }
  assert.equal(
    (await add("times", { ...amount, expires_at: "2999-12-31T23:00:00+01:00" })).status,
    200,
  );
  const { breakdown: grants } = await breakdown("times");
  assert.equal(grants[0].expires_at, "2999-12-31T22:00:00.000Z");
});

test("a balance never passes 9000000000 credits, and is exact up to there", async () => {
  // As text: this number's nearest double is another amount.
  const topup = (amount: string): Promise<Answer> => {
    const raw = `{"amount":${amount},"type":"topup"}`;
    return engine.send("POST", "/v1/customers/rich/credits", { key, raw });
  };
  await topup("8999999999.999999");
  const beyond = await topup("0.000002");
  assert.deepEqual([beyond.status, beyond.body.code], [400, "invalid_amount"]);
  assert.equal((await topup("1e-6")).body.balance, 9_000_000_000);
  assert.equal((await consume("rich", 9_000_000_000)).body.balance, 0);
});

test("one key is one credit: a replay adds nothing and says so", async () => {
  const body = { amount: 20, type: "topup", metadata: { order: 1 } };
  const headers = { "Idempotency-Key": "order-1" };
  const first = await add("keyed", body, headers);
  assert.equal(first.headers.get("Idempotent-Replayed"), null);
  await consume("keyed", 5);
  for (const again of [
    await add("keyed", body, headers),
    await add("keyed", { ...body, idempotency_key: "order-1" }),
    await add("keyed", { metadata: { order: 1 }, type: "topup", amount: 20 }, headers),
  ]) {
    assert.equal(again.headers.get("Idempotent-Replayed"), "true");
    assert.deepEqual(again.body, { ...first.body, replayed: true });
  }
  for (const other of [{ amount: 21 }, { type: "adjustment" }, { metadata: { order: 2 } }]) {
    const { status, body: problem } = await add("keyed", { ...body, ...other }, headers);
    assert.deepEqual([status, problem.code], [422, "idempotency_key_reused"]);
  }
  assert.equal((await engine.audit(key, "keyed")).journal_balance, 15);
});
