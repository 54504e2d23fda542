// Runs a Worker on raw workerd: its configuration, its process, what it used. Knows nothing
// of what is measured.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { killGroup, signalGroup, waitUntilHealthy } from "../scripts/process.mjs";
import { readWranglerToml, V8_FLAGS } from "../scripts/selfhost/config.mjs";
import { toolEnv, UserError, WORKERD } from "../scripts/toolchain.mjs";
import { cpuSeconds, residentBytes } from "./processes.mjs";

const BASELINES = fileURLToPath(new URL("./baselines/", import.meta.url));
const READY_DEADLINE_MS = 20_000;
const LOG_BYTES_KEPT = 4096;

/**
 * @typedef {object} Surroundings
 * @property {boolean} [hasObject] true if absent
 * @property {string | undefined} [originAddress] what is behind it, `host:port`
 * @property {string} [entrypoint] the name of the export that answers, if not the default one
 * @property {string[]} [flags] of compatibility
 */

/**
 * Writes the configuration of a hand-written baseline and gives its path.
 * @param {string} dataDir
 * @param {string} name its directory in bench/baselines
 * @param {Surroundings & { modules?: string[] }} [options] `modules`: what worker.js imports from
 *   bench/baselines
 */
export function writeBaselineConfig(dataDir, name, { modules = [], ...surroundings } = {}) {
  const paths = [`${name}/worker.js`, ...modules].map((module) => [
    module,
    join(BASELINES, module),
  ]);
  return writeConfig(dataDir, Object.fromEntries(paths), surroundings);
}

/**
 * Writes the configuration of a Worker and gives its path.
 * @param {string} dataDir
 * @param {Record<string, string>} modules where each lies, by the name that the others import it
 *   by; the Worker's own first
 * @param {Surroundings} surroundings
 */
export function writeConfig(dataDir, modules, surroundings) {
  const { hasObject = true, originAddress, entrypoint, flags = [] } = surroundings;
  const embedded = Object.entries(modules).map(([name, path]) => {
    const kind = name.endsWith(".wasm") ? "wasm" : "esModule";
    const file = JSON.stringify(relative(dataDir, path));
    return `(name = ${JSON.stringify(name)}, ${kind} = embed ${file})`;
  });
  const objects = hasObject
    ? `
  durableObjectNamespaces = [(className = "Account", uniqueKey = "account", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),`
    : "";
  const bindings = ['(name = "KEY_SECRET", fromEnvironment = "KEY_SECRET")'];
  if (hasObject) bindings.push('(name = "ACCOUNT", durableObjectNamespace = "Account")');
  if (originAddress) bindings.push('(name = "ORIGIN", service = "origin")');
  const origin = originAddress
    ? `(name = "origin", external = (address = ${JSON.stringify(originAddress)}, http = ())),`
    : "";
  const service = `(name = "main"${entrypoint ? `, entrypoint = ${JSON.stringify(entrypoint)}` : ""})`;
  const text = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "disk", disk = (path = ${JSON.stringify(dataDir)}, writable = true)),
    ${origin}
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = ${service}) ],
  v8Flags = ${JSON.stringify(V8_FLAGS)},
);

const mainWorker :Workerd.Worker = (
  modules = [
    ${embedded.join(",\n    ")},
  ],
  compatibilityDate = "${readWranglerToml().compatibilityDate}",
  compatibilityFlags = ${JSON.stringify(flags)},${objects}
  bindings = [ ${bindings.join(", ")} ],
);
`;
  const path = join(dataDir, "config.capnp");
  writeFileSync(path, text);
  return path;
}

/**
 * @typedef {object} Server
 * @property {string} url without a slash at the end
 * @property {number} readyMs from the start of the process to its first answer
 * @property {() => number} cpuSeconds user and system time of all its processes so far
 * @property {() => number} residentBytes memory of all its processes
 * @property {() => string} log the last of what it wrote
 * @property {() => void} pause stops all its processes: until `resume` it takes nothing of the CPUs
 * @property {() => void} resume
 * @property {() => Promise<void>} kill ends it on the spot, as a power cut would
 */

/**
 * Starts workerd and resolves when /healthz answers 200.
 * @param {string} configPath
 * @param {Record<string, string>} environment
 * @returns {Promise<Server>}
 */
export async function serve(configPath, environment) {
  const started = performance.now();
  const child = spawn(WORKERD, ["serve", "--control-fd=3", configPath], {
    detached: true,
    env: toolEnv(environment),
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let log = "";
  const keep = (/** @type {Buffer} */ text) => {
    log = (log + text).slice(-LOG_BYTES_KEPT);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const endWithUs = () => signalGroup(child, "SIGKILL");
  process.once("exit", endWithUs);
  child.once("exit", () => process.off("exit", endWithUs));
  try {
    const port = await listeningPort(child);
    const url = `http://127.0.0.1:${port}`;
    const healthy = { child, deadlineMs: READY_DEADLINE_MS, what: "workerd" };
    await waitUntilHealthy(`${url}/healthz`, healthy);
    const readyMs = performance.now() - started;
    const pid = /** @type {number} */ (child.pid);
    return {
      url,
      readyMs,
      cpuSeconds: () => cpuSeconds([pid]),
      residentBytes: () => residentBytes([pid]),
      log: () => log.trim(),
      pause: () => signalGroup(child, "SIGSTOP"),
      resume: () => signalGroup(child, "SIGCONT"),
      kill: () => killGroup(child),
    };
  } catch (error) {
    await killGroup(child);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${reason}\n${log.trim()}`);
  }
}

/**
 * workerd tells on the control pipe which port the system chose.
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<number>}
 */
function listeningPort(child) {
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      clearTimeout(timer);
      reject(new UserError(`workerd ${why}`));
    };
    const timer = setTimeout(() => fail("opened no port in time"), READY_DEADLINE_MS);
    child.once("error", (error) => fail(`did not start: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended (${signal ?? `code ${code}`})`));
    let text = "";
    const control = /** @type {import("node:stream").Readable} */ (child.stdio[3]);
    control.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const port = text.match(/\{[^\n]*"event":"listen"[^\n]*"port":(\d+)[^\n]*\}\n/)?.[1];
      if (!port) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

/**
 * A Worker and the server that it cannot do without, as one.
 * @param {Server} front
 * @param {Server} behind
 * @returns {Server}
 */
export function together(front, behind) {
  return {
    url: front.url,
    readyMs: front.readyMs + behind.readyMs,
    cpuSeconds: () => front.cpuSeconds() + behind.cpuSeconds(),
    residentBytes: () => front.residentBytes() + behind.residentBytes(),
    log: () => [front, behind].map((one) => one.log()).join("\n"),
    pause: () => [front, behind].forEach((one) => void one.pause()),
    resume: () => [behind, front].forEach((one) => void one.resume()),
    kill: async () => void (await Promise.all([front.kill(), behind.kill()])),
  };
}
