// Ledgers that are dropped from memory again and again come back as they were, and the memory of
// the runtime grows by no more than it does with objects that have nothing of the engine in them.

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
 * What a run may add to the memory with ledgers more than with plain objects. The runtime keeps
 * what it dropped until it collects garbage, some 10 to 20 KiB of each, and that comes and goes.
 */
const GROWTH_MIB = 48;
const FUNDS = 1_000_000;

let engine: Engine;
/** The measure: on a machine, a runtime and a day like the engine's, in a process of its own. */
let plain: Engine;
let key: string;
before(async () => {
  engine = await Engine.start({ wrapper: WRAPPER });
  plain = await Engine.start({ wrapper: WRAPPER });
  key = (await engine.project("shop")).live;
});
after(async () => {
  await plain?.end();
  await engine?.end();
});

/** What a runtime has in memory, in MiB. */
function residentMib({ pid }: Engine): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1]) / 1024;
}

/** The most in the first half of a run, and in the second. */
function halves(sizes: number[]): [number, number] {
  const half = sizes.length / 2;
  return [Math.max(...sizes.slice(0, half)), Math.max(...sizes.slice(half))];
}

test(`${EVICTIONS} evictions: each ledger comes back as it was, in the same memory`, async () => {
  const customers = Array.from({ length: CUSTOMERS }, (_, n) => `cold-${n}`);
  for (const customer of customers) await engine.customer(key, customer, FUNDS);
  const charged = new Map(customers.map((customer) => [customer, 0]));
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
  const plainTurn = async (name: string, rows: number): Promise<void> => {
    const answer = await fetch(`${plain.url}/plain`, { method: "POST", body: name });
    assert.equal(answer.status, 200, await answer.text());
    assert.equal(answer.headers.get("rows"), `${rows}`);
  };
  const [sizes, plainSizes]: [number[], number[]] = [[], []];
  for (let done = 0; done < EVICTIONS; done += CUSTOMERS) {
    await inParallel(PARALLEL, CUSTOMERS, (n) => turn(customers[n] ?? ""));
    sizes.push(residentMib(engine));
    const rows = done / CUSTOMERS + 1;
    await inParallel(PARALLEL, CUSTOMERS, (n) => plainTurn(customers[n] ?? "", rows));
    plainSizes.push(residentMib(plain));
  }
  for (const customer of customers) await assertSound(engine, key, customer);

  const [early, late] = halves(sizes);
  const [plainEarly, plainLate] = halves(plainSizes);
  figures(
    `${EVICTIONS} evictions of ${CUSTOMERS} ledgers: ${early.toFixed(0)} MiB at most in the first ` +
      `half, ${late.toFixed(0)} MiB in the second; of objects without an engine: ` +
      `${plainEarly.toFixed(0)} and ${plainLate.toFixed(0)} MiB`,
  );
  assert.ok(
    late - early < plainLate - plainEarly + GROWTH_MIB,
    `the memory grows: ${sizes.map(Math.round).join(" ")}; ` +
      `without an engine: ${plainSizes.map(Math.round).join(" ")}`,
  );
});
