import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "../e2e/engine.ts";
import { assertSound, balance } from "../e2e/watch.ts";
import { figures, inParallel, SECONDS } from "./order.ts";

const IS_LONG = SECONDS !== undefined;
const ROUNDS = IS_LONG ? 50 : 5;
const CONSUMERS = 1_000;
const PAIRS = IS_LONG ? 10_000 : 1_000;
const PARALLEL = 64;

let engine: Engine;
let live: string;
let test_: string;
before(async () => {
  engine = await Engine.start();
  ({ live, test: test_ } = await engine.project("shop"));
});
after(() => engine.end());

function post(path: string, body: Json, key = live): Promise<Answer> {
  return engine.send("POST", path, { key, body });
}

function times<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)));
}

test(`${CONSUMERS} consumers on a balance of 1: one is served, ${ROUNDS} times`, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const customer = `last-credit-${round}`;
    await engine.customer(live, customer, 1);
    const answers = await times(CONSUMERS, () =>
      post(`/v1/customers/${customer}/consume`, { amount: 1 }),
    );
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ body }) => body.code === "insufficient_credits");
    assert.deepEqual([served.length, refused.length], [1, CONSUMERS - 1]);
    assert.equal((await assertSound(engine, live, customer)).length, 2);
    assert.equal(await balance(engine, live, customer), 0);
  }
  figures(`${ROUNDS} x ${CONSUMERS} consumers on one credit: ${ROUNDS} served, 0 errors`);
});

test(`${PAIRS} reserve-and-settle pairs over 3 grants`, async () => {
  // 3 grants of different ends, together just enough: 2.5 is held, 1.25 settled, a third given up.
  const needed = PAIRS * 1.25 + PARALLEL * 2.5;
  const path = "/v1/customers/worker/credits";
  for (const days of [1, 2, 3]) {
    const expires_at = new Date(Date.now() + days * 86_400_000).toISOString();
    const added = await post(path, {
      amount: Math.ceil(needed / 3),
      type: "topup",
      source: "prototype",
      expires_at,
    });
    assert.equal(added.status, 200, JSON.stringify(added.body));
  }
  const funds = 3 * Math.ceil(needed / 3);
  let settled = 0;
  await inParallel(PARALLEL, PAIRS, async (n) => {
    const start = { user_id: "worker", amount: 2.5 };
    const hold = await post("/v1/usage-transactions", start);
    assert.deepEqual([hold.status, hold.body.continue], [200, true], JSON.stringify(hold.body));
    const end = n % 3 === 2 ? { success: false } : { success: true, amount: 1.25 };
    const done = await post(`/v1/usage-transactions/${hold.body.transaction_id}/complete`, end);
    assert.deepEqual([done.status, done.body.credits_used], [200, n % 3 === 2 ? 0 : 1.25]);
    if (end.success) settled += 1;
  });
  const left = await engine.send("GET", "/v1/customers/worker/balance", { key: live });
  const { balance: total, held, available } = left.body;
  assert.deepEqual([total, held, available], [funds - settled * 1.25, 0, funds - settled * 1.25]);
  assert.equal((await assertSound(engine, live, "worker")).length, 3 + 2 * PAIRS);
  figures(`${PAIRS} reserve-and-settle pairs, ${PARALLEL} at once, over 3 grants: exact, 0 errors`);
});

test("200 parallel requests with one idempotency key, on each route that charges", async () => {
  await engine.customer(live, "insistent", 1_000);
  const path = "/v1/customers/insistent";
  const calls: [string, Json, number][] = [
    [`${path}/consume`, { amount: 3 }, -3],
    [`${path}/credits`, { amount: 7, type: "topup" }, 7],
    [`${path}/consume-batch`, { items: [{ amount: 1 }, { amount: 2 }], atomic: true }, -3],
    ["/v1/usage-transactions", { user_id: "insistent", amount: 4 }, 0],
  ];
  let expected = 1_000;
  for (const [n, [route, body, change]] of calls.entries()) {
    const sent = { key: live, body, headers: { "Idempotency-Key": `parallel-${n}` } };
    const answers = await times(200, () => engine.send("POST", route, sent));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200], route);
    const replays = answers.filter(({ headers }) => headers.get("Idempotent-Replayed") === "true");
    assert.equal(replays.length, 199, route);
    expected += change;
    assert.equal(await balance(engine, live, "insistent"), expected, route);
  }
  assert.equal(await balance(engine, live, "insistent", "held"), 4);
  await assertSound(engine, live, "insistent");
});

test("a key that is used for something else is refused, and changes nothing", async () => {
  await engine.customer(live, "muddled", 100);
  await engine.customer(live, "neighbour", 100);
  await engine.customer(test_, "muddled", 100);
  const path = "/v1/customers/muddled";
  const named = { amount: 2, idempotency_key: "order-1" };
  assert.equal((await post(`${path}/consume`, named)).status, 200);

  const misuses: [string, Json][] = [
    [`${path}/consume`, { amount: 3, idempotency_key: "order-1" }],
    [`${path}/consume`, { ...named, description: "another" }],
    [`${path}/credits`, { amount: 2, type: "topup", idempotency_key: "order-1" }],
    ["/v1/usage-transactions", { user_id: "muddled", amount: 2, idempotency_key: "order-1" }],
    [`${path}/consume-batch`, { items: [{ ...named, amount: 9 }], atomic: true }],
  ];
  for (const [route, body] of misuses) {
    const refused = await post(route, body);
    assert.deepEqual([refused.status, refused.body.code], [422, "idempotency_key_reused"], route);
  }
  // In a batch that is not atomic the one item is refused, the other is done.
  const items = [{ ...named, amount: 9 }, { amount: 1 }];
  const mixed = await post(`${path}/consume-batch`, { items, atomic: false });
  assert.equal(mixed.status, 200, JSON.stringify(mixed.body));
  assert.equal(await balance(engine, live, "muddled"), 97);
  // The same in a batch as alone is the same charge.
  const same = await post(`${path}/consume-batch`, { items: [named], atomic: true });
  assert.equal(same.status, 200, JSON.stringify(same.body));
  assert.equal(await balance(engine, live, "muddled"), 97);

  // Another customer's key, and the other mode's, are other keys.
  assert.equal((await post("/v1/customers/neighbour/consume", named)).body.replayed, false);
  assert.equal((await post(`${path}/consume`, named, test_)).body.replayed, false);
  for (const [key, customer, left] of [
    [live, "muddled", 97],
    [live, "neighbour", 98],
    [test_, "muddled", 98],
  ] as const) {
    assert.equal(await balance(engine, key, customer), left);
    assert.equal((await engine.audit(key, customer)).journal_balance, left);
  }
});
