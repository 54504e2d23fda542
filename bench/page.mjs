// Writes what the last runs saw into docs/performance.md, between its marks, and draws the
// plots beside it. What is around the marks is written by hand.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, UserError } from "../scripts/toolchain.mjs";
import { DISTURBED } from "./processes.mjs";
import { withQuartiles } from "./report.mjs";
import { plot } from "./svg.mjs";
import { judge } from "./targets.mjs";

const PAGE = join(ROOT, "docs", "performance.md");
const PLOTS = join(ROOT, "docs", "performance");
const SUBJECTS = ["comparison", "floor", "growth", "cold", "start-up"];

const GROWTH = {
  customers: { title: "Customers", x: "customers, 64 connections", rate: "requests/s" },
  journal: { title: "Journal", x: "entries in the journal, 32 connections", rate: "requests/s" },
  batch: { title: "Batch", x: "items in a batch, 8 connections", rate: "items/s" },
  connections: { title: "Connections", x: "connections, one customer", rate: "requests/s" },
};

/** @param {string} folder with the results */
export function writePage(folder) {
  /** @type {Record<string, any>} */
  const results = {};
  for (const subject of SUBJECTS) {
    const path = join(folder, `${subject}.json`);
    if (existsSync(path)) results[subject] = JSON.parse(readFileSync(path, "utf8"));
  }
  const blocks = {
    run: results.comparison && describeRun(results),
    targets: results.comparison && targetTable(results),
    scenarios: results.comparison && scenarioTables(results.comparison),
    floor: results.floor && floorSections(results.floor),
    growth: results.growth && growthSections(results.growth),
    memory: results.growth && memoryTable(results.growth.memory),
    "start-up": results["start-up"] && startUpTable(results["start-up"].result),
  };
  let page = readFileSync(PAGE, "utf8");
  for (const [name, text] of Object.entries(blocks)) {
    if (text) page = replaceBlock(page, name, text);
    else console.log(`no results for "${name}": left as it is`);
  }
  writeFileSync(PAGE, page);
  console.log(`written: ${PAGE}`);
}

/**
 * @param {string} page
 * @param {string} name
 * @param {string} text
 */
function replaceBlock(page, name, text) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new UserError(`docs/performance.md has no ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n${text.trim()}\n${page.slice(to)}`;
}

/** @param {Record<string, any>} results */
function describeRun(results) {
  const { facts, settings, results: storages } = results.comparison;
  const versions = Object.entries(facts.versions).map(([name, version]) => `${name} ${version}`);
  const audits = storages.flatMap((/** @type {any} */ one) => one.audits);
  const total = (/** @type {string} */ field) =>
    count(audits.reduce((/** @type {number} */ sum, /** @type {any} */ a) => sum + a[field], 0));
  const commands = Object.values(results).map(({ facts }) => {
    const day = facts.date.slice(0, 16).replace("T", " ");
    return `${facts.command.padEnd(34)} # ${day} UTC`;
  });
  const others = disturbance(storages.flatMap((/** @type {any} */ one) => one.disturbances));
  return `\`\`\`sh
${commands.join("\n")}
\`\`\`

${facts.cpu_count} CPUs (${facts.cpu_model}), Linux ${facts.kernel}; ${versions.join(", ")}.
Side by side: ${turnsOf(settings)}; figures and ratios are medians, a
ratio's over the rounds, with its quartiles in parentheses. After SIGKILL and a restart
${total("ledgers")} ledgers were audited, all consistent: ${total("answered")} consumptions had been answered,
${total("journalled")} were in the journals. ${others}`;
}

/**
 * @param {{ rounds: number, starts: number, seconds: number }} settings
 * @param {number} [leastSeconds]
 */
function turnsOf({ rounds, starts, seconds }, leastSeconds = 0) {
  const each = starts > 1 ? `, all processes started ${starts} times` : "";
  return `${rounds} rounds with turns of ${Math.max(seconds, leastSeconds)} s${each}`;
}

/** @param {number[]} shares */
function disturbance(shares) {
  const disturbed = shares.filter((share) => share > DISTURBED).length;
  return `Other programs took more than ${DISTURBED * 100}% of the CPUs just before ${disturbed} of ${shares.length} rounds.`;
}

/** @param {Record<string, any>} results */
function targetTable(results) {
  const rows = judge(results).map(({ measure, against, target, seen, cpu, isMet }) => [
    measure,
    against,
    target,
    seen,
    cpu,
    isMet ? "yes" : "**no**",
  ]);
  return table(["measure", "against", "target", "seen", "CPU/request", "met"], rows, 6);
}

