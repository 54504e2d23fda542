// Compiled, never run: what a user may write, with the narrowing that the types promise. It names
// nothing of the DOM's or Node's types.

import {
  type Amount,
  type Balance,
  type Charge,
  ConnectionError,
  CreditEngine,
  type CreditEngineOptions,
  InsufficientCreditsError,
  type Page,
  RateLimitError,
  TimeoutError,
  type Transaction,
  VERSION,
} from "edge-credits";
import { CredlyApiError, CredlyRateLimitError, createClient } from "edge-credits/credly";
import { setCost, withCredits } from "edge-credits/gate";
import { type CreditBalance, HiveForgeClient } from "edge-credits/hiveforge";
import { creditsGetCredits, OpenRouter, OpenRouterCore } from "edge-credits/openrouter";
import { getCreditsBalance } from "edge-credits/predev";

const options: CreditEngineOptions = {
  apiKey: async () => "ce_test_x",
  mode: "auto",
  gracefulDegradation: { maxCredits: "12.5" },
  hooks: { onRetry: ({ waitMs, status }) => [waitMs.toFixed(), status?.toFixed()] },
};
export const engine: CreditEngine = new CreditEngine(options);
export const mode: "stateless" = engine.mode;
export const version: string = VERSION;

export async function charges(): Promise<number> {
  const amounts: Amount[] = [1, "0.000001", 3n];
  const tokens = { inputTokens: 1, cachedInputTokens: 1 };
  const costs: Charge[] = [
    ...amounts,
    { service: "images", action: "generate" },
    { service: "images", action: "generate", quantity: 2 },
    { model: "small-1", tokens },
    { model: "small-1", tokens: { input_tokens: 1 } },
  ];
  for (const cost of costs) {
    const charged = await engine.consume("alice", cost, "Work", { metadata: { a: [1] } });
    if (!charged.success) return charged.shortfall;
    if (charged.degraded) return charged.idempotencyKey.length;
    const id: string = charged.transactionId;
    await engine.add("alice", charged.amount, { type: "refund", refundOf: id });
  }
  const { breakdown }: Balance = await engine.getBalance("alice", { includeBreakdown: true });
  const page: Page<Transaction> = await engine.getTransactions("alice", { from: new Date(0) });
  return (breakdown?.length ?? 0) + page.data.length + (await engine.estimate(2n));
}

export async function holds(): Promise<number> {
  const started = await engine.startUsage("alice", "5", { expiresIn: 60 });
  if (!started.success) return started.balance;
  const { adjustment } = await engine.completeUsage(started.transactionId, { amount: 1 });
  return adjustment;
}

export async function analytics(): Promise<(string | null)[]> {
  const days = await engine.getUsageAnalytics({ period: "current_month", groupBy: "week" });
  const actions = await engine.getUsageAnalytics({ groupBy: "action" });
  return [...days.data.map(({ day }) => day), ...actions.data.map(({ action }) => action)];
}

export function told(error: unknown): number | undefined {
  if (error instanceof InsufficientCreditsError) return error.shortfall;
  if (error instanceof RateLimitError) return error.retryAfter;
  if (error instanceof TimeoutError) return error.status;
  if (error instanceof ConnectionError) return error.idempotencyKey?.length;
  return undefined;
}

interface Request {
  user: string;
}
interface Answer {
  status: number;
  headers: { get(name: string): string | null };
  body: string;
}
const answer: Answer = { status: 200, headers: { get: () => null }, body: "" };
export const gated: (request: Request, ids: string[]) => Promise<Answer> = withCredits(
  (request: Request, ids: string[]) => {
    setCost(request, ids.length);
    return answer;
  },
  {
    engine,
    customer: ({ user }) => user,
    cost: (_request, ids) => ids.length,
    mode: "reserve",
    onInsufficient: ({ detail }) => ({ ...answer, status: 402, body: detail }),
  },
);

export async function others(): Promise<unknown> {
  const credly = createClient({ apiKey: "ce_test_x", projectId: "p", maxRetries: 0 });
  const captured = await credly.captureUsage({
    user_id: "u",
    execute: async ({ transaction_id }) => ({ words: transaction_id.length }),
    finalizeTokens: ({ words }) => ({ output_tokens: words }),
  });
  if (captured.status === "completed") return captured.result.words;
  if (captured.status === "insufficient_credits") return captured.message;
  if (captured.error instanceof CredlyRateLimitError) return captured.error.retryAfter;
  if (captured.error instanceof CredlyApiError) return captured.error.detail;

  const hiveforge = new HiveForgeClient({ deploymentId: "d", deploymentSecret: "ck_test_x" });
  const balance: CreditBalance = await hiveforge.credits.setOverageMode("auto_purchase");
  const { usage } = await hiveforge.credits.getUsage(new Date(0), "2026-01-31");

  const openRouter = new OpenRouter({ apiKey: async () => "ck_test_x" });
  const { data } = await openRouter.credits.getCredits(undefined, {
    retries: { strategy: "none" },
  });
  const result = await creditsGetCredits(new OpenRouterCore());
  const left = result.ok ? result.value.data.totalUsage : result.error;

  const { creditsRemaining } = await getCreditsBalance("ck_test_x", { timeoutMs: 100 });
  return [balance.totalAvailable, usage, data.totalCredits, left, creditsRemaining];
}
