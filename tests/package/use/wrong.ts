// Compiled, never run: what must not compile. Each line that is expected to fail does, or the
// compiler says so.

import { CreditEngine, CreditEngineError } from "edge-credits";
import { CredlyApiError, createClient } from "edge-credits/credly";
import { withCredits } from "edge-credits/gate";
import { HiveForgeClient } from "edge-credits/hiveforge";
import { creditsGetCredits, OpenRouter } from "edge-credits/openrouter";
import { getCreditsBalance } from "edge-credits/predev";

const apiKey = "ce_test_x";
export const engine = new CreditEngine({ apiKey });

export function engines(): CreditEngine[] {
  return [
    // @ts-expect-error without options
    new CreditEngine(),
    // @ts-expect-error without a key
    new CreditEngine({}),
    // @ts-expect-error a key that is no text
    new CreditEngine({ apiKey: 1 }),
    // @ts-expect-error a mode that is not in this release
    new CreditEngine({ apiKey, mode: "persistent" }),
    // @ts-expect-error a mode that there is not
    new CreditEngine({ apiKey, mode: "fast" }),
    // @ts-expect-error an unknown option
    new CreditEngine({ apiKey, retries: 3 }),
    // @ts-expect-error the name of an option in other letters
    new CreditEngine({ apiKey, baseURL: "https://credits.example.com" }),
    // @ts-expect-error a time as a text
    new CreditEngine({ apiKey, timeoutMs: "10s" }),
    // @ts-expect-error a budget without its name
    new CreditEngine({ apiKey, gracefulDegradation: 50 }),
  ];
}

export async function charges(): Promise<unknown> {
  // @ts-expect-error no amount
  await engine.consume("alice");
  // @ts-expect-error a customer that is no text
  await engine.consume(17, 1);
  // @ts-expect-error an amount that is none
  await engine.consume("alice", true);
  // @ts-expect-error an amount that may be missing
  await engine.consume("alice", undefined);
  // @ts-expect-error a price without an action
  await engine.consume("alice", { service: "images" });
  // @ts-expect-error a price without tokens
  await engine.consume("alice", { model: "small-1" });
  // @ts-expect-error tokens under names that there are not
  await engine.consume("alice", { model: "small-1", tokens: { input: 1 } });
  // @ts-expect-error options where the description is
  await engine.consume("alice", 1, { metadata: {} });
  // @ts-expect-error a typo that would lose its protection
  await engine.consume("alice", 1, "Work", { idempotencykey: "job-17" });
  // @ts-expect-error metadata that is no object
  await engine.consume("alice", 1, "Work", { metadata: "job 17" });
  // @ts-expect-error a time in milliseconds
  await engine.consume("alice", 1, "Work", { deadline: Date.now() });
  // @ts-expect-error what only the engine makes
  await engine.add("alice", 1, { type: "purchase" });
  // @ts-expect-error a source that there is not
  await engine.add("alice", 1, { source: "gift" });
  // @ts-expect-error a hold of what has its price already
  await engine.startUsage("alice", { service: "images", action: "generate" });
  // @ts-expect-error nowhere to go without a payment
  await engine.createTopUpSession({ customerId: "alice", successUrl: "https://app.example.com" });
  // @ts-expect-error a period that there is not
  await engine.getUsageAnalytics({ period: "last_year" });
  // @ts-expect-error rows that there are not
  await engine.getUsageAnalytics({ groupBy: "month" });
  // @ts-expect-error a type that there is not
  return engine.getTransactions("alice", { type: "hold" });
}

export async function answers(): Promise<unknown> {
  const charged = await engine.consume("alice", 1);
  // @ts-expect-error nothing may be charged
  const id: string = charged.transactionId;
  // @ts-expect-error nothing may be missing
  const missing: number = charged.shortfall;
  const sure = await engine.consumeOrFail("alice", 1);
  // @ts-expect-error what was let through in an outage has no transaction yet
  const sureId: string = sure.transactionId;
  // @ts-expect-error it may last for ever
  const days: number = (await engine.getBurnRate()).projection_days_remaining;
  const error = new CreditEngineError("no answer");
  // @ts-expect-error there may be no answer
  const status: number = error.status;
  // @ts-expect-error only read
  error.code = "other";
  return [id, missing, sureId, days, status];
}

const answer = { status: 200, headers: { get: () => null } };
const customer = () => "alice";
export const gates = [
  // @ts-expect-error nobody who pays
  withCredits(() => answer, { engine, cost: 1 }),
  // @ts-expect-error no price
  withCredits(() => answer, { engine, customer }),
  // @ts-expect-error a mode that there is not
  withCredits(() => answer, { engine, customer, cost: 1, mode: "hold" }),
  // @ts-expect-error a word that there is not
  withCredits(() => answer, { engine, customer, cost: 1, onUnavailable: "open" }),
  // @ts-expect-error an answer that is none
  withCredits(() => "done", { engine, customer, cost: 1 }),
];

export async function others(): Promise<unknown> {
  // @ts-expect-error without a project
  createClient({ apiKey });
  const credly = createClient({ apiKey, projectId: "p" });
  // @ts-expect-error nobody who pays
  await credly.startUsageTransaction({ model: "gpt-4" });
  // @ts-expect-error neither done nor failed
  await credly.completeUsageTransaction({ transaction_id: "txn_1" });
  const captured = await credly.captureUsage({ user_id: "u", execute: () => 1 });
  // @ts-expect-error it may not have been run
  const result: number = captured.result;
  // @ts-expect-error made by answers only
  new CredlyApiError("no");

  // @ts-expect-error without a secret
  const hiveforge = new HiveForgeClient({ deploymentId: "d" });
  // @ts-expect-error a mode that there is not
  await hiveforge.credits.setOverageMode("never");
  // @ts-expect-error a provider that there is not
  await hiveforge.credits.setAIProviderPriority("other");

  const openRouter = new OpenRouter();
  // @ts-expect-error a strategy that there is not
  await openRouter.credits.getCredits({}, { retries: { strategy: "linear" } });
  const credits = await creditsGetCredits(openRouter);
  // @ts-expect-error it may have failed
  const total: number = credits.value.data.totalCredits;

  // @ts-expect-error without a key
  await getCreditsBalance();
  // @ts-expect-error a customer that is no text
  const { creditsRemaining } = await getCreditsBalance(apiKey, { customerId: 17 });
  return [result, total, creditsRemaining];
}
