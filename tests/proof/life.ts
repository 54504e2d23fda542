// A customer's life: entries of every kind that a caller can cause, in a random mix.

import assert from "node:assert/strict";
import type { Engine, Json } from "../e2e/engine.ts";

const BATCH = 80;
/** More than a page of SQLite's holds, so that some rows run over into others. */
const LARGE = 3_500;

/** Tiers and settings that lives make use of. */
export async function openShop(engine: Engine, key: string): Promise<void> {
  const tier = { name: null, period: "month" };
  const tiers = [
    { ...tier, id: "free", allocation: 50 },
    { ...tier, id: "pro", allocation: 500 },
  ];
  const put = await engine.send("PUT", "/v1/tiers", { key, body: tiers });
  assert.equal(put.status, 200, JSON.stringify(put.body));
}

/** Lives one life: some hundred entries by each batch. */
export async function live(
  engine: Engine,
  key: string,
  customer: string,
  random: () => number,
  batches: number,
): Promise<void> {
  const done = async (method: string, path: string, body?: Json): Promise<Json> => {
    const answer = await engine.send(method, `/v1/${path}`, { key, body });
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const own = `customers/${customer}`;
  // Quarters: exact in JSON readers that know doubles only.
  const amount = () => Math.ceil(random() * 16) / 4;
  const word = () => Math.floor(random() * 36 ** 6).toString(36);
  const metadata = () => ({
    [word()]: 'a "b" \\ é',
    large: "x".repeat(random() < 0.1 ? LARGE : 3),
  });

  const deeds: (() => Promise<unknown>)[] = [
    () => done("POST", `${own}/credits`, { type: "topup", amount: amount(), metadata: metadata() }),
    () => done("POST", `${own}/credits`, { type: "adjustment", amount: -amount() }),
    () => done("POST", `${own}/consume`, { amount: amount(), idempotency_key: word() }),
    () =>
      done("POST", `${own}/consume`, { amount: amount(), feature: word(), metadata: metadata() }),
    () => done("PATCH", own, { metadata: metadata() }),
    () => done("PATCH", `${own}/settings`, { low_balance_threshold: amount() }),
    async () => {
      const charge = await done("POST", `${own}/consume`, { amount: 2 });
      const refund = { type: "refund", amount: 1, refund_of: charge.transaction_id };
      await done("POST", `${own}/credits`, refund);
    },
    async () => {
      const hold = { user_id: customer, amount: 3, feature_identifier: word() };
      const { transaction_id } = await done("POST", "usage-transactions", hold);
      if (random() < 0.3)
        await done("POST", `usage-transactions/${transaction_id}/extend`, { expires_in: 900 });
      const outcome = random() < 0.7 ? { success: true, amount: amount() } : { success: false };
      await done("POST", `usage-transactions/${transaction_id}/complete`, outcome);
    },
    async () => {
      const tier_id = random() < 0.5 ? "pro" : "free";
      await done("POST", `${own}/tier`, { tier_id, reset_balance: random() < 0.3 });
    },
  ];

  await done("POST", "customers", { id: customer, metadata: metadata(), tier_id: "free" });
  await done("POST", `${own}/credits`, { type: "topup", amount: 10_000, idempotency_key: word() });
  for (let n = 0; n < batches; n += 1) {
    const items = Array.from({ length: BATCH }, () =>
      random() < 0.5 ? { amount: amount() } : { amount: amount(), feature: word() },
    );
    const header: Record<string, string> = random() < 0.5 ? { "Idempotency-Key": word() } : {};
    // Not held against the contract as all others are: that takes longer than the batch.
    const batch = await fetch(`${engine.url}/v1/${own}/consume-batch`, {
      method: "POST",
      headers: { ...header, Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ items, atomic: true }),
    });
    assert.equal(batch.status, 200, await batch.text());
    for (let deed = 0; deed < 5; deed += 1) await deeds[Math.floor(random() * deeds.length)]?.();
  }
}
