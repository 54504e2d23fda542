// What happens at Stripe after a request: customers pay, banks refuse, money goes back. And
// the reports of it, signed by Stripe's own package.

import Stripe from "stripe";
import type { Answer, Engine, Json } from "./engine.ts";
import type { Mode, StripeServer } from "./stripe_server.ts";

export const WEBHOOK_SECRETS = { live: "whsec_live_of_the_tests", test: "whsec_test_of_the_tests" };
export const WEBHOOK_ENV = {
  STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRETS.live,
  STRIPE_TEST_WEBHOOK_SECRET: WEBHOOK_SECRETS.test,
};

const official = new Stripe("sk_test_for_signatures_only");

/** The customer of a session pays: the session as the report shows it. */
export function pay(stripe: StripeServer, id: string, how: "paid" | "unpaid" = "paid"): Json {
  const { payment_intent_data: data, ...session } = stripe.sessions.get(id);
  const mode: Mode = session.livemode ? "live" : "test";
  if (session.customer === null && session.customer_creation === "always")
    session.customer = stripe.customer(mode, "pays");
  session.status = "complete";
  session.payment_status = session.amount_total === 0 ? "no_payment_required" : how;
  if (session.amount_total > 0) {
    const intent = {
      id: stripe.id("pi"),
      object: "payment_intent",
      amount: session.amount_total,
      currency: session.currency,
      customer: session.customer,
      last_payment_error: null,
      livemode: session.livemode,
      metadata: data.metadata ?? {},
      status: how === "paid" ? "succeeded" : "processing",
    };
    stripe.intents.set(intent.id, intent);
    session.payment_intent = intent.id;
  }
  stripe.sessions.set(id, { ...session, payment_intent_data: data });
  return session;
}

/** A payment's charge, which has the payment's metadata. */
export function charge(stripe: StripeServer, intent: string, refunded = 0): Json {
  const { amount, currency, metadata, livemode } = stripe.intents.get(intent);
  return {
    id: `ch_${intent}`,
    object: "charge",
    amount,
    amount_refunded: refunded,
    currency,
    livemode,
    metadata,
    payment_intent: intent,
    refunded: refunded === amount,
  };
}

/** A dispute about a payment, as it stands now; its reports name the charge only. */
export function dispute(
  stripe: StripeServer,
  intent: string,
  status: string,
  amount?: number,
): Json {
  const disputed = charge(stripe, intent);
  const found = {
    id: `du_${intent}`,
    object: "dispute",
    amount: amount ?? disputed.amount,
    charge: disputed,
    currency: disputed.currency,
    livemode: disputed.livemode,
    metadata: {},
    payment_intent: intent,
    status,
  };
  stripe.disputes.set(found.id, found);
  return { ...found, charge: disputed.id };
}

let events = 0;

/** An event about an object. */
export function event(type: string, object: Json): Json {
  events += 1;
  return {
    id: `evt_${events}`,
    object: "event",
    api_version: Stripe.API_VERSION,
    created: Math.floor(Date.now() / 1000),
    data: { object },
    livemode: object.livemode,
    pending_webhooks: 1,
    request: null,
    type,
  };
}

/** The header by which Stripe says that it sent a body. */
export function sign(
  body: string,
  secret: string,
  timestamp = Math.floor(Date.now() / 1000),
): string {
  return official.webhooks.generateTestHeaderString({ payload: body, secret, timestamp });
}

/** Reports an event as Stripe does. */
export function report(engine: Engine, reported: Json): Promise<Answer> {
  const raw = JSON.stringify(reported);
  const secret = WEBHOOK_SECRETS[reported.livemode ? "live" : "test"];
  const headers = {
    "Content-Type": "application/json; charset=utf-8",
    "Stripe-Signature": sign(raw, secret),
  };
  return engine.send("POST", "/webhooks/stripe", { raw, headers });
}
