import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Engine, type Json } from "./engine.ts";
import { KvServer } from "./kv_server.ts";
import { until } from "./watch.ts";

const WRAPPER = fileURLToPath(new URL("./counting.js", import.meta.url));
const MANY = 50;

let engine: Engine;
let kv: KvServer;
let key: string;
before(async () => {
  kv = await KvServer.start();
  engine = await Engine.start({ wrapper: WRAPPER, kv: kv.address });
  key = (await engine.project("shop")).live;
});
after(async () => {
  await engine.end();
  await kv.end();
});

/** What was written since this was last asked. */
async function counted(): Promise<{ rows: Record<string, number>; alarms: number; puts: number }> {
  const response = await fetch(`${engine.url}/counted`);
  const puts = kv.calls.filter((call) => call.startsWith("PUT")).length;
  kv.calls.length = 0;
  const { rows, alarms } = (await response.json()) as Json;
  const set: number[] = Object.values(alarms);
  return { rows, alarms: set.reduce((sum, count) => sum + count, 0), puts };
}

/** Waits until the shards have counted so many transactions, and nothing is under way. */
async function settle(transactions: number): Promise<void> {
  await until("all is told", async () => {
    const summary = await engine.send("GET", "/v1/analytics/summary", { key });
    return summary.body.total_transactions === transactions;
  });
}

async function consume(body: Json, status = 200): Promise<void> {
  const path = "/v1/customers/anna/consume";
  const answer = await engine.send("POST", path, { key, body });
  assert.equal(answer.status, status, JSON.stringify(answer.body));
}

const ledgerRows = (counted: { rows: Record<string, number> }): number =>
  counted.rows.LedgerObject ?? 0;

/** No operation sets an alarm. One of the clock's own may ring meanwhile, and be set anew. */
function assertWritten(seen: Awaited<ReturnType<typeof counted>>, rows: number): void {
  assert.deepEqual([ledgerRows(seen), seen.puts], [rows, 0]);
  assert.ok(seen.alarms <= 1, `${seen.alarms} alarms`);
}

test("a consume writes one row, two with a key; a refusal, a replay and a read write none; never an alarm nor KV", async () => {
  await engine.customer(key, "anna", 1_000);
  await settle(1);
  // Its credits are told of to another object as well, which sets an alarm of its own.
  await until("the event is there", async () => {
    const events = await engine.send("GET", "/v1/events", { key });
    return events.body.data.length > 0;
  });
  const began = await counted();
  assert.ok(ledgerRows(began) > 1 && began.alarms > 0, "the counters count");

  for (let i = 0; i < MANY; i += 1) await consume({ amount: 1 });
  assertWritten(await counted(), MANY);

  for (let i = 0; i < MANY; i += 1) await consume({ amount: 1, idempotency_key: `k${i}` });
  assertWritten(await counted(), 2 * MANY);

  for (let i = 0; i < MANY; i += 1) {
    await consume({ amount: 1, idempotency_key: `k${i}` });
    await consume({ amount: 5_000 }, 402);
    await engine.send("GET", "/v1/customers/anna/balance", { key });
  }
  assertWritten(await counted(), 0);

  // Telling the shard costs the ledger nothing, and the shard a few rows for many charges.
  await settle(1 + 2 * MANY);
  assertWritten(await counted(), 0);
});

test("a shipment to analytics writes two rows on a day that the shard knows, however much it tells", async () => {
  const before = 1 + 2 * MANY;
  await settle(before);
  await counted();
  const items = Array(5).fill({ amount: 1 });
  const body = { items, atomic: true };
  const batch = await engine.send("POST", "/v1/customers/anna/consume-batch", { key, body });
  assert.equal(batch.status, 200);
  await settle(before + 5);
  const { rows } = await counted();
  assert.deepEqual([rows.LedgerObject, rows.RollupObject], [5, 2]);
});
