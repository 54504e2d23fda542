// The types of `edge-credits/gate`: any runtime's requests and responses, so none of them is named.

/**
 * Charges in front of any function from a request to a response: {@link withCredits}.
 * @packageDocumentation
 */

import type { Amount, Charge, CreditEngine } from "./index.d.ts";

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** The parts of a `Response` that are used. */
export interface Answered {
  /** The HTTP status: from 500 on a charge is reversed. */
  readonly status: number;
  /** Where `X-Credits-Cost` may be. */
  readonly headers: { get(name: string): string | null };
}

/** The body of an answer that the gate itself gives, as `application/problem+json`. */
export interface Problem {
  /** `urn:edge-credits:problem:` and the `code`. */
  type: string;
  /** What kind of problem it is, for people. */
  title: string;
  /** The HTTP status. */
  status: number;
  /** What was wrong this time, for people. */
  detail: string;
  /** Such as `insufficient_credits`, with `balance`, `requested` and `shortfall` if known. */
  code: string;
  [field: string]: unknown;
}

/** What every gate is told. `Args` are what the framework hands to a handler. */
export interface CreditsOptions<Args extends unknown[]> {
  /** Made with a key that may consume and, for refunds, write. */
  engine: CreditEngine;
  /** Who pays. Without an answer the caller gets a 401. */
  customer: (...args: Args) => Awaitable<string | null | undefined>;
  /** What it costs; in mode `reserve`, what is held. 0 is free. */
  cost: Charge | ((...args: Args) => Awaitable<Charge>);
  /** `consume` charges first; `reserve` holds first and charges when the answer has ended. Default `consume`. */
  mode?: "consume" | "reserve";
  /** Requests with the same key are charged once. */
  idempotencyKey?: (...args: Args) => Awaitable<string | null | undefined>;
  /** Requests that pass without a charge. */
  skip?: (...args: Args) => Awaitable<boolean>;
  /** When the engine cannot be asked: `deny` answers 503, `allow` runs the handler for free. Default `deny`. */
  onUnavailable?: "deny" | "allow";
  /** Told of what the caller is not: refunds and settlements that failed, an engine that could not be asked. Default `console.error`. */
  onError?: (error: unknown) => void;
}

/** What {@link withCredits} is told. */
export interface GateOptions<Request, Rest extends unknown[], Response>
  extends CreditsOptions<[request: Request, ...rest: Rest]> {
  /** Answers instead of the 402. */
  onInsufficient?: (problem: Problem, request: Request, ...rest: Rest) => Awaitable<Response>;
}

/**
 * A handler that runs only for who can pay. The charge is reversed when it throws or answers with
 * 500 or more.
 */
export declare function withCredits<
  Request,
  Rest extends unknown[],
  Response extends Answered,
  Refusal extends Answered = Response,
>(
  handler: (request: Request, ...rest: Rest) => Awaitable<Response>,
  options: GateOptions<Request, Rest, Refusal>,
): (request: Request, ...rest: Rest) => Promise<Response | Refusal>;

/**
 * In mode `reserve`, says what a request really costs: any time before its answer ends. The same
 * as the response header `X-Credits-Cost`, for what is known only later.
 * @param request the very object that the handler got
 */
export declare function setCost(request: object, cost: Amount): void;
