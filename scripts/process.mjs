// Starting and ending other programs: steps that run to their end, services that are
// stopped with everything that they started.

import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { toolEnv, UserError } from "./toolchain.mjs";

/** @param {number} started as `performance.now()` gave it */
export function elapsed(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/**
 * Runs a program to its end and gives what it wrote: to stdout, and in all. With
 * `show: true` the output is also passed on as it comes.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, show?: boolean }} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 */
export function capture(command, args, { cwd, env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: toolEnv(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let output = "";
    for (const [stream, sink] of [
      /** @type {const} */ ([child.stdout, process.stdout]),
      /** @type {const} */ ([child.stderr, process.stderr]),
    ]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (stream === child.stdout) stdout += text;
        if (show) sink.write(text);
      });
    }
    child.on("error", (error) => reject(missingProgram(command, error)));
    child.on("close", (code, signal) => {
      if (signal) output += `\n${command} was ended by ${signal}\n`;
      resolve({ code: code ?? 1, stdout, output });
    });
  });
}

/**
 * Like `capture`, but a failure is an error that carries the output.
 * @param {string} command
 * @param {string[]} args
 * @param {Parameters<typeof capture>[2]} [options]
 */
export async function run(command, args, options = {}) {
  const { code, stdout, output } = await capture(command, args, options);
  if (code !== 0) {
    const said = options.show ? "" : `:\n${output.trim()}`;
    throw new UserError(`\`${[command, ...args].join(" ")}\` failed with code ${code}${said}`);
  }
  return stdout;
}

/**
 * @param {string} command
 * @param {Error} error
 */
function missingProgram(command, error) {
  const missing = "code" in error && error.code === "ENOENT";
  return missing ? new UserError(`${command} was not found`) : error;
}

/**
 * Ends a service and everything that it started: asks, and after the grace insists
 * (workerd drains open connections for as long as they last).
 * The child must have been spawned with `detached: true`, so that it leads a group.
 * @param {import("node:child_process").ChildProcess} child
 * @param {number} [graceMs]
 * @returns {Promise<void>}
 */
export async function stopGroup(child, graceMs = 2000) {
  if (!hasEnded(child)) {
    signalGroup(child, "SIGTERM");
    const insist = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
    await new Promise((resolve) => child.once("exit", resolve));
    clearTimeout(insist);
  }
  // A leader, above all one that was killed, may leave members of its group behind.
  signalGroup(child, "SIGKILL");
}

/**
 * Ends a service at once, as a power cut would.
 * @param {import("node:child_process").ChildProcess} child
 */
export async function killGroup(child) {
  if (hasEnded(child)) return;
  signalGroup(child, "SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
export function signalGroup(child, signal) {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
  }
}

/** @param {import("node:child_process").ChildProcess} child */
export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/**
 * Waits until the service says that it is well.
 * @param {string} url
 * @param {{ child: import("node:child_process").ChildProcess, deadlineMs: number, what: string }} options
 */
export async function waitUntilHealthy(url, { child, deadlineMs, what }) {
  const deadline = Date.now() + deadlineMs;
  let last = "no answer";
  while (Date.now() < deadline) {
    if (hasEnded(child)) throw new UserError(`${what} ended before it was ready`);
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      await answer.arrayBuffer();
      if (answer.status === 200) return;
      last = `status ${answer.status}`;
    } catch {
      last = "no answer";
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new UserError(`${what} was not ready after ${deadlineMs / 1000} s: ${last} from ${url}`);
}

/**
 * @param {number} port
 * @param {string} host
 * @param {string} remedy
 */
export async function requireFreePort(port, host, remedy) {
  const code = await whyTaken(port, host);
  if (code === undefined) return;
  const reason = code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`;
  throw new UserError(`port ${port} on ${host} ${reason}. ${remedy}`);
}

/**
 * The code of the error by which nobody can listen there; undefined if one can.
 * @param {number} port
 * @param {string} host
 * @returns {Promise<string | undefined>}
 */
function whyTaken(port, host) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (/** @type {NodeJS.ErrnoException} */ error) =>
      resolve(error.code ?? error.message),
    );
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

// Below those that systems give to connections, so that none takes a port between its choice and
// its use: Linux begins at 32768, others at 49152 (RFC 6335, section 6).
const LOWEST_PORT = 20_000;
const PORTS = 12_000;

/**
 * A port of this machine that nobody listens on, nor on those that follow it.
 * @param {number} [following] how many after it must be free too
 * @returns {Promise<number>}
 */
export async function freePort(following = 0) {
  for (;;) {
    const first = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const ports = Array.from({ length: following + 1 }, (_, index) => first + index);
    const codes = await Promise.all(ports.map((port) => whyTaken(port, "127.0.0.1")));
    if (codes.every((code) => code === undefined)) return first;
  }
}

/**
 * The first of these programs that is there, by the PATH and then in more folders.
 * @param {string[]} names
 * @param {string[]} [more]
 */
export function findProgram(names, more = []) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...more];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  }
  return undefined;
}

/**
 * The one way in which a script of ours ends: what went wrong, without a stack when the
 * message is meant for the user.
 * @param {() => Promise<unknown>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof UserError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}

/**
 * Is this module the program, or imported by one?
 * @param {ImportMeta} meta
 */
export function isProgram(meta) {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(meta.url);
}
