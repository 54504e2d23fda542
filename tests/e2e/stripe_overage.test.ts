import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";
import { Origin, setRules } from "./origin.ts";
import { event, pay, report, WEBHOOK_ENV } from "./stripe_events.ts";
import { type Card, STRIPE_KEYS, StripeServer } from "./stripe_server.ts";
import { assertSound, balance } from "./watch.ts";

const PACKS = [
  { id: "large", name: "Large", credits: 1000, price_cents: 1600, currency: "usd" },
  { id: "small", name: "Small", credits: 100, price_cents: 200, currency: "usd" },
];
const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };
const PAYMENTS = "POST /v1/payment_intents";
/** Longer than the engine waits before it asks for a payment again. */
const LATER_MS = 20_000;

let stripe: StripeServer;
let origin: Origin;
let engine: Engine;
let key: string;
let aheadMs = 0;
before(async () => {
  stripe = await StripeServer.start();
  origin = await Origin.start();
  const env = { ...stripe.env, ...WEBHOOK_ENV };
  engine = await Engine.start({ env, originAddress: origin.address });
  key = (await engine.project("shop")).test;
  await engine.send("PUT", "/v1/packs", { key, body: PACKS });
  const body = { overage_mode: "auto_purchase", auto_purchase_limit: 5 };
  await engine.send("PATCH", "/v1/settings", { key, body });
});
after(async () => {
  await engine.end();
  await origin.end();
  await stripe.end();
});
beforeEach(() => {
  stripe.health = "well";
});

/** A customer with 100 credits that were paid by Checkout, whose cards are then these. */
async function payer(customer: string, ...cards: Card[]): Promise<string> {
  const body = { ...URLS, customer_id: customer, pack_id: "small" };
  const made = await engine.send("POST", "/v1/topup-sessions", { key, body });
  const session = pay(stripe, made.body.session_id);
  const answer = await report(engine, event("checkout.session.completed", session));
  assert.equal(answer.status, 200);
  const saved = cards.map((card) => ({ id: stripe.id("pm"), card }));
  stripe.customers.set(session.customer, { mode: "test", cards: saved });
  return session.customer;
}

