// Where the floor is: ladders of small JS Workers, each of which does one thing more that the
// contract asks for, with edge-credits as the last step. What a step takes beyond the one before
// it is what the platform takes for that thing. Measured as scenarios are, all steps side by side.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { elapsed, run } from "../scripts/process.mjs";
import { NODE, WASM_AS } from "../scripts/toolchain.mjs";
import { STEPS as BALANCE } from "./baselines/floor/balance.mjs";
import { STEPS as CONSUME } from "./baselines/floor/consume.mjs";
import { STEPS as DENIED } from "./baselines/floor/denied.mjs";
import {
  countBaselineConsumptions,
  EMPTY,
  GROUP_COMMIT,
  KEY_SECRET,
  makeBaselineKey,
  OURS,
  SHARED_MODULES,
} from "./contenders.mjs";
import { measureScenario, secondsFor } from "./measure.mjs";
import { startOrigin } from "./origin.mjs";
import { align, printAudits, printDisturbance, range, ratioOf, rowOf, times } from "./report.mjs";
import { SCENARIOS } from "./scenarios.mjs";
import { serve, writeConfig } from "./server.mjs";
import { chooseStorages } from "./storage.mjs";

const BASELINES = fileURLToPath(new URL("./baselines/", import.meta.url));
const ECHO = "floor/echo.wasm";

/** @typedef {import("./contenders.mjs").Contender} Contender */
/** @typedef {{ contender: Contender, adds: string }} Rung */
/** @typedef {import("./baselines/floor/edits.mjs").Step} Step */
/** @typedef {ReturnType<typeof climb>} Ladder */

/** By the scenario that they lead up to. @type {Record<string, Rung[]>} */
const RUNGS = {
  constant: [
    { contender: EMPTY, adds: "an empty JS Worker" },
    constant("read", "method, URL and two headers are read", 200),
    constant("problem", "a refusal: status, type and body"),
    constant("headers", "its id, and that no cache keeps it"),
    constant("waiting", "it may be waited for: asynchronous, one step"),
    constant("wasm", "decided in wasm: a text in, a text out"),
    { contender: OURS, adds: "edge-credits: the key, the rules" },
  ],
  consume: upFrom("a JS Worker and object, one commit for all that wait", CONSUME),
  // In one step: with more contenders the objects of each would be dropped from memory meanwhile.
  "consume-many": [
    { contender: GROUP_COMMIT, adds: "a JS Worker and its objects, a commit for each charge" },
    { ...changed(CONSUME), adds: "all that the steps of a consume add" },
    { contender: OURS, adds: "edge-credits: the rest" },
  ],
  balance: upFrom("a JS Worker and object", BALANCE),
  denied: upFrom("a JS Worker and object", DENIED),
};
export const LADDERS = Object.keys(RUNGS);

/** @param {import("./options.mjs").Options} options */
export async function measureFloor({ only, rounds, starts, seconds, tmpfs }) {
  const [storage] = chooseStorages({ tmpfs, disk: !tmpfs });
  if (!storage) throw new Error("there is no storage");
  const { originAddress, end } = await startOrigin();
  try {
    const ladders = [];
    for (const [id, rungs] of Object.entries(RUNGS)) {
      const scenario = SCENARIOS.find((one) => one.id === id);
      if (!scenario || (only && !only.includes(id))) continue;
      const started = performance.now();
      const needed = secondsFor(rungs.length, scenario, { rounds, starts, seconds });
      console.log(`\n${id}: about ${Math.ceil(needed / 60)} min`);
      const contenders = rungs.map(({ contender }) => contender);
      const options = { rounds, starts, seconds, storage, originAddress };
      const seen = await measureScenario(contenders, scenario, options);
      const ladder = { ...climb(rungs, scenario, seen.measurements), ...seen };
      console.log(`\n${renderLadder(ladder, storage.kind)}\n  (${elapsed(started)})`);
      ladders.push(ladder);
    }
    printAudits(ladders.flatMap(({ audits }) => audits));
    printDisturbance(ladders.flatMap(({ disturbances }) => disturbances));
    return { settings: { rounds, starts, seconds, storage: storage.kind }, ladders };
  } finally {
    await end();
  }
}

/**
 * @param {Rung[]} rungs
 * @param {import("./scenarios.mjs").Scenario} scenario
 * @param {import("./measure.mjs").Measurement[]} measurements
 */
