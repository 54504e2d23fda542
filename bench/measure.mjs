// One scenario: its contenders are all up, each on an empty folder, each shows that it does the
// job, and is warmed up; then they take turns, A B C, A B C, and who has no turn is stopped.
// After it each is killed, and what is on the storage then is audited. And all of it again by new
// processes: one may be a tenth faster or slower than the next of the same program.

import { UserError } from "../scripts/toolchain.mjs";
import { call, forEach } from "./http.mjs";
import { putLoad } from "./load.mjs";
import { businessOfOthers } from "./processes.mjs";
import { freshDirectory } from "./storage.mjs";
import { auditScenario, checkConformance, customerApi } from "./verify.mjs";

/** The same for all, and long enough for V8 to have compiled what is hot. */
export const WARM_UP_SECONDS = 4;
/** What a contender needs around its turns: two starts, the conformance check, the audit. */
const OVERHEAD_SECONDS = 3;
const AROUND_A_TURN_SECONDS = 0.15;
/** For what was under way when wrk hung up: it is done in the turn of who was asked for it. */
const LAST_ANSWERS_MS = 50;

/** @typedef {import("./contenders.mjs").Contender} Contender */
/** @typedef {import("./scenarios.mjs").Scenario} Scenario */
/** @typedef {import("./server.mjs").Server} Server */
/**
 * @typedef {import("./load.mjs").Seen & { scenario: string, contender: string, round: number,
 *   cpu_us_per_request: number }} Measurement
 */
/** @typedef {import("./verify.mjs").Audit & { scenario: string, contender: string, ledgers: number }} ContendersAudit */
/**
 * A contender that is up, and what it has answered so far.
 * @typedef {object} Running
 * @property {Contender} contender
 * @property {ReturnType<typeof freshDirectory>} directory
 * @property {Server} server
 * @property {string} key
 * @property {number | undefined} status of each answer, if it is to be a refusal
 * @property {number} answered
 * @property {number} turns
 */
/**
 * @typedef {object} Options
 * @property {number} rounds
 * @property {number} starts how often all are started anew within these rounds
 * @property {number} seconds of a turn
 * @property {import("./storage.mjs").Storage} storage
 * @property {string} originAddress
 */

/**
 * @typedef {object} Seen what was seen of a scenario
 * @property {Measurement[]} measurements
 * @property {ContendersAudit[]} audits
 * @property {number[]} disturbances what share of the CPUs others took before each round
 */

/**
 * @param {Contender[]} contenders in the order of their turns
 * @param {Scenario} scenario
 * @param {Options} options
 * @returns {Promise<Seen>}
 */
export async function measureScenario(contenders, scenario, options) {
  /** @type {Seen} */
  const all = { measurements: [], audits: [], disturbances: [] };
  const starts = startsOf(options);
  for (let start = 0; start < starts; start += 1) {
    const done = Math.floor((start * options.rounds) / starts);
    const end = Math.floor(((start + 1) * options.rounds) / starts);
    const rounds = Array.from({ length: end - done }, (_, index) => done + index + 1);
    const seen = await measureStart(contenders, scenario, options, rounds);
    all.measurements.push(...seen.measurements);
    all.audits.push(...seen.audits);
    all.disturbances.push(...seen.disturbances);
  }
  return all;
}

/**
 * These rounds by processes that are started for them.
 * @param {Contender[]} contenders
 * @param {Scenario} scenario
 * @param {Options} options
 * @param {number[]} rounds their numbers
 * @returns {Promise<Seen>}
 */
async function measureStart(contenders, scenario, options, rounds) {
  /** @type {Running[]} */
  const running = [];
  try {
    for (const contender of contenders) running.push(await bringUp(contender, scenario, options));
    for (const one of running) await takeTurn(one, scenario, WARM_UP_SECONDS);
    /** @type {Measurement[]} */
    const measurements = [];
    const disturbances = [];
    const seconds = turnSeconds(scenario, options);
    for (const round of rounds) {
      disturbances.push(await businessOfOthers());
      for (const one of running) {
        const seen = await takeTurn(one, scenario, seconds);
        const names = { scenario: scenario.id, contender: one.contender.name, round };
        measurements.push({ ...names, ...seen });
      }
    }
    /** @type {ContendersAudit[]} */
    const audits = [];
    for (const one of running) audits.push(await audit(one, scenario, options));
    return { measurements, audits: audits.filter(({ ledgers }) => ledgers > 0), disturbances };
  } finally {
    for (const { server, directory } of running) {
      await server.kill();
      directory.dispose();
    }
  }
}

