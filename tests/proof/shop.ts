// A project with something of everything: prices, tiers, packs, gate rules, and customers with
// credits, a charge, and a hold.

import assert from "node:assert/strict";
import type { Engine, Json } from "../e2e/engine.ts";
import { inParallel } from "./order.ts";

/** So many that few are gone when some are deleted. */
const CUSTOMERS = 40;

/** What requests can name. */
export interface Shop {
  customers: string[];
  transactions: string[];
  holds: string[];
  keys: string[];
}

/** Sends what must be served. */
function sender(engine: Engine, key: string) {
  return async (method: string, path: string, body: Json): Promise<Json> => {
    const answer = await engine.send(method, path, { key, body });
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
}

/** Gives a project its prices, packs, tiers and rules, or gives them back. */
export async function stock(engine: Engine, key: string): Promise<void> {
  const send = sender(engine, key);
  await send("PUT", "/v1/costs", [{ service: "ai", action: "draw", credits: 2.5 }]);
  const model = { model: "large", input_per_million: 10, output_per_million: 30, minimum: 0.5 };
  await send("PUT", "/v1/models", [model]);
  const pack = { id: "small", name: "Small", credits: 100, price_cents: 500, currency: "usd" };
  await send("PUT", "/v1/packs", [pack]);
  const tiers = [
    { id: "free", allocation: 5, period: "month" },
    { id: "basic", allocation: 50, period: "week", rollover: { max: 10, periods: 1 } },
  ];
  await send("PUT", "/v1/tiers", tiers);
  await send("PATCH", "/v1/settings", { default_tier: "free", low_balance_threshold: 10 });
  await send("PUT", "/v1/gate-rules", [{ method: "*", path: "/draw", amount: 1 }]);
}

/** Furnishes a project by the requests that a user would send. */
export async function furnish(engine: Engine, key: string): Promise<Shop> {
  await stock(engine, key);
  const send = sender(engine, key);
  const names = ["anna", ...Array.from({ length: CUSTOMERS }, (_, n) => `customer-${n}`)];
  const shop: Shop = { customers: names, transactions: [], holds: [], keys: [] };
  await inParallel(8, names.length, async (n) => {
    const customer = names[n] as string;
    const path = `/v1/customers/${customer}`;
    await send("POST", `${path}/credits`, { amount: 1_000_000, type: "topup" });
    const charge = await send("POST", `${path}/consume`, { amount: 3, feature: "draw" });
    shop.transactions.push(charge.transaction_id);
    const hold = await send("POST", "/v1/usage-transactions", { user_id: customer, amount: 5 });
    shop.holds.push(hold.transaction_id);
    const made = await send("POST", "/v1/keys", { kind: "customer", customer_id: customer });
    shop.keys.push(made.id);
  });
  return shop;
}
