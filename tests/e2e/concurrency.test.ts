import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, Engine, type Json } from "./engine.ts";
import { assertSound, balance } from "./watch.ts";

/** Less than a caller is given who is forgotten; one alone takes some milliseconds. */
const PATIENCE_MS = 8_000;

let engine: Engine;
let live: string;
before(async () => {
  engine = await Engine.start();
  ({ live } = await engine.project("shop"));
});
after(() => engine.end());

function consume(customer: string, body: Json): Promise<Answer> {
  return engine.send("POST", `/v1/customers/${customer}/consume`, { key: live, body });
}

function times<T>(count: number, run: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => run(n)));
}

/** Sends a request and cuts the connection after a while, whatever has come back by then. */
function hangUp(path: string, body: string, afterMs: number): Promise<void> {
  const { hostname, port } = new URL(engine.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${live}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      setTimeout(() => socket.resetAndDestroy(), afterMs);
    });
    socket.on("data", () => {});
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

test("of 1,000 concurrent charges on a balance for 100, exactly 100 succeed", async () => {
  await engine.customer(live, "racer", 100);
  const answers = await times(1_000, () => consume("racer", { amount: 1 }));
  const succeeded = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.body.code === "insufficient_credits");
  assert.deepEqual([succeeded.length, refused.length], [100, 900]);
  assert.ok(refused.every((answer) => answer.status === 402 && answer.body.shortfall === 1));
  assert.equal(await balance(engine, live, "racer"), 0);
  // Each answer tells the state right after its own entry, and no two share one.
  const states = succeeded.map((answer) => [answer.body.seq, answer.body.balance]);
  const expected = Array.from({ length: 100 }, (_, n) => [n + 2, 99 - n]);
  assert.deepEqual(
    states.sort((a, b) => a[0] - b[0]),
    expected,
  );
  assert.equal((await assertSound(engine, live, "racer")).length, 101);
});

test("200 concurrent requests under one idempotency key are one charge", async () => {
  await engine.customer(live, "insistent", 100);
  const body = { amount: 3, idempotency_key: "order-1" };
  const answers = await times(200, () => consume("insistent", body));
  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal(new Set(answers.map((answer) => answer.body.transaction_id)).size, 1);
  const first = answers.filter((answer) => !answer.body.replayed);
  assert.equal(first.length, 1);
  for (const answer of answers) {
    const mark = answer.headers.get("Idempotent-Replayed");
    assert.equal(mark, answer.body.replayed ? "true" : null);
  }
  assert.equal(await balance(engine, live, "insistent"), 97);
  assert.equal((await assertSound(engine, live, "insistent")).length, 2);
});

test("concurrent requests with one key and different parameters: one is done, the others are refused", async () => {
  await engine.customer(live, "muddled", 1_000);
  const answers = await times(50, (n) =>
    consume("muddled", { amount: n + 1, idempotency_key: "order-1" }),
  );
  const done = answers.filter((answer) => answer.status === 200);
  assert.equal(done.length, 1);
  assert.equal(
    answers.filter((answer) => answer.body.code === "idempotency_key_reused").length,
    49,
  );
  assert.equal(await balance(engine, live, "muddled"), 1_000 - (done[0]?.body.amount as number));
});

test("callers that hang up by the hundreds stall nobody and tear nothing", async (t) => {
  await engine.customer(live, "rude", 100_000);
  const path = "/v1/customers/rude/consume";
  let isOver = false;
  let slowest = 0;
  let acknowledged = 0;
  const keyed = new Set<string>();
  const patient = async (id: number) => {
    for (let n = 0; !isOver; n += 1) {
      const key = `good-${id}-${n}`;
      const started = performance.now();
      const answer = await consume("rude", { amount: 1, idempotency_key: key });
      slowest = Math.max(slowest, performance.now() - started);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      acknowledged += 1;
      keyed.add(`k:${key}`);
    }
  };
  const rude = async () => {
    for (let n = 0; n < 40; n += 1) {
      const body = JSON.stringify({ amount: 0.5 });
      await hangUp(path, body, Math.random() * 12);
    }
  };
  const leaving = times(20, rude).finally(() => {
    isOver = true;
  });
  await Promise.all([times(8, patient), leaving]);
  assert.ok(slowest < PATIENCE_MS, `a good caller waited ${slowest} ms`);

  const rows = await assertSound(engine, live, "rude");
  const keys = new Set(rows.map((row) => row.key));
  assert.deepEqual(
    [...keyed].filter((key) => !keys.has(key)),
    [],
  );
  const abandoned = rows.filter((row) => row.amount === -0.5).length;
  assert.equal(rows.length, 1 + acknowledged + abandoned);
  t.diagnostic(
    `800 hung up, ${abandoned} of them charged; ${acknowledged} good calls, slowest ${slowest.toFixed()} ms`,
  );
});

test("when everybody hangs up at once, the next caller is served at once", async () => {
  await engine.customer(live, "deserted", 10_000);
  const body = JSON.stringify({ amount: 1 });
  for (let round = 0; round < 10; round += 1) {
    await times(50, () => hangUp("/v1/customers/deserted/consume", body, round / 2));
    const started = performance.now();
    const answer = await consume("deserted", { amount: 1 });
    assert.equal(answer.status, 200);
    assert.ok(performance.now() - started < PATIENCE_MS);
  }
  await assertSound(engine, live, "deserted");
});

test("holds that are made and completed in parallel add up", async () => {
  await engine.customer(live, "worker", 1_000);
  const work = async (n: number) => {
    const start = { user_id: "worker", amount: 2, idempotency_key: `start-${n}` };
    const hold = await engine.send("POST", "/v1/usage-transactions", { key: live, body: start });
    assert.deepEqual([hold.status, hold.body.continue], [200, true]);
    // Twice at once: the second replays the first.
    const complete = () =>
      engine.send("POST", `/v1/usage-transactions/${hold.body.transaction_id}/complete`, {
        key: live,
        body: n % 4 === 3 ? { success: false } : { success: true, amount: 1.5 },
      });
    const both = await Promise.all([complete(), complete()]);
    assert.deepEqual(
      both.map((answer) => [answer.status, answer.body.credits_used]),
      Array(2).fill([200, n % 4 === 3 ? 0 : 1.5]),
    );
    assert.equal(new Set(both.map((answer) => answer.body.seq)).size, 1);
  };
  const drain = pause(5).then(() => times(50, () => consume("worker", { amount: 1 })));
  await Promise.all([times(200, work), drain]);
  assert.equal(await balance(engine, live, "worker"), 1_000 - 150 * 1.5 - 50);
  assert.equal(await balance(engine, live, "worker", "held"), 0);
  assert.equal((await assertSound(engine, live, "worker")).length, 1 + 2 * 200 + 50);
});

test("holds never take more together than there is", async () => {
  await engine.customer(live, "tight", 10);
  const start = { user_id: "tight", amount: 3 };
  const holds = await times(40, () =>
    engine.send("POST", "/v1/usage-transactions", { key: live, body: start }),
  );
  assert.equal(holds.filter((hold) => hold.body.continue).length, 3);
  assert.ok(holds.every((hold) => hold.status === 200));
  const charges = await times(10, () => consume("tight", { amount: 1 }));
  assert.equal(charges.filter((charge) => charge.status === 200).length, 1);
  assert.deepEqual(
    [await balance(engine, live, "tight"), await balance(engine, live, "tight", "available")],
    [9, 0],
  );
});
