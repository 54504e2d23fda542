// Charges through a proxy that loses, cuts, delays and doubles a fifth of the requests: the
// ledger's sum is that of the operations, each of them once. `FAULT_CONSUMES` says how many.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { type Package, Project } from "./install.ts";
import { FAULTS, FaultProxy } from "./proxy.ts";

const CONSUMES = Number(process.env.FAULT_CONSUMES ?? 2_000);
const SEED = Number(process.env.FAULT_SEED ?? Date.now() % 1e9);
const RATE = 0.2;
const CUSTOMERS = 10;
const AT_ONCE = 40;
const START_CREDITS = 1_000;

let engine: Engine;
let project: Project;
let proxy: FaultProxy;
let key: string;

before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  proxy = await FaultProxy.start(engine.url, RATE, SEED);
  project = new Project();
});
after(async () => {
  await proxy?.end();
  project?.remove();
  await engine?.end();
});

test(`${CONSUMES} consumes through a faulty network are charged once each`, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const { CreditEngine, CreditEngineError } = await project.import();
  const client = new CreditEngine({ apiKey: key, baseUrl: proxy.url });
  for (let index = 0; index < CUSTOMERS; index += 1)
    await engine.customer(key, `cus_${index}`, START_CREDITS);

  /** One logical operation: asked for again, under its key, until it is done. */
  let surfaced = 0;
  async function consume(index: number): Promise<void> {
    let idempotencyKey: string | undefined;
    for (;;) {
      const options = idempotencyKey === undefined ? {} : { idempotencyKey };
      const [customer, amount] = [`cus_${index % CUSTOMERS}`, millionthsOf(index) / 1e6];
      const charged = await client
        .consume(customer, amount, undefined, options)
        .catch((error: Package) => error);
      if (charged.success === true) return;
      assert.ok(charged instanceof CreditEngineError, String(charged));
      assert.ok([undefined, 429, 503].includes(charged.status), String(charged));
      surfaced += 1;
      idempotencyKey = charged.idempotencyKey;
    }
  }
  const indexes = Array.from({ length: CONSUMES }, (_, index) => index).values();
  const work = async () => {
    for (const index of indexes) await consume(index);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  t.diagnostic(`${seconds} s, ${surfaced} errors after all tries, ${JSON.stringify(proxy.counts)}`);

  let charges = 0;
  for (let customer = 0; customer < CUSTOMERS; customer += 1) {
    let spent = 0;
    for (let index = customer; index < CONSUMES; index += CUSTOMERS) spent += millionthsOf(index);
    const audit = await engine.audit(key, `cus_${customer}`);
    assert.equal(Math.round(audit.journal_balance * 1e6), START_CREDITS * 1e6 - spent);
    const path = `/v1/customers/cus_${customer}/transactions?type=consumption&limit=1`;
    charges += (await engine.send("GET", path, { key })).body.pagination.total;
  }
  assert.equal(charges, CONSUMES);
  // The network was as bad as it was to be.
  for (const fault of FAULTS) assert.ok(proxy.counts[fault] > 0, fault);
});

/** Amounts that differ, so that no two mistakes make up for each other. */
function millionthsOf(index: number): number {
  return 1_000 + (index % 977);
}
