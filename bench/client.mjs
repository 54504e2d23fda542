// `npm run bench:client`: what a call by the package costs beside the same call by a client
// written by hand on `fetch`. Both make the same requests of the same server, a block of calls
// each in turn, so that a machine that slows down does so for both.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { PACKAGE_DIR } from "../scripts/package.mjs";
import { elapsed, runMain } from "../scripts/process.mjs";
import { NODE } from "../scripts/toolchain.mjs";
import { AMOUNT } from "./amounts.mjs";
import { OURS } from "./contenders.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";
import { customerApi } from "./verify.mjs";

const HELP = `npm run bench:client: the package beside a client written by hand on fetch

  --blocks N   blocks of each client (300)
  --calls N    calls in a block, one after the other (10)
  --help       this text

It measures pkg/dist and build/worker as they are: run \`npm run package\` and \`npm run build\` first.
`;
const CUSTOMER = "hot";
const GRANT = 1_000_000;
const WARM_UP_BLOCKS = 30;
const TIMEOUT_MS = 10_000;
const CONSTANT = fileURLToPath(new URL("./constant.mjs", import.meta.url));

/**
 * @typedef {object} Client
 * @property {() => Promise<{ balance: number }>} consume
 * @property {() => Promise<{ balance: number }>} balance
 * @typedef {{ call: keyof Client, micros: number[], cpuMicros: number[] }} Measured
 */

/**
 * What somebody would write who wants the same: a key per charge, a deadline, errors.
 * @param {string} url
 * @param {string} key
 * @returns {Client}
 */
function handWritten(url, key) {
  /**
   * @param {string} path
   * @param {RequestInit & { headers?: Record<string, string> }} init
   */
  async function call(path, init) {
    const response = await fetch(url + path, {
      ...init,
      headers: { Accept: "application/json", Authorization: `Bearer ${key}`, ...init.headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
    const body = /** @type {any} */ (await response.json());
    if (!response.ok) throw new Error(`${response.status}: ${body.code}`);
    return body;
  }
  const customer = `/v1/customers/${encodeURIComponent(CUSTOMER)}`;
  return {
    consume: () =>
      call(`${customer}/consume`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
        body: JSON.stringify({ amount: AMOUNT }),
      }),
    balance: () => call(`${customer}/balance`, { method: "GET" }),
  };
}

/**
 * @param {string} url
 * @param {string} key
 * @returns {Promise<Client>}
 */
async function packaged(url, key) {
  const { CreditEngine } = await import(pathToFileURL(join(PACKAGE_DIR, "dist", "index.js")).href);
  const engine = new CreditEngine({ apiKey: key, baseUrl: url, timeoutMs: TIMEOUT_MS });
  return {
    consume: () => engine.consume(CUSTOMER, AMOUNT),
    balance: () => engine.getBalance(CUSTOMER),
  };
}

/**
 * @param {Client} client
 * @param {keyof Client} call
 * @param {number} calls
 * @returns {Promise<{ micros: number[], cpuMicros: number }>} each call's time, and the CPU time
 *   of this process per call
 */
async function block(client, call, calls) {
  const micros = [];
  const before = process.cpuUsage();
  for (let count = 0; count < calls; count += 1) {
    const started = performance.now();
    const { balance } = await client[call]();
    micros.push((performance.now() - started) * 1000);
    assert.equal(typeof balance, "number");
  }
  const { user, system } = process.cpuUsage(before);
  return { micros, cpuMicros: (user + system) / calls };
}

/**
 * @param {Record<string, Client>} clients
 * @param {keyof Client} call
 * @param {{ blocks: number, calls: number }} size
 */
async function measure(clients, call, { blocks, calls }) {
  const names = Object.keys(clients);
  /** @type {Record<string, { micros: number[], cpuMicros: number[] }>} */
  const seen = Object.fromEntries(names.map((name) => [name, { micros: [], cpuMicros: [] }]));
  for (let round = -WARM_UP_BLOCKS; round < blocks; round += 1) {
    // Who comes first takes turns too.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { micros, cpuMicros } = await block(/** @type {any} */ (clients[name]), call, calls);
      if (round < 0) continue;
      seen[name]?.micros.push(...micros);
      seen[name]?.cpuMicros.push(cpuMicros);
    }
  }
  return seen;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * @param {string} target
 * @param {string} url
 * @param {string} key
 * @param {{ blocks: number, calls: number }} size
 */
async function compare(target, url, key, size) {
  const clients = { "by hand": handWritten(url, key), package: await packaged(url, key) };
  for (const call of /** @type {const} */ (["consume", "balance"])) {
    const started = performance.now();
    const seen = await measure(clients, call, size);
    const of = (/** @type {"micros" | "cpuMicros"} */ field) => {
      const [hand = Number.NaN, ours = Number.NaN] = Object.values(seen).map((one) =>
        median(one[field]),
      );
      return `${hand.toFixed(0)} / ${ours.toFixed(0)} µs: ${(ours / hand).toFixed(3)}x`;
    };
    console.log(
      `${target.padEnd(18)} ${call.padEnd(8)} median ${of("micros")}   CPU of the caller ${of("cpuMicros")}   (${elapsed(started)})`,
    );
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      blocks: { type: "string", default: "300" },
      calls: { type: "string", default: "10" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const size = { blocks: Number(values.blocks), calls: Number(values.calls) };
  console.log(`${new Date().toISOString()}  ${availableParallelism()} CPUs (${cpus()[0]?.model})`);
  console.log(
    `node ${process.version}; ${size.blocks} blocks of ${size.calls} calls by each in turn, one at a time`,
  );

  const constant = spawn(NODE, [CONSTANT], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => constant.kill("SIGKILL"));
  const [port] = await once(constant.stdout, "data");
  await compare(
    "a constant answer",
    `http://127.0.0.1:${String(port).trim()}`,
    "ce_test_constant",
    size,
  );
  constant.kill("SIGKILL");

  const [storage] = chooseStorages({ tmpfs: true, disk: false });
  if (!storage) throw new Error("no storage");
  const directory = freshDirectory(storage);
  const server = await OURS.start(directory.path, {});
  try {
    const key = await OURS.openAccounts(server.url);
    await customerApi(server.url, key, CUSTOMER).topUp(GRANT);
    await compare("the engine", server.url, key, size);
  } finally {
    await server.kill();
    directory.dispose();
  }
}

await runMain(main);
