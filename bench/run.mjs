// `npm run bench`: edge-credits beside others that do the same job, in interleaved rounds.
// Ends with an error if anyone lost or made credits.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, WORKER_JS, WORKER_WASM } from "../scripts/build.mjs";
import { run, runMain } from "../scripts/process.mjs";
import { setup } from "../scripts/setup.mjs";
import { NODE, UserError, WORKERD } from "../scripts/toolchain.mjs";
import { measureCold } from "./cold.mjs";
import { compare } from "./comparison.mjs";
import { measureFloor } from "./floor.mjs";
import { measureGrowth } from "./growth.mjs";
import { requireWrk } from "./load.mjs";
import { HELP, readOptions } from "./options.mjs";
import { writePage } from "./page.mjs";
import { measureStartUp } from "./start-up.mjs";
import { findStores } from "./stores.mjs";

const RESULTS = fileURLToPath(new URL("./results/", import.meta.url));
const BUSY_LOAD_PER_CPU = 0.25;
const SUBJECTS = {
  comparison: compare,
  floor: measureFloor,
  growth: measureGrowth,
  cold: measureCold,
  "start-up": measureStartUp,
};

/** @typedef {import("./options.mjs").Options} Options */
/** @typedef {Awaited<ReturnType<typeof gatherFacts>>} Facts */

async function main() {
  const args = process.argv.slice(2);
  const options = readOptions(args);
  if (options.help) return console.log(HELP);
  const { subject } = options;
  if (subject === "page") return writePage(RESULTS);
  if (process.platform !== "linux")
    throw new UserError("the benchmark reads /proc: it needs Linux");
  const wrk = await requireWrk();
  await provideBundle(options);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    // The exit handlers end what was started and remove its files.
    process.once(signal, () => process.exit(130));
  }

  // Each server and each folder has a handler that removes it; many are there at once.
  process.setMaxListeners(100);
  const facts = await gatherFacts(wrk, args);
  printFacts(facts, options);
  const seen = await SUBJECTS[subject](options);
  const path = options.json ?? `${RESULTS}${subject}.json`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ facts, ...seen }, null, 2)}\n`);
  console.log(`\nevery figure: ${path}`);
}

/** @param {Options} options */
async function provideBundle(options) {
  if (options.build) {
    await setup();
    await build();
  }
  if (!existsSync(WORKER_JS) || !existsSync(WORKER_WASM)) {
    throw new UserError("the Worker is not built: run `npm run build`, or leave out --no-build");
  }
}

/**
 * What a reader must know to judge the figures.
 * @param {string} wrk
 * @param {string[]} args
 */
async function gatherFacts(wrk, args) {
  const [workerd, node, stores] = await Promise.all([
    run(WORKERD, ["--version"]),
    run(NODE, ["--version"]),
    findStores(),
  ]);
  const [load = 0] = loadavg();
  return {
    date: new Date().toISOString(),
    command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
    cpu_count: availableParallelism(),
    cpu_model: cpus()[0]?.model ?? "unknown",
    kernel: release(),
    load_before: load,
    versions: {
      workerd: workerd.trim().replace(/^workerd /, ""),
      node: node.trim().replace(/^v/, ""),
      wrk,
      ...stores,
    },
    bundle: bundleSize(),
  };
}

/**
 * @param {Facts} facts
 * @param {Options} options
 */
function printFacts(facts, { rounds, starts, seconds }) {
  const { versions, bundle } = facts;
  console.log(`${facts.date}  ${facts.cpu_count} CPUs (${facts.cpu_model}), Linux ${facts.kernel}`);
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  console.log(named.join(", "));
  const anew = starts > 1 ? `, ${starts} starts` : "";
  console.log(`${rounds} rounds${anew}, turns of ${seconds} s; figures are medians`);
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(
    `bundle: wasm ${kib(bundle.wasm_bytes)} (gzip ${kib(bundle.wasm_gzip_bytes)}), ` +
      `js ${kib(bundle.js_bytes)} (gzip ${kib(bundle.js_gzip_bytes)})`,
  );
  if (facts.load_before > facts.cpu_count * BUSY_LOAD_PER_CPU) {
    const load = facts.load_before.toFixed(1);
    console.log(`note: this machine is busy (load ${load}): the figures will be noise`);
  }
}

function bundleSize() {
  const [wasm, js] = [readFileSync(WORKER_WASM), readFileSync(WORKER_JS)];
  return {
    wasm_bytes: wasm.length,
    wasm_gzip_bytes: gzipSync(wasm).length,
    js_bytes: js.length,
    js_gzip_bytes: gzipSync(js).length,
  };
}

await runMain(main);
