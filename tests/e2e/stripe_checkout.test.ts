import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";
import { event, pay, report, WEBHOOK_ENV } from "./stripe_events.ts";
import { StripeServer } from "./stripe_server.ts";
import { balance } from "./watch.ts";

const PACKS = [
  { id: "small", name: "500 crédits", credits: 500, price_cents: 900, currency: "usd" },
  { id: "odd", name: "Odd", credits: 0.000001, price_cents: 50, currency: "eur" },
  {
    id: "priced",
    name: "Priced",
    credits: 1000,
    price_cents: 1600,
    currency: "usd",
    stripe_price_id: "price_1600",
  },
  { id: "dear", name: "Too cheap", credits: 1, price_cents: 49, currency: "usd" },
];
const URLS = {
  success_url: "https://app.test/paid?id={CHECKOUT_SESSION_ID}&a=1+2",
  cancel_url: "http://app.test/",
};
const ROUTE = "POST /v1/checkout/sessions";

let stripe: StripeServer;
let engine: Engine;
let live: string;
let key: string;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
  ({ live, test: key } = await engine.project("shop"));
  for (const by of [live, key]) await engine.send("PUT", "/v1/packs", { key: by, body: PACKS });
  stripe.prices.set("price_1600", { mode: "test", unit_amount: 1600, currency: "usd" });
});
after(async () => {
  await engine.end();
  await stripe.end();
});
beforeEach(() => {
  stripe.health = "well";
});

const topup = (body: Json, headers: Record<string, string> = {}, by = key): Promise<Answer> =>
  engine.send("POST", "/v1/topup-sessions", { key: by, body: { ...URLS, ...body }, headers });

function refused({ status, body }: Answer, expected: number, code: string, field?: string): void {
  assert.deepEqual([status, body.code, body.field], [expected, code, field], JSON.stringify(body));
}

test("a session sells the named pack, and carries what its payment is for", async () => {
  const { status, body } = await topup({ customer_id: "al ice/é", pack_id: "odd" });
  assert.equal(status, 200);
  const session = stripe.sessions.get(body.session_id);
  assert.equal(body.checkout_url, session.url);
  assert.deepEqual([session.amount_total, session.currency], [50, "eur"]);
  assert.deepEqual([session.success_url, session.cancel_url], [URLS.success_url, URLS.cancel_url]);
  const { purchase_id: id, ...metadata } = session.metadata;
  assert.match(id, /^pur_[0-9A-Za-z]{20,}$/);
  assert.deepEqual(metadata, {
    purchase_origin: "checkout",
    project: "shop",
    mode: "test",
    customer: "al ice/é",
    pack: "odd",
    credits: "0.000001",
  });
  assert.deepEqual(session.payment_intent_data.metadata, session.metadata);
  assert.equal(session.payment_intent_data.setup_future_usage, "off_session");
  assert.equal(session.customer_creation, "always");
  assert.equal(session.client_reference_id, id);
  assert.equal(stripe.called(ROUTE).at(-1)?.key, id);
  assert.equal(stripe.called(ROUTE).at(-1)?.mode, "test");
});

test("without a pack it is the first one; with a price of Stripe's it is that price", async () => {
  const first = await topup({ customer_id: "anna" });
  assert.equal(stripe.sessions.get(first.body.session_id).amount_total, 900);
  const sold = stripe.called(ROUTE).at(-1)?.form.line_items;
  const data = { currency: "usd", unit_amount: "900", product_data: { name: "500 crédits" } };
  assert.deepEqual(sold, { 0: { quantity: "1", price_data: data } });
  await topup({ customer_id: "anna", pack_id: "priced" });
  assert.deepEqual(stripe.called(ROUTE).at(-1)?.form.line_items, {
    0: { quantity: "1", price: "price_1600" },
  });
});

test("a live key sells in live mode", async () => {
  const { body } = await topup({ customer_id: "anna" }, {}, live);
  const session = stripe.sessions.get(body.session_id);
  assert.deepEqual([session.livemode, session.metadata.mode], [true, "live"]);
});

