// One contender, one round: a fresh ledger, proof that it does the job, the load, a
// SIGKILL, and the audit of what is on the storage then.

import { UserError } from "../scripts/toolchain.mjs";
import { putLoad } from "./load.mjs";
import { serve } from "./server.mjs";
import { freshDirectory } from "./storage.mjs";
import { auditHotCustomer, checkConformance, creditHotCustomer } from "./verify.mjs";

export const WARM_UP_SECONDS = 1;

/**
 * @typedef {import("./load.mjs").Seen & { scenario: string, contender: string,
 *   cpu_us_per_request: number }} Measurement
 */

/**
 * @param {import("./contenders.mjs").Contender} contender
 * @param {import("./contenders.mjs").Scenario[]} scenarios
 * @param {{ seconds: number, storage: import("./storage.mjs").Storage }} options
 */
export async function measureRound(contender, scenarios, { seconds, storage }) {
  const directory = freshDirectory(storage);
  const config = contender.writeConfig(directory.path);
  let server = await serve(config, contender.environment);
  try {
    const key = await contender.openAccounts?.(server.url);
    if (key) {
      await checkConformance(server.url, key);
      await creditHotCustomer(server.url, key);
    }
    /** @type {Measurement[]} */
    const measurements = [];
    const tally = { answered: 0, unread: 0 };
    for (const scenario of scenarios) {
      const load = loadOf(server, scenario, key);
      const warmUp = await putLoad({ ...load, seconds: WARM_UP_SECONDS });
      const cpuBefore = server.cpuSeconds();
      const seen = await putLoad({ ...load, seconds });
      const cpuSeconds = server.cpuSeconds() - cpuBefore;
      for (const run of [warmUp, seen]) {
        if (run.failures > 0) throw new Error(`${scenario.id}: ${run.failures} requests failed`);
        if (!scenario.consumes) continue;
        tally.answered += run.requests;
        tally.unread += scenario.connections;
      }
      measurements.push({
        scenario: scenario.id,
        contender: contender.name,
        ...seen,
        cpu_us_per_request: (cpuSeconds * 1e6) / seen.requests,
      });
    }
    if (!key || !contender.countConsumptions) return { measurements };
    // What was answered must have been committed, so it is looked for after a kill.
    await server.kill();
    server = await serve(config, contender.environment);
    const count = await contender.countConsumptions(server.url, key);
    const audit = await auditHotCustomer(server.url, key, { ...tally, count });
    return { measurements, audit };
  } catch (error) {
    const log = server.log();
    if (log) console.error(`workerd said:\n${log}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${contender.name}: ${reason}`, { cause: error });
  } finally {
    await server.kill();
    directory.dispose();
  }
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {import("./contenders.mjs").Scenario} scenario
 * @param {string | undefined} key
 */
function loadOf(server, { path, consumes, connections, id }, key) {
  /** @type {Record<string, string>} */
  const headers = {};
  // The constant route asks nobody who he is.
  if (key && id !== "constant") headers.Authorization = `Bearer ${key}`;
  return { url: server.url + path, headers, consumes, connections };
}
