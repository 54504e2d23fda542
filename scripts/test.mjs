// `npm test`: everything that must hold before a change is merged, in the order in which
// a failure costs least to find. Ends with one line that says how many tests ran.

import { build } from "./build.mjs";
import { buildPackage } from "./package.mjs";
import { capture, elapsed, runMain } from "./process.mjs";
import { setup } from "./setup.mjs";
import { setupRuntimes } from "./setup-runtimes.mjs";
import { addCounts, countTests } from "./test-counts.mjs";
import {
  BIOME,
  NODE,
  ROOT,
  TSC,
  UserError,
  WASM_TARGET,
  WASM_TEST_RUNNER,
  WRANGLER,
} from "./toolchain.mjs";

/** Of a file of tests, on a slow machine too. */
const E2E_TIMEOUT_MS = 900_000;
/** Files of tests that mostly wait for others: on two processors Node would take one at a time. */
const AT_ONCE = "--test-concurrency=2";
const WORKER = ["--features", "worker"];
const CLIENT = ["--features", "client,fetch"];
const FETCH_ON_WASM = ["--target", WASM_TARGET, "--features", "fetch"];
const ON_WASM = ["--target", WASM_TARGET, ...WORKER];
const DENY_WARNINGS = ["--", "-D", "warnings"];

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {[string, ...string[]]} [command]
 * @property {() => Promise<void>} [act]
 * @property {Record<string, string>} [env]
 * @property {boolean} [hasTests] its output is searched for counts, and must have some
 */

/** @type {Step[]} */
const STEPS = [
  { name: "rustfmt", command: ["cargo", "fmt", "--check"] },
  { name: "biome", command: [NODE, BIOME, "check", "--error-on-warnings", "--colors=off"] },
  { name: "clippy-core", command: ["cargo", "clippy", "--all-targets", ...DENY_WARNINGS] },
  {
    name: "clippy-native",
    command: ["cargo", "clippy", "--all-targets", ...WORKER, ...DENY_WARNINGS],
  },
  {
    name: "clippy-wasm",
    command: ["cargo", "clippy", "--lib", "--test", "wasm", ...ON_WASM, ...DENY_WARNINGS],
  },
  {
    name: "clippy-client",
    command: ["cargo", "clippy", "--all-targets", ...CLIENT, ...DENY_WARNINGS],
  },
  {
    name: "clippy-client-wasm",
    command: [
      "cargo",
      "clippy",
      "--lib",
      "--examples",
      "--test",
      "fetch_client",
      ...FETCH_ON_WASM,
      ...DENY_WARNINGS,
    ],
  },
  {
    name: "rustdoc",
    command: ["cargo", "doc", "--no-deps", ...WORKER],
    env: { RUSTDOCFLAGS: "-D warnings" },
  },
  {
    name: "rustdoc-client",
    command: ["cargo", "doc", "--no-deps", ...CLIENT],
    env: { RUSTDOCFLAGS: "-D warnings" },
  },
  // Before the type check, which reads the types that wasm-bindgen wrote.
  { name: "build", act: build },
  { name: "build-package", act: buildPackage },
  { name: "types-package", command: [NODE, TSC, "-p", "tsconfig.pkg.json", "--noEmit"] },
  { name: "types-shell", command: [NODE, TSC, "-p", "tsconfig.json", "--noEmit"] },
  { name: "types-tests", command: [NODE, TSC, "-p", "tsconfig.tests.json", "--noEmit"] },
  { name: "native", command: ["cargo", "test", ...WORKER], hasTests: true },
  {
    name: "native-client",
    command: ["cargo", "test", ...CLIENT, "--lib", "client"],
    hasTests: true,
  },
  {
    name: "wasm",
    command: ["cargo", "test", "--test", "wasm", ...ON_WASM],
    env: { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: WASM_TEST_RUNNER },
    hasTests: true,
  },
  { name: "doc-client", command: ["cargo", "test", "--doc", ...CLIENT], hasTests: true },
  // Against a real engine: in Node, in Chromium, and as an app on workerd.
  {
    name: "wasm-client-node",
    command: [NODE, "tests/fetch_client/run.ts", "node"],
    hasTests: true,
  },
  {
    name: "wasm-client-browser",
    command: [NODE, "tests/fetch_client/run.ts", "browser"],
    hasTests: true,
  },
  {
    name: "wasm-client-workerd",
    command: [
      NODE,
      "--test",
      "--test-reporter=spec",
      `--test-timeout=${E2E_TIMEOUT_MS}`,
      "tests/fetch_client/*.test.ts",
    ],
    hasTests: true,
  },
  // What must not become dearer without somebody saying so: tests/guard/ceilings.toml.
  {
    name: "guard",
    command: [
      NODE,
      "--test",
      "--test-reporter=spec",
      `--test-timeout=${E2E_TIMEOUT_MS}`,
      "tests/guard/*.test.ts",
    ],
    hasTests: true,
  },
  { name: "deploy", command: [NODE, WRANGLER, "deploy", "--dry-run"] },
  {
    name: "e2e",
    command: [
      NODE,
      "--test",
      "--test-reporter=spec",
      AT_ONCE,
      `--test-timeout=${E2E_TIMEOUT_MS}`,
      "tests/e2e/*.test.ts",
    ],
    hasTests: true,
  },
  {
    name: "package",
    command: [
      NODE,
      "--test",
      "--test-reporter=spec",
      AT_ONCE,
      `--test-timeout=${E2E_TIMEOUT_MS}`,
      "tests/package/*.test.ts",
    ],
    hasTests: true,
  },
  { name: "proof", command: [NODE, "scripts/proof.mjs", "--short"], hasTests: true },
];

