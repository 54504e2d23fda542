// What was aimed at, and whether what was seen reaches it. Of a ratio its median decides.

import { times, withQuartiles } from "./report.mjs";

/**
 * @typedef {object} Verdict
 * @property {string} measure
 * @property {string} against
 * @property {string} target
 * @property {string} seen
 * @property {string} cpu CPU time per request, where two are compared
 * @property {boolean} isMet
 */

/**
 * @typedef {Record<string, any>} Results what `npm run bench` wrote, by subject
 */

/**
 * Scenario, storage, whom it is compared with, the least rps and the most p99 in multiples of theirs.
 * @type {[string, "tmpfs" | "disk", string, { rps?: number, p99?: number }][]}
 */
const RATIOS = [
  ["consume", "disk", "naive", { rps: 2, p99: 0.6 }],
  ["consume", "tmpfs", "naive", { rps: 1.3 }],
  ["consume", "disk", "group-commit", { rps: 1 }],
  ["consume", "tmpfs", "group-commit", { rps: 1 }],
  ["consume-many", "disk", "naive", { rps: 1 }],
  ["consume-many", "disk", "group-commit", { rps: 1 }],
  ["consume-many", "tmpfs", "naive", { rps: 1 }],
  ["consume-many", "tmpfs", "group-commit", { rps: 1 }],
  ["constant", "tmpfs", "empty", { rps: 0.85 }],
  ["balance", "tmpfs", "naive", { rps: 1 }],
  ["balance", "tmpfs", "group-commit", { rps: 1 }],
  ["denied", "tmpfs", "naive", { rps: 1 }],
  ["denied", "tmpfs", "group-commit", { rps: 1 }],
  ["gate", "tmpfs", "naive", { rps: 1 }],
  ["gate", "tmpfs", "group-commit", { rps: 1 }],
  ["holds", "disk", "naive", { rps: 2 }],
  ["holds", "tmpfs", "naive", { rps: 2 }],
  ["consume", "disk", "redis-always", { rps: 1 }],
  ["consume", "disk", "redis-everysec", { rps: 1 }],
  ["consume", "disk", "worker-redis-always", { rps: 1 }],
  ["consume", "disk", "postgres", { rps: 3 }],
];
const BATCH_TARGET = 12;
const HOLD_P99_MS = 100;
const COLD_TARGET = 1.1;
const START_UP_TARGET_MS = 20;
const WASM_TARGET_KB = 250;

/**
 * @param {Results} results
 * @returns {Verdict[]}
 */
export function judge(results) {
  return [
    ...RATIOS.map((row) => judgeRatio(results, ...row)),
    ...judgeHolds(results),
    ...judgeBatches(results),
    ...judgeCold(results),
    ...judgeStart(results),
  ].filter((verdict) => verdict !== undefined);
}

/**
 * @param {Results} results
 * @param {string} id
 * @param {string} storage
 * @param {string} over
 * @param {{ rps?: number, p99?: number }} target
 * @returns {Verdict | undefined}
 */
function judgeRatio(results, id, storage, over, target) {
  const summary = find(results, id, storage);
  const ratio = summary?.ratios.find((/** @type {any} */ one) => one.over === over);
  if (!ratio) return undefined;
  const row = (/** @type {string} */ name) =>
    summary.rows.find((/** @type {any} */ one) => one.contender === name);
  const rates = `${count(row("edge-credits").rps)} and ${count(row(over).rps)} requests/s`;
  const { rps = 0, p99 } = target;
  return {
    measure: title(summary, storage),
    against: over,
    target: `≥ ${rps}x${p99 === undefined ? "" : `, p99 ≤ ${p99}x`}`,
    seen: `${withQuartiles(ratio.rps)}: ${rates}; p99 ${times(ratio.p99.median)}`,
    cpu: withQuartiles(ratio.cpu),
    isMet: ratio.rps.median >= rps && (p99 === undefined || ratio.p99.median <= p99),
  };
}

