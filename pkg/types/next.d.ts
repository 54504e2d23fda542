// The types of `edge-credits/next`. Next itself is not imported: handlers have the types that they
// say, and a middleware's request is at least what is named here.

/**
 * The gate around Next.js route handlers, {@link withCredits}, and as a proxy or middleware,
 * {@link creditsMiddleware}.
 * @packageDocumentation
 */

import type { Answered, Awaitable, CreditsOptions, GateOptions, Problem } from "./gate.d.ts";

export { setCost } from "./gate.d.ts";

/** The platform's `Response`, where it has one. */
type Response = typeof globalThis extends { Response: { prototype: infer Found } }
  ? Found
  : Answered;

/** What {@link withCredits} is told. */
export interface NextCreditsOptions<Request, Rest extends unknown[], Response>
  extends GateOptions<Request, Rest, Response> {
  /** `after` of `next/server`: lets the settling outlive the answer. */
  after?: (task: Promise<unknown>) => void;
}

/**
 * A route handler that runs only for who can pay. The charge is reversed when it throws or answers
 * with 500 or more; `redirect()`, `notFound()` and their like are answers.
 */
export declare function withCredits<
  Request,
  Rest extends unknown[],
  Response extends Answered,
  Refusal extends Answered = Response,
>(
  handler: (request: Request, ...rest: Rest) => Awaitable<Response>,
  options: NextCreditsOptions<Request, Rest, Refusal>,
): (request: Request, ...rest: Rest) => Promise<Response | Refusal>;

/** What a middleware may use of its request if it does not say `NextRequest`. */
export interface MiddlewareRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
  readonly cookies: { get(name: string): { name: string; value: string } | undefined };
  readonly nextUrl: {
    readonly pathname: string;
    readonly searchParams: { get(name: string): string | null };
  };
}

/** The parts of Next's event that are used. */
export interface NextEvent {
  /** Lets work outlive the answer. */
  waitUntil(promise: Promise<unknown>): void;
}

/** What {@link creditsMiddleware} is told. */
export interface MiddlewareOptions<Request extends MiddlewareRequest>
  extends Omit<CreditsOptions<[request: Request, event: NextEvent]>, "mode"> {
  /**
   * Called when it is paid: goes on, rewrites, redirects or answers, as your own middleware. Its
   * charge is reversed if it throws or answers with 500 or more. Default: goes on to the route.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: so that a middleware of Next's type fits
  next?: (request: Request, event: NextEvent) => Awaitable<Answered | null | undefined | void>;
  /** Answers instead of the 402. */
  onInsufficient?: (problem: Problem, request: Request, event: NextEvent) => Awaitable<Answered>;
}

/**
 * A `proxy` (or `middleware`) that lets only those pass who can pay. It never sees what the route
 * answers, so it charges for good and cannot hold: where a failed answer is to be free, use
 * `withCredits` around the route handler.
 */
export declare function creditsMiddleware<Request extends MiddlewareRequest = MiddlewareRequest>(
  options: MiddlewareOptions<Request>,
): (request: Request, event: NextEvent) => Promise<Response>;
