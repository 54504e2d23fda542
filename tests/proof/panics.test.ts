// Panics, planted in the engine, under load: the next request is served, other customers do not
// notice, and nothing that was answered is lost.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, Engine } from "../e2e/engine.ts";
import { assertSound } from "../e2e/watch.ts";
import { figures, randomNumbers, SECONDS, SEED } from "./order.ts";
import { PLANTED, plantPanics } from "./planted.ts";

const PANICS = SECONDS === undefined ? 24 : Math.max(60, SECONDS);
const CUSTOMERS = 12;
const CLIENTS = 12;
const FUNDS = 1_000_000;
/** An abort is noticed at once, and not by a deadline of 10 seconds; the rest is a busy machine. */
const QUICK_MS = 5_000;
const WHERE = Object.entries(PLANTED);

const random = randomNumbers(SEED);
const dir = mkdtempSync(join(tmpdir(), "edge-credits-planted-"));
let engine: Engine;
let key: string;
before(async () => {
  const wasm = join(dir, "engine.wasm");
  plantPanics(wasm);
  engine = await Engine.start({ wasm });
  key = (await engine.project("shop")).live;
  for (const customer of customers) await engine.customer(key, customer, FUNDS);
});
after(async () => {
  await engine.end();
  rmSync(dir, { recursive: true, force: true });
});

const customers = Array.from({ length: CUSTOMERS }, (_, n) => `customer-${n}`);
const pick = (): string => customers[Math.floor(random() * CUSTOMERS)] ?? "";

function consume(customer: string, body: Record<string, unknown>): Promise<Answer> {
  return engine.send("POST", `/v1/customers/${customer}/consume`, { key, body });
}

test(`seed ${SEED}: ${PANICS} panics under load lose nothing and double nothing`, async () => {
  const answered: { customer: string; idempotency_key: string; seq: number }[] = [];
  let isOver = false;
  let retries = 0;
  const client = async (id: number) => {
    for (let n = 0; !isOver; n += 1) {
      const customer = customers[(id + n) % CUSTOMERS] ?? "";
      const idempotency_key = `${id}-${n}`;
      for (;;) {
        const answer = await consume(customer, { amount: 1, idempotency_key });
        if (answer.status === 200) {
          answered.push({ customer, idempotency_key, seq: answer.body.seq });
          break;
        }
        // Others were under way when the engine aborted: they are told to try again.
        assert.ok([500, 503].includes(answer.status), JSON.stringify(answer.body));
        retries += 1;
      }
    }
  };

  const slowest = { refused: 0, next: 0 };
  const statuses: Record<string, number> = {};
  const panicker = async () => {
    for (let n = 0; n < PANICS; n += 1) {
      const [where = "", marker] = WHERE[n % WHERE.length] ?? [];
      const customer = pick();
      const began = performance.now();
      const planted = { amount: 1, feature: marker, idempotency_key: `${marker}-${n}` };
      const { status } = await consume(customer, planted);
      const refused = performance.now();
      assert.ok([500, 503].includes(status), `${where}: ${status}`);
      statuses[`${where} ${status}`] = (statuses[`${where} ${status}`] ?? 0) + 1;
      // The same customer, once more, now.
      const next = await consume(customer, { amount: 1, idempotency_key: `next-${n}` });
      assert.equal(next.status, 200, `${where}, the next request: ${JSON.stringify(next.body)}`);
      answered.push({ customer, idempotency_key: `next-${n}`, seq: next.body.seq });
      slowest.refused = Math.max(slowest.refused, refused - began);
      slowest.next = Math.max(slowest.next, performance.now() - refused);
    }
    isOver = true;
  };
  const clients = Array.from({ length: CLIENTS }, (_, id) => client(id));
  await Promise.all([
    ...clients,
    panicker().finally(() => {
      isOver = true;
    }),
  ]);
  assert.ok(slowest.refused < QUICK_MS && slowest.next < QUICK_MS, JSON.stringify(slowest));

  const log = readFileSync(join(engine.dataDir, "workerd.log"), "utf8");
  const aborts = log.split("the engine aborted and was started anew").length - 1;
  assert.ok(aborts >= PANICS, `${aborts} aborts: the panics are real`);

  let entries = 0;
  let planted = 0;
  for (const customer of customers) {
    const rows = await assertSound(engine, key, customer);
    const bySeq = new Map(rows.map((row) => [row.seq, row.key]));
    for (const one of answered.filter((one) => one.customer === customer))
      assert.equal(bySeq.get(one.seq), `k:${one.idempotency_key}`, "answered and lost");
    entries += rows.length;
    const doomed = rows.filter((row) => row.key?.includes("!"));
    // What was not written when the engine aborted has no entry.
    assert.deepEqual(
      doomed.filter((row) => !row.key?.includes(PLANTED.written)),
      [],
    );
    planted += doomed.length;
  }
  // Each key has one entry (assertSound), each entry is an answer, a top-up or a doomed write.
  assert.equal(entries, CUSTOMERS + answered.length + planted);
  const told = Object.entries(statuses).map(([what, count]) => `${count} ${what}`);
  figures(
    `${PANICS} panics among ${answered.length} charges (${told.join(", ")}): lost 0, doubled 0, ` +
      `${retries} others retried; answered within ${slowest.refused.toFixed(0)} ms, ` +
      `the next request within ${slowest.next.toFixed(0)} ms`,
  );
});
