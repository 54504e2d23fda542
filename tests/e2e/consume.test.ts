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

const consume = (id: string, body: Json, headers: Record<string, string> = {}): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/consume`, { key, body, headers });
const raw = (id: string, text: string): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/consume`, { key, raw: text });
const balance = async (id: string): Promise<number> =>
  (await engine.send("GET", `/v1/customers/${id}/balance`, { key })).body.balance;
const isReplay = ({ body, headers }: Answer): boolean =>
  body.replayed && headers.get("Idempotent-Replayed") === "true";

test("a charge takes the amount and says what is left", async () => {
  await engine.customer(key, "anna", 10);
  const { status, body, headers } = await consume("anna", { amount: 2.5 });
  const { transaction_id, ...rest } = body;
  assert.equal(status, 200);
  assert.deepEqual(rest, { success: true, balance: 7.5, amount: 2.5, replayed: false, seq: 2 });
  assert.match(transaction_id, /^txn_\w+$/);
  assert.equal(headers.get("Idempotent-Replayed"), null);
});

test("a charge keeps what it was for", async () => {
  await engine.customer(key, "noted", 10);
  const body = {
    amount: 1,
    description: "one summary",
    metadata: { request: "r-1", nested: { deep: [1, 2.5, null] } },
    feature: "digest",
    idempotency_key: "noted-1",
  };
  const { transaction_id } = (await consume("noted", body)).body;
  const read = await engine.send("GET", `/v1/transactions/${transaction_id}`, { key });
  const { created_at, seq, ...transaction } = read.body;
  assert.deepEqual(transaction, {
    id: transaction_id,
    customer_id: "noted",
    type: "consumption",
    amount: -1,
    balance_after: 9,
    description: "one summary",
    service: null,
    action: null,
    model: null,
    feature: "digest",
    metadata: body.metadata,
    idempotency_key: "noted-1",
    hold_id: null,
    refund_of: null,
  });
});

test("a charge takes all or nothing: too few credits are a 402 with the numbers", async () => {
  await engine.customer(key, "short", 4.5);
  const { status, body } = await consume("short", { amount: 12 });
  const { code, balance: left, available, requested, shortfall } = body;
  assert.deepEqual([status, code], [402, "insufficient_credits"]);
  assert.deepEqual([left, available, requested, shortfall], [4.5, 4.5, 12, 7.5]);
  assert.equal(await balance("short"), 4.5);
  assert.equal((await consume("short", { amount: 4.5 })).body.balance, 0);
  assert.equal((await consume("short", { amount: 0.000001 })).status, 402);
});

test("a check says what a consume would, and changes nothing", async () => {
  await engine.customer(key, "checked", 10);
  const check = async (body: Json): Promise<Json> =>
    (await engine.send("POST", "/v1/customers/checked/check", { key, body })).body;
  const before = await engine.audit(key, "checked");
  const yes = { allowed: true, balance: 10, available: 10, required: 10, shortfall: 0 };
  assert.deepEqual(await check({ amount: 10, feature: "f", idempotency_key: "k" }), yes);
  const no = {
    ...yes,
    allowed: false,
    required: 10.000001,
    shortfall: 0.000001,
    reason: "insufficient_credits",
  };
  assert.deepEqual(await check({ amount: 10.000001 }), no);
  await engine.send("POST", "/v1/usage-transactions", {
    key,
    body: { user_id: "checked", amount: 4 },
  });
  assert.deepEqual(await check({ amount: 7 }), {
    allowed: false,
    balance: 10,
    available: 6,
    required: 7,
    shortfall: 1,
    reason: "insufficient_credits",
  });
  assert.equal((await engine.audit(key, "checked")).entries, before.entries + 1, "the hold");
});

test("one key is one charge: the same request answers the first answer again", async () => {
  await engine.customer(key, "keyed", 10);
  const body = { amount: 3, metadata: { a: 1, b: 2 } };
  const first = await consume("keyed", { ...body, idempotency_key: "k" });
  await consume("keyed", { amount: 1 });
  const repeats = [
    await consume("keyed", { ...body, idempotency_key: "k" }),
    await consume("keyed", body, { "Idempotency-Key": "k" }),
    await consume("keyed", { ...body, idempotency_key: "k" }, { "Idempotency-Key": "k" }),
    await raw("keyed", '{ "idempotency_key":"k", "metadata":{"b":2,"a":1}, "amount":3.0 }'),
    await raw("keyed", '{"amount":30e-1,"idempotency_key":"\\u006b","metadata":{"a":1,"b":2}}'),
  ];
  for (const repeat of repeats) {
    assert.ok(isReplay(repeat));
    assert.deepEqual(repeat.body, { ...first.body, replayed: true });
  }
  assert.equal(await balance("keyed"), 6);
});

