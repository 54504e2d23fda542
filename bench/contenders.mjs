// Who takes part and how each is set up. From here on all speak the same HTTP, so that one
// harness measures them.

import { createHmac, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { writeWorkerdConfig } from "../scripts/selfhost/config.mjs";
import { AMOUNT } from "./amounts.mjs";
import { call } from "./http.mjs";
import { serve, together, writeBaselineConfig } from "./server.mjs";
import { servePostgres, serveRedis } from "./stores.mjs";

const ADMIN_TOKEN = randomBytes(32).toString("base64url");
export const KEY_SECRET = randomBytes(32).toString("base64url");
const PROJECT = "bench";
const BOUND_WORKER = fileURLToPath(new URL("./baselines/bound/worker.js", import.meta.url));
export const SHARED_MODULES = ["front.js", "keys.js", "account.js"];

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} what one line for the report
 * @property {(dataDir: string, options: { originAddress?: string }) => Promise<import("./server.mjs").Server>} start
 *   again on the same directory after a kill
 * @property {(url: string) => Promise<string>} openAccounts makes a project and gives its key
 * @property {(url: string, key: string, customer: string) => Promise<number>} countConsumptions
 *   from the customer's journal
 * @property {("tmpfs" | "disk")[]} [storages] where it takes part; everywhere if absent
 * @property {("consume" | "holds" | "gate")[]} offers
 * @property {number} [answers] the status of all its answers, whatever it is asked
 */

/** @param {"naive" | "group-commit"} name @param {string} what @returns {Contender} */
function handWritten(name, what) {
  return {
    name,
    what,
    start: (dataDir, { originAddress }) =>
      serve(writeBaselineConfig(dataDir, name, { modules: SHARED_MODULES, originAddress }), {
        KEY_SECRET,
      }),
    openAccounts: makeBaselineKey,
    countConsumptions: countBaselineConsumptions,
    offers: ["consume", "holds", "gate"],
  };
}

/**
 * @param {string} name
 * @param {string} what
 * @param {(dataDir: string, environment: Record<string, string>) => Promise<import("./server.mjs").Server>} start
 * @returns {Contender}
 */
function inDatabase(name, what, start) {
  return {
    name,
    what,
    start: (dataDir) => start(dataDir, { KEY_SECRET }),
    openAccounts: makeBaselineKey,
    countConsumptions: countBaselineConsumptions,
    // What a database promises is about its disk.
    storages: ["disk"],
    offers: ["consume"],
  };
}

export const NAIVE = handWritten("naive", "hand-written JS Worker, one write per request");
export const GROUP_COMMIT = handWritten(
  "group-commit",
  "hand-written JS Worker, one commit for all that wait",
);

/** @type {Contender} */
export const EMPTY = {
  name: "empty",
  what: "a JS Worker that answers a constant",
  start: (dataDir) => serve(writeBaselineConfig(dataDir, "empty", { hasObject: false }), {}),
  // It looks at none, but is sent one, so that all are sent the same.
  openAccounts: makeBaselineKey,
  countConsumptions: async () => 0,
  offers: [],
  answers: 200,
};

/** @type {Contender} Only for the start: once it runs it is as the other empty one. */
export const BOUND = {
  name: "bound",
  what: "a JS Worker that answers a constant, with the bindings of edge-credits",
  start: (dataDir) => startBound(dataDir, { instead: BOUND_WORKER }),
  openAccounts: makeBaselineKey,
  countConsumptions: async () => 0,
  offers: [],
  answers: 200,
};

export const STORES = [
  inDatabase("redis-always", "Redis, appendfsync always, behind Node", (dataDir, environment) =>
    serveRedis(dataDir, "always", environment),
  ),
  inDatabase("redis-everysec", "Redis, appendfsync everysec, behind Node", (dataDir, environment) =>
    serveRedis(dataDir, "everysec", environment),
  ),
  inDatabase(
    "worker-redis-always",
    "Redis, appendfsync always, behind Node, behind a JS Worker",
    async (dataDir, environment) => {
      const redis = await serveRedis(dataDir, "always", environment);
      const options = { hasObject: false, modules: ["keys.js"], originAddress: hostOf(redis) };
      const worker = serve(writeBaselineConfig(dataDir, "remote", options), environment);
      return together(await worker, redis);
    },
  ),
  inDatabase("postgres", "PostgreSQL, synchronous_commit on, behind Node", servePostgres),
];

/** @type {Contender} */
export const OURS = {
  name: "edge-credits",
  what: "the built Worker (build/worker)",
  start: (dataDir, { originAddress }) => startBound(dataDir, { originAddress }),
  async openAccounts(url) {
    const { body } = await call(`${url}/v1/projects`, {
      key: ADMIN_TOKEN,
      body: { id: PROJECT },
      expect: [200, 201],
    });
    const key = body.live_key;
    const rule = { method: "GET", amount: AMOUNT, mode: "consume", refund_on: ["5xx", "network"] };
    const rules = ["/hello", "/fail"].map((path) => ({ ...rule, path }));
    await call(`${url}/v1/gate-rules`, { method: "PUT", key, body: rules });
    return key;
  },
  async countConsumptions(url, key, customer) {
    const list = `${url}/v1/customers/${customer}/transactions?type=consumption&limit=1`;
    const { body } = await call(list, { key });
    return body.pagination.total;
  },
  offers: ["consume", "holds", "gate"],
};

/** In the order of their turns. */
export const CONTENDERS = [NAIVE, GROUP_COMMIT, ...STORES, EMPTY, OURS];

/**
 * @param {string} dataDir
 * @param {{ originAddress?: string | undefined, instead?: string }} options
 */
function startBound(dataDir, options) {
  const fromEnvironment = ["ADMIN_TOKEN", "KEY_SECRET"];
  const config = writeWorkerdConfig({ dataDir, fromEnvironment, ...options });
  return serve(config, { ADMIN_TOKEN, KEY_SECRET });
}

/** @param {import("./server.mjs").Server} server */
function hostOf({ url }) {
  return new URL(url).host;
}

export async function makeBaselineKey() {
  return `bl_${PROJECT}.${createHmac("sha256", KEY_SECRET).update(PROJECT).digest("base64url")}`;
}

/**
 * @param {string} url
 * @param {string} key
 * @param {string} customer
 */
export async function countBaselineConsumptions(url, key, customer) {
  const { body } = await call(`${url}/v1/customers/${customer}/audit`, { key });
  return body.consumptions;
}
