// Requests that are under way at the same time meet in the object of their customer: each must get
// its own answer, whatever befalls the others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { order, startFaulty } from "../proof/faults.ts";
import type { Answer, Engine } from "./engine.ts";
import { assertSound, balance } from "./watch.ts";

/** Requests at once. */
const MANY = 300;

let engine: Engine;
let live: string;
before(async () => {
  engine = await startFaulty();
  ({ live } = await engine.project("shop"));
});
after(() => engine.end());

/** All at once. */
function crowd(count: number, run: (n: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)));
}

test("of many kinds of request at once each gets its own answer", async () => {
  await engine.customer(live, "anna", 1_000_000);
  await order(engine, {});
  const path = "/v1/customers/anna";
  const answers = await crowd(MANY, (n) => {
    if (n % 3 === 0) return engine.send("GET", `${path}/balance`, { key: live });
    // Every other one of these asks for more than there is.
    const amount = n % 2 === 0 ? 2_000_000 + n : n / 1_000;
    const body = { amount, idempotency_key: `own-${n}` };
    return engine.send("POST", `${path}/consume`, { key: live, body });
  });
  for (const [n, { status, body }] of answers.entries()) {
    if (n % 3 === 0) assert.deepEqual([status, body.customer_id], [200, "anna"]);
    else if (n % 2 === 0) assert.deepEqual([status, body.requested], [402, 2_000_000 + n]);
    else assert.deepEqual([status, body.amount], [200, n / 1_000]);
  }
  const charged = answers.filter((_, n) => n % 3 !== 0 && n % 2 !== 0);
  const rows = await assertSound(engine, live, "anna");
  assert.equal(rows.length, 1 + charged.length);
  // The entry that an answer names is the one of its own key.
  const keys = new Map(rows.map((row) => [row.seq, row.key]));
  for (const [n, { status, body }] of answers.entries())
    if (status === 200 && n % 3 !== 0) assert.equal(keys.get(body.seq), `k:own-${n}`);
});

test("when calls to their object fail, all are told to come back, and nothing is charged twice", async () => {
  await engine.customer(live, "carol", 1_000);
  for (const fault of ["broken", "overloaded"] as const) {
    await order(engine, { calls: { LEDGER: fault } });
    const consume = (n: number) => {
      const body = { amount: 1, idempotency_key: `again-${n}` };
      return engine.send("POST", "/v1/customers/carol/consume", { key: live, body });
    };
    const refused = await crowd(MANY, consume);
    for (const { status, body, headers } of refused)
      assert.deepEqual([status, body.code, headers.get("Retry-After")], [503, "overloaded", "1"]);
    await order(engine, {});
    assert.ok((await crowd(MANY, consume)).every(({ status }) => status === 200));
    assert.equal(await balance(engine, live, "carol"), 1_000 - MANY);
  }
  assert.equal((await assertSound(engine, live, "carol")).length, 1 + MANY);
});

test("customers who are asked for at once do not meet", async () => {
  const names = Array.from({ length: 20 }, (_, n) => `guest-${n}`);
  for (const name of names) await engine.customer(live, name, 100);
  const answers = await crowd(MANY, (n) => {
    const body = { amount: (1 + (n % 20)) / 100 };
    return engine.send("POST", `/v1/customers/guest-${n % 20}/consume`, { key: live, body });
  });
  assert.ok(answers.every(({ status }) => status === 200));
  for (const [index, name] of names.entries()) {
    // 15 requests of (index + 1) hundredths each.
    const spent = (15 * (index + 1)) / 100;
    assert.equal(await balance(engine, live, name), Number((100 - spent).toFixed(2)));
  }
});