function climb(rungs, { id, title, connections, leastSeconds = 0 }, measurements) {
  const first = String(rungs[0]?.contender.name);
  return {
    id,
    title,
    connections,
    least_seconds: leastSeconds,
    rungs: rungs.map(({ contender: { name }, adds }) => {
      const { rps, cpu } = ratioOf(measurements, name, first);
      return { ...rowOf(measurements, name), adds, of_first: { rps, cpu } };
    }),
  };
}

/** @param {Ladder} ladder @param {string} storage */
function renderLadder({ title, connections, rungs }, storage) {
  const table = [
    [
      "",
      "requests/s",
      "CPU us/request",
      "lower quartile",
      "requests/s",
      "quartiles",
      "CPU",
      "quartiles",
    ],
    ...rungs.map(({ contender, rps, cpu_us_per_request: cpu, cpu_us_low, of_first }) => [
      contender,
      rps.toFixed(0),
      cpu.toFixed(1),
      cpu_us_low.toFixed(1),
      times(of_first.rps.median),
      range(of_first.rps),
      times(of_first.cpu.median),
      range(of_first.cpu),
    ]),
  ];
  return `${title} (${connections} connections, ${storage}; the last four: of the first)\n${align(table)}`;
}

/**
 * An entrypoint of baselines/floor/constant.js.
 * @param {string} entrypoint
 * @param {string} adds
 * @param {number} [answers]
 * @returns {Rung}
 */
function constant(entrypoint, adds, answers) {
  /** @type {Contender} */
  const contender = {
    name: entrypoint,
    what: adds,
    async start(dataDir) {
      const names = ["floor/constant.js", "floor/request-id.js", "floor/echo.js"];
      const modules = { ...inBaselines(names), [ECHO]: await assembleEcho(dataDir) };
      return serve(writeConfig(dataDir, modules, { hasObject: false, entrypoint }), {});
    },
    openAccounts: makeBaselineKey,
    countConsumptions: async () => 0,
    offers: [],
    ...(answers !== undefined && { answers }),
  };
  return { contender, adds };
}

/**
 * The group-committing baseline, then each step added to those before it, then edge-credits.
 * @param {string} adds
 * @param {Step[]} steps
 * @returns {Rung[]}
 */
function upFrom(adds, steps) {
  return [
    { contender: GROUP_COMMIT, adds },
    ...steps.map((_, index) => changed(steps.slice(0, index + 1))),
    { contender: OURS, adds: "edge-credits: the rest" },
  ];
}

/**
 * The group-committing baseline with these steps, named by the last.
 * @param {Step[]} steps
 * @returns {Rung}
 */
function changed(steps) {
  const { name = "", adds = "" } = steps.at(-1) ?? {};
  /** @type {Contender} */
  const contender = {
    name,
    what: adds,
    async start(dataDir) {
      const names = ["group-commit/worker.js", ...SHARED_MODULES];
      const modules = {
        ...change(dataDir, inBaselines(names), steps),
        ...inBaselines(["floor/request-id.js", "floor/echo.js"]),
        [ECHO]: await assembleEcho(dataDir),
      };
      return serve(writeConfig(dataDir, modules, { flags: ["nodejs_compat"] }), { KEY_SECRET });
    },
    openAccounts: makeBaselineKey,
    countConsumptions: countBaselineConsumptions,
    offers: ["consume"],
  };
  return { contender, adds };
}

/** @param {string[]} names */
function inBaselines(names) {
  return Object.fromEntries(names.map((name) => [name, join(BASELINES, name)]));
}

/**
 * Writes the files as the steps have them.
 * @param {string} dataDir
 * @param {Record<string, string>} modules
 * @param {Step[]} steps
 */
function change(dataDir, modules, steps) {
  const edits = steps.flatMap(({ edits }) => edits);
  const changed = Object.entries(modules).map(([name, path]) => {
    let text = readFileSync(path, "utf8");
    for (const [file, from, to] of edits) {
      if (file !== name) continue;
      const parts = text.split(from);
      if (parts.length !== 2) throw new Error(`${name} has not one place that reads ${from}`);
      text = parts.join(to);
    }
    const copy = join(dataDir, name.replaceAll("/", "-"));
    writeFileSync(copy, text);
    return [name, copy];
  });
  return Object.fromEntries(changed);
}

/** @param {string} dataDir */
async function assembleEcho(dataDir) {
  const path = join(dataDir, "echo.wasm");
  const source = join(BASELINES, "floor/echo.wat");
  await run(NODE, [WASM_AS, source, "--enable-multivalue", "-o", path]);
  return path;
}
