// The answers that a gate gives by itself, and what it writes on those of a handler.

import type { Problem } from "../../types/gate.d.ts";
import { ConnectionError, CreditEngineError, RateLimitError } from "../errors.ts";
import type { Passage } from "./passage.ts";

/** Amounts have at most six digits after the point. */
const DIGITS = 6;
const TITLES: Record<string, string> = {
  insufficient_credits: "Not enough credits",
  limit_reached: "A spend limit is reached",
  no_customer: "Nobody to charge",
  credits_unavailable: "Credits cannot be checked now",
  rate_limited: "Too many requests",
};
/** Refusals that are the caller's own affair; any other is a mistake in how the gate is set up. */
const TOLD = [402, 409, 422, 429];

export function isUnavailable(error: unknown): error is CreditEngineError {
  if (error instanceof ConnectionError) return true;
  return error instanceof CreditEngineError && (error.status ?? 0) >= 500;
}

export function problem(status: number, code: string, detail: string, more: object = {}): Problem {
  const type = `urn:edge-credits:problem:${code}`;
  return { ...more, type, title: TITLES[code] ?? code, status, detail, code };
}

/** What a caller is told of an error of the engine. */
export function problemOf(error: unknown): Problem {
  if (isUnavailable(error))
    return problem(503, "credits_unavailable", "the credits could not be checked; try again");
  if (error instanceof CreditEngineError && TOLD.includes(error.status ?? 0)) {
    const { status, code, message, details } = error;
    const title = typeof details.title === "string" ? { title: details.title } : {};
    return { ...problem(status ?? 0, code, message, details), ...title };
  }
  return problem(500, "internal", "the credits could not be checked");
}

export function respond(problem: Problem, error?: unknown): Response {
  const headers = new Headers({ "Content-Type": "application/problem+json" });
  const after = error instanceof RateLimitError ? error.retryAfter : undefined;
  if (after !== undefined) headers.set("Retry-After", String(after));
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The headers that say what a request cost and what is left. */
export function creditHeaders(passage: Passage, stated: number | undefined): [string, string][] {
  const { balance, isHeld } = passage;
  const cost = isHeld ? (stated ?? passage.cost) : passage.cost;
  const headers: [string, string][] = [];
  if (cost !== undefined) headers.push(["X-Credits-Cost", decimal(cost)]);
  if (balance === undefined) return headers;
  headers.push(["X-Credits-Remaining", decimal(isHeld ? balance - (cost ?? 0) : balance)]);
  return headers;
}

/** Never with an exponent. */
function decimal(amount: number): string {
  return amount.toFixed(DIGITS).replace(/\.?0+$/, "");
}
