// `npm run bench`: edge-credits beside hand-written JS Workers that do the same job, each
// on raw workerd, in interleaved rounds. Ends with an error if anyone lost or made credits.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { gzipSync } from "node:zlib";
import { build, WORKER_JS, WORKER_WASM } from "../scripts/build.mjs";
import { elapsed, run, runMain } from "../scripts/process.mjs";
import { setup } from "../scripts/setup.mjs";
import { NODE, UserError, WORKERD } from "../scripts/toolchain.mjs";
import { BASELINES, OURS, scenarios } from "./contenders.mjs";
import { requireWrk } from "./load.mjs";
import { measureRound, WARM_UP_SECONDS } from "./measure.mjs";
import { HELP, readOptions } from "./options.mjs";
import { renderSummary, summarize } from "./report.mjs";
import { chooseStorages } from "./storage.mjs";

// What a contender needs around its load: two starts, the conformance check, the audit.
const OVERHEAD_SECONDS = 5;
const BUSY_LOAD_PER_CPU = 0.25;

/** @typedef {import("./options.mjs").Options} Options */

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  if (process.platform !== "linux")
    throw new UserError("the benchmark reads /proc: it needs Linux");
  const wrk = await requireWrk();
  if (!options.baselines) await provideBundle(options);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    // The exit handlers end workerd and remove its ledgers.
    process.once(signal, () => process.exit(130));
  }

  const facts = { date: new Date().toISOString(), ...(await versions(wrk)), ...machine() };
  const settings = {
    rounds: options.rounds,
    seconds: options.seconds,
    connections: options.connections,
  };
  printFacts(facts, settings);
  const contenders = options.baselines ? BASELINES : [...BASELINES, OURS];
  const results = [];
  for (const storage of chooseStorages(options)) {
    const asked = scenarios(options.connections).filter(
      // Reading and answering a constant touch no storage: once is enough.
      ({ consumes }) => consumes || results.length === 0,
    );
    const { measurements, audits } = await measureAll(contenders, asked, { ...options, storage });
    const summaries = summarize(measurements, asked, OURS.name);
    for (const summary of summaries) console.log(`\n${renderSummary(summary, storage.kind)}`);
    results.push({ storage: storage.kind, summaries, audits, measurements });
  }
  printAudits(results.flatMap(({ audits }) => audits));
  const size = options.baselines ? null : bundleSize();
  if (size) printSize(size);
  if (options.json) {
    const report = { facts, settings, size, results };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

/**
 * @param {import("./contenders.mjs").Contender[]} contenders
 * @param {import("./contenders.mjs").Scenario[]} asked
 * @param {Options & { storage: import("./storage.mjs").Storage }} options
 */
async function measureAll(contenders, asked, { rounds, seconds, storage }) {
  const turns = contenders
    .map((contender) => ({
      contender,
      its: asked.filter((scenario) => scenario.contenders.includes(contender.name)),
    }))
    .filter(({ its }) => its.length > 0);
  const perRound = turns.reduce(
    (sum, { its }) => sum + OVERHEAD_SECONDS + its.length * (seconds + WARM_UP_SECONDS),
    0,
  );
  console.log(`\n${storage.kind}: at most about ${Math.ceil((perRound * rounds) / 60)} min`);
  const measurements = [];
  const audits = [];
  for (let round = 1; round <= rounds; round += 1) {
    // In turn, so that a machine that slows down does so for all.
    for (const { contender, its } of turns) {
      const started = performance.now();
      const result = await measureRound(contender, its, { seconds, storage });
      measurements.push(...result.measurements.map((m) => ({ round, ...m })));
      if (result.audit) {
        audits.push({ storage: storage.kind, round, contender: contender.name, ...result.audit });
      }
      console.log(`  round ${round}/${rounds}: ${contender.name}: ${elapsed(started)}`);
    }
  }
  return { measurements, audits };
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

/** @param {string} wrk */
async function versions(wrk) {
  const [workerd, node] = await Promise.all([
    run(WORKERD, ["--version"]),
    run(NODE, ["--version"]),
  ]);
  return { workerd: workerd.trim().replace(/^workerd /, ""), node: node.trim(), wrk };
}

function machine() {
  const cpuCount = availableParallelism();
  const [load = 0] = loadavg();
  return { cpu_count: cpuCount, cpu_model: cpus()[0]?.model ?? "unknown", load_before: load };
}

/**
 * @param {Awaited<ReturnType<typeof versions>> & ReturnType<typeof machine> & { date: string }} facts
 * @param {{ rounds: number, seconds: number, connections: number }} settings
 */
function printFacts(facts, { rounds, seconds, connections }) {
  console.log(`${facts.date}  ${facts.cpu_count} CPUs (${facts.cpu_model})`);
  console.log(`workerd ${facts.workerd}, node ${facts.node}, wrk ${facts.wrk}`);
  console.log(`${rounds} rounds of ${seconds} s, ${connections} connections; figures are medians`);
  if (facts.load_before > facts.cpu_count * BUSY_LOAD_PER_CPU) {
    const load = facts.load_before.toFixed(1);
    console.log(`note: this machine is busy (load ${load}): the figures will be noise`);
  }
}

/** @param {import("./verify.mjs").Audit[]} audits */
function printAudits(audits) {
  const total = (/** @type {"answered" | "journalled"} */ field) =>
    audits.reduce((sum, audit) => sum + audit[field], 0);
  console.log(
    `\naudit after SIGKILL and restart: ${audits.length} ledgers, all consistent; ` +
      `${total("answered")} consumptions answered, ${total("journalled")} in the journals`,
  );
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

/** @param {ReturnType<typeof bundleSize>} size */
function printSize(size) {
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log(
    `bundle: wasm ${kib(size.wasm_bytes)} (gzip ${kib(size.wasm_gzip_bytes)}), ` +
      `js ${kib(size.js_bytes)} (gzip ${kib(size.js_gzip_bytes)})`,
  );
}

await runMain(main);
