// What the two ways to serve locally, start.mjs and workerd.mjs, share: reading their
// settings, and staying until the user or a child ends the run.

import { resolve } from "node:path";
import { UserError } from "./toolchain.mjs";

/** Reads PORT and DATA_DIR. */
export function serviceSettings() {
  const port = Number(process.env.PORT || 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_534) {
    throw new UserError("PORT must be a whole number from 1 to 65534");
  }
  return { port, dataDir: resolve(process.env.DATA_DIR || ".data") };
}

/** Resolves at Ctrl-C or a request to end; a second one ends this program on the spot. */
export function interruption() {
  return new Promise((resolve) => {
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.once(signal, () => resolve(signal));
    }
  });
}

/**
 * Rejects when the child ends by itself.
 * @param {import("node:child_process").ChildProcess} child
 * @param {string} what
 * @returns {Promise<never>}
 */
export function unexpectedEnd(child, what) {
  return new Promise((_, reject) => {
    child.once("exit", (code, signal) => {
      reject(new UserError(`${what} ended (${signal ?? `code ${code}`})`));
    });
    child.once("error", (error) => reject(new UserError(`${what}: ${error.message}`)));
  });
}
