// The Worker on plain workerd: writes its configuration and runs it. Used to host the
// engine oneself, by the end-to-end tests and by the benchmark.
//
// What a Worker is bound to comes from wrangler.toml, so that the two cannot differ.

import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { WORKER_JS, WORKER_OPENAPI, WORKER_WASM } from "../build.mjs";
import { killGroup, signalGroup, stopGroup, waitUntilHealthy } from "../process.mjs";
import { ROOT, toolEnv, UserError, WORKERD } from "../toolchain.mjs";

const WITH_KV = fileURLToPath(new URL("./with-kv.js", import.meta.url));
const KV = fileURLToPath(new URL("./kv.js", import.meta.url));
const READY_DEADLINE_MS = 20_000;
const STOP_GRACE_MS = 2_000;
const VARIABLES = [
  "ADMIN_TOKEN",
  "KEY_SECRET",
  "KEY_SECRET_PREVIOUS",
  "CORS_ORIGINS",
  "CLOCK_OFFSET_MS",
  "STRIPE_SECRET_KEY",
  "STRIPE_TEST_SECRET_KEY",
  "STRIPE_WEBHOOK_SECRET",
  "STRIPE_TEST_WEBHOOK_SECRET",
  "STRIPE_API_BASE",
];

/**
 * How V8 collects garbage. Whatever the platform makes for a request (its Request, headers,
 * promises) lives until V8 looks through the whole heap, and is then destroyed at a stroke: with
 * V8's own sizes 90 ms in which nobody is answered, every 7,000 requests. These two make that more
 * frequent and short; the work for each request is the same (docs/performance.md).
 */
export const V8_FLAGS = ["--max-semi-space-size=1", "--initial-old-space-size=4"];

/**
 * @typedef {object} ConfigOptions
 * @property {string} dataDir where the configuration and the storage go
 * @property {number} [port] 0 lets the system choose (default)
 * @property {string} [host] the address to listen on (default 127.0.0.1)
 * @property {boolean | string} [kv] true: a KV store of its own (default); false: no
 *   binding; a string: the `host:port` of a server that plays the KV store
 * @property {string | undefined} [originAddress] `host:port` behind the ORIGIN binding
 * @property {string[]} [fromEnvironment] variables of workerd's environment that become
 *   bindings of the same name
 * @property {string} [wrapper] a module that stands before the Worker and imports it as
 *   `./worker.js`: how a test looks on
 * @property {string} [wasm] an engine in the place of the built one: how a test plants a fault
 * @property {string} [instead] a module in the place of the whole Worker, with its bindings and
 *   classes of its objects' names: how a benchmark tells the platform's share
 * @property {Record<string, string>} [extraBindings] further text bindings; never secrets,
 *   they are written into the configuration
 */

/**
 * The text of a workerd configuration for `<dataDir>/workerd/config.capnp`.
 * @param {ConfigOptions} options
 */
