// The command line of the benchmark.

import { parseArgs } from "node:util";
import { UserError } from "../scripts/toolchain.mjs";
import { CONTENDERS } from "./contenders.mjs";
import { LADDERS } from "./floor.mjs";
import { SCENARIOS } from "./scenarios.mjs";

const names = SCENARIOS.map(({ id }) => id);
const contenderNames = CONTENDERS.map(({ name }) => name);

/**
 * Turns are short and many, so that contenders are compared while the machine is the same; where
 * none is compared with another, fewer and longer ones do.
 */
const DEFAULTS = {
  // A process may be a tenth faster or slower than the next of the same program.
  comparison: { rounds: 15, starts: 3, seconds: 1 },
  floor: { rounds: 25, starts: 3, seconds: 1 },
  growth: { rounds: 5, starts: 1, seconds: 4 },
  cold: { rounds: 5, starts: 1, seconds: 4 },
  "start-up": { rounds: 5, starts: 1, seconds: 4 },
  page: { rounds: 1, starts: 1, seconds: 1 },
};
const SUBJECTS = /** @type {const} */ (["floor", "growth", "cold", "start-up", "page"]);

export const HELP = `npm run bench: edge-credits beside others that do the same job

What is measured:
  (nothing)          all scenarios, side by side, in memory and on the disk
  --floor            the least that the platform takes: small JS Workers, each of which does one
                     thing more that the contract asks for, up to edge-credits
  --growth           edge-credits alone as customers, journal, batch, connections and grants grow
  --cold             the first request to a ledger with a short and with a long journal
  --start-up         from the start of the process, or of the Worker, to the first answer
  --page             nothing: writes what the last runs saw into docs/performance.md

How:
  --only A,B         only these scenarios: ${names.slice(0, 4).join(", ")},
                     ${names.slice(4).join(", ")};
                     --floor: ${LADDERS.join(", ")}
  --contenders A,B   only these: ${contenderNames.join(", ")}
  --storage KIND     tmpfs or disk; else one after the other (--floor: tmpfs)
  --rounds N         rounds of all contenders in turn (${DEFAULTS.comparison.rounds}; --floor: ${DEFAULTS.floor.rounds}; others: ${DEFAULTS.growth.rounds})
  --starts N         side by side and --floor: how often all are started anew within these
                     rounds (${DEFAULTS.comparison.starts})
  --seconds N        how long a turn takes (${DEFAULTS.comparison.seconds}; --growth: ${DEFAULTS.growth.seconds})
  --entries N        --cold, --growth: entries of the longest journal (1000000)
  --customers N      --growth: the most customers (10000)
  --no-build         measure what was built before
  --json FILE        where every figure goes (bench/results/<what is measured>.json)
  --help             this text

Needs wrk and Linux; redis-server and postgres are measured where they are installed. Figures
are only worth something on a machine that does nothing else.
`;

const LIMITS = { rounds: 1000, starts: 100, seconds: 600, entries: 10_000_000, customers: 100_000 };

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {"comparison" | "floor" | "growth" | "cold" | "start-up" | "page"} subject
 * @property {string[] | undefined} only
 * @property {string[] | undefined} contenders
 * @property {number} rounds
 * @property {number} starts
 * @property {number} seconds
 * @property {number} entries
 * @property {number} customers
 * @property {boolean} tmpfs
 * @property {boolean} disk
 * @property {boolean} build
 * @property {string | undefined} json
 */

/**
 * @param {string[]} args
 * @returns {Options}
 */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        help: { type: "boolean", short: "h", default: false },
        floor: { type: "boolean", default: false },
        growth: { type: "boolean", default: false },
        cold: { type: "boolean", default: false },
        "start-up": { type: "boolean", default: false },
        page: { type: "boolean", default: false },
        only: { type: "string" },
        contenders: { type: "string" },
        storage: { type: "string" },
        rounds: { type: "string" },
        starts: { type: "string" },
        seconds: { type: "string" },
        entries: { type: "string", default: "1000000" },
        customers: { type: "string", default: "10000" },
        "no-build": { type: "boolean", default: false },
        json: { type: "string" },
      },
    });
    const { storage } = values;
    if (storage && !["tmpfs", "disk"].includes(storage)) {
      throw new UserError(`--storage is tmpfs or disk, not "${storage}"`);
    }
    const subject = subjectOf(values);
    const { rounds, starts, seconds } = DEFAULTS[subject];
    return {
      help: values.help,
      subject,
      only: list("only", values.only, subject === "floor" ? LADDERS : names),
      contenders: list("contenders", values.contenders, contenderNames),
      rounds: count("rounds", values.rounds ?? String(rounds)),
      starts: count("starts", values.starts ?? String(starts)),
      seconds: count("seconds", values.seconds ?? String(seconds)),
      entries: count("entries", values.entries),
      customers: count("customers", values.customers),
      tmpfs: storage !== "disk",
      disk: storage !== "tmpfs",
      build: !values["no-build"],
      json: values.json,
    };
  } catch (error) {
    if (error instanceof UserError || !(error instanceof TypeError)) throw error;
    throw new UserError(`${error.message}\n\n${HELP}`);
  }
}

/**
 * @param {Record<string, unknown>} values
 * @returns {Options["subject"]}
 */
function subjectOf(values) {
  const asked = SUBJECTS.filter((name) => values[name]);
  if (asked.length > 1) throw new UserError(`one at a time: --${asked.join(", --")}`);
  return asked[0] ?? "comparison";
}

/**
 * @param {string} option
 * @param {string | undefined} text
 * @param {string[]} known
 */
function list(option, text, known) {
  const asked = text?.split(",").map((name) => name.trim());
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UserError(`--${option}: "${unknown}" is none of ${known.join(", ")}`);
  }
  return asked;
}

/**
 * @param {keyof typeof LIMITS} name
 * @param {string} text
 */
function count(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > LIMITS[name]) {
    throw new UserError(`--${name} is a whole number between 1 and ${LIMITS[name]}, not "${text}"`);
  }
  return value;
}
