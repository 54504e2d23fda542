// Builds the Worker: cargo, wasm-bindgen, wasm-opt, esbuild. Cargo knows by itself what
// changed; the two steps after it are skipped while their input is the same.

import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { elapsed, isProgram, run, runMain } from "./process.mjs";
import { setup } from "./setup.mjs";
import {
  NODE,
  privatePaths,
  ROOT,
  reproducibleRustFlags,
  UserError,
  WASM_BINDGEN,
  WASM_OPT,
  WASM_TARGET,
} from "./toolchain.mjs";

const TARGET_DIR = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
// A profile of its own, thus a folder of its own.
export const WORKER_PROFILE = "worker";
const CARGO_WASM = join(TARGET_DIR, WASM_TARGET, WORKER_PROFILE, "edge_credits.wasm");
const BINDGEN_DIR = join(ROOT, "build", "bindgen");
const STAMP = join(ROOT, "build", "engine.stamp");
const OPENAPI = join(ROOT, "src", "api", "openapi.json");
const SHELL = join(ROOT, "src", "worker", "shell", "index.ts");
const PLATFORM = join(ROOT, "src", "worker", "shell", "platform.js");

export const WORKER_DIR = join(ROOT, "build", "worker");
export const WORKER_JS = join(WORKER_DIR, "index.js");
export const WORKER_WASM = join(WORKER_DIR, "engine.wasm");
export const WORKER_OPENAPI = join(WORKER_DIR, "openapi.json.gz");

// Named one by one: `--all-features` lets wasm-opt emit what no runtime loads.
const WASM_OPT_FLAGS = [
  "-Oz",
  // Valid addresses begin above: Rust puts its stack first, and it is far larger than 1 KiB.
  "--low-memory-unused",
  "--enable-bulk-memory",
  "--enable-bulk-memory-opt",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-reference-types",
  "--enable-multivalue",
  "--strip-debug",
  "--strip-producers",
];

// The reset function lets the shell replace an aborted instance. It is not offered for the
// bundler target, and the flag does not write its type.
const BINDGEN_FLAGS = ["--target", "web", "--experimental-reset-state-function"];
const GLUE_TYPES = "\nexport function __wbg_reset_state(): void;\n";

// wasm-bindgen copies the module that the wasm imports; there must be one of it only, since
// the shell tells it which storage is at hand.
const onePlatform = {
  name: "one-platform",
  /** @param {import("esbuild").PluginBuild} build */
  setup(build) {
    build.onResolve({ filter: /snippets\/.*\/platform\.js$/ }, () => ({ path: PLATFORM }));
  },
};

/** Builds what is in `build/worker/`; prints each step and the sizes. */
export async function build() {
  await step("cargo build (wasm32)", compile);
  const stamp = engineStamp();
  const isCurrent = existsSync(WORKER_WASM) && existsSync(STAMP) && read(STAMP) === stamp;
  if (isCurrent) {
    console.log("build: wasm-bindgen and wasm-opt: up to date");
  } else {
    await step("wasm-bindgen", bind);
    await step("wasm-opt", optimize);
    writeFileSync(STAMP, stamp);
  }
  await step("esbuild", bundle);
  packOpenApi();
  printSizes();
}

async function compile() {
  const args = [
    "build",
    "--profile",
    WORKER_PROFILE,
    "--lib",
    "--target",
    WASM_TARGET,
    "--features",
    "worker",
  ];
  // The unit separator is Cargo's: a path may contain a space.
  const env = { CARGO_ENCODED_RUSTFLAGS: reproducibleRustFlags().join("\x1f") };
  await run("cargo", args, { cwd: ROOT, env, show: true });
}

async function bind() {
  mkdirSync(BINDGEN_DIR, { recursive: true });
  await run(
    WASM_BINDGEN,
    [...BINDGEN_FLAGS, "--out-dir", BINDGEN_DIR, "--out-name", "engine", CARGO_WASM],
    {
      cwd: ROOT,
    },
  );
  appendFileSync(join(BINDGEN_DIR, "engine.d.ts"), GLUE_TYPES);
}

async function optimize() {
  mkdirSync(WORKER_DIR, { recursive: true });
  const input = join(BINDGEN_DIR, "engine_bg.wasm");
  await run(NODE, [WASM_OPT, ...WASM_OPT_FLAGS, input, "-o", WORKER_WASM], { cwd: ROOT });
  const bytes = readFileSync(WORKER_WASM);
  for (const path of privatePaths()) {
    if (bytes.includes(path)) throw new UserError(`the wasm contains the path ${path}`);
  }
}

async function bundle() {
  // Imported here, because this module is also loaded before the first install.
  const esbuild = await import("esbuild");
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [SHELL],
    outfile: WORKER_JS,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    // Identifiers stay as they are, so that a stack trace of production can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    external: ["cloudflare:*", "node:*", "./engine.wasm", "./openapi.json.gz"],
    plugins: [onePlatform],
    loader: { ".json": "json", ".html": "text", ".svg": "text" },
    logLevel: "warning",
  });
  // Its service would otherwise live for as long as a server that was built for.
  await esbuild.stop();
}

/**
 * Within index.js, V8 would read all of this at each start; few requests ask for it, and an
 * eighth of the bytes is loaded faster.
 */
function packOpenApi() {
  const document = JSON.stringify(JSON.parse(read(OPENAPI)));
  writeFileSync(WORKER_OPENAPI, gzipSync(document, { level: 9 }));
}

/** What the optimized wasm depends on. */
function engineStamp() {
  const hash = createHash("sha256");
  hash.update(readFileSync(CARGO_WASM));
  hash.update(readFileSync(WASM_BINDGEN));
  hash.update(JSON.stringify([WASM_OPT_FLAGS, BINDGEN_FLAGS]));
  hash.update(readFileSync(join(ROOT, "node_modules", "binaryen", "package.json")));
  return hash.digest("hex");
}

function printSizes() {
  for (const path of [WORKER_WASM, WORKER_JS, WORKER_OPENAPI]) {
    const bytes = readFileSync(path);
    const gzip = kib(gzipSync(bytes).length);
    console.log(`build: ${path.slice(ROOT.length + 1)}  ${kib(bytes.length)}, gzip ${gzip}`);
  }
}

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/** @param {string} path */
function read(path) {
  return readFileSync(path, "utf8");
}

/**
 * @param {string} title
 * @param {() => Promise<void>} act
 */
async function step(title, act) {
  const started = performance.now();
  await act();
  console.log(`build: ${title}: ${elapsed(started)}`);
}

if (isProgram(import.meta)) {
  await runMain(async () => {
    // wrangler runs this from node_modules, which must not be replaced under it.
    const bare = !existsSync(NODE);
    await setup({ installPackages: bare });
    await build();
  });
}
