// The public types, written by hand: they need neither the DOM's nor Node's, and hold under
// lib es2022.

declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** An exact amount of credits: at most 6 digits after the point. As a string it never passes through a double. */
export type Amount = number | string | bigint;

/** Tokens of a model call. */
export interface Tokens {
  /** All input tokens, cached ones included. */
  inputTokens?: number;
  outputTokens?: number;
  /** Those of the input that the provider served from its cache. */
  cachedInputTokens?: number;
}

/** The same under the names of the HTTP API. */
export interface WireTokens {
  input_tokens?: number;
  output_tokens?: number;
  cached_input_tokens?: number;
}

/** What the engine's price list is asked for. */
export type Priced =
  | { service: string; action: string; quantity?: number }
  | { model: string; tokens: Tokens | WireTokens };

/** How a charge says what it costs. */
export type Charge = Amount | Priced;

/** The parts of an `AbortSignal` that are used. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The parts of a `Response` that are used. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** `fetch`, or anything that is called like it. */
// biome-ignore lint/suspicious/noExplicitAny: the runtimes' own types of `init` differ
export type FetchLike = (url: string, init?: any) => Promise<ResponseLike>;

/** A Cloudflare service binding, or anything with its `fetch`. */
export interface Fetcher {
  fetch: FetchLike;
}

/** What a hook is told of one try. Nothing of the key, nothing of the body. */
export interface RequestEvent {
  /** The call, such as `consume`. */
  call: string;
  method: string;
  url: string;
  /** How often it was tried before. */
  retries: number;
  idempotencyKey: string | undefined;
}

export interface ResponseEvent extends RequestEvent {
  status: number;
  requestId: string | undefined;
  durationMs: number;
}

export interface RetryEvent extends RequestEvent {
  /** The answer's status; undefined if there was none. */
  status: number | undefined;
  waitMs: number;
}

export interface Hooks {
  onRequest?(event: RequestEvent): void;
  onResponse?(event: ResponseEvent): void;
  onRetry?(event: RetryEvent): void;
}

export interface Logger {
  debug?(message: string, details?: object): void;
}

/** What every client of this package takes. */
export interface ClientOptions {
  /** A project key (`ce_…`), on servers only; or a customer key (`ck_…`). A function is asked before each call. */
  apiKey: string | (() => string | Promise<string>);
  /** Where the engine is. Default: the environment's `CREDITS_URL`, else `http://127.0.0.1:8787`. */
  baseUrl?: string;
  /** A service binding to the engine (`env.CREDITS`): no public hop. */
  fetcher?: Fetcher;
  /** Used instead of the global `fetch`. */
  fetch?: FetchLike;
  /** How long a call may take with all its retries. Default 10,000. */
  timeoutMs?: number;
  /** Tries after the first. Default 2. */
  maxRetries?: number;
  hooks?: Hooks;
  logger?: Logger;
  /** Told of what no call could report. */
  onError?: (error: unknown) => void;
  /** Takes a project key in what looks like a browser. For tests with a simulated DOM; anybody can read a key in a real one. */
  dangerouslyAllowBrowser?: boolean;
}

/** What a single call may set differently. */
export interface CallOptions {
  /** The same key for the same operation: it is done once, however often it is asked for. Made if absent. */
  idempotencyKey?: string;
  signal?: AbortSignalLike | undefined;
  timeoutMs?: number;
  maxRetries?: number;
  headers?: Record<string, string>;
}

export interface CreditEngineOptions extends ClientOptions {
  /** `auto` and `stateless` are the same in this release; `persistent` is refused. Default `auto`. */
  mode?: "auto" | "stateless" | "persistent";
}

/** One grant of a balance, in the order in which they burn down. Named as in the HTTP API. */
export interface Grant {
  grant_id: string;
  source: string;
  product: string | null;
  amount: number;
  remaining: number;
  priority: number;
  effective_at: string;
  expires_at: string | null;
}

export interface Balance {
  customerId: string;
  /** All credits. */
  balance: number;
  /** Those that nothing holds. */
  available: number;
  held: number;
  creditName: string;
  asOf: string;
  /** With `includeBreakdown`. */
  breakdown?: Grant[];
}

export interface Charged {
  success: true;
  balance: number;
  /** What was charged. */
  amount: number;
  transactionId: string;
  /** Whether this is the answer of an earlier call with the same idempotency key. */
  replayed: boolean;
  shortfall?: undefined;
}

export interface Refused {
  success: false;
  balance: number;
  /** How many credits are missing. */
  shortfall: number;
  amount?: undefined;
  transactionId?: undefined;
  replayed?: undefined;
}

