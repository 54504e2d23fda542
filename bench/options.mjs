// The command line of the benchmark.

import { parseArgs } from "node:util";
import { UserError } from "../scripts/toolchain.mjs";

export const HELP = `npm run bench: edge-credits beside hand-written JS Workers that do the same

  --rounds N       rounds of all contenders in turn (5)
  --seconds N      how long each is measured in each round (4)
  --connections N  concurrent callers (32)
  --disk           once more with the ledgers on the disk; else in memory only
  --baselines      leave edge-credits out
  --no-build       measure what was built before
  --json FILE      write every figure to FILE too
  --help           this text

Needs wrk and Linux. Figures are only worth something on a machine that does nothing else.
`;

const LIMITS = { rounds: 100, seconds: 600, connections: 1000 };

/**
 * @typedef {object} Options
 * @property {boolean} help
 * @property {number} rounds
 * @property {number} seconds
 * @property {number} connections
 * @property {boolean} disk
 * @property {boolean} baselines
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
        rounds: { type: "string", default: "5" },
        seconds: { type: "string", default: "4" },
        connections: { type: "string", default: "32" },
        disk: { type: "boolean", default: false },
        baselines: { type: "boolean", default: false },
        "no-build": { type: "boolean", default: false },
        json: { type: "string" },
      },
    });
    return {
      help: values.help,
      rounds: count("rounds", values.rounds),
      seconds: count("seconds", values.seconds),
      connections: count("connections", values.connections),
      disk: values.disk,
      baselines: values.baselines,
      build: !values["no-build"],
      json: values.json,
    };
  } catch (error) {
    if (error instanceof UserError || !(error instanceof TypeError)) throw error;
    throw new UserError(`${error.message}\n\n${HELP}`);
  }
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
