// What is asked of the contenders. Each scenario has customers of its own, so each has a
// journal that holds what was asked in it and nothing else.

import { AMOUNT, HELD } from "./amounts.mjs";
import { EMPTY, GROUP_COMMIT, NAIVE, OURS, STORES } from "./contenders.mjs";
import { get, post, postToMany, reserveAndSettle } from "./load.mjs";

const GRANT = 1_000_000;
const BATCH = 100;
const MANY = 1000;

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {number} connections
 * @property {("tmpfs" | "disk")[]} storages where it is measured
 * @property {string[]} contenders by name
 * @property {import("./load.mjs").Asked} asked
 * @property {string[]} customers each gets `grant` before
 * @property {number} grant
 * @property {boolean} [isPublic] asked without a key
 * @property {Record<string, string>} [headers]
 * @property {number} [leastSeconds] that a turn takes
 * @property {number} [status] of each answer, if it is to be a refusal
 * @property {number} [itemsPerRequest] 1 if absent
 * @property {number} consumptions that an answered request leaves in the journal
 */

const HAND_WRITTEN = [NAIVE.name, GROUP_COMMIT.name];
const ALL = [...HAND_WRITTEN, OURS.name];
const BOTH = /** @type {("tmpfs" | "disk")[]} */ (["tmpfs", "disk"]);
// What the disk adds is seen of a hot customer; a thousand databases there are made for minutes.
const MEMORY = /** @type {("tmpfs" | "disk")[]} */ (["tmpfs"]);

/** @param {string} customer */
const consumeOf = (customer) => post(`/v1/customers/${customer}/consume`, { amount: AMOUNT });

/** @param {string} customer */
const batchOf = (customer) =>
  post(`/v1/customers/${customer}/consume-batch`, {
    items: Array.from({ length: BATCH }, () => ({ amount: AMOUNT })),
    atomic: false,
  });

/** @type {Scenario[]} */
export const SCENARIOS = [
  {
    id: "consume",
    title: "consume, one hot customer",
    connections: 32,
    storages: BOTH,
    contenders: [...ALL, ...STORES.map(({ name }) => name)],
    asked: consumeOf("hot"),
    customers: ["hot"],
    grant: GRANT,
    consumptions: 1,
  },
  {
    id: "consume-alone",
    title: "consume, a lone caller",
    connections: 1,
    storages: MEMORY,
    contenders: ALL,
    asked: consumeOf("alone"),
    customers: ["alone"],
    grant: GRANT,
    consumptions: 1,
  },
  {
    id: "consume-many",
    title: `consume, ${MANY.toLocaleString("en")} customers`,
    connections: 64,
    storages: MEMORY,
    contenders: ALL,
    asked: postToMany("/v1/customers/many-{}/consume", MANY, { amount: AMOUNT }),
    customers: Array.from({ length: MANY }, (_, index) => `many-${index + 1}`),
    grant: 1000,
    // A ledger tells analytics every 3.5 seconds: in shorter turns it would do so more often yet.
    leastSeconds: 3,
    consumptions: 1,
  },
  {
    id: "holds",
    title: "reserve and settle, one hot customer",
    connections: 50,
    storages: BOTH,
    contenders: ALL,
    asked: reserveAndSettle({ user_id: "held", amount: HELD }, { success: true, amount: AMOUNT }),
    customers: ["held"],
    grant: GRANT,
    // Every other request settles.
    consumptions: 0.5,
  },
  {
    id: "batch",
    title: `batch of ${BATCH}, one hot customer`,
    connections: 32,
    storages: MEMORY,
    contenders: [OURS.name],
    asked: batchOf("batched"),
    customers: ["batched"],
    grant: GRANT,
    itemsPerRequest: BATCH,
    consumptions: BATCH,
  },
  {
    id: "batch-alone",
    title: `batch of ${BATCH}, a lone caller`,
    connections: 1,
    storages: MEMORY,
    contenders: [OURS.name],
    asked: batchOf("batched-alone"),
    customers: ["batched-alone"],
    grant: GRANT,
    itemsPerRequest: BATCH,
    consumptions: BATCH,
  },
  {
    id: "balance",
    title: "balance read, one hot customer",
    connections: 32,
    storages: MEMORY,
    contenders: ALL,
    asked: get("/v1/customers/read/balance"),
    customers: ["read"],
    grant: GRANT,
    consumptions: 0,
  },
  {
    id: "denied",
    title: "denied consume (402), one hot customer",
    connections: 32,
    storages: MEMORY,
    contenders: ALL,
    asked: consumeOf("poor"),
    customers: ["poor"],
    grant: AMOUNT / 2,
    status: 402,
    consumptions: 0,
  },
  {
    id: "gate",
    title: "gated request to a constant origin",
    connections: 32,
    storages: MEMORY,
    contenders: ALL,
    asked: get("/gate/hello"),
    headers: { "X-Customer-Id": "gated" },
    customers: ["gated"],
    grant: GRANT,
    consumptions: 1,
  },
  {
    id: "constant",
    // The key is checked and the rules are looked through; no object has a part in it.
    title: "constant answer behind a key (404 of the gate)",
    connections: 32,
    storages: MEMORY,
    contenders: [EMPTY.name, NAIVE.name, OURS.name],
    asked: get("/gate/nothing-here"),
    headers: { "X-Customer-Id": "gated" },
    status: 404,
    customers: [],
    grant: 0,
    consumptions: 0,
  },
  {
    id: "healthz",
    title: "constant answer without a key (GET /healthz)",
    connections: 32,
    storages: MEMORY,
    contenders: [EMPTY.name, OURS.name],
    asked: get("/healthz"),
    isPublic: true,
    customers: [],
    grant: 0,
    consumptions: 0,
  },
];
