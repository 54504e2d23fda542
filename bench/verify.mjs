// Speed counts only for those who do the job: what each contender must show before it is
// measured, whoever wrote it.

import assert from "node:assert/strict";
import { AMOUNT, micros } from "./amounts.mjs";
import { call } from "./http.mjs";

const RACERS = 20;

/** @typedef {import("./contenders.mjs").Contender} Contender */

/**
 * @param {string} url
 * @param {string} key
 * @param {Contender["offers"]} offers what it does
 */
export async function checkConformance(url, key, offers) {
  if (offers.includes("consume")) {
    await checkConsume(url, key);
    await checkRace(url, key);
  }
  if (offers.includes("holds")) await checkHolds(url, key);
  if (offers.includes("gate")) await checkGate(url, key);
}

/** @param {string} url @param {string} key */
async function checkConsume(url, key) {
  const account = customerApi(url, key, "conformance");
  await account.topUp(1);
  for (const left of [0.7, 0.4]) {
    const { body } = await account.consume(0.3);
    assert.equal(body.success, true);
    assert.equal(body.amount, 0.3);
    assert.equal(body.balance, left);
    assert.match(body.transaction_id, /^txn_/);
  }
  const refused = await account.consume(0.5, [402]);
  assert.match(refused.type, /^application\/problem\+json/);
  assert.equal(refused.body.code, "insufficient_credits");
  for (const amount of [0.1 + 0.2, 0.0000001, "0.1", null]) await account.consume(amount, [400]);
  await account.consume(0.1, [401], `${key.slice(0, -8)}AAAAAAAA`);
  assert.equal((await account.balance()).body.balance, 0.4);
  const { body: audit } = await account.audit();
  assert.equal(audit.consistent, true);
  assert.equal(audit.journal_balance, 0.4);
}

/** @param {string} url @param {string} key */
async function checkRace(url, key) {
  const contended = customerApi(url, key, "conformance-race");
  await contended.topUp(1);
  const race = Array.from({ length: RACERS }, () => contended.consume(0.1, [200, 402]));
  const won = (await Promise.all(race)).filter(({ status }) => status === 200).length;
  assert.equal(won, 10, "of 20 that race for 0.1 each of 1 credit, 10 get it");
  assert.equal((await contended.audit()).body.journal_balance, 0);
}

/** @param {string} url @param {string} key */
async function checkHolds(url, key) {
  const account = customerApi(url, key, "conformance-holds");
  await account.topUp(1);
  const { body: hold } = await account.reserve(0.6);
  assert.equal(hold.continue, true);
  assert.ok(Date.parse(hold.expires_at) > Date.now());
  assert.equal((await account.balance()).body.available, 0.4);
  await account.consume(0.5, [402]);
  assert.equal((await account.reserve(0.5)).body.continue, false);
  for (const _ of ["settled", "and again, by the same numbers"]) {
    const { body } = await account.settle(hold.transaction_id, 0.25);
    assert.equal(body.credits_used, 0.25);
    assert.equal(body.balance_adjustment, 0.35);
    assert.equal(body.balance, 0.75);
  }
  await account.settle(hold.transaction_id, 0.3, [409]);
  await account.settle(`${hold.transaction_id}9`, 0.3, [404]);
  await account.consume(0.7);
  const { body: audit } = await account.audit();
  assert.equal(audit.consistent, true);
  assert.equal(audit.journal_balance, 0.05);
}

/** @param {string} url @param {string} key */
async function checkGate(url, key) {
  const customer = "conformance-gate";
  const account = customerApi(url, key, customer);
  const pass = (/** @type {string} */ path, expect = [200], /** @type {string} */ who = customer) =>
    call(`${url}/gate${path}`, { key, headers: { "X-Customer-Id": who }, expect });
  await account.topUp(1);
  const { body, headers } = await pass("/hello");
  assert.equal(body, "ok");
  assert.equal(Number(headers.get("X-Credits-Cost")), AMOUNT);
  assert.equal(Number(headers.get("X-Credits-Remaining")), 1 - AMOUNT);
  const failed = await pass("/fail", [500]);
  assert.equal(Number(failed.headers.get("X-Credits-Remaining")), 1 - AMOUNT);
  assert.equal((await pass("/other", [404])).body.code, "no_gate_rule");
  assert.equal((await pass("/hello", [402], "nobody")).body.code, "insufficient_credits");
  assert.equal((await account.balance()).body.balance, 1 - AMOUNT);
}

/**
 * @typedef {object} Audit
 * @property {number} answered consumptions that wrk got an answer for, at least
 * @property {number} journalled consumptions in the journals
 */

/**
 * Every answer must have its entry, and the balances must be what the entries say. What wrk
 * left unread when its time was up is in a journal too: at most one request of each
 * connection of each run.
 * @param {string} url
 * @param {string} key
 * @param {import("./scenarios.mjs").Scenario} scenario
 * @param {{ answered: number, unread: number, counts: number[] }} expected `answered` and
 *   `unread`: requests; `counts`: the consumptions in each customer's journal
 * @returns {Promise<Audit>}
 */
export async function auditScenario(url, key, scenario, { answered, unread, counts }) {
  for (const [index, customer] of scenario.customers.entries()) {
    const account = customerApi(url, key, customer);
    const [{ body: audit }, { body: read }] = [await account.audit(), await account.balance()];
    assert.equal(audit.consistent, true, "the live balance is the journal's");
    assert.equal(audit.live_balance, audit.journal_balance);
    assert.equal(read.balance, audit.journal_balance);
    const consumed = micros(scenario.grant) - micros(audit.journal_balance);
    const count = counts[index] ?? 0;
    assert.equal(consumed, count * micros(AMOUNT), `${customer}: balance = granted - consumed`);
    assert.ok(audit.entries > count, "the journal has an entry for the grant too");
  }
  const journalled = counts.reduce((sum, count) => sum + count, 0);
  const { consumptions } = scenario;
  // Where only every other request consumes, those under way when a run ended may be of either kind.
  const slack = Number.isInteger(consumptions) ? 0 : unread;
  const least = Math.floor((answered - slack) * consumptions);
  const most = Math.ceil((answered + unread + slack) * consumptions);
  const seen = `${scenario.id}: ${answered} requests answered, ${journalled} consumptions journalled`;
  assert.ok(journalled >= least, `${seen}, ${least} expected`);
  assert.ok(journalled <= most, `${seen}, ${most} at most`);
  return { answered: least, journalled };
}

/**
 * @param {string} url
 * @param {string} key
 * @param {string} customer
 */
export function customerApi(url, key, customer) {
  const base = `${url}/v1/customers/${customer}`;
  const usage = `${url}/v1/usage-transactions`;
  return {
    topUp: (/** @type {number} */ amount) =>
      call(`${base}/credits`, { key, body: { amount, type: "topup" }, expect: [200, 201] }),
    consume: (/** @type {unknown} */ amount, expect = [200], withKey = key) =>
      call(`${base}/consume`, { key: withKey, body: { amount }, expect }),
    reserve: (/** @type {number} */ amount) =>
      call(usage, { key, body: { user_id: customer, amount }, expect: [200, 201] }),
    settle: (/** @type {string} */ id, /** @type {number} */ amount, expect = [200]) =>
      call(`${usage}/${id}/complete`, { key, body: { success: true, amount }, expect }),
    balance: () => call(`${base}/balance`, { key }),
    audit: () => call(`${base}/audit`, { key }),
  };
}
