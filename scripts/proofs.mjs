// The proofs that `npm run proof` runs: the table of docs/guarantees.md.

import { setupPython } from "./setup-python.mjs";
import { NODE } from "./toolchain.mjs";

const TEST_TIMEOUT_MS = 6 * 3600_000;

/**
 * @typedef {object} Proof
 * @property {string} name
 * @property {string} title
 * @property {number} weight its share of a long run's time
 * @property {boolean} [isOnlyLong] its short form is among the native tests already, or it has none
 * @property {() => Promise<void>} [setup] installs what only this proof needs
 * @property {(isLong: boolean) => [string, ...string[]]} program reads PROOF_SEED, and in a long
 *   run PROOF_SECONDS
 */

/**
 * A native test; a long run is worth the time to optimize it.
 * @param {string} test
 * @param {string[]} [optimized] as what is shipped, or with the checks that are left out there
 * @returns {Proof["program"]}
 */
function native(test, optimized = ["--profile", "proof"]) {
  return (isLong) => [
    "cargo",
    "test",
    ...(isLong ? optimized : []),
    "--features",
    "worker",
    "--test",
    test,
    "--",
    "--nocapture",
  ];
}

/**
 * Tests against the real runtime.
 * @param {string} file in tests/proof
 * @returns {Proof["program"]}
 */
function real(file) {
  return () => [
    NODE,
    "--test",
    "--test-reporter=spec",
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `tests/proof/${file}`,
  ];
}

/** @type {Proof[]} */
export const PROOFS = [
  {
    name: "model",
    title: "the ledger against a naive model, random operations",
    weight: 3,
    isOnlyLong: true,
    program: native("ledger_model"),
  },
  {
    name: "fuzz",
    title: "whatever text comes in, or out of storage: no panic, nothing done that was refused",
    weight: 4,
    isOnlyLong: true,
    program: native("fuzz"),
  },
  {
    name: "http",
    title: "requests made of the OpenAPI document, good and bad; every answer held against it",
    weight: 1,
    program: real("http.test.ts"),
  },
  {
    name: "schemathesis",
    title: "the same by Schemathesis, which is not ours (needs Python)",
    weight: 3,
    isOnlyLong: true,
    setup: setupPython,
    program: real("schemathesis.test.ts"),
  },
  {
    name: "kv",
    title: "KV that fails or hangs on every call",
    weight: 0.5,
    program: real("platform_kv.test.ts"),
  },
  {
    name: "overload",
    title: "objects that are overloaded",
    weight: 0.1,
    program: real("platform_overload.test.ts"),
  },
  {
    name: "storage",
    title: "storage that fails under load, a disk that takes nothing more",
    weight: 1,
    program: real("platform_storage.test.ts"),
  },
  {
    name: "simulator",
    title: "objects, callers and faults in one seeded loop, storage simulated",
    weight: 3,
    isOnlyLong: true,
    program: native("simulator"),
  },
  {
    name: "concurrency",
    title: "many callers on one credit, one hold, one key",
    weight: 1,
    program: real("concurrency.test.ts"),
  },
  {
    name: "access",
    title: "every route by every kind of caller; no secret anywhere",
    weight: 1,
    program: real("access.test.ts"),
  },
  {
    name: "checker",
    title: "planted faults, all of which the checker of histories must find",
    weight: 0,
    program: real("fire_checker.test.ts"),
  },
  {
    name: "fire",
    title: "the runtime killed under load, answers cut; every history checked",
    weight: 4,
    program: real("fire.test.ts"),
  },
  {
    name: "tamper",
    title: "changed bytes in journals' files, found and located",
    weight: 1,
    program: real("tamper.test.ts"),
  },
  {
    name: "layouts",
    title: "journals of every earlier layout, read and continued",
    weight: 0.1,
    program: real("layouts.test.ts"),
  },
  {
    name: "panics",
    title: "panics planted in the engine, under load",
    weight: 1,
    program: real("panics.test.ts"),
  },
  {
    name: "evictions",
    title: "ledgers dropped from memory by the thousand",
    weight: 1,
    program: real("evictions.test.ts"),
  },
  {
    name: "timing",
    title: "a refusal's time tells nothing of how much of a guess is right",
    weight: 1,
    isOnlyLong: true,
    program: native("timing", ["--release"]),
  },
  {
    name: "limits",
    title: "requests beyond every limit, broken off, or slow without end",
    weight: 1,
    program: real("limits.test.ts"),
  },
  {
    name: "amounts",
    title: "numbers by an exact oracle; settled, refunded and summed beyond what there is",
    weight: 1,
    program: real("amounts.test.ts"),
  },
];
