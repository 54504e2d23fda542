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

const post = (path: string, body: Json, headers: Record<string, string> = {}): Promise<Answer> =>
  engine.send("POST", `/v1/usage-transactions${path}`, { key, body, headers });
const start = (user_id: string, body: Json): Promise<Answer> => post("", { user_id, ...body });
const complete = (id: string, body: Json): Promise<Answer> => post(`/${id}/complete`, body);
const state = async (id: string): Promise<Json> =>
  (await engine.send("GET", `/v1/usage-transactions/${id}`, { key })).body;
const balance = async (id: string): Promise<number[]> => {
  const { body } = await engine.send("GET", `/v1/customers/${id}/balance`, { key });
  return [body.balance, body.available, body.held];
};
const secondsAhead = (at: string): number => (Date.parse(at) - Date.now()) / 1000;

test("a hold takes its credits out of available at once and leaves the balance", async () => {
  await engine.customer(key, "anna", 100);
  const { status, body } = await start("anna", { amount: 30, feature_identifier: "chat" });
  const { transaction_id, expires_at, message, ...rest } = body;
  assert.equal(status, 200);
  const answer = { continue: true, balance: 100, credits_used: 30, replayed: false, seq: 2 };
  assert.deepEqual(rest, answer);
  assert.ok(Math.abs(secondsAhead(expires_at) - 900) < 10, "900 seconds by default");
  assert.deepEqual(await balance("anna"), [100, 70, 30]);
  const { created_at, ...read } = await state(transaction_id);
  assert.deepEqual(read, {
    transaction_id,
    state: "pending",
    customer_id: "anna",
    held: 30,
    credits_used: 0,
    feature_identifier: "chat",
    model: null,
    expires_at,
    late: false,
  });
  const consumed = await engine.send("POST", "/v1/customers/anna/consume", {
    key,
    body: { amount: 71 },
  });
  assert.deepEqual([consumed.status, consumed.body.available], [402, 70]);
});

test("not enough credits are a 200 with continue false and no hold", async () => {
  await engine.customer(key, "poor", 5);
  for (const user_id of ["poor", "unknown"]) {
    const { status, body } = await start(user_id, { amount: 5.000001 });
    assert.deepEqual([status, body.continue, body.transaction_id], [200, false, null]);
    assert.deepEqual([body.credits_used, body.expires_at, "seq" in body], [0, null, false]);
  }
  assert.deepEqual(await balance("poor"), [5, 5, 0]);
  assert.equal((await engine.audit(key, "poor")).entries, 1);
});

test("completing with less gives back the rest, with more charges on top", async () => {
  await engine.customer(key, "both", 100);
  const less = (await start("both", { amount: 10, feature_identifier: "f" })).body.transaction_id;
  const given = await complete(less, { success: true, amount: 7.5 });
  const { seq, ...rest } = given.body;
  assert.deepEqual(rest, {
    transaction_id: less,
    credits_used: 7.5,
    balance: 92.5,
    balance_adjustment: 2.5,
    replayed: false,
  });
  const more = (await start("both", { amount: 10 })).body.transaction_id;
  const { body } = await complete(more, { success: true, amount: 12.5 });
  assert.deepEqual([body.credits_used, body.balance, body.balance_adjustment], [12.5, 80, -2.5]);
  assert.deepEqual(await balance("both"), [80, 80, 0]);
  assert.deepEqual((await state(less)).state, "completed");
  const list = await engine.send("GET", "/v1/customers/both/transactions?type=consumption", {
    key,
  });
  assert.deepEqual(
    list.body.data.map(({ amount, hold_id, feature }: Json) => [amount, hold_id, feature]),
    [
      [-12.5, more, null],
      [-7.5, less, "f"],
    ],
  );
});

test("completing without numbers charges the whole hold, or nothing after a failure", async () => {
  await engine.customer(key, "plain", 100);
  const done = (await start("plain", { amount: 10 })).body.transaction_id;
  assert.equal((await complete(done, { success: true })).body.credits_used, 10);
  const failed = (await start("plain", { amount: 10 })).body.transaction_id;
  const { body } = await complete(failed, { success: false });
  assert.deepEqual([body.credits_used, body.balance, body.balance_adjustment], [0, 90, 10]);
  assert.equal((await state(failed)).state, "failed");
  assert.deepEqual(await balance("plain"), [90, 90, 0]);
});

test("a failure with an amount is a 400 and leaves the hold pending", async () => {
  await engine.customer(key, "odd", 10);
  const id = (await start("odd", { amount: 5 })).body.transaction_id;
  const { status, body } = await complete(id, { success: false, amount: 1 });
  assert.deepEqual([status, body.code, body.field], [400, "invalid_field", "amount"]);
  assert.equal((await state(id)).state, "pending");
});

test("completing twice with the same numbers replays, with others is 409", async () => {
  await engine.customer(key, "twice", 10);
  const id = (await start("twice", { amount: 5 })).body.transaction_id;
  const first = await complete(id, { success: true, amount: 3 });
  const again = await complete(id, { success: true, amount: 3 });
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  assert.equal(again.headers.get("Idempotent-Replayed"), "true");
  for (const other of [{ success: true, amount: 4 }, { success: true }, { success: false }]) {
    const { status, body } = await complete(id, other);
    assert.deepEqual([status, body.code], [409, "already_completed"]);
  }
  assert.deepEqual(await balance("twice"), [7, 7, 0]);
});

test("many completions at once charge once", async () => {
  await engine.customer(key, "raced", 100);
  const id = (await start("raced", { amount: 50 })).body.transaction_id;
  const amounts = Array.from({ length: 20 }, (_, index) => 1 + (index % 2));
  const answers = await Promise.all(
    amounts.map((amount) => complete(id, { success: true, amount })),
  );
  assert.equal(answers.filter(({ status, body }) => status === 200 && !body.replayed).length, 1);
  const charged = answers.find(({ status }) => status === 200)?.body.credits_used;
  assert.deepEqual(await balance("raced"), [100 - charged, 100 - charged, 0]);
});

