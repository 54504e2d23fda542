// What Cloudflare would bill for each kind of operation, counted on a real workerd: the figures
// that docs/cost.md is worked out from. It prints them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { holdAgainst } from "../guard/ceilings.ts";
import { type Answer, Engine, type Json } from "./engine.ts";
import { KvServer } from "./kv_server.ts";
import { Origin, setRules } from "./origin.ts";

const WRAPPER = fileURLToPath(new URL("./counting.js", import.meta.url));
/** Few enough that no snapshot falls in between: of each 256 entries one writes a row for it. */
const TIMES = 20;

let engine: Engine;
let kv: KvServer;
let origin: Origin;
let key: string;
before(async () => {
  kv = await KvServer.start();
  origin = await Origin.start();
  engine = await Engine.start({ wrapper: WRAPPER, kv: kv.address, originAddress: origin.address });
  key = (await engine.project("shop")).live;
  await setRules(engine, key, [
    { method: "POST", path: "/charged", amount: 1, mode: "consume", refund_on: [] },
    { method: "POST", path: "/held", amount: 1, mode: "reserve", refund_on: [] },
  ]);
});
after(async () => {
  await engine?.end();
  await kv?.end();
  await origin?.end();
});

/** What is billed, beside the request to the Worker. */
interface Billed {
  /** Calls of ledger objects. */
  calls: number;
  /** Rows that they wrote and read. */
  rows: number;
  read: number;
  alarms: number;
  kvReads: number;
  kvWrites: number;
}

async function counted(): Promise<Billed> {
  const response = await fetch(`${engine.url}/counted`);
  const { rows, read, calls, alarms } = (await response.json()) as Json;
  // The project's record is read by time and written when it changes: neither is an operation's.
  const ofCustomers = kv.calls.filter((call) => !call.includes(" project:"));
  const kvCalls = (method: string) => ofCustomers.filter((call) => call.startsWith(method)).length;
  const billed = {
    calls: calls.LedgerObject ?? 0,
    rows: rows.LedgerObject ?? 0,
    read: read.LedgerObject ?? 0,
    alarms: alarms.LedgerObject ?? 0,
    kvReads: kvCalls("GET"),
    kvWrites: kvCalls("PUT"),
  };
  kv.calls.length = 0;
  return billed;
}

/** A customer's part in an operation. */
class Customer {
  readonly id: string;
  #key = "";

  constructor(id: string) {
    this.id = id;
  }

  async send(status: number, method: string, path: string, body?: Json): Promise<Json> {
    const answer: Answer = await engine.send(method, `/v1/customers/${this.id}${path}`, {
      key,
      body,
    });
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    return answer.body;
  }

  consume(body: Json, status = 200): Promise<Json> {
    return this.send(status, "POST", "/consume", body);
  }

  /** A hold that is completed, which needs no key: it happens once. */
  async use(more: Json = {}): Promise<void> {
    const started = { user_id: this.id, amount: 1, ...more };
    const held = await engine.send("POST", "/v1/usage-transactions", { key, body: started });
    const path = `/v1/usage-transactions/${held.body.transaction_id}/complete`;
    const body = { success: true, amount: 0.5 };
    assert.equal((await engine.send("POST", path, { key, body })).status, 200);
  }

  async pass(path: string): Promise<void> {
    this.#key ||= (await engine.customerKey(key, this.id)).key;
    assert.equal((await engine.send("POST", `/gate${path}`, { key: this.#key })).status, 200);
  }
}

type Operation = (customer: Customer, number: number) => Promise<unknown>;

const OPERATIONS: Record<string, Operation> = {
  consume: (anna) => anna.consume({ amount: 1, description: "a picture" }),
  "consume with a key": (anna, n) => anna.consume({ amount: 1, idempotency_key: `${n}` }),
  "answer a key again": (anna) => anna.consume({ amount: 1, idempotency_key: "again" }),
  "refuse a charge": (anna) => anna.consume({ amount: 5_000 }, 402),
  "batch of 10": (anna) => {
    const items = Array(10).fill({ amount: 1 });
    return anna.send(200, "POST", "/consume-batch", { items, atomic: false });
  },
  "top-up": (anna) => anna.send(200, "POST", "/credits", { amount: 1, type: "topup" }),
  "consume and refund": async (anna) => {
    const { transaction_id } = await anna.consume({ amount: 1 });
    const body = { amount: 1, type: "refund", refund_of: transaction_id };
    await anna.send(200, "POST", "/credits", body);
  },
  "reserve and settle": (anna) => anna.use(),
  "reserve with a key and settle": (anna, n) => anna.use({ idempotency_key: `${n}` }),
  "gate, consume": (anna) => anna.pass("/charged"),
  "gate, reserve": (anna) => anna.pass("/held"),
  "balance, strong": (anna) => anna.send(200, "GET", "/balance"),
  "balance, cached": (anna) => anna.send(200, "GET", "/balance?consistency=cached"),
  check: (anna) => anna.send(200, "POST", "/check", { amount: 1 }),
};

/** What one operation is billed for: the average of some. */
async function measure(name: string, operation: Operation): Promise<Billed> {
  const customer = new Customer(name.replaceAll(/\W/g, "-"));
  await engine.customer(key, customer.id, 1_000);
  // The first is of those once in a while: it makes what the others find.
  await operation(customer, 0);
  await counted();
  for (let n = 1; n <= TIMES; n += 1) await operation(customer, n);
  const sums = Object.entries(await counted());
  return Object.fromEntries(sums.map(([what, sum]) => [what, sum / TIMES])) as unknown as Billed;
}

test("no operation writes more rows than its ceiling, and none sets an alarm or writes to KV", async (t) => {
  const rows = new Map<string, number>();
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const billed = await measure(name, operation);
    t.diagnostic(`${name}: ${JSON.stringify(billed)}`);
    rows.set(name, billed.rows);
    assert.equal(billed.kvWrites, 0, name);
    // A customer that was created a while ago sets its next one meanwhile; operations set none.
    assert.ok(billed.alarms < 0.5, `${name} sets alarms: ${billed.alarms}`);
  }
  holdAgainst("operations.rows", "rows written", rows, (line) => t.diagnostic(line), 1);
});
