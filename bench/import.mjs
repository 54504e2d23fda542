// Gives many customers their credits at once, by `POST /v1/import`.

import assert from "node:assert/strict";

/** Each keeps files open for ten seconds, of which a process may have only so many. */
const CUSTOMERS_AT_ONCE = 5000;
const CLOSED_AFTER_MS = 12_000;

/**
 * @param {string} url
 * @param {string} key
 * @param {string[]} customers
 * @param {number} grants that each gets
 * @param {number} [amount] of each grant
 */
export async function importCredits(url, key, customers, grants, amount = 1) {
  for (let from = 0; from < customers.length; from += CUSTOMERS_AT_ONCE) {
    if (from > 0) await new Promise((resolve) => setTimeout(resolve, CLOSED_AFTER_MS));
    /** @type {string[]} */
    const part = customers
      .slice(from, from + CUSTOMERS_AT_ONCE)
      .flatMap((customer_id) =>
        Array.from({ length: grants }, (_, index) =>
          JSON.stringify({ id: `${customer_id}-${index}`, customer_id, amount }),
        ),
      );
    const answer = await fetch(`${url}/v1/import`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" },
      body: part.join("\n"),
    });
    const report = (await answer.text()).trim().split("\n");
    assert.equal(answer.status, 200, report.at(-1));
    assert.equal(JSON.parse(report.at(-1) ?? "{}").imported, part.length, report.at(-1));
  }
}
