// Ledgers that are dropped from memory again and again come back as they were, and the memory of
// the runtime does not grow with it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Engine } from "../e2e/engine.ts";
import { assertSound } from "../e2e/watch.ts";
import { figures, inParallel, SECONDS } from "./order.ts";

const WRAPPER = fileURLToPath(new URL("./evicting.js", import.meta.url));
const CUSTOMERS = 50;
const EVICTIONS = SECONDS === undefined ? 500 : 10_000;
const PARALLEL = 8;
/**
 * What the second half of a run may take more than the first. The runtime keeps what it dropped
 * until it collects garbage: an object without any engine in it takes some 20 KiB each time,
 * 100 MiB in all, before that evens out.
 */
const GROWTH_MIB = 48;
const FUNDS = 1_000_000;

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start({ wrapper: WRAPPER });
  key = (await engine.project("shop")).live;
});
after(() => engine.end());

/** What the runtime has in memory, in MiB. */
function residentMib(): number {
  const status = readFileSync(`/proc/${engine.pid}/status`, "utf8");
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1]) / 1024;
}

test(`${EVICTIONS} evictions: each ledger comes back as it was, in the same memory`, async () => {
  const customers = Array.from({ length: CUSTOMERS }, (_, n) => `cold-${n}`);
  for (const customer of customers) await engine.customer(key, customer, FUNDS);
  const charged = new Map(customers.map((customer) => [customer, 0]));
  const sizes: number[] = [];
  // Each customer's turns are one after the other, those of different ones at once.
  const turn = async (customer: string): Promise<void> => {
    const path = `/v1/customers/${customer}/consume`;
    const answer = await engine.send("POST", path, { key, body: { amount: 1 } });
    const count = (charged.get(customer) ?? 0) + 1;
    charged.set(customer, count);
    assert.deepEqual([answer.status, answer.body.balance], [200, FUNDS - count]);
    const name = ["shop", "live", customer].join("\u001f");
    const evicted = await fetch(`${engine.url}/evict`, { method: "POST", body: name });
    assert.equal(evicted.status, 200, await evicted.text());
  };
  for (let done = 0; done < EVICTIONS; done += CUSTOMERS) {
    await inParallel(PARALLEL, CUSTOMERS, (n) => turn(customers[n] ?? ""));
    sizes.push(residentMib());
  }
  for (const customer of customers) await assertSound(engine, key, customer);

  const half = sizes.length / 2;
  const [early, late] = [Math.max(...sizes.slice(0, half)), Math.max(...sizes.slice(half))];
  figures(
    `${EVICTIONS} evictions of ${CUSTOMERS} ledgers: ${early.toFixed(0)} MiB at most in the first ` +
      `half, ${late.toFixed(0)} MiB in the second`,
  );
  assert.ok(late - early < GROWTH_MIB, `the memory grows: ${sizes.map(Math.round).join(" ")}`);
});