test("the same key with other parameters is 422 and charges nothing", async () => {
  await engine.customer(key, "reused", 100);
  await consume("reused", { amount: 3, idempotency_key: "k" });
  const before = await engine.audit(key, "reused");
  for (const other of [
    { amount: 3.000001 },
    { amount: 3, description: "other" },
    { amount: 3, metadata: {} },
    { amount: 3, feature: "f" },
  ]) {
    const { status, body } = await consume("reused", { ...other, idempotency_key: "k" });
    assert.deepEqual([status, body.code], [422, "idempotency_key_reused"]);
  }
  const credit = { amount: 3, type: "topup", idempotency_key: "k" };
  const added = await engine.send("POST", "/v1/customers/reused/credits", { key, body: credit });
  assert.equal(added.status, 422, "another operation");
  assert.deepEqual(await engine.audit(key, "reused"), before);
});

test("a key in the body and another in the header are a 400", async () => {
  await engine.customer(key, "two-keys", 10);
  const body = { amount: 1, idempotency_key: "a" };
  const answer = await consume("two-keys", body, { "Idempotency-Key": "b" });
  assert.deepEqual([answer.status, answer.body.code], [400, "invalid_field"]);
  assert.equal(answer.body.field, "idempotency_key");
  assert.equal(await balance("two-keys"), 10);
});

test("a key belongs to one customer", async () => {
  await engine.customer(key, "left", 10);
  await engine.customer(key, "right", 10);
  const body = { amount: 1, idempotency_key: "shared" };
  const both = [await consume("left", body), await consume("right", { ...body, amount: 2 })];
  assert.deepEqual(
    both.map((answer) => [answer.status, answer.body.replayed]),
    [
      [200, false],
      [200, false],
    ],
  );
});

test("a refused operation is not remembered: after a top-up the same key succeeds", async () => {
  await engine.customer(key, "retried", 1);
  const body = { amount: 5, idempotency_key: "k" };
  assert.equal((await consume("retried", body)).status, 402);
  assert.equal((await consume("retried", { ...body, amount: -5 })).status, 400);
  await engine.customer(key, "retried", 4);
  const { status, body: done } = await consume("retried", body);
  assert.deepEqual([status, done.replayed, done.balance], [200, false, 0]);
});

test("a replay wins over a 402 and over a deadline", async () => {
  await engine.customer(key, "spent", 5);
  const body = { amount: 5, idempotency_key: "k" };
  const first = await consume("spent", body);
  assert.ok(isReplay(await consume("spent", body)), "nothing is left, and nothing is charged");
  const late = await consume("spent", { ...body, deadline: "2020-01-01T00:00:00Z" });
  assert.ok(isReplay(late));
  assert.equal(late.body.transaction_id, first.body.transaction_id);
});

test("past its deadline an operation is refused", async () => {
  await engine.customer(key, "dated", 10);
  const deadline = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const body = { amount: 1, idempotency_key: "k" };
  const late = await consume("dated", { ...body, deadline: deadline(-1000) });
  assert.deepEqual([late.status, late.body.code], [409, "deadline_passed"]);
  assert.equal(await balance("dated"), 10);
  const early = await consume("dated", { ...body, deadline: deadline(60_000) });
  assert.deepEqual(
    [early.status, early.body.replayed],
    [200, false],
    "the refusal is not remembered",
  );
  const broke = await consume("dated", { amount: 99, deadline: deadline(-1000) });
  assert.equal(broke.body.code, "deadline_passed", "before looking at the credits");
});

test("of many charges at once with one key one is made", async () => {
  await engine.customer(key, "storm", 100);
  const body = { amount: 1, idempotency_key: "k" };
  const answers = await Promise.all(Array.from({ length: 50 }, () => consume("storm", body)));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(answers.filter(({ body }) => !body.replayed).length, 1);
  assert.equal(new Set(answers.map(({ body }) => body.transaction_id)).size, 1);
  assert.equal((await engine.audit(key, "storm")).journal_balance, 99);
});

test("of many charges at once as many are made as there are credits", async () => {
  await engine.customer(key, "rush", 20);
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => consume("rush", { amount: 1 })),
  );
  const made = answers.filter(({ status }) => status === 200);
  assert.equal(made.length, 20);
  assert.ok(answers.every(({ status }) => status === 200 || status === 402));
  const balances = made.map(({ body }) => body.balance).sort((a, b) => a - b);
  assert.deepEqual(
    balances,
    Array.from({ length: 20 }, (_, index) => index),
  );
  assert.equal(new Set(made.map(({ body }) => body.seq)).size, 20);
});
