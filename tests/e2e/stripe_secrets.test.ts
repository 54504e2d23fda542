import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, Engine } from "./engine.ts";
import { event, pay, report, sign, WEBHOOK_ENV, WEBHOOK_SECRETS } from "./stripe_events.ts";
import { STRIPE_KEYS, StripeServer } from "./stripe_server.ts";

const SECRETS = [...Object.values(STRIPE_KEYS), ...Object.values(WEBHOOK_SECRETS)];
const PACK = { id: "small", name: "Small", credits: 100, price_cents: 200, currency: "usd" };
const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };

let stripe: StripeServer;
let engine: Engine;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
});
after(async () => {
  await engine.end();
  await stripe.end();
});

const found = (text: string): string[] => SECRETS.filter((secret) => text.includes(secret));

test("no secret of Stripe's is in an answer, in the log, in storage or in what Stripe is sent", async () => {
  const answers: Answer[] = [];
  const { live, test: key } = await engine.project("shop");
  const settings = { overage_mode: "auto_purchase" };
  for (const by of [live, key]) {
    await engine.send("PUT", "/v1/packs", { key: by, body: [PACK] });
    await engine.send("PATCH", "/v1/settings", { key: by, body: settings });
    for (const health of ["well", "failing", "busy", "losing"] as const) {
      stripe.health = health;
      const body = { ...URLS, customer_id: "anna" };
      answers.push(await engine.send("POST", "/v1/topup-sessions", { key: by, body }));
      const session = [...stripe.sessions.values()].findLast(({ status }) => status === "open");
      if (session === undefined) continue;
      const paid = event("checkout.session.completed", pay(stripe, session.id));
      answers.push(await report(engine, paid));
      answers.push(
        await engine.send("POST", "/v1/customers/anna/consume", { key: by, body: { amount: 150 } }),
      );
    }
    stripe.health = "well";
  }
  for (const secret of ["whsec_wrong", ...SECRETS]) {
    const raw = JSON.stringify(event("checkout.session.completed", { livemode: false }));
    const headers = { "Stripe-Signature": sign(raw, secret) };
    answers.push(await engine.send("POST", "/webhooks/stripe", { raw, headers }));
  }
  assert.ok(answers.some(({ status }) => status === 200));
  assert.ok(answers.filter(({ status }) => status >= 400).length >= 8);
  for (const { status, headers, body } of answers)
    assert.deepEqual(found(JSON.stringify([body, [...headers]])), [], `in an answer ${status}`);
  assert.deepEqual(found(JSON.stringify(stripe.calls)), [], "in a request's path or form");

  await engine.kill();
  const entries = readdirSync(engine.dataDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1"));
  // What was logged and stored is there to be found, so the search is not in vain.
  assert.ok(texts.some((text) => text.includes("Stripe answered 500")));
  assert.ok(texts.some((text) => text.includes("purchase:pur_")));
  for (const [index, text] of texts.entries())
    assert.deepEqual(found(text), [], `in ${files[index]?.name}`);
});
