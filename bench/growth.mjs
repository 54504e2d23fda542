// edge-credits alone, in memory, as things grow: customers, journal, batch, connections; and
// what they take of memory. In rounds, the smallest first, then the next.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { elapsed } from "../scripts/process.mjs";
import { AMOUNT } from "./amounts.mjs";
import { OURS } from "./contenders.mjs";
import { importCredits } from "./import.mjs";
import { growJournal } from "./journal.mjs";
import { post, postToMany, putLoad } from "./load.mjs";
import { WARM_UP_SECONDS } from "./measure.mjs";
import { measureMemory } from "./memory.mjs";
import { align, median } from "./report.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";
import { customerApi } from "./verify.mjs";

const MANY_CONNECTIONS = 64;
const CONNECTIONS = 32;
const FIRST_JOURNAL = 1000;
/** A second more or less makes no difference to a journal of this length. */
const REUSED_JOURNAL = 1_000_000;
const BATCHES = [1, 10, 100, 1000];
const BATCH_CONNECTIONS = 8;
const MOST_CONNECTIONS = 256;
const FILES_PER_LEDGER = 3;
const IDLE_LOOK_MS = 500;
const IDLE_CPU_SECONDS = 0.05;
const IDLE_DEADLINE_MS = 120_000;

/**
 * @typedef {object} Point
 * @property {number} x what grew
 * @property {number} rps items per second, in a batch
 * @property {number} p50_us
 * @property {number} p99_us
 * @typedef {{ url: string, key: string, cpuSeconds: () => number }} Ours
 */

const PARTS = {
  customers: growCustomers,
  journal: growJournals,
  batch: growBatches,
  connections: growConnections,
};

/** @param {import("./options.mjs").Options} options */
export async function measureGrowth(options) {
  /** @type {Record<string, Point[]>} */
  const parts = {};
  for (const [name, grow] of Object.entries(PARTS)) {
    const points = await withOurs((ours) => grow(ours, options));
    console.log(render(name, points));
    parts[name] = points;
  }
  const memory = await withOurs((ours, restart) => measureMemory(ours, restart));
  const { rounds, seconds } = options;
  return { settings: { rounds, seconds }, parts, memory };
}

/**
 * @param {Ours} ours
 * @param {import("./options.mjs").Options} options
 */
async function growCustomers({ url, key, cpuSeconds }, { rounds, seconds, customers }) {
  noteOpenFiles(customers);
  const names = Array.from({ length: customers }, (_, index) => `many-${index + 1}`);
  await importCredits(url, key, names, 1, 1000);
  const path = "/v1/customers/many-{}/consume";
  return inRounds(rounds, tenfold(1, customers), async (count) => {
    await untilIdle(cpuSeconds);
    return loadOn(url, key, {
      asked: postToMany(path, count, { amount: AMOUNT }),
      connections: MANY_CONNECTIONS,
      seconds,
    });
  });
}

/**
 * Thousands of customers that were just charged tell analytics of it: that belongs to what was
 * measured before, not to what comes next.
 * @param {() => number} cpuSeconds
 */
async function untilIdle(cpuSeconds) {
  const started = performance.now();
  for (let before = cpuSeconds(); ; before = cpuSeconds()) {
    await pause(IDLE_LOOK_MS);
    if (cpuSeconds() - before < IDLE_CPU_SECONDS) return;
    if (performance.now() - started > IDLE_DEADLINE_MS) throw new Error("workerd is never idle");
  }
}

/**
 * Being measured makes a journal longer too, by thousands of entries a second. So each is
 * measured for one second, and a new one is made for each round where that matters.
 * @param {Ours} ours
 * @param {import("./options.mjs").Options} options
 */
async function growJournals({ url, key }, { rounds, entries }) {
  /** @type {Map<string, number>} */
  const present = new Map();
  let made = 0;
  return inRounds(rounds, tenfold(FIRST_JOURNAL, entries), async (size) => {
    if (size < REUSED_JOURNAL) made += 1;
    const name = size < REUSED_JOURNAL ? `journal-${made}` : `journal-of-${size}`;
    if (!present.has(name)) await growJournal(url, key, name, size);
    present.set(name, size);
    const asked = post(`/v1/customers/${name}/consume`, { amount: AMOUNT });
    const seen = await loadOn(url, key, { asked, connections: CONNECTIONS, seconds: 1 }, false);
    const { body } = await customerApi(url, key, name).audit();
    assert.equal(body.consistent, true);
    assert.ok(body.entries >= size + seen.requests);
    return seen;
  });
}

