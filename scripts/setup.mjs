// Everything that a bare clone lacks: the npm packages, the wasm target, and the
// wasm-bindgen CLI of the version that Cargo.lock pins. Each step looks first and does
// nothing when its result is there, so it can run before every start, test and build.

import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { capture, elapsed, isProgram, run, runMain } from "./process.mjs";
import {
  NODE,
  ROOT,
  TOOLS_DIR,
  UserError,
  WASM_BINDGEN,
  WASM_TARGET,
  WASM_TEST_RUNNER,
  wasmBindgenVersion,
} from "./toolchain.mjs";

const OLDEST_NODE = 18;

/** @typedef {{ title: string, isDone: () => Promise<boolean> | boolean, act: () => Promise<unknown> }} Step */

/** @type {Step} */
const npmPackages = {
  title: "npm packages (npm ci)",
  isDone: () => existsSync(NODE) && packagesMatchLock(ROOT),
  act: async () => {
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: ROOT });
    if (!existsSync(NODE)) {
      throw new UserError(
        "npm ran no install scripts, so the packages `node`, `esbuild` and `workerd` are " +
          "incomplete. Remove node_modules and run `npm ci --ignore-scripts=false`.",
      );
    }
  },
};

/** @type {Step} */
const wasmTarget = {
  title: `Rust target ${WASM_TARGET}`,
  isDone: async () => {
    const args = ["--print", "target-libdir", "--target", WASM_TARGET];
    const { code, stdout } = await capture("rustc", args, { cwd: ROOT });
    return code === 0 && existsSync(stdout.trim());
  },
  act: async () => {
    await requireProgram("rustup", "Install the target with your Rust distribution, or get rustup");
    await run("rustup", ["target", "add", WASM_TARGET], { cwd: ROOT });
  },
};

/** @type {Step} */
const crates = {
  title: "Rust crates (cargo fetch)",
  // Cargo looks by itself and says nothing when there is nothing to fetch.
  isDone: async () => (await capture("cargo", ["fetch", "--offline"], { cwd: ROOT })).code === 0,
  act: () => run("cargo", ["fetch"], { cwd: ROOT }),
};

/** @type {Step} */
const wasmBindgen = {
  title: "wasm-bindgen CLI (built from source, takes minutes the first time)",
  isDone: async () => {
    const wanted = wasmBindgenVersion();
    for (const program of [WASM_BINDGEN, WASM_TEST_RUNNER]) {
      if (!existsSync(program)) return false;
      const { stdout } = await capture(program, ["--version"]);
      if (stdout.trim().split(/\s+/).at(-1) !== wanted) return false;
    }
    return true;
  },
  act: async () => {
    const args = ["install", "wasm-bindgen-cli", "--version", wasmBindgenVersion()];
    // Flags that are meant for the Worker have no business in a native tool.
    const env = { RUSTFLAGS: undefined, CARGO_ENCODED_RUSTFLAGS: undefined };
    await run("cargo", [...args, "--force", "--root", TOOLS_DIR], { cwd: ROOT, env });
  },
};

/**
 * Makes a bare clone ready to build, run and test.
 * @param {{ installPackages?: boolean }} [options] `installPackages: false` for a caller
 *   that itself runs from node_modules, which `npm ci` would delete under it.
 */
export async function setup({ installPackages = true } = {}) {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
    throw new UserError(`Node ${OLDEST_NODE} or newer is needed, this is ${process.version}`);
  }
  await requireProgram("cargo", "Install Rust with rustup: https://rustup.rs");
  await perform([...(installPackages ? [npmPackages] : []), wasmTarget, crates, wasmBindgen]);
}

/**
 * Takes the steps whose results are not there yet, and says so.
 * @param {Step[]} steps
 */
export async function perform(steps) {
  for (const step of steps) {
    if (await step.isDone()) continue;
    console.log(`setup: ${step.title} …`);
    const started = performance.now();
    await step.act();
    console.log(`setup: ${step.title}: done in ${elapsed(started)}`);
  }
}

/**
 * @param {string} program
 * @param {string} remedy
 */
async function requireProgram(program, remedy) {
  try {
    await run(program, ["--version"], { cwd: ROOT });
  } catch (error) {
    throw new UserError(`${program} does not work here. ${remedy}.\n${error}`);
  }
}

/**
 * Times of files say nothing after a clone, so the two lock files are compared.
 * Packages for other platforms are optional and are missing with good reason.
 * @param {string} folder
 */
export function packagesMatchLock(folder) {
  const modules = join(folder, "node_modules");
  const installed = join(modules, ".package-lock.json");
  if (!existsSync(installed)) return false;
  // npm ci would empty the folder that a link leads to.
  if (lstatSync(modules).isSymbolicLink()) {
    throw new UserError(`${modules} is a link: remove it, and the packages are installed here`);
  }
  const has = JSON.parse(readFileSync(installed, "utf8")).packages;
  const wants = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
  return Object.keys(wants).every((path) => {
    if (path === "") return true;
    if (has[path] === undefined) return wants[path].optional === true;
    return has[path].version === wants[path].version;
  });
}

if (isProgram(import.meta)) {
  await runMain(async () => {
    const started = performance.now();
    await setup();
    console.log(`setup: everything is there (${elapsed(started)})`);
  });
}