test("what is not available becomes a debt, and the next credits pay it", async () => {
  await engine.customer(key, "debtor", 10);
  const id = (await start("debtor", { amount: 10 })).body.transaction_id;
  const { body } = await complete(id, { success: true, amount: 25 });
  assert.deepEqual([body.balance, body.balance_adjustment], [-15, -15]);
  assert.deepEqual(await balance("debtor"), [-15, -15, 0]);
  await engine.customer(key, "debtor", 20);
  assert.deepEqual(await balance("debtor"), [5, 5, 0]);
  await engine.audit(key, "debtor");
});

test("a hold can be extended ten times", async () => {
  await engine.customer(key, "longer", 10);
  const id = (await start("longer", { amount: 1, expires_in: 60 })).body.transaction_id;
  for (let times = 1; times <= 10; times += 1) {
    const { status, body } = await post(`/${id}/extend`, { expires_in: 100 * times });
    assert.deepEqual([status, body.transaction_id, body.replayed], [200, id, false]);
    assert.ok(Math.abs(secondsAhead(body.expires_at) - 100 * times) < 10);
    assert.equal((await state(id)).expires_at, body.expires_at);
  }
  const { status, body } = await post(`/${id}/extend`, { expires_in: 100 });
  assert.deepEqual([status, body.code], [400, "invalid_field"]);
});

test("starting, extending and completing under one key happen once", async () => {
  await engine.customer(key, "keyed", 100);
  const body = { user_id: "keyed", amount: 10, idempotency_key: "start" };
  const first = await post("", body);
  const again = await post("", { ...body, amount: 10 }, { "Idempotency-Key": "start" });
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  assert.equal(again.headers.get("Idempotent-Replayed"), "true");
  assert.equal((await post("", { ...body, amount: 11 })).body.code, "idempotency_key_reused");
  assert.deepEqual(await balance("keyed"), [100, 90, 10]);

  const id = first.body.transaction_id;
  const other = (await start("keyed", { amount: 1 })).body.transaction_id;
  const headers = { "Idempotency-Key": "extend" };
  const extended = await post(`/${id}/extend`, { expires_in: 60 }, headers);
  const extendedAgain = await post(`/${id}/extend`, { expires_in: 60 }, headers);
  assert.deepEqual(extendedAgain.body, { ...extended.body, replayed: true });
  const otherHold = await post(`/${other}/extend`, { expires_in: 60 }, headers);
  assert.deepEqual([otherHold.status, otherHold.body.code], [422, "idempotency_key_reused"]);

  const settle = { "Idempotency-Key": "settle" };
  const done = await post(`/${id}/complete`, { success: true, amount: 2 }, settle);
  const doneAgain = await post(`/${id}/complete`, { success: true, amount: 2 }, settle);
  assert.deepEqual(doneAgain.body, { ...done.body, replayed: true });
  const changed = await post(`/${id}/complete`, { success: true, amount: 3 }, settle);
  assert.deepEqual([changed.status, changed.body.code], [422, "idempotency_key_reused"]);
  assert.deepEqual(await balance("keyed"), [98, 97, 1]);
});

test("continue false is not remembered, and a late start is refused", async () => {
  const body = { user_id: "patient", amount: 10, idempotency_key: "k" };
  await engine.customer(key, "patient", 1);
  assert.equal((await post("", body)).body.continue, false);
  await engine.customer(key, "patient", 9);
  assert.deepEqual(
    [(await post("", body)).body.continue, (await post("", body)).body.replayed],
    [true, true],
  );
  const deadline = new Date(Date.now() - 1000).toISOString();
  const late = await post("", { user_id: "patient", amount: 0, deadline });
  assert.deepEqual([late.status, late.body.code], [409, "deadline_passed"]);
});

test("a customer key starts for its own customer without naming it", async () => {
  await engine.customer(key, "self", 10);
  const own = (await engine.customerKey(key, "self")).key;
  const started = await engine.send("POST", "/v1/usage-transactions", {
    key: own,
    body: { amount: 4 },
  });
  assert.equal(started.body.continue, true);
  const path = `/v1/usage-transactions/${started.body.transaction_id}`;
  assert.equal((await engine.send("GET", path, { key: own })).body.customer_id, "self");
  const done = await engine.send("POST", `${path}/complete`, { key: own, body: { success: true } });
  assert.equal(done.body.balance, 6);
});

// At the end: from here on the engine's clock is ahead.
test("a hold that nobody completes is released; completing it then still charges, late", async () => {
  await engine.customer(key, "late", 10);
  const held = (await start("late", { amount: 8, expires_in: 60 })).body;
  const id = held.transaction_id;
  assert.deepEqual(await balance("late"), [10, 2, 8]);
  await engine.travel(held.expires_at);
  assert.deepEqual(await balance("late"), [10, 10, 0]);
  const expired = await state(id);
  assert.deepEqual([expired.state, expired.held, expired.late], ["expired", 0, false]);
  const extended = await post(`/${id}/extend`, { expires_in: 60 });
  assert.deepEqual([extended.status, extended.body.code], [409, "already_completed"]);
  await engine.send("POST", "/v1/customers/late/consume", { key, body: { amount: 7 } });
  const { body } = await complete(id, { success: true, amount: 8 });
  assert.deepEqual([body.credits_used, body.balance, body.balance_adjustment], [8, -5, -8]);
  const completed = await state(id);
  assert.deepEqual([completed.state, completed.late], ["completed", true]);
});
