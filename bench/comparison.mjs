// All contenders on all scenarios, in rounds: A B C, A B C.

import { elapsed } from "../scripts/process.mjs";
import { CONTENDERS, OURS } from "./contenders.mjs";
import { measureTurn, WARM_UP_SECONDS } from "./measure.mjs";
import { DISTURBED } from "./processes.mjs";
import { median, renderSummary, summarize } from "./report.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { serve, writeBaselineConfig } from "./server.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";
import { findStores, setupClients } from "./stores.mjs";

// What a turn needs around its loads: two starts, the conformance check, the audit.
const OVERHEAD_SECONDS = 4;

/**
 * @param {import("./options.mjs").Options} options
 */
export async function compare(options) {
  const { only, rounds, seconds } = options;
  const scenarios = SCENARIOS.filter(({ id }) => !only || only.includes(id));
  const isPresent = await presence(scenarios, options);
  const origin = await startOrigin();
  try {
    const results = [];
    for (const storage of chooseStorages(options)) {
      const asked = scenarios.filter(({ storages }) => storages.includes(storage.kind));
      const turns = CONTENDERS.filter(({ name }) => isPresent(name))
        .filter(({ storages }) => !storages || storages.includes(storage.kind))
        .map((contender) => ({
          contender,
          its: asked.filter(({ contenders }) => contenders.includes(contender.name)),
        }))
        .filter(({ its }) => its.length > 0);
      const { originAddress } = origin;
      const seen = await measureAll(turns, { rounds, seconds, storage, originAddress });
      const summaries = summarize(seen.measurements, asked, OURS.name);
      for (const summary of summaries) console.log(`\n${renderSummary(summary, storage.kind)}`);
      results.push({ storage: storage.kind, summaries, ...seen });
    }
    printAudits(results.flatMap(({ audits }) => audits));
    printDisturbance(results.flatMap(({ measurements }) => measurements));
    return { settings: { rounds, seconds }, results };
  } finally {
    await origin.end();
  }
}

/**
 * @typedef {{ contender: import("./contenders.mjs").Contender, its: import("./scenarios.mjs").Scenario[] }} Turn
 * @param {Turn[]} turns
 * @param {{ rounds: number, seconds: number, storage: import("./storage.mjs").Storage, originAddress: string }} options
 */
async function measureAll(turns, { rounds, ...options }) {
  const perRound = turns.reduce(
    (sum, { its }) => sum + OVERHEAD_SECONDS + its.length * (options.seconds + WARM_UP_SECONDS),
    0,
  );
  const minutes = Math.ceil((perRound * rounds) / 60);
  console.log(`\n${options.storage.kind}: about ${minutes} min`);
  const measurements = [];
  const audits = [];
  for (let round = 1; round <= rounds; round += 1) {
    // In turn, so that a machine that slows down does so for all.
    for (const { contender, its } of turns) {
      const started = performance.now();
      const result = await measureTurn(contender, its, options);
      const { name } = contender;
      measurements.push(...result.measurements.map((one) => ({ round, ...one })));
      audits.push(...result.audits.map((audit) => ({ round, contender: name, ...audit })));
      console.log(`  round ${round}/${rounds}: ${name}: ${elapsed(started)}`);
    }
  }
  return { measurements, audits };
}

/**
 * Who can take part here: databases that are not installed are left out, and said so.
 * @param {import("./scenarios.mjs").Scenario[]} scenarios
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

async function startOrigin() {
  const [storage] = chooseStorages({ disk: false, tmpfs: true });
  if (!storage) throw new Error("there is no storage");
  const directory = freshDirectory(storage);
  const config = writeBaselineConfig(directory.path, "origin", { hasObject: false });
  const server = await serve(config, {});
  return {
    originAddress: new URL(server.url).host,
    async end() {
      await server.kill();
      directory.dispose();
    },
  };
}

/** @param {{ ledgers: number, answered: number, journalled: number }[]} audits */
function printAudits(audits) {
  const total = (/** @type {"ledgers" | "answered" | "journalled"} */ field) =>
    audits.reduce((sum, audit) => sum + audit[field], 0).toLocaleString("en");
  console.log(
    `\naudit after SIGKILL and restart: ${total("ledgers")} ledgers, all consistent; ` +
      `${total("answered")} consumptions answered, ${total("journalled")} in the journals`,
  );
}

/** @param {{ disturbance: number }[]} measurements */
function printDisturbance(measurements) {
  const shares = measurements.map(({ disturbance }) => disturbance);
  const disturbed = shares.filter((share) => share > DISTURBED).length;
  console.log(
    `other programs, just before each of ${shares.length} measurements: ` +
      `${(median(shares) * 100).toFixed(0)}% of the CPUs; more than ${DISTURBED * 100}% before ${disturbed}`,
  );
}
