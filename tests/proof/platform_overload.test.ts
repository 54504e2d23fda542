// Objects that are overloaded. The platform's own mark of it cannot be brought about on the local
// runtime, so a stand-in at the namespaces throws what the platform throws: see faulty.js.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, type Answer, type Engine, type Json } from "../e2e/engine.ts";
import { isVendorError, vendorOf } from "../e2e/vendors.ts";
import { type Calls, calls, type Namespace, order, startFaulty } from "./faults.ts";
import { figures } from "./order.ts";
import { furnish, type Shop } from "./shop.ts";

const ALL: Namespace[] = ["LEDGER", "PROJECT", "REGISTRY", "ROLLUP", "EVENTS", "IMPORTER"];
/** Shards that a question about all of them goes to, each once. */
const SHARDS: Partial<Record<Namespace, number>> = { ROLLUP: 8, EVENTS: 4 };
/** What asks no object. */
const ALONE = ["GET /healthz", "GET /openapi.json", "POST /webhooks/stripe", "POST /v1/import"];

let engine: Engine;
let live: string;
let own: string;
let shop: Shop;
before(async () => {
  engine = await startFaulty();
  ({ live } = await engine.project("shop"));
  shop = await furnish(engine, live);
  own = (await engine.customerKey(live, "anna")).key;
});
after(() => engine.end());

const anna = "/v1/customers/anna";

/** The requests whose bodies the document's examples do not give, for this project. */
const BODIES: Record<string, Json> = {
  "POST /v1/keys": { kind: "customer", customer_id: "anna" },
  "POST /v1/customers/{customer_id}/check": { amount: 1 },
  "POST /v1/customers/{customer_id}/consume": { amount: 1, idempotency_key: "consume" },
  "POST /v1/customers/{customer_id}/consume-batch": { items: [{ amount: 1 }], atomic: true },
  "POST /v1/customers/{customer_id}/credits": { amount: 1, type: "topup" },
  "POST /v1/customers/{customer_id}/tier": { tier_id: "basic" },
  "POST /v1/customers": { id: "new" },
  "POST /v1/usage-transactions": { user_id: "anna", amount: 1 },
  "POST /v1/usage-transactions/{transaction_id}/complete": { success: true, amount: 1 },
  "POST /v1/topup-sessions": {
    customer_id: "anna",
    success_url: "https://shop.test/",
    cancel_url: "https://shop.test/",
  },
  "PUT /v1/gate-rules": [{ method: "*", path: "/draw", amount: 1 }],
  "PATCH /v1/settings": { low_balance_threshold: 5 },
  "PUT /v1/tiers": [{ id: "free", allocation: 5, period: "month" }],
};

/** A request of an operation that would be served if all were well. */
function request(method: string, path: string, operation: Json): [string, Json, string] {
  const filled = path
    .replace("{customer_id}", method === "DELETE" ? "customer-1" : "anna")
    .replace("{key_id}", shop.keys[0] as string)
    .replace("{transaction_id}", shop.holds[0] as string)
    .replace("{event_id}", `evt_${shop.holds[0]?.slice(4, 48)}00000000001a`)
    .replace("{path}", "draw");
  const example = operation.requestBody?.content["application/json"]?.example;
  const body = BODIES[`${method} ${path}`] ?? example;
  const isOwn = vendorOf(filled) !== undefined || filled.startsWith("/gate/");
  const key = filled === "/v1/projects" ? ADMIN_TOKEN : isOwn ? own : live;
  return [filled, body, key];
}

function assertTold(answer: Answer, what: string): void {
  const vendor = vendorOf(what.split(" ")[1] ?? "");
  const isTold = vendor ? isVendorError(vendor, answer) : answer.body.code === "overloaded";
  assert.ok(answer.status === 503 && isTold, `${what}: ${JSON.stringify(answer.body)}`);
  assert.ok(Number(answer.headers.get("Retry-After")) >= 1, what);
}

test("whoever calls an overloaded object is told to come back, and it is called once", async () => {
  const calledBy = new Map<Namespace, number>();
  for (const overloaded of ALL) {
    await order(engine, { calls: { [overloaded]: "overloaded" } });
    for (const { method, path, operation } of engine.contract.operations) {
      const what = `${method} ${path}`;
      const [filled, body, key] = request(method, path, operation);
      const sent = { key, ...(body === undefined ? {} : { body }) };
      const answer = await engine.send(method, filled, sent);
      const made: Calls = await calls(engine);
      const times = made[overloaded] ?? 0;
      if (times === 0) continue;
      const isOnce = times === 1 || times === SHARDS[overloaded];
      assert.ok(isOnce, `${what} called ${overloaded} ${times} times`);
      assertTold(answer, what);
      calledBy.set(overloaded, (calledBy.get(overloaded) ?? 0) + 1);
    }
  }
  await order(engine, {});
  const told = [...calledBy].map(([name, count]) => `${name} ${count}`).join(", ");
  for (const name of ALL) if (name !== "IMPORTER") assert.ok(calledBy.has(name), name);
  figures(`overloaded objects (stand-in): 503 with Retry-After, never called again: ${told}`);
});

test("every operation that keeps something asks an object that may be overloaded", async () => {
  await order(engine, { calls: Object.fromEntries(ALL.map((name) => [name, "overloaded"])) });
  for (const { method, path, operation } of engine.contract.operations) {
    const what = `${method} ${path}`;
    const [filled, body, key] = request(method, path, operation);
    const sent = { key, ...(body === undefined ? {} : { body }) };
    const answer = await engine.send(method, filled, sent);
    if (!ALONE.includes(what)) assertTold(answer, what);
  }
  await order(engine, {});
});

test("an import tells of the rows of an overloaded ledger, and asks it once", async () => {
  await order(engine, { calls: { LEDGER: "overloaded" } });
  const row = JSON.stringify({ id: "1", customer_id: "anna", amount: 5 });
  const headers = { "Content-Type": "application/x-ndjson" };
  const { body } = await engine.send("POST", "/v1/import", { key: live, raw: row, headers });
  assert.equal((await calls(engine)).LEDGER, 1);
  const [failure, summary] = [body[0], body.at(-1)];
  assert.deepEqual([failure.type, failure.code, summary.imported], ["error", "overloaded", 0]);
  await order(engine, {});
  // The same row again is done.
  const again = await engine.send("POST", "/v1/import", { key: live, raw: row, headers });
  assert.equal(again.body.at(-1).imported, 1);
});

test("nothing that was refused as overloaded has changed anything", async () => {
  const before = await engine.audit(live, "anna");
  await order(engine, { calls: { LEDGER: "overloaded" } });
  const sent = { key: live, body: { amount: 1, idempotency_key: "later" } };
  for (let n = 0; n < 50; n += 1)
    assertTold(await engine.send("POST", `${anna}/consume`, sent), "POST consume");
  await order(engine, {});
  assert.deepEqual(await engine.audit(live, "anna"), before);
  const done = await engine.send("POST", `${anna}/consume`, sent);
  assert.deepEqual([done.status, done.body.replayed], [200, false]);
});