/** @param {Results} results */
function judgeHolds(results) {
  return ["disk", "tmpfs"].map((storage) => {
    const summary = find(results, "holds", storage);
    const ours = summary?.rows.find((/** @type {any} */ row) => row.contender === "edge-credits");
    if (!ours) return undefined;
    const p99 = ours.p99_us / 1000;
    return {
      measure: `p99 of ${title(summary, storage)}`,
      against: "–",
      target: `< ${HOLD_P99_MS} ms`,
      seen: `${p99.toFixed(1)} ms`,
      cpu: "–",
      isMet: p99 < HOLD_P99_MS,
    };
  });
}

/** @param {Results} results */
function judgeBatches(results) {
  const pairs = [
    ["batch-alone", "consume-alone"],
    ["batch", "consume"],
  ];
  return pairs.flatMap(([batch = "", single = ""]) =>
    ["disk", "tmpfs"].map((storage) => {
      const [many, one] = [batch, single].map((id) => ({ summary: find(results, id, storage) }));
      const rate = (/** @type {any} */ summary) =>
        summary?.rows.find((/** @type {any} */ row) => row.contender === "edge-credits")?.rps;
      if (!rate(many?.summary) || !rate(one?.summary)) return undefined;
      const items = rate(many?.summary) * many?.summary.itemsPerRequest;
      const ratio = items / rate(one?.summary);
      return {
        measure: `${title(many?.summary, storage)}, per item`,
        against: "single consumes by as many callers",
        target: `≥ ${BATCH_TARGET}x`,
        seen: `${ratio.toFixed(1)}x (${count(items)} and ${count(rate(one?.summary))} items/s)`,
        cpu: "–",
        isMet: ratio >= BATCH_TARGET,
      };
    }),
  );
}

/** @param {Results} results */
function judgeCold({ cold }) {
  return (cold?.results ?? []).map((/** @type {any} */ { storage, short, long }) => {
    const ratio = long.median_us / short.median_us;
    const ms = (/** @type {any} */ one) => (one.median_us / 1000).toFixed(2);
    return {
      measure: `first request to a cold ledger with ${count(long.entries)} entries, ${storage}`,
      against: `with ${count(short.entries)} entries`,
      target: `≤ ${COLD_TARGET}x`,
      seen: `${times(ratio)} (${ms(long)} and ${ms(short)} ms)`,
      cpu: "–",
      isMet: ratio <= COLD_TARGET,
    };
  });
}

/** @param {Results} results */
function judgeStart(results) {
  const { result } = results["start-up"] ?? {};
  const bundle = results.comparison?.facts.bundle;
  const verdicts = [];
  if (result) {
    const more = result.workerd_ours_ms - result.workerd_empty_ms;
    verdicts.push({
      measure: "start-up: what the Worker adds to workerd's time to the first answer",
      against: "an empty JS Worker",
      target: `≤ ${START_UP_TARGET_MS} ms`,
      seen: `${more.toFixed(1)} ms`,
      cpu: "–",
      isMet: more <= START_UP_TARGET_MS,
    });
  }
  if (bundle) {
    const kilobytes = bundle.wasm_gzip_bytes / 1000;
    verdicts.push({
      measure: "the Worker's wasm, gzip",
      against: "–",
      target: `≤ ${WASM_TARGET_KB} KB`,
      seen: `${kilobytes.toFixed(1)} KB`,
      cpu: "–",
      isMet: kilobytes <= WASM_TARGET_KB,
    });
  }
  return verdicts;
}

/**
 * @param {Results} results
 * @param {string} id
 * @param {string} storage
 */
function find({ comparison }, id, storage) {
  return comparison?.results
    .find((/** @type {any} */ one) => one.storage === storage)
    ?.summaries.find((/** @type {any} */ one) => one.id === id);
}

/** @param {any} summary @param {string} storage */
function title(summary, storage) {
  const { connections } = summary;
  return `${summary.title}, ${connections === 1 ? "1 connection" : `${connections} connections`}, ${storage}`;
}

/** @param {number} value */
function count(value) {
  return Math.round(value).toLocaleString("en");
}