/** @param {any} comparison */
function scenarioTables({ results }) {
  const rows = results.flatMap((/** @type {any} */ { storage, summaries }) =>
    summaries.flatMap((/** @type {any} */ summary) =>
      summary.rows.map((/** @type {any} */ row, /** @type {number} */ index) => [
        index === 0 ? `${summary.title}; ${summary.connections}; ${storage}` : "",
        row.contender,
        count(row.rps),
        `${count(row.rps_low)}–${count(row.rps_high)}`,
        (row.p50_us / 1000).toFixed(2),
        (row.p99_us / 1000).toFixed(2),
        count(row.cpu_us_per_request),
        ...inMultiples(summary, row.contender),
      ]),
    ),
  );
  const heads = ["scenario; connections; storage", "contender", "requests/s", "quartiles"];
  const more = ["p50 ms", "p99 ms", "CPU µs/request"];
  return table([...heads, ...more, "ours: requests/s", "ours: CPU/request"], rows, 2);
}

/**
 * What edge-credits has, in multiples of what another contender has.
 * @param {any} summary
 * @param {string} contender
 */
function inMultiples({ ratios }, contender) {
  const ratio = ratios.find((/** @type {any} */ one) => one.over === contender);
  return ratio ? [withQuartiles(ratio.rps), withQuartiles(ratio.cpu)] : ["", ""];
}

/** @param {any} floor */
function floorSections({ settings, ladders }) {
  return ladders
    .map((/** @type {any} */ { title, connections, least_seconds, rungs, disturbances }) => {
      const rows = rungs.map((/** @type {any} */ rung, /** @type {number} */ index) => {
        const of = rung.of_first;
        return [
          rung.contender,
          rung.adds,
          rung.cpu_us_per_request.toFixed(0),
          rung.cpu_us_low.toFixed(0),
          count(rung.rps),
          index === 0 ? "" : withQuartiles(of.cpu),
          index === 0 ? "" : withQuartiles(of.rps),
        ];
      });
      const heads = ["step", "what it adds", "CPU µs/request", "lower quartile", "requests/s"];
      const figures = table([...heads, "CPU, of the first", "requests/s, of the first"], rows, 2);
      const callers = `${connections} connections, ${settings.storage}`;
      const turns = turnsOf(settings, least_seconds);
      return `### ${capitalized(title)}\n\n${callers}; ${turns}. ${disturbance(disturbances)}\n\n${figures}`;
    })
    .join("\n\n");
}

/** @param {string} text */
function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {any} growth */
function growthSections({ parts }) {
  mkdirSync(PLOTS, { recursive: true });
  return Object.entries(GROWTH)
    .map(([name, { title, x, rate }]) => {
      const points = parts[name];
      const svg = plot(`${title}: ${rate} and p99`, x, [
        { label: rate, points: points.map((/** @type {any} */ p) => ({ x: p.x, y: p.rps })) },
        {
          label: "p99, ms",
          points: points.map((/** @type {any} */ p) => ({ x: p.x, y: p.p99_us / 1000 })),
        },
      ]);
      writeFileSync(join(PLOTS, `${name}.svg`), svg);
      const rows = points.map((/** @type {any} */ p) => [
        count(p.x),
        count(p.rps),
        (p.p50_us / 1000).toFixed(2),
        (p.p99_us / 1000).toFixed(2),
      ]);
      const figures = table([x, rate, "p50 ms", "p99 ms"], rows, 0);
      return `### ${title}\n\n![${title}: ${rate} and p99](performance/${name}.svg)\n\n${figures}`;
    })
    .join("\n\n");
}

/** @param {any} memory */
function memoryTable({ bytes_per_ledger, bytes_per_1000_grants }) {
  const kib = (/** @type {number} */ bytes) => `${(bytes / 1024).toFixed(0)} KiB`;
  return table(
    ["what", "memory of the process"],
    [
      ["a warm ledger object, its SQLite and V8's share included", kib(bytes_per_ledger)],
      ["1,000 open grants of a warm ledger", kib(bytes_per_1000_grants)],
    ],
    1,
  );
}

/** @param {any} result */
function startUpTable(result) {
  const ms = (/** @type {number} */ value, digits = 1) => `${value.toFixed(digits)} ms`;
  return table(
    ["what", `median of ${result.samples}`],
    [
      ["workerd, start of the process to first answer, this Worker", ms(result.workerd_ours_ms)],
      ["the same, an empty JS Worker", ms(result.workerd_empty_ms)],
      ["the same, an empty JS Worker with the same bindings", ms(result.workerd_bound_ms)],
      ["what the Worker adds", ms(result.workerd_ours_ms - result.workerd_empty_ms)],
      ["of that, what is not its bindings", ms(result.workerd_ours_ms - result.workerd_bound_ms)],
      ["V8 alone (Node): compiling the wasm", ms(result.compile_ms, 2)],
      ["V8 alone (Node): instantiating it", ms(result.instantiate_ms, 2)],
    ],
    1,
  );
}

/**
 * @param {string[]} heads
 * @param {string[][]} rows
 * @param {number} texts how many columns there are before those with figures
 */
function table(heads, rows, texts) {
  const rule = heads.map((_, column) => (column < texts ? "---" : "---:"));
  return [heads, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString("en");
}
