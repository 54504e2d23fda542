// Puts load on a server by wrk and reads what wrk saw.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { UserError } from "../scripts/toolchain.mjs";

const exec = promisify(execFile);
// So that a wrk that hangs does not hang the benchmark.
const WRK_GRACE_MS = 300_000;
const MICROSECONDS = { us: 1, ms: 1e3, s: 1e6, m: 6e7 };

const HOW_TO_INSTALL = `wrk was not found; the benchmark puts its load on with it:
  Debian, Ubuntu   sudo apt-get install wrk
  Fedora           sudo dnf install wrk
  source           https://github.com/wg/wrk`;

/** The version of wrk; explains how to get it where there is none. */
export async function requireWrk() {
  try {
    // It prints its version and usage, and exits with 1.
    const { stdout } = await exec("wrk", ["--version"], { timeout: 5000 }).catch((error) => {
      if (error.code === "ENOENT") throw new UserError(HOW_TO_INSTALL);
      return error;
    });
    return /^wrk (.+?) (?:\[|Copyright)/m.exec(String(stdout))?.[1] ?? "unknown";
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(HOW_TO_INSTALL);
  }
}

/**
 * What is asked: a script of bench/load with its arguments.
 * @typedef {object} Asked
 * @property {"fixed" | "customers" | "holds"} script
 * @property {string} path of each request, or what is shown of them
 * @property {string[]} args of the script
 */

/** @param {string} path @returns {Asked} */
export function get(path) {
  return { script: "fixed", path, args: ["GET"] };
}

/** @param {string} path @param {unknown} body @returns {Asked} */
export function post(path, body) {
  return { script: "fixed", path, args: ["POST", JSON.stringify(body)] };
}

/**
 * @param {string} path `{}` stands for 1 to `count`
 * @param {number} count
 * @param {unknown} body
 * @returns {Asked}
 */
export function postToMany(path, count, body) {
  return { script: "customers", path: "/", args: [path, String(count), JSON.stringify(body)] };
}

/** @param {unknown} reserve @param {unknown} settle bodies @returns {Asked} */
export function reserveAndSettle(reserve, settle) {
  return { script: "holds", path: "/", args: [JSON.stringify(reserve), JSON.stringify(settle)] };
}

/**
 * @typedef {object} Load
 * @property {string} url of the server
 * @property {Asked} asked
 * @property {Record<string, string>} headers
 * @property {number} connections
 * @property {number} seconds
 */

/**
 * @typedef {object} Seen
 * @property {number} requests that were answered
 * @property {number} rps
 * @property {number} p50_us
 * @property {number} p99_us
 * @property {number} refused answers other than 2xx or 3xx
 * @property {number} broken socket errors and timeouts
 * @property {string} errors what they were
 */

/**
 * @param {Load} load
 * @returns {Promise<Seen>}
 */
export async function putLoad({ url, asked, headers, connections, seconds }) {
  // One thread of wrk makes several times the requests that workerd, which runs a Worker
  // on one thread, can answer; a second would only take CPU time from it.
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "5s"];
  for (const [name, value] of Object.entries(headers)) options.push("-H", `${name}: ${value}`);
  const script = fileURLToPath(new URL(`./load/${asked.script}.lua`, import.meta.url));
  const args = [...options, "-s", script, url + asked.path, "--", ...asked.args];
  const timeout = seconds * 1000 + WRK_GRACE_MS;
  const running = exec("wrk", args, { timeout, killSignal: "SIGKILL" });
  const endWithUs = () => running.child.kill("SIGKILL");
  process.once("exit", endWithUs);
  try {
    return readReport((await running).stdout);
  } finally {
    process.off("exit", endWithUs);
  }
}

/**
 * @param {string} report
 * @returns {Seen}
 */
export function readReport(report) {
  const number = (/** @type {RegExp} */ pattern) => Number(find(report, pattern)[1]);
  const latency = (/** @type {string} */ percentile) => {
    const [, amount, unit] = find(
      report,
      new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s|m) *$`, "m"),
    );
    return Number(amount) * MICROSECONDS[/** @type {keyof typeof MICROSECONDS} */ (unit)];
  };
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
  const [errors = "none", ...broken] = socketErrors.exec(report) ?? [];
  const [, refused = "0"] = /Non-2xx or 3xx responses: (\d+)/.exec(report) ?? [];
  return {
    requests: number(/^\s+(\d+) requests in /m),
    rps: number(/^Requests\/sec:\s+([\d.]+)$/m),
    p50_us: latency("50"),
    p99_us: latency("99"),
    refused: Number(refused),
    broken: broken.reduce((sum, count) => sum + Number(count), 0),
    errors,
  };
}

/**
 * @param {string} report
 * @param {RegExp} pattern
 */
function find(report, pattern) {
  const match = pattern.exec(report);
  if (!match) throw new Error(`wrk's report has no ${pattern}:\n${report}`);
  return match;
}
