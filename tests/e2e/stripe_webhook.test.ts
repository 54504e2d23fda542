import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json, type Sent } from "./engine.ts";
import { event, pay, report, sign, WEBHOOK_ENV, WEBHOOK_SECRETS } from "./stripe_events.ts";
import { StripeServer } from "./stripe_server.ts";
import { assertSound, balance } from "./watch.ts";

const PACK = { id: "small", name: "Small", credits: 500, price_cents: 900, currency: "usd" };
const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };
const MAX_EVENT_BYTES = 262_144;

let stripe: StripeServer;
let engine: Engine;
let live: string;
let key: string;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
  ({ live, test: key } = await engine.project("shop"));
  for (const by of [live, key]) await engine.send("PUT", "/v1/packs", { key: by, body: [PACK] });
});
after(async () => {
  await engine.end();
  await stripe.end();
});

/** A session of a customer's. */
async function session(customer: string, by = key): Promise<string> {
  const body = { ...URLS, customer_id: customer };
  const made = await engine.send("POST", "/v1/topup-sessions", { key: by, body });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  return made.body.session_id;
}

function outcome({ status, body }: Answer, expected: string, replayed = false): void {
  assert.deepEqual([status, body], [200, { received: true, outcome: expected, replayed }]);
}

function refused({ status, body }: Answer, code: string, field?: string, expected = 400): void {
  assert.deepEqual([status, body.code, body.field], [expected, code, field], JSON.stringify(body));
}

/** Fails unless the customer does not exist. */
async function isNobody(customer: string, by = key): Promise<void> {
  const { status } = await engine.send("GET", `/v1/customers/${customer}/balance`, { key: by });
  assert.equal(status, 404);
}

test("a paid session brings its credits in, as a purchase that says where it came from", async () => {
  const paid = pay(stripe, await session("anna"));
  outcome(await report(engine, event("checkout.session.completed", paid)), "granted");
  const { body } = await engine.send("GET", "/v1/customers/anna/balance?include=breakdown", {
    key,
  });
  assert.equal(body.balance, 500);
  const [{ source, product, priority, expires_at: end }] = body.breakdown;
  assert.deepEqual([source, product, priority, end], ["purchased", "small", 40, null]);
  const list = await engine.send("GET", "/v1/customers/anna/transactions", { key });
  assert.deepEqual([list.body.data[0].type, list.body.data[0].amount], ["purchase", 500]);
});

test("a session comes in once: the same event again, another event, many at once", async () => {
  const paid = pay(stripe, await session("bob"));
  const completed = event("checkout.session.completed", paid);
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => report(engine, completed)),
    ...Array.from({ length: 8 }, () => report(engine, event("checkout.session.completed", paid))),
  ]);
  assert.ok(answers.every(({ status, body }) => status === 200 && body.outcome === "granted"));
  assert.equal(answers.filter(({ body }) => !body.replayed).length, 1);
  outcome(await report(engine, completed), "granted", true);
  outcome(
    await report(
      engine,
      event("payment_intent.succeeded", stripe.intents.get(paid.payment_intent)),
    ),
    "ignored",
  );
  const rows = await assertSound(engine, key, "bob");
  assert.equal(rows.filter(({ kind }) => kind === "purchase").length, 1);
  assert.equal(await balance(engine, key, "bob"), 500);
});

test("what was answered 200 survives a kill", async () => {
  const paid = pay(stripe, await session("kim"));
  const completed = event("checkout.session.completed", paid);
  outcome(await report(engine, completed), "granted");
  await engine.kill();
  await engine.restart();
  assert.equal(await balance(engine, key, "kim"), 500);
  outcome(await report(engine, completed), "granted", true);
});

test("an unpaid session waits until its payment came, or failed", async () => {
  const waiting = pay(stripe, await session("will"), "unpaid");
  outcome(await report(engine, event("checkout.session.completed", waiting)), "waiting");
  await isNobody("will");
  const settled = { ...waiting, payment_status: "paid" };
  outcome(
    await report(engine, event("checkout.session.async_payment_succeeded", settled)),
    "granted",
  );
  assert.equal(await balance(engine, key, "will"), 500);

  const failing = pay(stripe, await session("will"), "unpaid");
  const failed = event("checkout.session.async_payment_failed", failing);
  outcome(await report(engine, failed), "failed");
  outcome(await report(engine, failed), "failed", true);
  const nobody = pay(stripe, await session("nobody"), "unpaid");
  outcome(await report(engine, event("checkout.session.async_payment_failed", nobody)), "ignored");
  assert.equal(await balance(engine, key, "will"), 500);
});

test("a pack that costs nothing needs no payment", async () => {
  const gift = [{ ...PACK, id: "gift", price_cents: 0 }];
  await engine.send("PUT", "/v1/packs", { key, body: gift });
  const given = pay(stripe, await session("gina"));
  assert.equal(given.payment_status, "no_payment_required");
  outcome(await report(engine, event("checkout.session.completed", given)), "granted");
  assert.equal(await balance(engine, key, "gina"), 500);
  await engine.send("PUT", "/v1/packs", { key, body: [PACK] });
});

