// `npm run proof`: tries hard to break the engine, with auditors that are not the engine.
// Each proof is a program: it gets a seed and a number of seconds, prints what it found out on
// lines that begin with `figures: `, and fails with the seed and the smallest history.

import { randomInt } from "node:crypto";
import { capture, elapsed, isProgram, runMain } from "./process.mjs";
import { PROOFS } from "./proofs.mjs";
import { setup } from "./setup.mjs";
import { addCounts, countTests } from "./test-counts.mjs";
import { ROOT, UserError } from "./toolchain.mjs";

const FIGURES = /^(?:ℹ |# )?figures: (.*)$/gm;
const DEFAULT_SECONDS = 600;

const HELP = `npm run proof: tries hard to break the engine

  npm run proof                                  all proofs, ${DEFAULT_SECONDS / 60} minutes in all
  npm run proof -- --duration 2h                 longer: each proof gets its share (s, m, h)
  npm run proof -- --seed 42 --only simulator    one proof, the same again
  npm run proof -- --short                       what \`npm test\` runs

Proofs:
${PROOFS.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join("\n")}

docs/guarantees.md says what each one proves.
`;

/**
 * What a proof is told.
 * @typedef {object} Order
 * @property {number} seed
 * @property {number | undefined} seconds of all proofs together; undefined for the short form
 * @property {string[]} only names; none means all
 */

/**
 * @param {string[]} args
 * @returns {Order}
 */
export function orderOf(args) {
  /** @type {Order} */
  const order = { seed: randomInt(2 ** 31), seconds: DEFAULT_SECONDS, only: [] };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--short") order.seconds = undefined;
    else if (arg === "--seed") order.seed = wholeNumber(arg, rest.shift());
    else if (arg === "--duration") order.seconds = secondsOf(rest.shift());
    else if (arg === "--only") {
      order.only.push(...(rest.shift() ?? "").split(","));
      while (rest[0] !== undefined && !rest[0].startsWith("--"))
        order.only.push(rest.shift() ?? "");
    } else throw new UserError(`unknown option ${arg}; see --help`);
  }
  const unknown = order.only.filter((name) => !PROOFS.some((proof) => proof.name === name));
  if (unknown.length > 0) throw new UserError(`no such proof: ${unknown.join(", ")}; see --help`);
  return order;
}

/**
 * @param {string} option
 * @param {string | undefined} text
 */
function wholeNumber(option, text) {
  if (!text || !/^\d{1,15}$/.test(text)) throw new UserError(`${option} needs a whole number`);
  return Number(text);
}

/** @param {string | undefined} text such as `90`, `90s`, `10m` or `2h` */
function secondsOf(text) {
  const match = text?.match(/^(\d{1,6})([smh]?)$/);
  if (!match) throw new UserError("--duration needs a time such as 90s, 10m or 2h");
  return Number(match[1]) * ({ m: 60, h: 3600 }[match[2] ?? ""] ?? 1);
}

/**
 * Runs proofs one after the other; gives how many of their tests passed and failed.
 * @param {Order} order
 */
export async function prove({ seed, seconds, only }) {
  const proofs = PROOFS.filter(({ name, isOnlyLong }) =>
    only.length > 0 ? only.includes(name) : seconds !== undefined || !isOnlyLong,
  );
  const weights = proofs.reduce((sum, { weight }) => sum + weight, 0);
  let total = { passed: 0, failed: 0 };
  /** @type {string[]} */
  const figures = [];
  console.log(`proof: seed ${seed}${seconds ? `, about ${seconds} s` : ", short form"}`);
  for (const { name, title, weight, program, setup: install } of proofs) {
    console.log(`\n-- ${name}: ${title}`);
    await install?.();
    const started = performance.now();
    const share = seconds && Math.max(1, Math.floor((seconds * weight) / weights));
    /** @type {Record<string, string>} */
    const env = { PROOF_SEED: `${seed}` };
    if (share) env.PROOF_SECONDS = `${share}`;
    const [command, ...args] = program(share !== undefined);
    const { code, output } = await capture(command, args, { cwd: ROOT, env, show: true });
    const counts = countTests(output);
    if (counts.passed + counts.failed === 0 || (code !== 0 && counts.failed === 0))
      counts.failed += 1;
    total = addCounts(total, counts);
    for (const [, said] of output.matchAll(FIGURES)) figures.push(`${name}: ${said}`);
    const outcome = counts.failed > 0 ? "FAILED" : "held";
    console.log(`-- ${name}: ${outcome} (${elapsed(started)})`);
    if (counts.failed > 0) console.log(`again: npm run proof -- --seed ${seed} --only ${name}`);
  }
  console.log(`\n${figures.join("\n")}\n\nproof: seed ${seed}`);
  return total;
}

async function main() {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) return console.log(HELP);
  const order = orderOf(args);
  await setup();
  const { build } = await import("./build.mjs");
  await build();
  const { passed, failed } = await prove(order);
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

if (isProgram(import.meta)) await runMain(main);