export interface Added {
  balance: number;
  amount: number;
  transactionId: string;
  grantId?: string;
  replayed: boolean;
}

export type TransactionType =
  | "consumption"
  | "topup"
  | "adjustment"
  | "refund"
  | "allocation"
  | "rollover"
  | "expiry"
  | "purchase";

/** One transaction, named as in the HTTP API. */
export interface Transaction {
  id: string;
  customer_id: string;
  type: TransactionType;
  /** What the balance changed by. */
  amount: number;
  balance_after: number;
  description: string | null;
  service: string | null;
  action: string | null;
  model: string | null;
  feature: string | null;
  metadata: Record<string, unknown> | null;
  idempotency_key: string | null;
  hold_id: string | null;
  refund_of: string | null;
  seq: number;
  created_at: string;
}

export interface Pagination {
  limit: number;
  offset: number;
  total: number;
  has_more: boolean;
  next_cursor: string | null;
}

export interface Page<Row> {
  data: Row[];
  pagination: Pagination;
}

export interface ConsumeOptions extends CallOptions {
  metadata?: Record<string, unknown>;
  /** What spend limits count it under. */
  feature?: string;
  /** Past it the charge is refused. */
  deadline?: Date | string;
}

export interface AddOptions extends CallOptions {
  /** Default `topup`. */
  type?: "topup" | "adjustment" | "refund";
  description?: string;
  metadata?: Record<string, unknown>;
  source?: string;
  product?: string;
  priority?: number;
  effectiveAt?: Date | string;
  expiresAt?: Date | string;
  /** The transaction that a refund gives back. */
  refundOf?: string;
}

export interface TransactionOptions extends CallOptions {
  limit?: number;
  offset?: number;
  cursor?: string;
  type?: TransactionType;
  from?: Date | string;
  to?: Date | string;
}

/** The client of an edge-credits engine. Each call is one request. */
export declare class CreditEngine {
  constructor(options: CreditEngineOptions);
  readonly mode: "stateless";
  getBalance(
    customerId: string,
    options?: CallOptions & { includeBreakdown?: boolean },
  ): Promise<Balance>;
  /** Charges; on too few credits answers `success: false`. */
  consume(
    customerId: string,
    amount: Charge,
    description?: string,
    options?: ConsumeOptions,
  ): Promise<Charged | Refused>;
  /** Charges, or throws `InsufficientCreditsError`. */
  consumeOrFail(
    customerId: string,
    amount: Charge,
    description?: string,
    options?: ConsumeOptions,
  ): Promise<Charged>;
  /** Adds credits; an `adjustment` may be negative. */
  add(customerId: string, amount: Amount, options?: AddOptions): Promise<Added>;
  /** Newest first. */
  getTransactions(customerId: string, options?: TransactionOptions): Promise<Page<Transaction>>;
  destroy(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The base of all errors of this package. `instanceof` holds across copies of it. */
export declare class CreditEngineError extends Error {
  constructor(message: string, options?: ErrorOptions);
  /** The stable machine word, such as `insufficient_credits`. */
  readonly code: string;
  /** The answer's status; undefined if there was no answer. */
  readonly status: number | undefined;
  /** The answer's own fields. */
  readonly details: Record<string, unknown>;
  /** What the engine logged the request under. */
  readonly requestId: string | undefined;
  /** With it the same operation may be asked for again and is done once. */
  readonly idempotencyKey: string | undefined;
  readonly cause?: unknown;
}

export interface ErrorOptions {
  code?: string;
  status?: number | undefined;
  details?: Record<string, unknown> | undefined;
  requestId?: string | undefined;
  idempotencyKey?: string | undefined;
  cause?: unknown;
}

export declare class InsufficientCreditsError extends CreditEngineError {
  readonly currentBalance: number;
  readonly requested: number;
  readonly shortfall: number;
}

export declare class RateLimitError extends CreditEngineError {
  /** Seconds after which it may be tried again, if the engine said so. */
  readonly retryAfter: number | undefined;
}

/** No key, a wrong one, or one that may not do this. */
export declare class AuthenticationError extends CreditEngineError {}

/** An option that cannot be. */
export declare class ConfigurationError extends CreditEngineError {}

/** No whole answer. The operation may have been done: ask again with `idempotencyKey`. */
export declare class ConnectionError extends CreditEngineError {}

/** No answer within `timeoutMs`. */
export declare class TimeoutError extends ConnectionError {}

/** The call's `signal` was aborted. */
export declare class AbortError extends CreditEngineError {}

/** The version of this package. */
export declare const VERSION: string;