test("live money brings live credits and test money brings test credits, never crosswise", async () => {
  const paid = pay(stripe, await session("mo", live));
  outcome(await report(engine, event("checkout.session.completed", paid)), "granted");
  assert.equal(await balance(engine, live, "mo"), 500);
  await isNobody("mo");

  // A test event that claims a live purchase, and one signed with the other mode's secret.
  const claimed = pay(stripe, await session("ma", live));
  const crosswise = event("checkout.session.completed", { ...claimed, livemode: false });
  refused(await report(engine, crosswise), "invalid_field", "livemode");
  const raw = JSON.stringify(event("checkout.session.completed", claimed));
  const headers = { "Stripe-Signature": sign(raw, WEBHOOK_SECRETS.test) };
  const signed = await engine.send("POST", "/webhooks/stripe", { raw, headers });
  refused(signed, "invalid_field", "livemode");
  await isNobody("ma", live);
});

test("what is not ours is a 200 that does nothing", async () => {
  const paid = pay(stripe, await session("nora"));
  const others: Json[] = [
    event("checkout.session.completed", { ...paid, metadata: {} }),
    event("checkout.session.completed", { ...paid, metadata: null }),
    event("checkout.session.completed", { ...paid, metadata: { purchase_id: "order-7" } }),
    event("checkout.session.expired", paid),
    event("customer.created", { id: "cus_1", object: "customer", livemode: false }),
    event("some.event.of.tomorrow", { livemode: false }),
  ];
  for (const other of others) outcome(await report(engine, other), "ignored");
  await isNobody("nora");
  // Ours, but no longer what was sold.
  for (const [field, value] of Object.entries({ credits: "5e9x", mode: "", customer: "a\nb" })) {
    const changed = { ...paid, metadata: { ...paid.metadata, [field]: value } };
    const answer = await report(engine, event("checkout.session.completed", changed));
    refused(answer, "invalid_field", `data.object.metadata.${field}`);
  }
  const { metadata: _, payment_status: __, ...halved } = paid;
  const unreadable = await report(engine, event("checkout.session.completed", halved));
  refused(unreadable, "invalid_field", "data.object");
  await isNobody("nora");
});

test("only bytes that Stripe has signed are looked at", async () => {
  const paid = pay(stripe, await session("sid"));
  const raw = JSON.stringify(event("checkout.session.completed", paid));
  const now = Math.floor(Date.now() / 1000);
  const good = sign(raw, WEBHOOK_SECRETS.test);
  const send = (header: string | undefined, sent: Sent = {}): Promise<Answer> => {
    const headers: Record<string, string> =
      header === undefined ? {} : { "Stripe-Signature": header };
    return engine.send("POST", "/webhooks/stripe", { raw, headers, ...sent });
  };
  refused(await send(undefined), "missing_field", "Stripe-Signature");
  const bad = [
    "x",
    "t=1",
    good.replace("v1=", "v0="),
    good.replace(/v1=(..)/, (_, first) => `v1=${first === "00" ? "ff" : "00"}`),
    good.replace(/t=\d+/, `t=${now - 1}`),
    sign(raw, "whsec_other"),
    sign(` ${raw}`, WEBHOOK_SECRETS.test),
    sign(raw, WEBHOOK_SECRETS.test, now - 302),
  ];
  for (const header of bad) refused(await send(header), "invalid_field", "Stripe-Signature");
  const headers = { "Stripe-Signature": good };
  refused(await send(good, { raw: `${raw} `, headers }), "invalid_field", "Stripe-Signature");
  for (const text of ["", "{", "[]", '{"id":"evt_1"}', "\u0000"]) {
    const headers = { "Stripe-Signature": sign(text, WEBHOOK_SECRETS.test) };
    refused(await send("", { raw: text, headers }), "invalid_json");
  }
  await isNobody("sid");
  // While a secret is rolled Stripe signs with both; a signature is good for 300 seconds.
  const rolled = `${sign(raw, "whsec_rolled", now - 290)},${sign(raw, WEBHOOK_SECRETS.test, now - 290).split(",")[1]}`;
  outcome(await send(rolled), "granted");
  outcome(await send(good), "granted", true);
});

test("an event of up to 256 KiB is read, and no larger one", async () => {
  const paid = pay(stripe, await session("lars"));
  const padded = (size: number): string => {
    const body = event("checkout.session.completed", { ...paid, padding: "" });
    const room = size - Buffer.byteLength(JSON.stringify(body));
    return JSON.stringify({ ...body, data: { object: { ...paid, padding: "x".repeat(room) } } });
  };
  const send = (raw: string, stream: boolean): Promise<Answer> => {
    const headers = { "Stripe-Signature": sign(raw, WEBHOOK_SECRETS.test) };
    const body = stream ? new Blob([raw]).stream() : raw;
    return engine.send("POST", "/webhooks/stripe", { raw: body, headers });
  };
  for (const stream of [false, true]) {
    const large = await send(padded(MAX_EVENT_BYTES + 1), stream);
    refused(large, "body_too_large", undefined, 413);
  }
  await isNobody("lars");
  outcome(await send(padded(MAX_EVENT_BYTES), false), "granted");
  outcome(await send(padded(MAX_EVENT_BYTES), true), "granted", true);
});
