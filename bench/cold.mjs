// The first request to a ledger that is not in memory: a long journal beside a short one.
// Both customers lie in one storage. Each sample starts workerd anew and asks both, once each,
// in an order that changes; a third customer was asked before, so that what is cold is the
// ledger and not the Worker.

import assert from "node:assert/strict";
import { elapsed } from "../scripts/process.mjs";
import { OURS } from "./contenders.mjs";
import { call } from "./http.mjs";
import { growJournal } from "./journal.mjs";
import { median } from "./report.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";
import { customerApi } from "./verify.mjs";

const SHORT = 1000;
const SAMPLES_PER_ROUND = 4;
const WARM_CALLS = 20;
const TOLD_DEADLINE_MS = 120_000;
const CLOSED_AFTER_MS = 15_000;

/** @param {import("./options.mjs").Options} options */
export async function measureCold(options) {
  const { rounds, entries } = options;
  const results = [];
  for (const storage of chooseStorages(options)) {
    const directory = freshDirectory(storage);
    let server = await OURS.start(directory.path, {});
    try {
      const key = await OURS.openAccounts(server.url);
      const started = performance.now();
      await customerApi(server.url, key, "other").topUp(1000);
      await growJournal(server.url, key, "short", SHORT);
      await growJournal(server.url, key, "long", entries);
      await settle(server.url, key, SHORT + entries);
      console.log(`${storage.kind}: ${SHORT} and ${entries} entries made in ${elapsed(started)}`);
      const samples = { short: /** @type {number[]} */ ([]), long: /** @type {number[]} */ ([]) };
      for (let sample = 0; sample < rounds * SAMPLES_PER_ROUND; sample += 1) {
        await server.kill();
        server = await OURS.start(directory.path, {});
        const other = customerApi(server.url, key, "other");
        for (let call = 0; call < WARM_CALLS; call += 1) await other.consume(0.001);
        const both = /** @type {const} */ (["short", "long"]);
        for (const who of sample % 2 === 0 ? both : both.toReversed()) {
          const account = customerApi(server.url, key, who);
          const before = performance.now();
          await account.consume(0.001);
          samples[who].push((performance.now() - before) * 1000);
        }
      }
      for (const who of /** @type {const} */ (["short", "long"])) {
        const { body } = await customerApi(server.url, key, who).audit();
        assert.equal(body.consistent, true);
        const made = who === "short" ? SHORT : entries;
        assert.equal(body.entries, made + samples[who].length, "one entry for each sample");
      }
      const [short, long] = [median(samples.short), median(samples.long)];
      console.log(
        `${storage.kind}: first request with ${SHORT} entries ${ms(short)}, ` +
          `with ${entries} ${ms(long)}: ${(long / short).toFixed(2)}x (${samples.long.length} samples)`,
      );
      results.push({
        storage: storage.kind,
        short: { entries: SHORT, median_us: short, samples_us: samples.short },
        long: { entries, median_us: long, samples_us: samples.long },
      });
    } finally {
      await server.kill();
      directory.dispose();
    }
  }
  return { results };
}

/**
 * Waits until analytics has been told of all that was made, and until the objects have been idle
 * for so long that the platform has closed their databases.
 * @param {string} url
 * @param {string} key
 * @param {number} transactions at least
 */
async function settle(url, key, transactions) {
  const deadline = Date.now() + TOLD_DEADLINE_MS;
  for (;;) {
    const { body } = await call(`${url}/v1/analytics/summary?period=last_7_days`, { key });
    if (body.total_transactions >= transactions) break;
    assert.ok(Date.now() < deadline, `analytics knows of ${body.total_transactions} transactions`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  await new Promise((resolve) => setTimeout(resolve, CLOSED_AFTER_MS));
}

/** @param {number} micros */
function ms(micros) {
  return `${(micros / 1000).toFixed(2)} ms`;
}
