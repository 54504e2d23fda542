// Runs a database on loopback with its files in a given directory, and the Node front of
// baselines/store-front.mjs before it. Both are one contender: what they use is added up.

import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  capture,
  findProgram,
  freePort,
  hasEnded,
  run,
  waitUntilHealthy,
} from "../scripts/process.mjs";
import { packagesMatchLock, perform } from "../scripts/setup.mjs";
import { NODE, toolEnv, UserError } from "../scripts/toolchain.mjs";
import { cpuSeconds, residentBytes, withDescendants } from "./processes.mjs";

const BENCH_DIR = fileURLToPath(new URL(".", import.meta.url));
const FRONT = join(BENCH_DIR, "baselines", "store-front.mjs");
const READY_DEADLINE_MS = 20_000;
const LOG_BYTES_KEPT = 4096;
const DEBIAN_POSTGRES = "/usr/lib/postgresql";

/** Which databases are there: their versions, by contender's name. */
export async function findStores() {
  /** @type {Record<string, string>} */
  const versions = {};
  const redis = findStore("redis-server");
  if (redis) {
    const { stdout } = await capture(redis, ["--version"]);
    versions.redis = /v=(\S+)/.exec(stdout)?.[1] ?? "unknown";
  }
  const postgres = findStore("postgres");
  if (postgres) {
    const { stdout } = await capture(postgres, ["--version"]);
    versions.postgres = /\d+\.\d+/.exec(stdout)?.[0] ?? "unknown";
  }
  return versions;
}

/** Installs the databases' clients, where they are missing. */
export function setupClients() {
  return perform([
    {
      title: "database clients of the benchmark (npm ci in bench)",
      isDone: () => packagesMatchLock(BENCH_DIR),
      act: () => run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: BENCH_DIR }),
    },
  ]);
}

/**
 * @param {string} dataDir
 * @param {"always" | "everysec"} appendfsync
 * @param {Record<string, string>} environment
 */
export async function serveRedis(dataDir, appendfsync, environment) {
  const port = await freePort();
  const settings = {
    bind: "127.0.0.1",
    port: String(port),
    dir: dataDir,
    appendonly: "yes",
    appendfsync,
    // The append-only file is the storage: no snapshots beside it.
    save: "",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  return serveStore("redis", environment, {
    port,
    program: start(requireProgram("redis-server"), args),
    isReady: /Ready to accept connections/,
  });
}

/**
 * @param {string} dataDir
 * @param {Record<string, string>} environment
 */
export async function servePostgres(dataDir, environment) {
  const files = join(dataDir, "postgres");
  const owner = await postgresUser();
  if (!existsSync(files)) {
    mkdirSync(files);
    if (owner) for (const path of [dataDir, files]) chownSync(path, owner.uid, owner.gid);
    const initdb = start(
      requireProgram("initdb"),
      ["-D", files, "-U", "bench", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8"],
      owner,
    );
    await initdb.ended;
    if (initdb.child.exitCode !== 0) throw new UserError(`initdb failed:\n${initdb.log()}`);
  }
  const port = await freePort();
  // All else as installed: fsync and synchronous_commit are on.
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: files,
    // Not in /dev/shm, where a kill would leave it.
    dynamic_shared_memory_type: "mmap",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return serveStore("postgres", environment, {
    port,
    program: start(requireProgram("postgres"), ["-D", files, "-p", String(port), ...args], owner),
    isReady: /database system is ready to accept connections/,
  });
}

/**
 * @param {"redis" | "postgres"} adapter
 * @param {Record<string, string>} environment
 * @param {{ port: number, program: Program, isReady: RegExp }} store
 * @returns {Promise<import("./server.mjs").Server>}
 */
async function serveStore(adapter, environment, { port, program, isReady }) {
  const started = performance.now();
  /** @type {Program[]} */
  const programs = [program];
  const kill = async () => {
    for (const { end } of programs) end();
    await Promise.all(programs.map(({ ended }) => ended));
  };
  try {
    await program.says(isReady);
    const front = start(NODE, [FRONT, adapter, String(port)], { env: environment });
    programs.push(front);
    const [, listening] = await front.says(/"port":(\d+)/);
    const url = `http://127.0.0.1:${listening}`;
    const child = front.child;
    await waitUntilHealthy(`${url}/healthz`, {
      child,
      deadlineMs: READY_DEADLINE_MS,
      what: "front",
    });
    const pids = () => programs.flatMap(({ child }) => withDescendants(Number(child.pid)));
    return {
      url,
      readyMs: performance.now() - started,
      cpuSeconds: () => cpuSeconds(pids()),
      residentBytes: () => residentBytes(pids()),
      log: () => programs.map(({ log }) => log()).join("\n"),
      pause: () => signalAll(pids(), "SIGSTOP"),
      resume: () => signalAll(pids(), "SIGCONT"),
      kill,
    };
  } catch (error) {
    await kill();
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${reason}\n${programs.map(({ log }) => log()).join("\n")}`);
  }
}

/**
 * @typedef {object} Program
 * @property {import("node:child_process").ChildProcess} child
 * @property {Promise<void>} ended
 * @property {() => string} log the last of what it wrote
 * @property {(what: RegExp) => Promise<RegExpExecArray>} says waits until it wrote that
 * @property {() => void} end ends it and what it started on the spot, as a power cut would
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ uid?: number, gid?: number, env?: Record<string, string> }} [options]
 * @returns {Program}
 */
function start(command, args, { env = {}, ...owner } = {}) {
  const child = spawn(command, args, {
    ...owner,
    env: toolEnv(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const keep = (/** @type {Buffer} */ text) => {
    log = (log + text).slice(-LOG_BYTES_KEPT);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const end = () => {
    if (!hasEnded(child)) signalAll(withDescendants(Number(child.pid)), "SIGKILL");
  };
  process.once("exit", end);
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => {
    child.once("close", () => {
      process.off("exit", end);
      resolve();
    });
    child.once("error", () => resolve());
  });
  return { child, ended, log: () => log.trim(), says, end };

  /** @param {RegExp} what */
  async function says(what) {
    const deadline = Date.now() + READY_DEADLINE_MS;
    for (;;) {
      const match = what.exec(log);
      if (match) return match;
      if (hasEnded(child) || Date.now() > deadline) throw new UserError(`${command} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * @param {number[]} pids
 * @param {NodeJS.Signals} signal
 */
function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has just ended by itself.
    }
  }
}

/** PostgreSQL refuses to run as root: whom it is to run as, if this is root. */
async function postgresUser() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = await Promise.all([
      capture("id", ["-u", name]),
      capture("id", ["-g", name]),
    ]);
    if (uid.code === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new UserError("PostgreSQL does not run as root, and there is no user `postgres`");
}

/** @param {string} name */
function findStore(name) {
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES).toSorted() : [];
  const debian = versions.toReversed().map((version) => join(DEBIAN_POSTGRES, version, "bin"));
  return findProgram([name], debian);
}

/** @param {string} name */
function requireProgram(name) {
  const path = findStore(name);
  if (!path) throw new UserError(`${name} was not found`);
  return path;
}