export function workerdConfig(options) {
  const { port = 0, host = "127.0.0.1", kv = true, originAddress } = options;
  const { wrapper, wasm = WORKER_WASM, instead } = options;
  const { fromEnvironment = VARIABLES, extraBindings = {} } = options;
  const { compatibilityDate, compatibilityFlags, objects } = readWranglerToml();
  const here = dirname(configPath(options.dataDir));
  const embed = (/** @type {string} */ path) => `embed ${quote(relative(here, path))}`;
  const flags = compatibilityFlags.map(quote).join(", ");
  const script = (/** @type {string} */ name, /** @type {string} */ path) =>
    `(name = ${quote(name)}, esModule = ${embed(path)})`;
  const modules = instead
    ? [script("index.js", instead)]
    : [
        `(name = "engine.wasm", wasm = ${embed(wasm)})`,
        `(name = "openapi.json.gz", data = ${embed(WORKER_OPENAPI)})`,
        script(wrapper ? "worker.js" : "index.js", WORKER_JS),
        ...(wrapper ? [script("index.js", wrapper)] : []),
      ];
  const classes = objects.map(({ className }) => className);

  const services = [
    '(name = "main", worker = .mainWorker)',
    `(name = "storage", disk = (path = ${quote(storageDir(options.dataDir))}, writable = true))`,
    // A gate's origin may be anywhere, also beside the engine on this machine.
    '(name = "internet", network = (allow = ["public", "private", "local"], ' +
      "tlsOptions = (trustBrowserCas = true)))",
  ];
  const bindings = [
    ...objects.map(
      ({ name, className }) =>
        `(name = ${quote(name)}, durableObjectNamespace = ${quote(className)})`,
    ),
    ...fromEnvironment.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
    ...Object.entries(extraBindings).map(
      ([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`,
    ),
  ];
  if (kv === true) {
    modules.push(script("kv.js", KV), script("with-kv.js", WITH_KV));
    classes.push("KvStore");
    bindings.push(
      '(name = "CREDITS_KV", kvNamespace = (name = "main", entrypoint = "kv"))',
      '(name = "KV_STORE", durableObjectNamespace = "KvStore")',
    );
  } else if (kv !== false) {
    bindings.push('(name = "CREDITS_KV", kvNamespace = "kv")');
    services.push(`(name = "kv", external = (address = ${quote(kv)}, http = ()))`);
  }
  if (originAddress) {
    bindings.push('(name = "ORIGIN", service = "origin")');
    services.push(`(name = "origin", external = (address = ${quote(originAddress)}, http = ()))`);
  }
  const namespaces = classes.map(
    // The key names the directory of the objects: changing it would lose them.
    (className) =>
      `(className = ${quote(className)}, uniqueKey = ${quote(`edge-credits-${className}`)}, enableSql = true)`,
  );

  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
  ],
  sockets = [ (name = "http", address = ${quote(`${host}:${port}`)}, http = (), service = "main") ],
  v8Flags = [${V8_FLAGS.map(quote).join(", ")}],
);

const mainWorker :Workerd.Worker = (
  modules = [
    ${modules.reverse().join(",\n    ")},
  ],
  compatibilityDate = ${quote(compatibilityDate)},
  compatibilityFlags = [${flags}],
  globalOutbound = "internet",
  durableObjectNamespaces = [
    ${namespaces.join(",\n    ")},
  ],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [
    ${bindings.join(",\n    ")},
  ],
);
`;
}

/**
 * Writes the configuration and gives its path.
 * @param {ConfigOptions} options
 */
export function writeWorkerdConfig(options) {
  const path = configPath(options.dataDir);
  mkdirSync(storageDir(options.dataDir), { recursive: true });
  writeFileSync(path, workerdConfig(options));
  return path;
}

/**
 * @typedef {object} RunningWorkerd
 * @property {string} url `http://host:port`, without a slash at the end
 * @property {number} port
 * @property {number} pid
 * @property {import("node:child_process").ChildProcess} child
 * @property {() => Promise<void>} stop asks workerd to end, insists after two seconds
 * @property {() => Promise<void>} kill ends it on the spot, as a power cut would
 */

/**
 * Starts workerd on the built bundle and resolves when /healthz answers 200.
 * `env` holds ADMIN_TOKEN, KEY_SECRET and optionally KEY_SECRET_PREVIOUS, CORS_ORIGINS;
 * one that is missing is unbound, as it would be on Cloudflare.
 * @param {ConfigOptions & { env: Record<string, string | undefined>, log?: string, launcher?: string[] }} options
 *   `log`: a file for workerd's output instead of this program's stderr; `launcher`: a program
 *   and its arguments that become workerd, by the command that follows them
 * @returns {Promise<RunningWorkerd>}
 */
export async function startWorkerd({ env, log, launcher = [], ...options }) {
  const fromEnvironment = VARIABLES.filter((name) => env[name]);
  const config = writeWorkerdConfig({ fromEnvironment, ...options });
  const [program = WORKERD, ...args] = [...launcher, WORKERD, "serve", "--control-fd=3", config];
  const child = spawn(program, args, {
    detached: true,
    env: toolEnv(Object.fromEntries(fromEnvironment.map((name) => [name, env[name]]))),
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const sink = log ? createWriteStream(log, { flags: "a" }) : process.stderr;
  child.stdout?.on("data", (text) => sink.write(text));
  child.stderr?.on("data", (text) => sink.write(text));
  outliveNobody(child);

  try {
    const port = await listeningPort(child);
    const url = `http://${options.host ?? "127.0.0.1"}:${port}`;
    const local = url.replace("0.0.0.0", "127.0.0.1");
    const healthy = { child, deadlineMs: READY_DEADLINE_MS, what: "workerd" };
    await waitUntilHealthy(`${local}/healthz`, healthy);
    return {
      url: local,
      port,
      pid: /** @type {number} */ (child.pid),
      child,
      stop: () => stopGroup(child, STOP_GRACE_MS),
      kill: () => killGroup(child),
    };
  } catch (error) {
    await killGroup(child);
    throw error;
  }
}

/**
 * A test that times out or is interrupted must not leave a server behind. Where nobody
 * else handles the signal, the exit that it would have caused is made a visible one.
 * @param {import("node:child_process").ChildProcess} child
 */
function outliveNobody(child) {
  const kill = () => signalGroup(child, "SIGKILL");
  const end = () => process.exit(1);
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  const unhandled = signals.filter((signal) => process.listenerCount(signal) === 0);
  process.once("exit", kill);
  for (const signal of unhandled) process.once(signal, end);
  child.once("exit", () => {
    process.off("exit", kill);
    for (const signal of unhandled) process.off(signal, end);
  });
}

/**
 * workerd reports each socket that it opened as a line of JSON on the control pipe, so
 * a port of 0 is learnt without a race.
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<number>}
 */
function listeningPort(child) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail("opened no port in time"), READY_DEADLINE_MS);
    const fail = (/** @type {string} */ why) => {
      clearTimeout(timer);
      reject(new UserError(`workerd ${why}`));
    };
    child.once("error", (error) => fail(`did not start: ${error.message}`));
    child.once("exit", (code, signal) => fail(`ended at once (${signal ?? `code ${code}`})`));
    let text = "";
    const control = /** @type {import("node:stream").Readable} */ (child.stdio[3]);
    control.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const event = JSON.parse(line);
        if (event.event !== "listen" || event.socket !== "http") continue;
        clearTimeout(timer);
        resolve(event.port);
      }
    });
  });
}