const HELP = `npm test: format, lint, types, unit, wasm and end-to-end tests

  npm test -- --only e2e native   run only these steps (end-to-end tests need a build)

Steps, in order: ${STEPS.map((step) => step.name).join(", ")}
`;

async function main() {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    return console.log(HELP);
  }
  await setup();
  await setupRuntimes();
  let total = { passed: 0, failed: 0 };
  let failure = "";
  for (const step of chosenSteps()) {
    console.log(`\n== ${step.name}`);
    const started = performance.now();
    const { counts, why } = await runStep(step);
    total = addCounts(total, counts);
    console.log(`== ${step.name}: ${why || "ok"} (${elapsed(started)})`);
    if (why) {
      failure = `\nfailed: ${step.name}: ${why}`;
      break;
    }
  }
  if (failure) {
    console.log(failure);
    // A step that fails without a test, such as a lint, is a failure to be counted too.
    total.failed = Math.max(total.failed, 1);
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  if (total.failed > 0) process.exitCode = 1;
}

/** @param {Step} step */
async function runStep({ command, act, env, hasTests }) {
  const none = { passed: 0, failed: 0 };
  try {
    if (act) await act();
    if (!command) return { counts: none, why: "" };
    const [program, ...args] = command;
    const { code, output } = await capture(program, args, {
      cwd: ROOT,
      env: env ?? {},
      show: true,
    });
    const counts = hasTests ? countTests(output) : none;
    if (code !== 0) return { counts, why: `exit code ${code}` };
    if (counts.failed > 0) return { counts, why: `${counts.failed} failed` };
    if (hasTests && counts.passed === 0) return { counts, why: "no test ran" };
    return { counts, why: "" };
  } catch (error) {
    return { counts: none, why: String(error instanceof UserError ? error.message : error) };
  }
}

function chosenSteps() {
  const at = process.argv.indexOf("--only");
  if (at === -1) return STEPS;
  const names = process.argv.slice(at + 1);
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (names.length === 0 || unknown.length > 0) {
    throw new UserError(`no such step: ${unknown.join(", ") || "(none named)"}; see --help`);
  }
  return STEPS.filter((step) => names.includes(step.name));
}

await runMain(main);
