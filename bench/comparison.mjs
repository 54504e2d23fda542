// All scenarios, one after the other, with all their contenders side by side.

import { elapsed } from "../scripts/process.mjs";
import { CONTENDERS, OURS } from "./contenders.mjs";
import { measureScenario, secondsFor } from "./measure.mjs";
import { startOrigin } from "./origin.mjs";
import { printAudits, printDisturbance, renderSummary, summarize } from "./report.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { chooseStorages } from "./storage.mjs";
import { findStores, setupClients } from "./stores.mjs";

/** @typedef {import("./scenarios.mjs").Scenario} Scenario */
/** @typedef {import("./contenders.mjs").Contender} Contender */
/** @typedef {Awaited<ReturnType<typeof measureScenario>>} Seen */

/**
 * @param {import("./options.mjs").Options} options
 */
export async function compare(options) {
  const { only, rounds, starts, seconds } = options;
  const scenarios = SCENARIOS.filter(({ id }) => !only || only.includes(id));
  const isPresent = await presence(scenarios, options);
  const origin = await startOrigin();
  try {
    const results = [];
    for (const storage of chooseStorages(options)) {
      const turns = scenarios
        .filter(({ storages }) => storages.includes(storage.kind))
        .map((scenario) => ({ scenario, its: contendersOf(scenario, storage.kind, isPresent) }))
        .filter(({ its }) => its.length > 0);
      const { originAddress } = origin;
      results.push(await measureAll(turns, { rounds, starts, seconds, storage, originAddress }));
    }
    printAudits(results.flatMap(({ audits }) => audits));
    printDisturbance(results.flatMap(({ disturbances }) => disturbances));
    return { settings: { rounds, starts, seconds }, results };
  } finally {
    await origin.end();
  }
}

/**
 * @param {Scenario} scenario
 * @param {"tmpfs" | "disk"} storage
 * @param {(name: string) => boolean} isPresent
 */
function contendersOf({ contenders }, storage, isPresent) {
  return CONTENDERS.filter(({ name }) => contenders.includes(name) && isPresent(name)).filter(
    ({ storages }) => !storages || storages.includes(storage),
  );
}

/**
 * @param {{ scenario: Scenario, its: Contender[] }[]} turns
 * @param {import("./measure.mjs").Options} options
 */
async function measureAll(turns, options) {
  const { kind } = options.storage;
  const needed = turns.map(({ scenario, its }) => secondsFor(its.length, scenario, options));
  const minutes = Math.ceil(needed.reduce((sum, seconds) => sum + seconds, 0) / 60);
  console.log(`\n${kind}: about ${minutes} min`);
  const summaries = [];
  /** @type {Seen} */
  const all = { measurements: [], audits: [], disturbances: [] };
  for (const { scenario, its } of turns) {
    const started = performance.now();
    const seen = await measureScenario(its, scenario, options);
    const summary = summarize(seen.measurements, scenario, OURS.name);
    console.log(`\n${renderSummary(summary, kind)}\n  (${elapsed(started)})`);
    summaries.push(summary);
    all.measurements.push(...seen.measurements);
    all.audits.push(...seen.audits);
    all.disturbances.push(...seen.disturbances);
  }
  return { storage: kind, summaries, ...all };
}

/**
 * Who can take part here: databases that are not installed are left out, and said so.
 * @param {Scenario[]} scenarios
 * @param {import("./options.mjs").Options} options
 */
async function presence(scenarios, { contenders, disk }) {
  const isAsked = (/** @type {string} */ name) =>
    (!contenders || contenders.includes(name)) &&
    scenarios.some((scenario) => scenario.contenders.includes(name));
  const stores = await findStores();
  const isMissing = (/** @type {string} */ name) =>
    (name.includes("redis") && !stores.redis) || (name === "postgres" && !stores.postgres);
  const databases = CONTENDERS.map(({ name }) => name).filter(
    (name) => disk && isAsked(name) && /redis|postgres/.test(name),
  );
  const missing = databases.filter(isMissing);
  if (missing.length > 0) {
    console.log(
      `note: ${missing.join(", ")} left out: not installed (apt-get install redis-server postgresql)`,
    );
  }
  if (databases.length > missing.length) await setupClients();
  return (/** @type {string} */ name) => isAsked(name) && !isMissing(name);
}
