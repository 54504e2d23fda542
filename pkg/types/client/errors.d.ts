// The errors: real classes, and `instanceof` holds across copies of the package.

/** What an error is made of. */
export interface ErrorOptions {
  /** The stable machine word. Default `unexpected`. */
  code?: string;
  /** The answer's HTTP status. */
  status?: number | undefined;
  /** The answer's own fields. */
  details?: Record<string, unknown> | undefined;
  /** What the engine logged the request under. */
  requestId?: string | undefined;
  /** The key of the operation. */
  idempotencyKey?: string | undefined;
  /** What it stems from. */
  cause?: unknown;
}

/** The base of all errors of this package. Nothing of the API key is in any of them. */
export declare class CreditEngineError extends Error {
  /** Makes one, such as for a test of your own. */
  constructor(message: string, options?: ErrorOptions);
  /** The stable machine word, such as `insufficient_credits`. */
  readonly code: string;
  /** The answer's HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The answer's own fields, under the names of the HTTP API. */
  readonly details: Record<string, unknown>;
  /** What the engine logged the request under. */
  readonly requestId: string | undefined;
  /** With it the same operation may be asked for again and is done once. */
  readonly idempotencyKey: string | undefined;
  /** What it stems from, such as what `fetch` threw. */
  readonly cause?: unknown;
}

/** Too few credits: `consumeOrFail` throws it. Its `code` is `insufficient_credits`. */
export declare class InsufficientCreditsError extends CreditEngineError {
  /** Credits that there are, held ones included. */
  readonly currentBalance: number;
  /** Credits that the charge would have cost. */
  readonly requested: number;
  /** Credits that are missing. */
  readonly shortfall: number;
}

/** Too many requests, after all tries. Its `code` is `rate_limited`. */
export declare class RateLimitError extends CreditEngineError {
  /** Seconds after which it may be tried again, if the engine said so. */
  readonly retryAfter: number | undefined;
}

/** No key, a wrong one, or one that may not do this: 401 and 403. */
export declare class AuthenticationError extends CreditEngineError {}

/** An option that cannot be. Nothing was sent. */
export declare class ConfigurationError extends CreditEngineError {}

/** No whole answer, after all tries. The operation may have been done: ask again with `idempotencyKey`. */
export declare class ConnectionError extends CreditEngineError {}

/** No answer within `timeoutMs`. The operation may have been done all the same. */
export declare class TimeoutError extends ConnectionError {}

/** The call's `signal` was aborted; `cause` is the signal's reason. The operation may have been done. */
export declare class AbortError extends CreditEngineError {}
