// One contender, one turn: a fresh ledger, proof that it does the job, the load, a SIGKILL,
// and the audit of what is on the storage then.

import { UserError } from "../scripts/toolchain.mjs";
import { call, forEach } from "./http.mjs";
import { putLoad } from "./load.mjs";
import { businessOfOthers } from "./processes.mjs";
import { freshDirectory } from "./storage.mjs";
import { auditScenario, checkConformance, customerApi } from "./verify.mjs";

export const WARM_UP_SECONDS = 1;

/** @typedef {import("./contenders.mjs").Contender} Contender */
/** @typedef {import("./scenarios.mjs").Scenario} Scenario */
/**
 * @typedef {import("./load.mjs").Seen & { scenario: string, contender: string,
 *   cpu_us_per_request: number, disturbance: number }} Measurement
 */

/**
 * @param {Contender} contender
 * @param {Scenario[]} scenarios
 * @param {{ seconds: number, storage: import("./storage.mjs").Storage, originAddress: string }} options
 */
export async function measureTurn(contender, scenarios, { seconds, storage, originAddress }) {
  const directory = freshDirectory(storage);
  let server = await contender.start(directory.path, { originAddress });
  try {
    const key = await contender.openAccounts?.(server.url);
    if (key) await checkConformance(server.url, key, contender.offers);
    /** @type {Measurement[]} */
    const measurements = [];
    /** @type {Map<Scenario, { answered: number, unread: number }>} */
    const tallies = new Map();
    for (const scenario of scenarios) {
      await fund(server, key, scenario);
      const load = loadOf(server, scenario, key);
      if (key && scenario.status) await requireStatus(load, scenario.status);
      const warmUp = await putLoad({ ...load, seconds: WARM_UP_SECONDS });
      const disturbance = await businessOfOthers();
      const cpuBefore = server.cpuSeconds();
      const seen = await putLoad({ ...load, seconds });
      const cpuSeconds = server.cpuSeconds() - cpuBefore;
      const expected = { ...scenario, status: key ? scenario.status : undefined };
      for (const run of [warmUp, seen]) requireAnswers(expected, run);
      tallies.set(scenario, {
        answered: warmUp.requests + seen.requests,
        unread: 2 * scenario.connections,
      });
      measurements.push({
        scenario: scenario.id,
        contender: contender.name,
        ...seen,
        disturbance,
        cpu_us_per_request: (cpuSeconds * 1e6) / seen.requests,
      });
    }
    if (!key) return { measurements, audits: [] };
    // What was answered must have been committed, so it is looked for after a kill.
    await server.kill();
    server = await contender.start(directory.path, { originAddress });
    const { url } = server;
    const audits = [];
    for (const [scenario, tally] of tallies) {
      const counts = await forEach(scenario.customers, (customer) =>
        contender.countConsumptions(url, key, customer),
      );
      const audit = await auditScenario(url, key, scenario, { ...tally, counts });
      audits.push({ scenario: scenario.id, ledgers: counts.length, ...audit });
    }
    return { measurements, audits };
  } catch (error) {
    const log = server.log();
    if (log) console.error(`${contender.name} said:\n${log}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${contender.name}: ${reason}`, { cause: error });
  } finally {
    await server.kill();
    directory.dispose();
  }
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {string | undefined} key
 * @param {Scenario} scenario
 */
async function fund({ url }, key, { customers, grant }) {
  if (!key) return;
  await forEach(customers, (customer) => customerApi(url, key, customer).topUp(grant));
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {Scenario} scenario
 * @param {string | undefined} key
 */
function loadOf({ url }, { asked, connections, isPublic, headers = {} }, key) {
  const authorization = key && !isPublic ? { Authorization: `Bearer ${key}` } : {};
  return { url, asked, headers: { ...headers, ...authorization }, connections };
}

/**
 * @param {{ id: string, status?: number | undefined }} scenario
 * @param {import("./load.mjs").Seen} seen
 */
function requireAnswers({ id, status }, { requests, refused, broken, errors }) {
  const expected = status ? requests : 0;
  if (requests === 0 || broken > 0 || refused !== expected) {
    throw new Error(`${id}: of ${requests} answers ${refused} were refusals; ${errors}`);
  }
}

/**
 * wrk tells refusals from other answers, but not one refusal from another.
 * @param {Pick<import("./load.mjs").Load, "url" | "asked" | "headers">} load
 * @param {number} status
 */
async function requireStatus({ url, asked, headers }, status) {
  const [method = "GET", text] = asked.args;
  const body = text === undefined ? undefined : JSON.parse(text);
  await call(url + asked.path, { method, headers, body, expect: [status] });
}
