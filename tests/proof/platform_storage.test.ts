// Storage that fails under load, really (no byte more may be written) and as a stand-in (each
// kind of failure by itself): who waited is told, memory is dropped, and the journal is right.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, Engine } from "../e2e/engine.ts";
import { assertSound, balance, journal } from "../e2e/watch.ts";
import { calls, type Faults, order, startFaulty } from "./faults.ts";
import { figures, inParallel, randomNumbers, SECONDS, SEED } from "./order.ts";

const CUSTOMERS = 4;
const CLIENTS = 24;
const FUNDS = 1_000_000;
/** How long each kind of failure comes and goes. */
const PHASE_MS = SECONDS === undefined ? 1_000 : Math.max(1_000, (SECONDS * 1_000) / 24);
const RETRY_MS = 20;

const customer = (n: number) => `customer-${n % CUSTOMERS}`;

interface Load {
  /** By customer, the keys of the charges that were answered, and the answers' numbers. */
  done: Map<string, Map<string, number>>;
  /** Answers 503. */
  told: number;
}

/** Charges until it is over, each under a key of its own until it is answered. */
async function charge(engine: Engine, key: string, isOver: () => boolean): Promise<Load> {
  const load: Load = { done: new Map(), told: 0 };
  await inParallel(CLIENTS, CLIENTS, async (client) => {
    while (!isOver()) {
      const idempotency_key = randomUUID();
      const whose = customer(client);
      const body = { amount: 1, idempotency_key };
      const sent = { key, body };
      let answer: Answer;
      for (;;) {
        answer = await engine.send("POST", `/v1/customers/${whose}/consume`, sent);
        if (answer.status !== 503) break;
        assert.equal(answer.headers.get("Retry-After"), "1");
        load.told += 1;
        await pause(RETRY_MS);
      }
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const done = load.done.get(whose) ?? new Map();
      load.done.set(whose, done.set(idempotency_key, answer.body.seq));
    }
  });
  return load;
}

/** That what was answered is in the journal where the answer said, once, and nothing else. */
async function assertExact(engine: Engine, key: string, loads: Load[]): Promise<number> {
  let charges = 0;
  for (let n = 0; n < CUSTOMERS; n += 1) {
    const done = new Map(loads.flatMap((load) => [...(load.done.get(customer(n)) ?? [])]));
    const rows = await assertSound(engine, key, customer(n));
    const charged = rows.filter((row) => row.kind === "consumption");
    assert.equal(charged.length, done.size, `PROOF_SEED=${SEED}`);
    for (const row of charged) assert.equal(done.get(row.key?.slice(2) ?? ""), row.seq);
    assert.equal(await balance(engine, key, customer(n)), FUNDS - done.size);
    charges += done.size;
  }
  return charges;
}

async function fund(engine: Engine): Promise<string> {
  const { live } = await engine.project("shop");
  for (let n = 0; n < CUSTOMERS; n += 1) await engine.customer(live, customer(n), FUNDS);
  return live;
}

/** Turns something on and off, again and again, while customers are charged. */
async function sufferUnderLoad(
  engine: Engine,
  key: string,
  fail: (isFailing: boolean) => Promise<void> | void,
): Promise<Load> {
  const dice = randomNumbers(SEED);
  let isOver = false;
  const load = charge(engine, key, () => isOver);
  const end = Date.now() + PHASE_MS;
  try {
    while (Date.now() < end) {
      await fail(true);
      await pause(50 + 200 * dice());
      await fail(false);
      await pause(50 + 100 * dice());
    }
  } finally {
    await fail(false);
    isOver = true;
  }
  return load;
}

const KINDS: [string, Faults["storage"]][] = [
  ["statements are refused", { refuse: 1 }],
  ["statements are done and reported as failed", { tear: 1 }],
  ["commits fail", { sync: 1 }],
  ["alarms are not set", { alarm: 1 }],
  ["a third of everything fails", { refuse: 0.3, tear: 0.3, sync: 0.3, alarm: 0.3 }],
];

test("storage that fails in each way under load loses and doubles nothing (stand-in)", async () => {
  const engine = await startFaulty();
  try {
    const live = await fund(engine);
    const loads: Load[] = [];
    for (const [what, storage = {}] of KINDS) {
      const fail = (isFailing: boolean) => order(engine, isFailing ? { storage } : {});
      const load = await sufferUnderLoad(engine, live, fail);
      // Alarms are set once in ten minutes: their failing is not met by each charge.
      assert.ok(load.told > 0 || what.startsWith("alarms"), `nobody was told: ${what}`);
      loads.push(load);
      await assertExact(engine, live, loads);
    }
    await engine.kill();
    await engine.restart();
    const charges = await assertExact(engine, live, loads);
    const told = loads.reduce((sum, load) => sum + load.told, 0);
    figures(
      `storage failing in ${KINDS.length} ways (stand-in): ${charges} charges answered, ` +
        `0 lost, 0 doubled; ${told} answers 503`,
    );
  } finally {
    await engine.end();
  }
});

test("what was written by a flush that failed is committed before it is replayed", async () => {
  const engine = await startFaulty();
  try {
    const live = await fund(engine);
    const path = `/v1/customers/${customer(0)}/consume`;
    for (const kind of ["sync", "tear"] as const) {
      const sent = { key: live, body: { amount: 1, idempotency_key: kind } };
      await order(engine, { storage: { [kind]: 1 } });
      assert.equal((await engine.send("POST", path, sent)).status, 503);
      // The replay writes nothing; it must not be answered as if it were durable all the same.
      await order(engine, { storage: { sync: 1 } });
      assert.equal((await engine.send("POST", path, sent)).status, 503, kind);
      await order(engine, {});
      const replay = await engine.send("POST", path, sent);
      assert.deepEqual([replay.status, replay.body.replayed], [200, true]);
      assert.ok(((await calls(engine)).sync ?? 0) > 0, "answered without a commit");
    }
  } finally {
    await engine.end();
  }
});

/** A disk that takes no byte beyond those that a file has; only where Linux has `prlimit`. */
function limitFiles(engine: Engine, bytes: number | "unlimited"): void {
  execFileSync("prlimit", [`--pid=${engine.pid}`, `--fsize=${bytes}:unlimited`]);
}

const isLinux = process.platform === "linux";

test("a disk that takes nothing more under load loses and doubles nothing", {
  skip: isLinux ? false : "prlimit is Linux's",
}, async () => {
  // The signal that goes with such a write would end the process; ignored, the write fails.
  const launcher = ["sh", "-c", `trap '' XFSZ; exec "$0" "$@"`];
  const engine = await Engine.start({ launcher });
  try {
    const live = await fund(engine);
    const fail = (isFailing: boolean) => limitFiles(engine, isFailing ? 4_096 : "unlimited");
    const load = await sufferUnderLoad(engine, live, fail);
    assert.ok(load.told > 0, "nobody was told");
    await assertExact(engine, live, [load]);
    const rows = journal(engine, customer(0));
    // A power cut while nothing can be written.
    limitFiles(engine, 4_096);
    const refused = await engine.send("POST", `/v1/customers/${customer(0)}/consume`, {
      key: live,
      body: { amount: 1, idempotency_key: "in vain" },
    });
    assert.equal(refused.status, 503);
    await engine.kill();
    await engine.restart();
    const charges = await assertExact(engine, live, [load]);
    assert.deepEqual(journal(engine, customer(0)), rows);
    figures(
      `a full disk (RLIMIT_FSIZE): ${charges} charges answered, 0 lost, 0 doubled; ` +
        `${load.told} answers 503, well again without a restart`,
    );
  } finally {
    await engine.end();
  }
});
