// Puts load on a URL by wrk and reads what wrk saw.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { UserError } from "../scripts/toolchain.mjs";

const exec = promisify(execFile);
const CONSUME_SCRIPT = fileURLToPath(new URL("./consume.lua", import.meta.url));
const WRK_GRACE_MS = 15_000;
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
 * @typedef {object} Load
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {boolean} consumes POST the consume body instead of GET
 * @property {number} connections
 * @property {number} seconds
 */

/**
 * @typedef {object} Seen
 * @property {number} requests that were answered
 * @property {number} rps
 * @property {number} p50_us
 * @property {number} p99_us
 * @property {number} failures answers other than 2xx or 3xx, and socket errors
 */

/**
 * @param {Load} load
 * @returns {Promise<Seen>}
 */
export async function putLoad({ url, headers, consumes, connections, seconds }) {
  // One thread of wrk makes several times the requests that workerd, which runs a Worker
  // on one thread, can answer; a second would only take CPU time from it.
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "5s"];
  if (consumes) args.push("-s", CONSUME_SCRIPT);
  for (const [name, value] of Object.entries(headers)) args.push("-H", `${name}: ${value}`);
  const timeout = seconds * 1000 + WRK_GRACE_MS;
  const running = exec("wrk", [...args, url], { timeout, killSignal: "SIGKILL" });
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
      new RegExp(`^\\s+${percentile}%\\s+([\\d.]+)(us|ms|s|m)$`, "m"),
    );
    return Number(amount) * MICROSECONDS[/** @type {keyof typeof MICROSECONDS} */ (unit)];
  };
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/;
  const [, ...errors] = socketErrors.exec(report) ?? [];
  const [, refused = "0"] = /Non-2xx or 3xx responses: (\d+)/.exec(report) ?? [];
  return {
    requests: number(/^\s+(\d+) requests in /m),
    rps: number(/^Requests\/sec:\s+([\d.]+)$/m),
    p50_us: latency("50"),
    p99_us: latency("99"),
    failures: [...errors, refused].reduce((sum, count) => sum + Number(count), 0),
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
