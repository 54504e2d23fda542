// Gives many customers their credits at once, by `POST /v1/import`.

import assert from "node:assert/strict";

const ROWS_AT_MOST = 100_000;

/**
 * @param {string} url
 * @param {string} key
 * @param {string[]} customers
 * @param {number} grants that each gets
 * @param {number} [amount] of each grant
 */
export async function importCredits(url, key, customers, grants, amount = 1) {
  const rows = customers.flatMap((customer_id) =>
    Array.from({ length: grants }, (_, index) =>
      JSON.stringify({ id: `${customer_id}-${index}`, customer_id, amount }),
    ),
  );
  for (let from = 0; from < rows.length; from += ROWS_AT_MOST) {
    const part = rows.slice(from, from + ROWS_AT_MOST);
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
