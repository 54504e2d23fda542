// Every secret where it belongs and where it does not, with everything failing that can: so
// that whoever would tell one does.

import assert from "node:assert/strict";
import type { Json } from "../e2e/engine.ts";
import { setRules } from "../e2e/origin.ts";
import { event, pay, report, sign, WEBHOOK_SECRETS } from "../e2e/stripe_events.ts";
import { STRIPE_KEYS } from "../e2e/stripe_server.ts";
import { until } from "../e2e/watch.ts";
import { CATALOGUE } from "./access_rows.ts";
import { SECRETS, type World } from "./access_world.ts";

const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };
const NO_BODIES = ["{", '{"amount":"x"}', '{"amount":1,"unknown":1}', "[]", '{"amount":1e99}'];
export const MARK = "once-and-stored";

/** What the Worker is given and nobody must ever be told. */
export const GIVEN: Record<string, string> = {
  ...SECRETS,
  "Stripe's live key": STRIPE_KEYS.live,
  "Stripe's test key": STRIPE_KEYS.test,
  "Stripe's live webhook secret": WEBHOOK_SECRETS.live,
  "Stripe's test webhook secret": WEBHOOK_SECRETS.test,
};

/** Sales through Stripe, well and with each of its faults, and reports under every secret. */
export async function sell(world: World, keys: string[]): Promise<void> {
  const { engine, stripe } = world;
  for (const key of keys) {
    await world.call("PUT", "/v1/packs", key, CATALOGUE.packs);
    await world.call("PATCH", "/v1/settings", key, { overage_mode: "auto_purchase" });
    for (const health of ["well", "failing", "busy", "losing"] as const) {
      stripe.health = health;
      const body = { ...URLS, customer_id: "buyer" };
      await engine.send("POST", "/v1/topup-sessions", { key, body });
      const session = [...stripe.sessions.values()].findLast(({ status }) => status === "open");
      if (session !== undefined)
        await report(engine, event("checkout.session.completed", pay(stripe, session.id)));
      const charge = { amount: 150 };
      await engine.send("POST", "/v1/customers/buyer/consume", { key, body: charge });
    }
    stripe.health = "well";
  }
  for (const secret of ["whsec_wrong", ...Object.values(GIVEN)]) {
    const raw = JSON.stringify(event("checkout.session.completed", { livemode: false }));
    const headers = { "Stripe-Signature": sign(raw, secret) };
    await engine.send("POST", "/webhooks/stripe", { raw, headers });
    // The secret itself for a signature.
    const given = { "Stripe-Signature": secret };
    await engine.send("POST", "/webhooks/stripe", { raw, headers: given });
  }
}

/** The gate well, with an origin that fails and one that is not there; KV failing. */
export async function passAndFail(world: World, key: string, own: string): Promise<void> {
  const { engine, kv } = world;
  await setRules(engine, key, [
    { method: "*", path: "/served", amount: 1, mode: "consume", refund_on: [] },
    { method: "*", path: "/gone", amount: 1, mode: "reserve", origin: "http://127.0.0.1:1" },
  ]);
  kv.become("failing");
  for (const by of [key, own]) {
    const headers = { "X-Customer-Id": "anna", Origin: "https://app.test" };
    for (const path of ["/gate/served?a=b", "/gate/gone", "/gate/../x"])
      await engine.send("POST", path, { key: by, body: {}, headers });
    const body = { amount: 1, idempotency_key: MARK, metadata: { a: 1 } };
    await engine.send("POST", "/v1/customers/anna/consume", { key: by, body });
    const cached = "/v1/customers/anna/balance?consistency=cached";
    await engine.send("GET", cached, { key: by });
  }
  kv.become("well");
  world.origin.answers(500, { "X-Credits-Cost": "1" }, "broken");
  await engine.send("GET", "/gate/served", { key: own });
}

/** Each secret as a key in each place where a key is looked for, right and nearly right. */
export async function misuse(world: World, secrets: string[]): Promise<void> {
  const { engine } = world;
  const balance = "/v1/customers/anna/balance";
  for (const key of secrets) {
    for (const raw of NO_BODIES)
      await engine.send("POST", "/v1/customers/nobody/consume", { key, raw });
    for (const [method, path] of [
      ["GET", "/v1/customers/other/balance"],
      ["GET", "/gate/nowhere"],
      ["POST", "/v1/nowhere"],
      ["PATCH", "/v1/keys"],
      ["GET", "/v1/transactions/txn_x"],
    ] as const)
      await engine.send(method, path, { key });
    for (const spoiled of [`${key}x`, key.slice(0, -1), `${key.slice(0, -1)}!`])
      await engine.send("GET", balance, { key: spoiled });
    for (const headers of [
      { Authorization: `Basic ${Buffer.from(`x:${key}`).toString("base64")}` },
      { Authorization: key },
      { "Idempotency-Key": "x".repeat(257), Authorization: `Bearer ${key}` },
    ])
      await engine.send("POST", "/v1/customers/nobody/consume", { headers, body: { amount: 1 } });
    const inVendors: Record<string, string>[] = [
      { "X-API-Key": key },
      { "X-Deployment-ID": "anna", "X-Deployment-Secret": key },
    ];
    for (const headers of inVendors)
      for (const path of ["/credits-balance", "/api/v1/entitlements/credits"])
        await engine.send("GET", path, { headers });
  }
}

/** An import with good and bad rows, events told to an endpoint that fails, and an export. */
export async function moveInAndOut(world: World, key: string): Promise<void> {
  const rows = [
    { id: "1", customer_id: "mover", amount: 5 },
    { id: "2", customer_id: "mover", amount: "x" },
  ];
  const raw = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const headers = { "Content-Type": "application/x-ndjson" };
  const told = await world.engine.send("POST", "/v1/import", { key, raw, headers });
  assert.equal(told.body.at(-1).imported, 1);
  world.receiver.answers(500);
  await world.call("POST", "/v1/customers/mover/consume", key, { amount: 5 });
  await until("a delivery failed", async () => {
    const { data } = await world.call("GET", "/v1/events?customer_id=mover", key);
    return data.some((told: Json) => told.delivery.last_status === 500);
  });
  await world.call("GET", "/v1/customers/mover/export", key);
  await world.call("GET", "/v1/keys?limit=100", key);
}