/**
 * About how long it takes to measure so many contenders.
 * @param {number} contenders
 * @param {Scenario} scenario
 * @param {{ rounds: number, seconds: number, starts: number }} options
 */
export function secondsFor(contenders, scenario, options) {
  const turns = options.rounds * (turnSeconds(scenario, options) + AROUND_A_TURN_SECONDS);
  const starts = startsOf(options) * (OVERHEAD_SECONDS + WARM_UP_SECONDS);
  return contenders * (starts + turns);
}

/** @param {{ rounds: number, starts: number }} options */
function startsOf({ rounds, starts }) {
  return Math.min(starts, rounds);
}

/** @param {Scenario} scenario @param {{ seconds: number }} options */
function turnSeconds({ leastSeconds = 0 }, { seconds }) {
  return Math.max(seconds, leastSeconds);
}

/**
 * On an empty folder, doing its job, its customers with their credits; and stopped.
 * @param {Contender} contender
 * @param {Scenario} scenario
 * @param {Options} options
 * @returns {Promise<Running>}
 */
async function bringUp(contender, scenario, { storage, originAddress }) {
  const directory = freshDirectory(storage);
  const server = await contender.start(directory.path, { originAddress });
  try {
    const key = await contender.openAccounts(server.url);
    await checkConformance(server.url, key, contender.offers);
    const { customers, grant } = scenario;
    await forEach(customers, (customer) => customerApi(server.url, key, customer).topUp(grant));
    const status = contender.answers === undefined ? scenario.status : undefined;
    if (status) await requireStatus(loadOf(server, scenario, key), status);
    server.pause();
    return { contender, directory, server, key, status, answered: 0, turns: 0 };
  } catch (error) {
    const told = tellOf(contender, server, error);
    await server.kill();
    directory.dispose();
    throw told;
  }
}

/**
 * @param {Running} one
 * @param {Scenario} scenario
 * @param {number} seconds
 */
async function takeTurn(one, scenario, seconds) {
  const { contender, server, key } = one;
  try {
    const cpuBefore = server.cpuSeconds();
    server.resume();
    const seen = await putLoad({ ...loadOf(server, scenario, key), seconds });
    await new Promise((resolve) => setTimeout(resolve, LAST_ANSWERS_MS));
    server.pause();
    const cpuSeconds = server.cpuSeconds() - cpuBefore;
    requireAnswers({ id: scenario.id, status: one.status }, seen);
    one.answered += seen.requests;
    one.turns += 1;
    return { ...seen, cpu_us_per_request: (cpuSeconds * 1e6) / seen.requests };
  } catch (error) {
    throw tellOf(contender, server, error);
  }
}

/**
 * What was answered must have been committed, so it is looked for after a kill.
 * @param {Running} one
 * @param {Scenario} scenario
 * @param {Options} options
 * @returns {Promise<ContendersAudit>}
 */
async function audit(one, scenario, { originAddress }) {
  const { contender, directory, key, answered, turns } = one;
  const names = { scenario: scenario.id, contender: contender.name };
  if (scenario.customers.length === 0) return { ...names, ledgers: 0, answered: 0, journalled: 0 };
  await one.server.kill();
  try {
    one.server = await contender.start(directory.path, { originAddress });
    const { url } = one.server;
    const counts = await forEach(scenario.customers, (customer) =>
      contender.countConsumptions(url, key, customer),
    );
    const unread = turns * scenario.connections;
    const found = await auditScenario(url, key, scenario, { answered, unread, counts });
    return { ...names, ledgers: counts.length, ...found };
  } catch (error) {
    throw tellOf(contender, one.server, error);
  } finally {
    // The others are still to be looked at, and this one would work beside them.
    await one.server.kill();
  }
}

/**
 * @param {Contender} contender
 * @param {Server} server
 * @param {unknown} error
 */
function tellOf({ name }, server, error) {
  if (error instanceof UserError) return error;
  const log = server.log();
  if (log) console.error(`${name} said:\n${log}`);
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(`${name}: ${reason}`, { cause: error });
}

/**
 * @param {Server} server
 * @param {Scenario} scenario
 * @param {string} key
 */
function loadOf({ url }, { asked, connections, isPublic, headers = {} }, key) {
  const authorization = isPublic ? {} : { Authorization: `Bearer ${key}` };
  return { url, asked, headers: { ...headers, ...authorization }, connections };
}

/**
 * @param {{ id: string, status: number | undefined }} scenario
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
