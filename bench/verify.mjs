// Speed counts only for those who do the job: what each contender must show before it is
// measured, and the audit of its ledger afterwards.

import assert from "node:assert/strict";
import { HOT_CUSTOMER, HOT_GRANT, MEASURED_AMOUNT } from "./contenders.mjs";
import { call } from "./http.mjs";

const RACERS = 20;

/**
 * The same exact, refusing, durable-by-journal account, whoever wrote it.
 * @param {string} url
 * @param {string} key
 */
export async function checkConformance(url, key) {
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

  const contended = customerApi(url, key, "conformance-race");
  await contended.topUp(1);
  const race = Array.from({ length: RACERS }, () => contended.consume(0.1, [200, 402]));
  const won = (await Promise.all(race)).filter(({ status }) => status === 200).length;
  assert.equal(won, 10, "of 20 that race for 0.1 each of 1 credit, 10 get it");
  assert.equal((await contended.audit()).body.journal_balance, 0);
}

/**
 * @param {string} url
 * @param {string} key
 */
export async function creditHotCustomer(url, key) {
  await customerApi(url, key, HOT_CUSTOMER).topUp(HOT_GRANT);
}

/**
 * @typedef {object} Audit
 * @property {number} answered consumptions that wrk got a 200 for
 * @property {number} journalled consumptions in the journal
 * @property {number} entries of the journal
 */

/**
 * Every answer must have its entry, and the balance must be what the entries say. What
 * wrk left unread when its time was up is in the journal too: at most one request of
 * each connection of each run.
 * @param {string} url
 * @param {string} key
 * @param {{ answered: number, unread: number, count: number }} expected `count`: the
 *   consumptions that the contender counts in the hot customer's journal
 * @returns {Promise<Audit>}
 */
export async function auditHotCustomer(url, key, { answered, unread, count }) {
  const account = customerApi(url, key, HOT_CUSTOMER);
  const { body: audit } = await account.audit();
  assert.equal(audit.consistent, true, "the live balance is the journal's");
  assert.equal(audit.live_balance, audit.journal_balance);
  assert.equal((await account.balance()).body.balance, audit.journal_balance);
  const consumed = micros(HOT_GRANT) - micros(audit.journal_balance);
  assert.equal(consumed, count * micros(MEASURED_AMOUNT), "balance = granted - consumed");
  assert.ok(count >= answered, `${answered} answered, only ${count} in the journal`);
  assert.ok(count <= answered + unread, `${answered} answered, but ${count} in the journal`);
  assert.ok(audit.entries > count, "the journal has an entry for the grant too");
  return { answered, journalled: count, entries: audit.entries };
}

/**
 * @param {string} url
 * @param {string} key
 * @param {string} customer
 */
function customerApi(url, key, customer) {
  const base = `${url}/v1/customers/${customer}`;
  return {
    topUp: (/** @type {number} */ amount) =>
      call(`${base}/credits`, { key, body: { amount, type: "topup" }, expect: [200, 201] }),
    consume: (/** @type {unknown} */ amount, expect = [200], withKey = key) =>
      call(`${base}/consume`, { key: withKey, body: { amount }, expect }),
    balance: () => call(`${base}/balance`, { key }),
    audit: () => call(`${base}/audit`, { key }),
  };
}

/**
 * Exact for what is used here: below 2^53 millionths each has its own double.
 * @param {number} credits
 */
function micros(credits) {
  return Math.round(credits * 1e6);
}
