// What a ledger takes of workerd's memory. The ledgers are made first; then workerd starts
// anew, some are read, and the process is looked at; then some more. The slope over the steps
// is what each takes: what the process takes anyway, and what making them left behind, is not
// in it.

import { forEach } from "./http.mjs";
import { importCredits } from "./import.mjs";
import { customerApi } from "./verify.mjs";

const STEPS = 4;
const PLAIN_PER_STEP = 200;
const RICH_PER_STEP = 10;
const GRANTS = 1000;

/** @typedef {{ count: number, bytes: number }} Look */

/**
 * @param {import("./growth.mjs").Ours} ours
 * @param {() => Promise<import("./server.mjs").Server>} restart
 */
export async function measureMemory({ url, key }, restart) {
  const plain = named("plain", PLAIN_PER_STEP * (STEPS + 1));
  const rich = named("rich", RICH_PER_STEP * (STEPS + 1));
  await importCredits(url, key, plain, 1);
  await importCredits(url, key, rich, GRANTS);
  const ofPlain = await lookAtSteps(await restart(), key, plain, PLAIN_PER_STEP);
  const ofRich = await lookAtSteps(await restart(), key, rich, RICH_PER_STEP);
  const result = {
    bytes_per_ledger: slope(ofPlain),
    bytes_per_1000_grants: ((slope(ofRich) - slope(ofPlain)) / (GRANTS - 1)) * 1000,
    plain: ofPlain,
    rich: ofRich,
  };
  console.log(
    `\nmemory: ${kib(result.bytes_per_ledger)} per warm ledger, ` +
      `${kib(result.bytes_per_1000_grants)} per 1,000 grants`,
  );
  return result;
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {string} key
 * @param {string[]} customers one step more than there are looks, for what is needed once
 * @param {number} perStep
 */
async function lookAtSteps({ url, residentBytes }, key, customers, perStep) {
  /** @type {Look[]} */
  const looks = [];
  for (let count = 0; count < customers.length; count += perStep) {
    const some = customers.slice(count, count + perStep);
    await forEach(some, (customer) => customerApi(url, key, customer).balance());
    looks.push({ count: count + perStep, bytes: residentBytes() });
  }
  return looks.slice(1);
}

/** @param {string} name @param {number} count */
function named(name, count) {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}

/**
 * Of the line that fits best.
 * @param {Look[]} looks
 */
function slope(looks) {
  const mean = (/** @type {number[]} */ values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(looks.map(({ count }) => count));
  const y = mean(looks.map(({ bytes }) => bytes));
  const up = looks.reduce((sum, look) => sum + (look.count - x) * (look.bytes - y), 0);
  const across = looks.reduce((sum, look) => sum + (look.count - x) ** 2, 0);
  return up / across;
}

/** @param {number} bytes */
function kib(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
