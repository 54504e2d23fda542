// Calls to Stripe. Only here are its API keys read, and they go into one header: none is
// ever in the engine, a log line, an error or a URL.

import type { Env } from "./env";

/** The version of Stripe's API that requests and answers are written for. */
export const STRIPE_VERSION = "2026-10-28.endive";
const STRIPE_URL = "https://api.stripe.com";
/** A payment takes some seconds; who has not answered by then is not waited for. */
const STRIPE_DEADLINE_MS = 10_000;

/**
 * Performs an `Effect::Stripe`, which has a line for mode, method and path, one for the
 * idempotency key, and one for the form. Gives the status, a line break and the body, or `!`
 * and a word.
 */
export async function callStripe(env: Env, effect: string): Promise<string> {
  const [line = "", key = "", form = ""] = effect.split("\n");
  const [mode = "", method = "", path = ""] = line.split(" ");
  const secret = mode === "live" ? env.STRIPE_SECRET_KEY : env.STRIPE_TEST_SECRET_KEY;
  // Stripe's keys say which mode they are of: real money must not move for a test.
  if (!secret?.includes(`_${mode}_`)) {
    console.error(`Stripe was not asked: there is no key of it for ${mode} mode`);
    return "!nokey";
  }
  const headers = new Headers({
    Authorization: `Bearer ${secret.trim()}`,
    "Stripe-Version": STRIPE_VERSION,
  });
  if (key !== "") headers.set("Idempotency-Key", key);
  const isPost = method === "POST";
  if (isPost) headers.set("Content-Type", "application/x-www-form-urlencoded");
  try {
    const response = await fetch(`${env.STRIPE_API_BASE || STRIPE_URL}${path}`, {
      method,
      headers,
      body: isPost ? form : null,
      redirect: "manual",
      signal: AbortSignal.timeout(STRIPE_DEADLINE_MS),
    });
    const answer = await response.text();
    if (isOurs(response.status)) console.error(`Stripe answered ${response.status}`);
    return `${response.status}\n${answer}`;
  } catch (error) {
    console.error(`Stripe did not answer: ${error instanceof Error ? error.message : "failed"}`);
    return "!network";
  }
}

/** Whether a status is the operator's or Stripe's to look at, and no caller's. */
function isOurs(status: number): boolean {
  return status === 401 || status === 403 || status === 429 || status >= 500;
}
