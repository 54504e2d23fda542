// Where the tools are and which versions they must have: the one place that knows.
// Runs on any Node >= 18 and imports nothing from node_modules, because it is loaded
// before the first install.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");
export const WASM_TARGET = "wasm32-unknown-unknown";
export const TOOLS_DIR = join(ROOT, ".tools");
export const NODE = join(ROOT, "node_modules", ".bin", "node");
export const WRANGLER = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
export const BIOME = join(ROOT, "node_modules", "@biomejs", "biome", "bin", "biome");
export const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
export const WASM_OPT = join(ROOT, "node_modules", "binaryen", "bin", "wasm-opt");
export const WASM_AS = join(ROOT, "node_modules", "binaryen", "bin", "wasm-as");
export const WORKERD = join(ROOT, "node_modules", "workerd", "bin", "workerd");
export const WASM_BINDGEN = join(TOOLS_DIR, "bin", "wasm-bindgen");
export const WASM_TEST_RUNNER = join(TOOLS_DIR, "bin", "wasm-bindgen-test-runner");

/** A failure that is explained to the user without a stack trace. */
export class UserError extends Error {}

/**
 * The environment for every child: the project's own Node first in PATH, and nothing
 * that phones home.
 * @param {Record<string, string | undefined>} [extra]
 * @returns {NodeJS.ProcessEnv}
 */
export function toolEnv(extra = {}) {
  return {
    ...process.env,
    PATH: [join(ROOT, "node_modules", ".bin"), process.env.PATH].join(delimiter),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    ...extra,
  };
}

/** The version that Cargo.lock pins; the CLI refuses to work with any other. */
export function wasmBindgenVersion() {
  const lock = join(ROOT, "Cargo.lock");
  if (!existsSync(lock)) throw new UserError("Cargo.lock is missing: run `cargo fetch`");
  const pinned = readFileSync(lock, "utf8").match(
    /^name = "wasm-bindgen"\r?\nversion = "([^"]+)"/m,
  )?.[1];
  if (!pinned) throw new UserError("Cargo.lock names no wasm-bindgen: is the crate complete?");
  return pinned;
}

/**
 * Panic messages carry source paths; they are mapped so that the wasm says nothing of
 * the machine that built it and is the same on every machine.
 */
export function reproducibleRustFlags() {
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const registries = join(cargoHome, "registry", "src");
  // The last match wins in rustc, so the general prefixes come first.
  const prefixes = [
    [homedir(), "home"],
    [cargoHome, "cargo"],
    [ROOT, "edge-credits"],
  ];
  for (const name of existsSync(registries) ? readdirSync(registries).sort() : []) {
    prefixes.push([join(registries, name), "crates"]);
  }
  return prefixes.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}

/** What of this machine must not be found in a build. */
export function privatePaths() {
  const places = [homedir(), process.env.CARGO_HOME ?? join(homedir(), ".cargo"), ROOT];
  // A home such as `/` would match everything and prove nothing.
  return places.filter((place) => place.length > 3);
}