test("an idempotency key makes one session of however many tries", async () => {
  const body = { customer_id: "ida", idempotency_key: "cart-1" };
  const first = await topup(body);
  const again = await topup({ customer_id: "ida" }, { "Idempotency-Key": "cart-1" });
  assert.equal(again.body.session_id, first.body.session_id);
  const others = [
    await topup({ ...body, customer_id: "ina" }),
    await topup(body, {}, live),
    await topup({ customer_id: "ida" }),
    await topup({ customer_id: "ida" }),
  ];
  const ids = others.map((other) => other.body.session_id);
  assert.equal(new Set([first.body.session_id, ...ids]).size, 5);
  refused(await topup({ ...body, pack_id: "odd" }), 422, "idempotency_key_reused");
  const clash = await topup(body, { "Idempotency-Key": "cart-2" });
  refused(clash, 400, "invalid_field", "idempotency_key");
});

test("an answer that was lost on its way is had again under the same key", async () => {
  const body = { customer_id: "lea", idempotency_key: "cart-lost" };
  const before = stripe.sessions.size;
  stripe.health = "losing";
  refused(await topup(body), 502, "origin_unreachable");
  stripe.health = "well";
  assert.equal((await topup(body)).status, 200);
  assert.equal(stripe.sessions.size, before + 1);
});

test("who paid before is the same customer at Stripe, unless Stripe has deleted it", async () => {
  const first = await topup({ customer_id: "cleo" });
  const paid = pay(stripe, first.body.session_id);
  await report(engine, event("checkout.session.completed", paid));
  assert.equal(await balance(engine, key, "cleo"), 500);
  const second = await topup({ customer_id: "cleo" });
  const session = stripe.sessions.get(second.body.session_id);
  assert.deepEqual([session.customer, session.customer_creation], [paid.customer, null]);
  stripe.customers.delete(paid.customer);
  const third = stripe.sessions.get((await topup({ customer_id: "cleo" })).body.session_id);
  assert.deepEqual([third.customer, third.customer_creation], [null, "always"]);
});

test("what Stripe refuses is told by its own words and the field that it is about", async () => {
  const bad = await topup({ customer_id: "anna", success_url: "https://:x/" });
  refused(bad, 400, "invalid_field", "success_url");
  assert.match(bad.body.detail, /Not a valid URL/);
  const small = await topup({ customer_id: "anna", pack_id: "dear" });
  refused(small, 400, "invalid_field", "pack_id");
  assert.match(small.body.detail, /at least 50 usd/);
  const price = await topup({ customer_id: "anna", pack_id: "priced" }, {}, live);
  refused(price, 400, "invalid_field", "pack_id");
  assert.match(price.body.detail, /No such price/);
});

test("a Stripe that fails is not the caller's mistake", async () => {
  stripe.health = "failing";
  refused(await topup({ customer_id: "anna" }), 502, "origin_unreachable");
  stripe.health = "busy";
  const busy = await topup({ customer_id: "anna" });
  refused(busy, 503, "overloaded");
  assert.ok(busy.headers.has("Retry-After"));
});

test("only a project key with the scope write may sell", async () => {
  await engine.customer(key, "owner", 1);
  const own = await engine.customerKey(key, "owner");
  refused(await topup({ customer_id: "owner" }, {}, own.key), 403, "insufficient_scope");
  const scopes = ["read", "consume", "admin"];
  const made = await engine.send("POST", "/v1/keys", { key, body: { kind: "project", scopes } });
  refused(await topup({ customer_id: "owner" }, {}, made.body.key), 403, "insufficient_scope");
});

test("without packs, or without a key of Stripe's for the mode, the problem says so", async () => {
  const bare = await Engine.start({
    env: {
      STRIPE_API_BASE: stripe.url,
      STRIPE_SECRET_KEY: "sk_test_in_the_wrong_place",
      STRIPE_TEST_SECRET_KEY: "sk_test_unknown",
    },
  });
  try {
    const keys = await bare.project("bare");
    const body = { ...URLS, customer_id: "anna" };
    const sell = (by: string): Promise<Answer> =>
      bare.send("POST", "/v1/topup-sessions", { key: by, body });
    refused(await sell(keys.live), 400, "invalid_field", "pack_id");
    for (const by of [keys.live, keys.test])
      await bare.send("PUT", "/v1/packs", { key: by, body: PACKS });
    const before = stripe.calls.length;
    const live = await sell(keys.live);
    refused(live, 500, "internal");
    assert.match(live.body.detail, /no Stripe key for live mode/);
    const unknown = await sell(keys.test);
    refused(unknown, 500, "internal");
    assert.match(unknown.body.detail, /does not accept the Worker's key for test mode/);
    assert.equal(stripe.calls.length, before);
  } finally {
    await bare.end();
  }
});
