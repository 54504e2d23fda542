// KV that fails or hangs on every call, under load: a warm isolate goes on at 100%, and a cold one
// asks the project's object.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { KvServer } from "../e2e/kv_server.ts";
import { assertSound } from "../e2e/watch.ts";
import { figures, inParallel, SECONDS } from "./order.ts";

const CUSTOMERS = 20;
const FUNDS = 1_000_000;
const PARALLEL = 16;
/** Longer than a record is fresh; in a long run longer than it may go unconfirmed. */
const WARM_MS = SECONDS === undefined ? 5_500 : 40_000;
const COLD = 200;
/** KV's deadline is waited for once at most, and this machine may be busy. */
const PATIENCE_MS = 8_000;

let kv: KvServer;
let engine: Engine;
let live: string;
let own: string;
let spent = 0;
before(async () => {
  kv = await KvServer.start();
  engine = await Engine.start({ kv: kv.address });
  ({ live } = await engine.project("shop"));
  const costs = [{ service: "ai", action: "draw", credits: 1 }];
  await engine.send("PUT", "/v1/costs", { key: live, body: costs });
  await inParallel(8, CUSTOMERS, (n) => engine.customer(live, `customer-${n}`, FUNDS));
  own = (await engine.customerKey(live, "customer-0")).key;
});
after(async () => {
  await engine.end();
  await kv.end();
});

/** A charge by a catalogue's price; every fourth with a customer's own key. */
async function charge(n: number): Promise<number> {
  const isOwn = n % 4 === 0;
  const started = performance.now();
  const path = `/v1/customers/customer-${isOwn ? 0 : n % CUSTOMERS}/consume`;
  const sent = { key: isOwn ? own : live, body: { service: "ai", action: "draw" } };
  const { status, body } = await engine.send("POST", path, sent);
  assert.equal(status, 200, JSON.stringify(body));
  spent += 1;
  const ms = performance.now() - started;
  assert.ok(ms < PATIENCE_MS, `${ms} ms`);
  return ms;
}

for (const health of ["failing", "hanging"] as const) {
  test(`while KV is ${health}, every charge of a warm isolate is served`, async () => {
    await charge(1);
    kv.become(health);
    kv.calls.length = 0;
    const end = Date.now() + WARM_MS;
    let count = 0;
    let slowest = 0;
    await inParallel(PARALLEL, PARALLEL, async () => {
      while (Date.now() < end) {
        count += 1;
        slowest = Math.max(slowest, await charge(count));
      }
    });
    assert.ok(kv.calls.length > 0, "KV was asked");
    kv.become("well");
    figures(
      `KV ${health} for ${WARM_MS / 1_000} s: ${count} of ${count} charges served, ` +
        `the slowest after ${Math.round(slowest)} ms`,
    );
  });

  test(`while KV is ${health}, a cold isolate serves ${COLD} charges at once`, async () => {
    await engine.kill();
    kv.become(health);
    await engine.restart();
    await Promise.all(Array.from({ length: COLD }, (_, n) => charge(n)));
    kv.become("well");
    figures(`KV ${health} at a cold start: ${COLD} of ${COLD} charges served`);
  });
}

test("what was charged meanwhile is in the books, once", async () => {
  let charged = 0;
  for (let n = 0; n < CUSTOMERS; n += 1) {
    const rows = await assertSound(engine, live, `customer-${n}`);
    charged += rows.filter(({ kind }) => kind === "consumption").length;
  }
  assert.equal(charged, spent);
});
