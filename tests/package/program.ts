// Programs that make the same calls in each runtime, and what such a program is told.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import type { Engine } from "../e2e/engine.ts";
import type { Project } from "./install.ts";
import type { Setting } from "./scenario.mjs";

/** Loads a runtime or a bundler that only these tests have. */
export const load = createRequire(join(RUNTIMES_DIR, "package.json"));

const SCENARIO = "scenario.mjs";
export const SUBPATHS = ["credly", "hiveforge", "openrouter", "predev", "gate"];
const PACKAGES = `const packages = { ${["main", ...SUBPATHS].join(", ")} };`;

/** The beginning of an ES module: `packages`, and `everything` to be done with them. */
export const IMPORTS = [
  'import * as main from "edge-credits";',
  ...SUBPATHS.map((name) => `import * as ${name} from "edge-credits/${name}";`),
  `import { everything } from "./${SCENARIO}";`,
  PACKAGES,
].join("\n");

/** The beginning of a CommonJS module: `packages`. */
export const REQUIRES = [
  'const main = require("edge-credits");',
  ...SUBPATHS.map((name) => `const ${name} = require("edge-credits/${name}");`),
  PACKAGES,
].join("\n");

/** A program for a process: told its setting as an argument, it prints what came of it. */
export const ESM = `${IMPORTS}
const setting = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await everything(packages, setting)));`;

export const CJS = `${REQUIRES}
const setting = JSON.parse(process.argv[2]);
import("./${SCENARIO}").then(async ({ everything }) => {
  console.log(JSON.stringify(await everything(packages, setting)));
});`;

/** Lays what the programs import next to them. */
export function layScenario(project: Project): void {
  const source = fileURLToPath(new URL(SCENARIO, import.meta.url));
  copyFileSync(source, join(project.dir, SCENARIO));
}

/** Customers of its own for one run. */
export async function settingFor(engine: Engine, apiKey: string, name: string): Promise<Setting> {
  const owner = `${name}-owner`;
  await engine.customer(apiKey, owner, 5);
  const { key: ownKey } = await engine.customerKey(apiKey, owner);
  return { apiKey, baseUrl: engine.url, customer: `${name}-customer`, owner, ownKey };
}

const DEADLINE_MS = 60_000;
/** Less than a call may take: its timer, if left behind, would keep a process alive for longer. */
const LINGER_MS = 8_000;

/**
 * Runs a program of a project in a process of its own, and gives what it prints. It must end by
 * itself, soon after its last line, and say nothing else.
 */
export async function runProgram(
  project: Project,
  [command = "", ...args]: string[],
  setting: Setting,
  env: Record<string, string> = {},
): Promise<unknown> {
  const options = { cwd: project.dir, env: { ...process.env, ...env }, timeout: DEADLINE_MS };
  const told = JSON.stringify(setting);
  const running = promisify(execFile)(command, [...args, told], options);
  let last = performance.now();
  running.child.stdout?.on("data", () => {
    last = performance.now();
  });
  const { stdout, stderr } = await running;
  const lingered = performance.now() - last;
  assert.equal(stderr, "");
  assert.ok(lingered < LINGER_MS, `it ended ${Math.round(lingered)} ms after its last line`);
  return JSON.parse(stdout);
}
