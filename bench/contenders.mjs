// Who takes part, how each is set up, and what is asked of them. From here on all speak
// the same HTTP, so that one harness measures them.

import { createHmac, randomBytes } from "node:crypto";
import { writeWorkerdConfig } from "../scripts/selfhost/config.mjs";
import { call } from "./http.mjs";
import { writeBaselineConfig } from "./server.mjs";

const ADMIN_TOKEN = randomBytes(32).toString("base64url");
const KEY_SECRET = randomBytes(32).toString("base64url");
const PROJECT = "bench";
const SHARED_MODULES = ["front.js", "account.js"];

/** The customer that all load falls on; nobody else may touch it. */
export const HOT_CUSTOMER = "hot";
export const HOT_GRANT = 1_000_000;
export const MEASURED_AMOUNT = 0.001;

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} what one line for the report
 * @property {(dataDir: string) => string} writeConfig gives the configuration's path
 * @property {Record<string, string>} environment
 * @property {(url: string) => Promise<string>} [openAccounts] makes a project and gives
 *   its key; absent: no accounts, only /healthz
 * @property {(url: string, key: string) => Promise<number>} [countConsumptions] of the
 *   hot customer, from its journal
 */

/** @type {Contender} */
const naive = {
  name: "naive",
  what: "hand-written JS, one write per request",
  writeConfig: (dataDir) => writeBaselineConfig(dataDir, "naive", { modules: SHARED_MODULES }),
  environment: { KEY_SECRET },
  openAccounts: makeBaselineKey,
  countConsumptions: countBaselineConsumptions,
};

/** @type {Contender} */
const groupCommit = {
  name: "group-commit",
  what: "hand-written JS, one commit for all that wait",
  writeConfig: (dataDir) =>
    writeBaselineConfig(dataDir, "group-commit", { modules: SHARED_MODULES }),
  environment: { KEY_SECRET },
  openAccounts: makeBaselineKey,
  countConsumptions: countBaselineConsumptions,
};

/** @type {Contender} */
const ours = {
  name: "edge-credits",
  what: "the built Worker (build/worker)",
  writeConfig: (dataDir) =>
    writeWorkerdConfig({ dataDir, fromEnvironment: ["ADMIN_TOKEN", "KEY_SECRET"] }),
  environment: { ADMIN_TOKEN, KEY_SECRET },
  async openAccounts(url) {
    const { body } = await call(`${url}/v1/projects`, {
      key: ADMIN_TOKEN,
      body: { id: PROJECT },
      expect: [200, 201],
    });
    return body.live_key;
  },
  async countConsumptions(url, key) {
    const list = `${url}/v1/customers/${HOT_CUSTOMER}/transactions?type=consumption&limit=1`;
    const { body } = await call(list, { key });
    return body.pagination.total;
  },
};

/** @type {Contender} */
const empty = {
  name: "empty",
  what: "a JS Worker that answers a constant",
  writeConfig: (dataDir) => writeBaselineConfig(dataDir, "empty", { hasObject: false }),
  environment: {},
};

export const OURS = ours;
export const BASELINES = [naive, groupCommit, empty];

async function makeBaselineKey() {
  return `bl_${PROJECT}.${createHmac("sha256", KEY_SECRET).update(PROJECT).digest("base64url")}`;
}

/**
 * @param {string} url
 * @param {string} key
 */
async function countBaselineConsumptions(url, key) {
  const { body } = await call(`${url}/v1/customers/${HOT_CUSTOMER}/audit`, { key });
  return body.consumptions;
}

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {string} path
 * @property {boolean} consumes
 * @property {number} connections
 * @property {string[]} contenders
 */

/**
 * @param {number} connections
 * @returns {Scenario[]}
 */
export function scenarios(connections) {
  const customer = `/v1/customers/${HOT_CUSTOMER}`;
  const consume = { path: `${customer}/consume`, consumes: true };
  const read = { path: `${customer}/balance`, consumes: false };
  const withAccounts = [naive, groupCommit, ours].map(({ name }) => name);
  return [
    {
      ...consume,
      id: "consume",
      title: "consume, one hot customer",
      connections,
      contenders: withAccounts,
    },
    {
      ...consume,
      id: "consume-alone",
      title: "consume, a lone caller",
      connections: 1,
      contenders: withAccounts,
    },
    {
      ...read,
      id: "balance",
      title: "balance read, one hot customer",
      connections,
      contenders: withAccounts,
    },
    {
      id: "constant",
      title: "constant answer (GET /healthz)",
      path: "/healthz",
      consumes: false,
      connections,
      contenders: [empty.name, ours.name],
    },
  ];
}
