// Builds the npm package into `pkg/dist`: cargo, wasm-bindgen, wasm-opt, then an ESM and a
// CommonJS file per entry and runtime, and the types. Prints what it does and the sizes.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
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
// A profile of its own, thus a folder of its own: the Worker's artefact has the same name.
const PROFILE = "client";
const CARGO_WASM = join(TARGET_DIR, WASM_TARGET, PROFILE, "edge_credits.wasm");
const OUT = join(ROOT, "build", "package");
const BINDGEN_DIR = join(OUT, "bindgen");
const WASM = join(OUT, "edge_credits.wasm");
const STAMP = join(OUT, "stamp");

export const PACKAGE_DIR = join(ROOT, "pkg");
const SRC = join(PACKAGE_DIR, "src");
const TYPES = join(PACKAGE_DIR, "types");
const DIST = join(PACKAGE_DIR, "dist");
const WASM_NAME = "edge_credits.wasm";

// Named one by one: `--all-features` lets wasm-opt emit what no runtime loads. All of these
// are in the oldest runtime that the package supports, Node 20.
export const WASM_OPT_FLAGS = [
  "-Oz",
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

/**
 * One runtime: how its files end, and where its wasm comes from.
 * @typedef {{ suffix: string, loader: string, format: "esm" | "cjs" }} Variant
 * @type {Variant[]}
 */
const VARIANTS = [
  { suffix: ".js", loader: "inline.ts", format: "esm" },
  { suffix: ".cjs", loader: "inline.ts", format: "cjs" },
  { suffix: ".workerd.js", loader: "workerd.ts", format: "esm" },
  { suffix: ".edge.js", loader: "edge.ts", format: "esm" },
];

/** Entries that stand on the shared client, and with it on the wasm. A new one is a name here. */
const CLIENT_ENTRIES = ["index", "credly", "hiveforge", "openrouter", "predev"];
/** Entries without wasm: they take a client that their caller made. */
const PLAIN_ENTRIES = ["gate", "hono", "next", "express"];
/** All of them, in the order in which they are described. */
export const ENTRIES = [...CLIENT_ENTRIES, ...PLAIN_ENTRIES];
/** What the client entries share. */
const SHARED = "client";

/** Builds `pkg/dist`. */
export async function buildPackage() {
  await step("cargo build (wasm32, client)", compile);
  mkdirSync(OUT, { recursive: true });
  const stamp = wasmStamp();
  if (existsSync(WASM) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) {
    console.log("package: wasm-bindgen and wasm-opt: up to date");
  } else {
    await step("wasm-bindgen", bind);
    await step("wasm-opt", optimize);
    writeFileSync(STAMP, stamp);
  }
  await step("esbuild", bundle);
  writeTypes(DIST);
  printSizes();
}

async function compile() {
  const target = ["--profile", PROFILE, "--lib", "--target", WASM_TARGET];
  // The unit separator is Cargo's: a path may contain a space.
  const env = { CARGO_ENCODED_RUSTFLAGS: reproducibleRustFlags().join("\x1f") };
  await run("cargo", ["build", ...target, "--features", "client"], { cwd: ROOT, env, show: true });
}

async function bind() {
  const args = ["--target", "bundler", "--out-dir", BINDGEN_DIR, "--out-name", "edge_credits"];
  await run(WASM_BINDGEN, [...args, CARGO_WASM], { cwd: ROOT });
}

async function optimize() {
  const input = join(BINDGEN_DIR, "edge_credits_bg.wasm");
  await run(NODE, [WASM_OPT, ...WASM_OPT_FLAGS, input, "-o", WASM], { cwd: ROOT });
  const bytes = readFileSync(WASM);
  for (const path of privatePaths()) {
    if (bytes.includes(path)) throw new UserError(`the wasm contains the path ${path}`);
  }
}

async function bundle() {
  const esbuild = await import("esbuild");
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  copyFileSync(WASM, join(DIST, WASM_NAME));
  const { version } = JSON.parse(readFileSync(join(PACKAGE_DIR, "package.json"), "utf8"));
  /** @type {import("esbuild").BuildOptions} */
  const common = {
    absWorkingDir: ROOT,
    bundle: true,
    target: "es2022",
    platform: "neutral",
    // Names stay, so that a stack trace can be read; the user's bundler may shorten them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    define: { __VERSION__: JSON.stringify(version) },
    logLevel: "warning",
  };
  for (const variant of VARIANTS) {
    for (const entry of [SHARED, ...CLIENT_ENTRIES]) {
      await esbuild.build({
        ...common,
        entryPoints: [join(SRC, `${entry}.ts`)],
        outfile: join(DIST, entry + variant.suffix),
        format: variant.format,
        plugins: [chosenLoader(variant), ...(entry === SHARED ? [] : [sharedClient(variant)])],
      });
    }
  }
  for (const entry of PLAIN_ENTRIES) {
    for (const [suffix, format] of /** @type {const} */ ([
      [".js", "esm"],
      [".cjs", "cjs"],
    ])) {
      const outfile = join(DIST, entry + suffix);
      await esbuild.build({ ...common, entryPoints: [join(SRC, `${entry}.ts`)], outfile, format });
    }
  }
  await esbuild.stop();
}

/**
 * `#wasm` is the loader of this runtime; a `.wasm` stays an import, a `.hex` becomes a text.
 * @param {Variant} variant
 * @returns {import("esbuild").Plugin}
 */
function chosenLoader({ loader }) {
  return {
    name: "chosen-loader",
    setup(build) {
      build.onResolve({ filter: /^#wasm$/ }, () => ({ path: join(SRC, "wasm", loader) }));
      build.onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ({ path, external: true }));
      build.onResolve({ filter: /\.wasm\.hex$/ }, () => ({ path: WASM, namespace: "hex" }));
      build.onLoad({ filter: /.*/, namespace: "hex" }, ({ path }) => ({
        contents: readFileSync(path).toString("hex"),
        loader: "text",
      }));
    },
  };
}

/**
 * The shared client is a file of its own, next to the entry.
 * @param {Variant} variant
 * @returns {import("esbuild").Plugin}
 */
function sharedClient({ suffix }) {
  return {
    name: "shared-client",
    setup(build) {
      const path = `./${SHARED}${suffix}`;
      build.onResolve({ filter: /\/client\.ts$/ }, () => ({ path, external: true }));
    },
  };
}

/**
 * The types of the entries and what they share. CommonJS has types of its own, which differ only in
 * what they import.
 * @param {string} out the folder
 */
export function writeTypes(out) {
  for (const name of readdirSync(TYPES, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const text = readFileSync(join(TYPES, name), "utf8");
    const importing = (/** @type {string} */ suffix) =>
      text.replaceAll(/(from "\.{1,2}\/[^"]+?)\.d\.ts"/g, `$1${suffix}"`);
    const target = join(out, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, importing(".js"));
    writeFileSync(target.replace(/\.d\.ts$/, ".d.cts"), importing(".cjs"));
  }
}

/** What the optimized wasm depends on. */
function wasmStamp() {
  const hash = createHash("sha256");
  hash.update(readFileSync(CARGO_WASM));
  hash.update(readFileSync(WASM_BINDGEN));
  hash.update(JSON.stringify(WASM_OPT_FLAGS));
  hash.update(readFileSync(join(ROOT, "node_modules", "binaryen", "package.json")));
  return hash.digest("hex");
}

function printSizes() {
  for (const name of readdirSync(DIST).filter((name) => /\.(c?js|wasm)$/.test(name))) {
    const bytes = readFileSync(join(DIST, name));
    console.log(
      `package: ${basename(name).padEnd(24)} ${kib(bytes.length)}, gzip ${kib(gzipSync(bytes, { level: 9 }).length)}`,
    );
  }
}

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/**
 * @param {string} title
 * @param {() => Promise<void>} act
 */
async function step(title, act) {
  const started = performance.now();
  await act();
  console.log(`package: ${title}: ${elapsed(started)}`);
}

if (isProgram(import.meta)) {
  await runMain(async () => {
    await setup();
    await buildPackage();
  });
}