/**
 * Reads the few values that workerd needs too. wrangler's own reader takes a second to
 * load and another Node than the one that may run this.
 */
export function readWranglerToml() {
  const text = readFileSync(join(ROOT, "wrangler.toml"), "utf8").replace(/^\s*#.*$/gm, "");
  const compatibilityDate = text.match(/^compatibility_date\s*=\s*"([^"]+)"/m)?.[1];
  const flags = text.match(/^compatibility_flags\s*=\s*\[([^\]]*)\]/m)?.[1] ?? "";
  const tables = text.matchAll(/^\[\[durable_objects\.bindings\]\]\s*\n((?:[^[]*\n)*)/gm);
  const objects = [...tables].map(([, table = ""]) => ({
    name: table.match(/^name\s*=\s*"([^"]+)"/m)?.[1] ?? "",
    className: table.match(/^class_name\s*=\s*"([^"]+)"/m)?.[1] ?? "",
  }));
  const isComplete = objects.length > 0 && objects.every((o) => o.name && o.className);
  if (!compatibilityDate || !isComplete) {
    throw new UserError("wrangler.toml: compatibility_date or durable_objects.bindings not found");
  }
  const compatibilityFlags = [...flags.matchAll(/"([^"]+)"/g)].map((match) => String(match[1]));
  return { compatibilityDate, compatibilityFlags, objects };
}

/** @param {string} dataDir */
function configPath(dataDir) {
  return join(resolve(dataDir), "workerd", "config.capnp");
}

/** @param {string} dataDir */
function storageDir(dataDir) {
  return join(resolve(dataDir), "workerd", "storage");
}

/** @param {string} text */
function quote(text) {
  return JSON.stringify(text);
}