/**
 * @param {Ours} ours
 * @param {import("./options.mjs").Options} options
 */
async function growBatches({ url, key }, { rounds, seconds }) {
  await customerApi(url, key, "batch").topUp(1_000_000);
  return inRounds(rounds, BATCHES, async (count) => {
    const items = Array.from({ length: count }, () => ({ amount: AMOUNT }));
    const seen = await loadOn(url, key, {
      asked: post("/v1/customers/batch/consume-batch", { items, atomic: false }),
      connections: BATCH_CONNECTIONS,
      seconds,
    });
    // What wrk left under way is done before the next is measured.
    await customerApi(url, key, "batch").audit();
    return { ...seen, rps: seen.rps * count };
  });
}

/**
 * @param {Ours} ours
 * @param {import("./options.mjs").Options} options
 */
async function growConnections({ url, key }, { rounds, seconds }) {
  await customerApi(url, key, "hot").topUp(1_000_000);
  const counts = [];
  for (let count = 1; count <= MOST_CONNECTIONS; count *= 2) counts.push(count);
  return inRounds(rounds, counts, (connections) =>
    loadOn(url, key, {
      asked: post("/v1/customers/hot/consume", { amount: AMOUNT }),
      connections,
      seconds,
    }),
  );
}

/**
 * A ledger that was used in the last ten seconds keeps files open.
 * @param {number} customers
 */
function noteOpenFiles(customers) {
  const limits = readFileSync("/proc/self/limits", "latin1");
  const allowed = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0);
  if (customers * FILES_PER_LEDGER <= allowed) return;
  console.log(`note: ${allowed} open files (ulimit -n) may be too few for ${customers} customers`);
}

/** @param {number} first @param {number} last */
function tenfold(first, last) {
  const values = [];
  for (let value = first; value <= last; value *= 10) values.push(value);
  return values;
}

/**
 * @param {string} url
 * @param {string} key
 * @param {Pick<import("./load.mjs").Load, "asked" | "connections" | "seconds">} load
 * @param {boolean} [warmUp]
 */
async function loadOn(url, key, load, warmUp = true) {
  const full = { ...load, url, headers: { Authorization: `Bearer ${key}` } };
  if (warmUp) await putLoad({ ...full, seconds: WARM_UP_SECONDS });
  const seen = await putLoad(full);
  if (seen.refused + seen.broken > 0) throw new Error(`requests failed: ${JSON.stringify(seen)}`);
  return seen;
}

/**
 * @param {number} rounds
 * @param {number[]} values
 * @param {(value: number) => Promise<import("./load.mjs").Seen>} measure
 * @returns {Promise<Point[]>} the median of each
 */
async function inRounds(rounds, values, measure) {
  const started = performance.now();
  /** @type {import("./load.mjs").Seen[][]} */
  const seen = values.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, value] of values.entries()) seen[index]?.push(await measure(value));
  }
  console.log(`  ${values.join(", ")}: ${elapsed(started)}`);
  return values.map((x, index) => {
    const of = (/** @type {"rps" | "p50_us" | "p99_us"} */ field) =>
      median((seen[index] ?? []).map((one) => one[field]));
    return { x, rps: of("rps"), p50_us: of("p50_us"), p99_us: of("p99_us") };
  });
}

/**
 * @template T
 * @param {(ours: Ours, restart: () => Promise<import("./server.mjs").Server>) => Promise<T>} measure
 */
async function withOurs(measure) {
  const [storage] = chooseStorages({ tmpfs: true, disk: false });
  if (!storage) throw new Error("there is no storage");
  const directory = freshDirectory(storage);
  let server = await OURS.start(directory.path, {});
  const restart = async () => {
    await server.kill();
    server = await OURS.start(directory.path, {});
    return server;
  };
  try {
    const key = await OURS.openAccounts(server.url);
    return await measure({ url: server.url, key, cpuSeconds: server.cpuSeconds }, restart);
  } finally {
    await server.kill();
    directory.dispose();
  }
}

/** @param {string} name @param {Point[]} points */
function render(name, points) {
  const rows = points.map(({ x, rps, p50_us, p99_us }) => [
    x.toLocaleString("en"),
    rps.toFixed(0),
    (p50_us / 1000).toFixed(2),
    (p99_us / 1000).toFixed(2),
  ]);
  return `\n${align([[name, "per second", "p50 ms", "p99 ms"], ...rows])}`;
}
