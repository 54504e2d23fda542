import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";
import { charge, dispute, event, pay, report, WEBHOOK_ENV } from "./stripe_events.ts";
import { StripeServer } from "./stripe_server.ts";
import { assertSound, balance } from "./watch.ts";

const PACK = { id: "small", name: "Small", credits: 500, price_cents: 900, currency: "usd" };
const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };

let stripe: StripeServer;
let engine: Engine;
let key: string;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
  key = (await engine.project("shop")).test;
  await engine.send("PUT", "/v1/packs", { key, body: [PACK] });
});
after(async () => {
  await engine.end();
  await stripe.end();
});
beforeEach(() => {
  stripe.health = "well";
});

/** A customer's paid session, which is not reported yet. */
async function paid(customer: string): Promise<Json> {
  const body = { ...URLS, customer_id: customer };
  const made = await engine.send("POST", "/v1/topup-sessions", { key, body });
  return pay(stripe, made.body.session_id);
}

/** A customer that has bought a pack: the payment's id. */
async function bought(customer: string): Promise<string> {
  const session = await paid(customer);
  outcome(await report(engine, event("checkout.session.completed", session)), "granted");
  return session.payment_intent;
}

function outcome({ status, body }: Answer, expected: string, replayed = false): void {
  assert.deepEqual([status, body], [200, { received: true, outcome: expected, replayed }]);
}

const refunded = (intent: string, cents: number): Json =>
  event("charge.refunded", charge(stripe, intent, cents));

test("a refund takes back the share of the credits that it is of the price", async () => {
  const intent = await bought("rita");
  const third = refunded(intent, 300);
  outcome(await report(engine, third), "taken_back");
  // A third of 500, rounded up to the next millionth.
  assert.equal(await balance(engine, key, "rita"), 333.333333);
  outcome(await report(engine, third), "taken_back", true);
  const half = refunded(intent, 450);
  outcome(await report(engine, half), "taken_back");
  assert.equal(await balance(engine, key, "rita"), 250);
  // Reports may overtake each other: what was refunded so far never shrinks.
  outcome(await report(engine, refunded(intent, 300)), "taken_back");
  assert.equal(await balance(engine, key, "rita"), 250);
  outcome(await report(engine, refunded(intent, 900)), "taken_back");
  assert.equal(await balance(engine, key, "rita"), 0);
  await engine.audit(key, "rita");
});

test("what is spent or held stays so: a refund makes no debt", async () => {
  const intent = await bought("sue");
  const spend = { amount: 400 };
  await engine.send("POST", "/v1/customers/sue/consume", { key, body: spend });
  const hold = { user_id: "sue", amount: 70 };
  await engine.send("POST", "/v1/usage-transactions", { key, body: hold });
  outcome(await report(engine, refunded(intent, 900)), "taken_back");
  assert.equal(await balance(engine, key, "sue"), 70);
  assert.equal(await balance(engine, key, "sue", "available"), 0);
  // Other credits are not touched.
  await engine.customer(key, "sue", 5);
  outcome(await report(engine, refunded(intent, 900)), "taken_back");
  assert.equal(await balance(engine, key, "sue", "available"), 5);
});

test("a refund that is reported before its purchase is done once Stripe repeats it", async () => {
  const session = await paid("early");
  const refund = refunded(session.payment_intent, 450);
  const early = await report(engine, refund);
  assert.deepEqual([early.status, early.body.code], [404, "not_found"]);
  outcome(await report(engine, event("checkout.session.completed", session)), "granted");
  outcome(await report(engine, refund), "taken_back");
  assert.equal(await balance(engine, key, "early"), 250);
});

test("a dispute takes the unspent part back, and gives it back when it is won", async () => {
  const intent = await bought("dora");
  await engine.send("POST", "/v1/customers/dora/consume", { key, body: { amount: 100 } });
  const opened = dispute(stripe, intent, "needs_response");
  const created = event("charge.dispute.created", opened);
  outcome(await report(engine, created), "taken_back");
  assert.equal(await balance(engine, key, "dora"), 0);
  outcome(await report(engine, created), "taken_back", true);
  outcome(await report(engine, event("charge.dispute.funds_withdrawn", opened)), "taken_back");
  assert.equal(await balance(engine, key, "dora"), 0);

  const closed = event("charge.dispute.closed", dispute(stripe, intent, "won"));
  outcome(await report(engine, closed), "given_back");
  outcome(await report(engine, closed), "given_back", true);
  const again = event("charge.dispute.funds_reinstated", dispute(stripe, intent, "won"));
  outcome(await report(engine, again), "given_back");
  assert.equal(await balance(engine, key, "dora"), 400);
  await assertSound(engine, key, "dora");
});

test("a lost dispute keeps what it took", async () => {
  const intent = await bought("lou");
  for (const status of ["needs_response", "under_review", "lost"])
    outcome(
      await report(engine, event("charge.dispute.closed", dispute(stripe, intent, status))),
      "taken_back",
    );
  assert.equal(await balance(engine, key, "lou"), 0);
});

test("a dispute's reports may come in any order, since it is done by where it stands", async () => {
  const intent = await bought("otto");
  const created = event("charge.dispute.created", dispute(stripe, intent, "needs_response"));
  const closed = event("charge.dispute.closed", dispute(stripe, intent, "won"));
  outcome(await report(engine, closed), "given_back");
  outcome(await report(engine, created), "given_back");
  assert.equal(await balance(engine, key, "otto"), 500);
});

test("an inquiry moves no money and no credits; a part of a price only its share", async () => {
  const intent = await bought("ines");
  const inquiry = event(
    "charge.dispute.created",
    dispute(stripe, intent, "warning_needs_response"),
  );
  outcome(await report(engine, inquiry), "ignored");
  assert.equal(await balance(engine, key, "ines"), 500);
  const part = event("charge.dispute.created", dispute(stripe, intent, "needs_response", 450));
  outcome(await report(engine, part), "taken_back");
  assert.equal(await balance(engine, key, "ines"), 250);
});

test("a dispute that cannot be asked about is reported again later", async () => {
  const intent = await bought("dan");
  const created = event("charge.dispute.created", dispute(stripe, intent, "needs_response"));
  stripe.health = "failing";
  const failed = await report(engine, created);
  assert.deepEqual([failed.status, failed.body.code], [502, "origin_unreachable"]);
  assert.equal(await balance(engine, key, "dan"), 500);
  stripe.health = "well";
  outcome(await report(engine, created), "taken_back");
  assert.equal(await balance(engine, key, "dan"), 0);
});

test("who was deleted gets nothing back and owes nothing", async () => {
  const intent = await bought("gone");
  await engine.send("DELETE", "/v1/customers/gone", { key });
  outcome(await report(engine, refunded(intent, 900)), "taken_back");
  const won = event("charge.dispute.closed", dispute(stripe, intent, "won"));
  outcome(await report(engine, won), "ignored");
  const { status } = await engine.send("GET", "/v1/customers/gone/balance", { key });
  assert.equal(status, 404);
});

test("payments of others are no purchases", async () => {
  const session = await paid("other");
  const foreign = { ...charge(stripe, session.payment_intent, 900), metadata: {} };
  outcome(await report(engine, event("charge.refunded", foreign)), "ignored");
  const disputed = dispute(stripe, session.payment_intent, "needs_response");
  stripe.disputes.get(disputed.id).charge.metadata = {};
  outcome(await report(engine, event("charge.dispute.created", disputed)), "ignored");
});
