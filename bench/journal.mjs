// Makes a long journal, as callers would: by the API, in batches.

import { call, forEach } from "./http.mjs";
import { customerApi } from "./verify.mjs";

const BATCH = 1000;
const AT_ONCE = 4;
const AMOUNT = 0.000001;
const GRANT = 1_000_000;

/**
 * @param {string} url
 * @param {string} key
 * @param {string} customer
 * @param {number} entries that its journal is to have
 * @param {number} [present] that it has already
 */
export async function growJournal(url, key, customer, entries, present = 0) {
  let missing = entries - present;
  if (present === 0) {
    await customerApi(url, key, customer).topUp(GRANT);
    missing -= 1;
  }
  const sizes = Array.from({ length: Math.ceil(missing / BATCH) }, (_, index) =>
    Math.min(BATCH, missing - index * BATCH),
  );
  await forEach(
    sizes,
    async (size) => {
      const items = Array.from({ length: size }, () => ({ amount: AMOUNT }));
      await call(`${url}/v1/customers/${customer}/consume-batch`, {
        key,
        body: { items, atomic: true },
      });
    },
    AT_ONCE,
  );
}
