// The core by itself, in wasm: how many instructions each case of bench/core/cases executes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { WORKER_PROFILE } from "../../scripts/build.mjs";
import { run } from "../../scripts/process.mjs";
import { ROOT, reproducibleRustFlags, WASM_TARGET } from "../../scripts/toolchain.mjs";
import { holdAgainst, median } from "./ceilings.ts";
import { COUNTER, countingInstructions } from "./instructions.ts";

const CARGO = ["build", "--profile", WORKER_PROFILE, "--example", "core_cases"];
const TARGET_DIR = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const BUILT = join(TARGET_DIR, WASM_TARGET, WORKER_PROFILE, "examples", "core_cases.wasm");
/** What wasm-bindgen's macro puts behind a name. */
const HASH = /_[0-9a-f]{16}$/;
/** Until buffers have the size that they keep. */
const WARM_UP = 300;
const MEASURED = 101;

interface Cases {
  name_at(number: number, at: number): number;
  prepare(number: number): void;
  run(): void;
  [COUNTER]: { value: bigint };
}

let cases: Cases;
before(async () => {
  // As the Worker is built, so that what both need is compiled once.
  const env = { CARGO_ENCODED_RUSTFLAGS: reproducibleRustFlags().join("\x1f") };
  await run("cargo", [...CARGO, "--features", "worker", "--target", WASM_TARGET], {
    cwd: ROOT,
    env,
  });
  const module = new WebAssembly.Module(countingInstructions(readFileSync(BUILT)));
  // The core asks nothing of JavaScript; what is imported stands there for the Worker's face.
  const nothing = new Proxy(
    {},
    { get: (_, name) => () => assert.fail(`${String(name)} was called`) },
  );
  const imports = new Proxy({}, { get: () => nothing });
  const exports = new WebAssembly.Instance(module, imports).exports as object;
  // wasm-bindgen's tool, which is not needed here, would take a hash off the functions' names.
  const named = Object.entries(exports).map(([name, value]) => [name.replace(HASH, ""), value]);
  cases = Object.fromEntries(named) as Cases;
});

function nameOf(number: number): string {
  const letterAt = (at: number): number => cases.name_at(number, at);
  let name = "";
  for (let letter = letterAt(0); letter !== 0; letter = letterAt(name.length)) {
    name += String.fromCharCode(letter);
  }
  return name;
}

function instructions(number: number): number {
  cases.prepare(number);
  const counts: number[] = [];
  for (let n = 0; n < WARM_UP + MEASURED; n += 1) {
    cases[COUNTER].value = 0n;
    cases.run();
    if (n >= WARM_UP) counts.push(Number(cases[COUNTER].value));
  }
  return median(counts);
}

test("no operation of the core executes more instructions than its ceiling", (t) => {
  const measured = new Map<string, number>();
  for (let number = 0; nameOf(number) !== ""; number += 1) {
    measured.set(nameOf(number), instructions(number));
  }
  holdAgainst("core.instructions", "instructions", measured, (line) => t.diagnostic(line));
});