const consume = (customer: string, amount: number, by = key): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${customer}/consume`, { key: by, body: { amount } });

function refused({ status, body }: Answer, why: string | undefined): void {
  const expected = [402, "insufficient_credits", why];
  assert.deepEqual([status, body.code, body.auto_purchase], expected, JSON.stringify(body));
  assert.equal("purchase" in body, false, "what is between engine and Stripe stays there");
}

/** Payments that were asked for, for a customer. */
function payments(customer: string): Json[] {
  const calls = stripe.called(PAYMENTS).map(({ form, key: once }) => ({ ...form, once }) as Json);
  return calls.filter(({ metadata }) => metadata.customer === customer);
}

/** Payments that were made. */
function paidIntents(customer: string): Json[] {
  const intents = [...stripe.intents.values()];
  return intents.filter(
    ({ status, metadata: its }) =>
      status === "succeeded" && its.customer === customer && its.purchase_origin === "overage",
  );
}

/** The same engine, some time later, and with other variables if need be. */
async function later(env: Record<string, string> = {}): Promise<void> {
  await engine.kill();
  aheadMs += LATER_MS;
  await engine.restart({ ...env, CLOCK_OFFSET_MS: `${aheadMs}` });
}

test("a charge that falls short buys the smallest pack that covers it, then charges", async () => {
  const customer = await payer("anna", "pays", "declined");
  const first = await consume("anna", 150);
  assert.deepEqual([first.status, first.body.balance], [200, 50]);
  const [payment] = payments("anna");
  const { metadata, once, ...asked } = payment;
  assert.deepEqual(asked, {
    amount: "200",
    currency: "usd",
    customer,
    payment_method: stripe.customers.get(customer)?.cards[0]?.id,
    confirm: "true",
    off_session: "true",
    automatic_payment_methods: { enabled: "true", allow_redirects: "never" },
  });
  assert.match(metadata.purchase_id, /^pur_/);
  assert.equal(once, metadata.purchase_id);
  const { purchase_id: _, ...carried } = metadata;
  assert.deepEqual(carried, {
    purchase_origin: "overage",
    project: "shop",
    mode: "test",
    customer: "anna",
    pack: "small",
    credits: "100",
  });
  const second = await consume("anna", 151);
  assert.deepEqual([second.status, second.body.balance], [200, 899]);
  assert.deepEqual(
    payments("anna").map(({ amount }) => amount),
    ["200", "1600"],
  );
  // Stripe's own report of it changes nothing.
  const [intent] = paidIntents("anna");
  const told = await report(engine, event("payment_intent.succeeded", intent));
  assert.deepEqual(told.body, { received: true, outcome: "granted", replayed: true });
  const rows = await assertSound(engine, key, "anna");
  assert.equal(rows.filter(({ kind }) => kind === "purchase").length, 3);
});

test("a hold, a gated request and a customer's own key buy as well; a batch does not", async () => {
  await payer("bob", "pays");
  const own = await engine.customerKey(key, "bob");
  const hold = { user_id: "bob", amount: 150 };
  const held = await engine.send("POST", "/v1/usage-transactions", { key: own.key, body: hold });
  assert.deepEqual([held.body.continue, held.body.balance], [true, 200]);
  await setRules(engine, key, [
    { method: "*", path: "/consume", amount: 150, mode: "consume" },
    { method: "*", path: "/reserve", amount: 150, mode: "reserve" },
  ]);
  // 50 are free beside the hold, so the first falls 100 short. The second falls 150 short:
  // only the large pack covers that.
  for (const [path, left] of [
    ["/gate/consume", "150"],
    ["/gate/reserve", "1000"],
  ] as const) {
    const through = await engine.send("GET", path, { key: own.key });
    const remaining = through.headers.get("X-Credits-Remaining");
    assert.deepEqual([through.status, remaining], [200, left]);
  }
  const before = payments("bob").length;
  const items = [{ amount: 5_000 }];
  const batch = { items, atomic: true };
  refused(
    await engine.send("POST", "/v1/customers/bob/consume-batch", { key, body: batch }),
    undefined,
  );
  assert.equal(payments("bob").length, before);
  assert.deepEqual(
    payments("bob").map(({ metadata }) => metadata.pack),
    ["small", "small", "large"],
  );
  await assertSound(engine, key, "bob");
});

test("a declined card is a 402 that stops further purchases until somebody pays", async () => {
  for (const [customer, card] of [
    ["dave", "declined"],
    ["auth", "authenticate"],
  ] as const) {
    await payer(customer, card);
    refused(await consume(customer, 150), "declined");
    refused(await consume(customer, 150), "declined");
    assert.equal(payments(customer).length, 1, "a card that was declined is not tried again");
    assert.equal(await balance(engine, key, customer), 100);
    // The report of the decline says what is known.
    const failed = [...stripe.intents.values()].find(
      ({ metadata: its }) => its.customer === customer && its.purchase_origin === "overage",
    );
    const told = await report(engine, event("payment_intent.payment_failed", failed));
    assert.deepEqual([told.body.outcome, told.body.replayed], ["failed", true]);
    // Paying in Checkout, with a card that works, lets it buy again.
    await payer(customer, "pays");
    assert.equal((await consume(customer, 250)).status, 200);
    await assertSound(engine, key, customer);
  }
});

test("without a card there is nothing to charge", async () => {
  await engine.customer(key, "cash", 10);
  refused(await consume("cash", 20), "no_payment_method");
  await payer("cardless");
  refused(await consume("cardless", 150), "no_payment_method");
  refused(await consume("nobody", 1), undefined);
  assert.equal(payments("cash").length + payments("cardless").length, 0);
  await payer("greedy", "pays");
  refused(await consume("greedy", 1_101), "no_pack");
});

test("a payment whose answer was lost is settled by Stripe's report", async () => {
  await payer("lara", "pays");
  stripe.health = "losing";
  refused(await consume("lara", 150), "pending");
  stripe.health = "well";
  refused(await consume("lara", 150), "pending");
  const [intent] = paidIntents("lara");
  const told = await report(engine, event("payment_intent.succeeded", intent));
  assert.deepEqual(told.body, { received: true, outcome: "granted", replayed: false });
  assert.deepEqual(
    [(await consume("lara", 150)).body.balance, paidIntents("lara").length],
    [50, 1],
  );
  await assertSound(engine, key, "lara");
});

test("a payment whose answer was lost is asked for again under its id, and made once", async () => {
  await payer("leo", "pays");
  stripe.health = "losing";
  refused(await consume("leo", 150), "pending");
  stripe.health = "well";
  await later();
  const settled = await consume("leo", 150);
  assert.deepEqual([settled.status, settled.body.balance], [200, 50]);
  const ids = payments("leo").map(({ once }) => once);
  assert.deepEqual([ids.length, new Set(ids).size, paidIntents("leo").length], [2, 1, 1]);
  await assertSound(engine, key, "leo");
});

test("a Stripe that fails or is not configured leaves the purchase begun", async () => {
  await payer("fay", "pays");
  for (const health of ["failing", "busy"] as const) {
    stripe.health = health;
    refused(await consume("fay", 150), "pending");
    await later();
  }
  stripe.health = "well";
  const settled = await consume("fay", 150);
  assert.equal(settled.status, 200, JSON.stringify(settled.body));
  assert.equal(paidIntents("fay").length, 1);

  await later({ STRIPE_TEST_SECRET_KEY: "" });
  refused(await consume("fay", 150), "pending");
  await later({ STRIPE_TEST_SECRET_KEY: STRIPE_KEYS.test });
  const configured = await consume("fay", 150);
  assert.equal(configured.status, 200, JSON.stringify(configured.body));
});

test("a payment under way is neither paid nor failed until Stripe says which", async () => {
  for (const [customer, type, expected] of [
    ["paul", "payment_intent.succeeded", 200],
    ["pia", "payment_intent.payment_failed", 402],
  ] as const) {
    await payer(customer, "processing");
    refused(await consume(customer, 150), "pending");
    const intent = [...stripe.intents.values()].find(
      ({ status, metadata: its }) => status === "processing" && its.customer === customer,
    );
    assert.equal((await report(engine, event(type, intent))).status, 200);
    assert.equal((await consume(customer, 150)).status, expected);
  }
});

test("many charges at once make one purchase, and nobody spends what is not there", async () => {
  await payer("max", "pays");
  const answers = await Promise.all(Array.from({ length: 12 }, () => consume("max", 60)));
  const done = answers.filter(({ status }) => status === 200).length;
  for (const answer of answers) if (answer.status !== 200) assert.equal(answer.status, 402);
  const rows = await assertSound(engine, key, "max");
  const bought = rows.filter(({ kind }) => kind === "purchase").length;
  assert.equal(paidIntents("max").length, bought - 1);
  assert.equal(await balance(engine, key, "max"), 100 * bought - 60 * done);
  assert.ok(done >= 2 && bought >= 2 && bought <= 6, `${done} done, ${bought} bought`);
});

test("a day has a limit of purchases", async () => {
  await payer("day", "pays");
  await engine.send("PATCH", "/v1/customers/day/settings", {
    key,
    body: { auto_purchase_limit: 1 },
  });
  assert.equal((await consume("day", 150)).status, 200);
  refused(await consume("day", 150), "daily_limit");
  assert.equal(payments("day").length, 1);
});

test("a payment that Stripe does not answer in time is left under way", async () => {
  await payer("hank", "pays");
  stripe.health = "hanging";
  refused(await consume("hank", 150), "pending");
});
