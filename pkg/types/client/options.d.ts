// What clients and their calls can be set to, and what they tell of themselves.

import type { Amount } from "./amounts.d.ts";
import type { AbortSignalLike, Fetcher, FetchLike } from "./platform.d.ts";

/** What a hook is told of one try. Nothing of the key, nothing of the body. */
export interface RequestEvent {
  /** The call, such as `consume`. */
  call: string;
  /** The HTTP method. */
  method: string;
  /** The whole address. */
  url: string;
  /** How often it was tried before. */
  retries: number;
  /** What all tries of a call have in common; undefined where nothing is changed. */
  idempotencyKey: string | undefined;
}

/** What a hook is told of an answer. */
export interface ResponseEvent extends RequestEvent {
  /** The HTTP status. */
  status: number;
  /** What the engine logged the request under. */
  requestId: string | undefined;
  /** Milliseconds of this try alone. */
  durationMs: number;
}

/** What a hook is told before a wait. */
export interface RetryEvent extends RequestEvent {
  /** The answer's status; undefined if there was none. */
  status: number | undefined;
  /** Milliseconds until the next try. */
  waitMs: number;
}

/** Told of each try. What a hook throws goes to `onError` and never breaks a call. */
export interface Hooks {
  /** Before each try. */
  onRequest?(event: RequestEvent): void;
  /** After each answer, whatever its status. */
  onResponse?(event: ResponseEvent): void;
  /** Before the wait for another try. */
  onRetry?(event: RetryEvent): void;
}

/** Such as `console`. */
export interface Logger {
  /** Told what the hooks are told. */
  debug?(message: string, details?: object): void;
}

/** What every client of this package takes. What cannot be is a {@link ConfigurationError} at once. */
export interface ClientOptions {
  /** A project key (`ce_…`), on servers only; or a customer key (`ck_…`). A function is asked before each call. */
  apiKey: string | (() => string | Promise<string>);
  /** Where the engine is. Default: the environment's `CREDITS_URL`, else `http://127.0.0.1:8787`. */
  baseUrl?: string;
  /** A service binding to the engine (`env.CREDITS`): no public hop. */
  fetcher?: Fetcher;
  /** Used instead of the global `fetch`. */
  fetch?: FetchLike;
  /** How many milliseconds a call may take with all its retries. Default 10,000. */
  timeoutMs?: number;
  /** Tries after the first, 0 to 100. Default 2. */
  maxRetries?: number;
  /** Told of each try. */
  hooks?: Hooks;
  /** Told of each try, as words. */
  logger?: Logger;
  /** Told of what no call could report: failed settlements, hooks that throw. */
  onError?: (error: unknown) => void;
  /** Takes a project key in what looks like a browser. For tests with a simulated DOM; anybody can read a key in a real one. */
  dangerouslyAllowBrowser?: boolean;
}

/** What a single call may set differently. */
export interface CallOptions {
  /** The same key for the same operation: it is done once, however often it is asked for. Made if absent. */
  idempotencyKey?: string;
  /** Ends the call with an {@link AbortError}. What it asked for may have been done. */
  signal?: AbortSignalLike | undefined;
  /** How many milliseconds this call may take with all its retries. */
  timeoutMs?: number;
  /** Tries after the first, 0 to 100. */
  maxRetries?: number;
  /** Sent too. */
  headers?: Record<string, string>;
}

/** What a {@link CreditEngine} takes. */
export interface CreditEngineOptions extends ClientOptions {
  /** `auto` and `stateless` are the same in this release. Default `auto`. */
  mode?: "auto" | "stateless";
  /** Lets a bounded number of credits through while the engine cannot be reached. Default false. */
  gracefulDegradation?: boolean | GracefulDegradation;
  /** For how many milliseconds `estimate` goes by the prices that it has read. Default 60,000. */
  pricesMaxAgeMs?: number;
}

/** How much may be let through in an outage. */
export interface GracefulDegradation {
  /** How many credits may be let through and not yet charged, over all engines of the process. Default 100. */
  maxCredits?: Amount;
}
