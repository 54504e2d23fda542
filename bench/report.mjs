// From measurements to what a reader compares. A ratio is taken within each round, where both
// met the same machine, and its median over the rounds is told with its quartiles: a machine
// that is slow for some rounds slows both.

import { DISTURBED } from "./processes.mjs";

/** @typedef {import("./measure.mjs").Measurement} Measurement */
/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} low the lower quartile
 * @property {number} high the upper quartile
 */
/** @typedef {"rps" | "p50_us" | "p99_us" | "cpu_us_per_request"} Figure */

/**
 * @param {Measurement[]} measurements
 * @param {import("./scenarios.mjs").Scenario} scenario
 * @param {string} ourName
 */
export function summarize(measurements, scenario, ourName) {
  const names = [...new Set(measurements.map(({ contender }) => contender))];
  const hasOurs = names.includes(ourName);
  return {
    id: scenario.id,
    title: scenario.title,
    connections: scenario.connections,
    itemsPerRequest: scenario.itemsPerRequest ?? 1,
    rows: names.map((name) => rowOf(measurements, name)),
    ratios: names
      .filter((name) => hasOurs && name !== ourName)
      .map((name) => ratioOf(measurements, ourName, name)),
  };
}

/** @typedef {ReturnType<typeof rowOf>} Row */
/** @typedef {ReturnType<typeof ratioOf>} Ratio */
/** @typedef {ReturnType<typeof summarize>} Summary */

/**
 * @param {Measurement[]} measurements
 * @param {string} contender
 */
export function rowOf(measurements, contender) {
  const rounds = measurements.filter((one) => one.contender === contender);
  const of = (/** @type {Figure} */ figure) => spread(rounds.map((round) => round[figure]));
  const [rps, cpu] = [of("rps"), of("cpu_us_per_request")];
  return {
    contender,
    rps: rps.median,
    rps_low: rps.low,
    rps_high: rps.high,
    p50_us: of("p50_us").median,
    p99_us: of("p99_us").median,
    cpu_us_per_request: cpu.median,
    cpu_us_low: cpu.low,
  };
}

/**
 * One divided by the other, round by round: above 1 is better for rps, below 1 for the rest.
 * @param {Measurement[]} measurements
 * @param {string} contender
 * @param {string} over
 */
export function ratioOf(measurements, contender, over) {
  const of = (/** @type {string} */ name) => measurements.filter((one) => one.contender === name);
  const others = new Map(of(over).map((one) => [one.round, one]));
  const ratio = (/** @type {Figure} */ figure) =>
    spread(
      of(contender).map((one) => one[figure] / (others.get(one.round)?.[figure] ?? Number.NaN)),
    );
  return {
    over,
    rps: ratio("rps"),
    p50: ratio("p50_us"),
    p99: ratio("p99_us"),
    cpu: ratio("cpu_us_per_request"),
  };
}

/** @param {number[]} values @returns {Spread} */
export function spread(values) {
  return {
    median: median(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
  };
}

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * Between two values, in proportion.
 * @param {number[]} values
 * @param {number} share
 */
function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [lower = Number.NaN, upper = lower] = sorted.slice(Math.floor(place));
  return lower + (upper - lower) * (place % 1);
}

/**
 * @param {Summary} summary
 * @param {string} storage
 */
export function renderSummary({ title, connections, itemsPerRequest, rows, ratios }, storage) {
  const callers = connections === 1 ? "1 connection" : `${connections} connections`;
  const table = [
    ["", "requests/s", "quartiles", "p50 ms", "p99 ms", "CPU us/request", "quartiles"],
    ...rows.map((row) => [
      row.contender,
      row.rps.toFixed(0),
      `${row.rps_low.toFixed(0)}-${row.rps_high.toFixed(0)}`,
      (row.p50_us / 1000).toFixed(2),
      (row.p99_us / 1000).toFixed(2),
      row.cpu_us_per_request.toFixed(0),
      "",
    ]),
    ...ratios.map((ratio) => [
      `ours / ${ratio.over}`,
      times(ratio.rps.median),
      range(ratio.rps),
      times(ratio.p50.median),
      times(ratio.p99.median),
      times(ratio.cpu.median),
      range(ratio.cpu),
    ]),
  ];
  const items = itemsPerRequest > 1 ? `, ${itemsPerRequest} items per request` : "";
  return `${title} (${callers}, ${storage}${items})\n${align(table)}`;
}

/** @param {import("./measure.mjs").ContendersAudit[]} audits */
export function printAudits(audits) {
  const total = (/** @type {"ledgers" | "answered" | "journalled"} */ field) =>
    audits.reduce((sum, audit) => sum + audit[field], 0).toLocaleString("en");
  console.log(
    `\naudit after SIGKILL and restart: ${total("ledgers")} ledgers, all consistent; ` +
      `${total("answered")} consumptions answered, ${total("journalled")} in the journals`,
  );
}

/** @param {number[]} shares of the CPUs, before each round */
export function printDisturbance(shares) {
  const disturbed = shares.filter((share) => share > DISTURBED).length;
  console.log(
    `other programs, just before each of ${shares.length} rounds: ` +
      `${(median(shares) * 100).toFixed(0)}% of the CPUs; more than ${DISTURBED * 100}% before ${disturbed}`,
  );
}

/** @param {number} ratio */
export function times(ratio) {
  return `${ratio.toFixed(2)}x`;
}

/** @param {Spread} ratio */
export function range({ low, high }) {
  return `${low.toFixed(2)}–${high.toFixed(2)}`;
}

/** @param {Spread} ratio */
export function withQuartiles(ratio) {
  return `${times(ratio.median)} (${range(ratio)})`;
}

/** @param {string[][]} table */
export function align(table) {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
  return lines.map((line) => `  ${line.trimEnd()}`).join("\n");
}
