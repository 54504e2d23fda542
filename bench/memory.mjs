// What a ledger takes of workerd's memory: the process is looked at as ledgers, or the grants
// of a few ledgers, become more. The slope over several steps is what each takes, for what the
// process takes anyway is not in it.

import { AMOUNT } from "./amounts.mjs";
import { forEach } from "./http.mjs";
import { customerApi } from "./verify.mjs";

const STEPS = 4;
const LEDGERS_PER_STEP = 500;
const GRANTS_PER_STEP = 1000;
const GRANTED_LEDGERS = 4;

/** @param {import("./growth.mjs").Ours} ours */
export async function measureMemory({ url, key, server }) {
  const named = (/** @type {string} */ name, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const make = async (/** @type {string} */ name) => {
    const account = customerApi(url, key, name);
    await account.topUp(1);
    await account.consume(AMOUNT);
  };
  // So that what the Worker needs once is there before the first look.
  await forEach(named("before", LEDGERS_PER_STEP), make);

  const ledgers = [];
  for (let step = 0; step < STEPS; step += 1) {
    await forEach(named(`warm-${step}`, LEDGERS_PER_STEP), make);
    ledgers.push({ count: (step + 1) * LEDGERS_PER_STEP, bytes: server.residentBytes() });
  }

  const grants = [];
  const rich = named("rich", GRANTED_LEDGERS);
  for (let step = 0; step < STEPS; step += 1) {
    const all = Array.from({ length: GRANTS_PER_STEP }, () => rich).flat();
    await forEach(all, (name) => customerApi(url, key, name).topUp(1));
    const count = (step + 1) * GRANTS_PER_STEP * GRANTED_LEDGERS;
    grants.push({ count, bytes: server.residentBytes() });
  }

  const result = {
    bytes_per_ledger: slope(ledgers),
    bytes_per_1000_grants: slope(grants) * 1000,
    ledgers,
    grants,
  };
  console.log(
    `\nmemory: ${kib(result.bytes_per_ledger)} per warm ledger, ` +
      `${kib(result.bytes_per_1000_grants)} per 1,000 grants`,
  );
  return result;
}

/**
 * Of the line that fits best.
 * @param {{ count: number, bytes: number }[]} looks
 */
function slope(looks) {
  const mean = (/** @type {number[]} */ values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [counts, bytes] = [looks.map(({ count }) => count), looks.map(({ bytes }) => bytes)];
  const [x, y] = [mean(counts), mean(bytes)];
  const up = looks.reduce((sum, look) => sum + (look.count - x) * (look.bytes - y), 0);
  const across = looks.reduce((sum, look) => sum + (look.count - x) ** 2, 0);
  return up / across;
}

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
