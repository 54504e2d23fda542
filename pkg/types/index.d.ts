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

export interface ModelPriced {
  model: string;
  tokens: Tokens | WireTokens;
}

/** What the engine's price list is asked for. */
export type Priced = { service: string; action: string; quantity?: number } | ModelPriced;

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
  /** Lets a bounded number of credits through while the engine cannot be reached. Default false. */
  gracefulDegradation?: boolean | GracefulDegradation;
  /** How long `estimate` goes by the prices that it has read. Default 60,000. */
  pricesMaxAgeMs?: number;
}

export interface GracefulDegradation {
  /** How many credits may be let through and not yet charged, over all engines of the process. Default 100. */
  maxCredits?: Amount;
}

/** Where the package runs, as far as it can tell. */
export type Runtime = "cloudflare" | "vercel" | "netlify" | "aws-lambda" | "other";

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
  degraded?: undefined;
  balance: number;
  /** What was charged. */
  amount: number;
  transactionId: string;
  /** Whether this is the answer of an earlier call with the same idempotency key. */
  replayed: boolean;
  shortfall?: undefined;
}

/**
 * Let through while the engine could not be reached, to be charged when it can: only with
 * `gracefulDegradation`.
 */
export interface Degraded {
  success: true;
  degraded: true;
  /** `NaN`: nobody knows it now. */
  balance: number;
  /** What will be charged. */
  amount: number;
  /** There is no transaction yet. The charge will have this idempotency key. */
  idempotencyKey: string;
  transactionId?: undefined;
  /** Whether an earlier call with the same idempotency key was let through. */
  replayed: boolean;
  shortfall?: undefined;
}

export interface Refused {
  success: false;
  degraded?: undefined;
  balance: number;
  /** How many credits are missing. */
  shortfall: number;
  amount?: undefined;
  transactionId?: undefined;
  replayed?: undefined;
}

export interface StartUsageOptions extends CallOptions {
  /** A label for analytics, and what spend limits count it under. */
  feature?: string;
  /** Seconds until what nobody completed is released: 1 to 86,400. Default 900. */
  expiresIn?: number;
}

/** Credits are held. */
export interface Started {
  success: true;
  balance: number;
  /** What is held. */
  amount: number;
  transactionId: string;
  expiresAt: string;
}

/** Too few credits: nothing is held. */
export interface NotStarted {
  success: false;
  balance: number;
  amount?: undefined;
  transactionId?: undefined;
  expiresAt?: undefined;
}

export interface CompleteUsageOptions extends CallOptions {
  /** False releases all, unless an amount or tokens are given. Default true. */
  success?: boolean;
  /** What is charged. Default: all that was held. */
  amount?: Amount;
  /** The same in tokens, where a model's price was held. */
  tokens?: Tokens | WireTokens;
}

export interface Completed {
  /** What was charged. */
  amount: number;
  balance: number;
  /** What was held less what was charged. */
  adjustment: number;
}

/** One usage transaction, named as in the HTTP API. */
export interface UsageTransaction {
  transaction_id: string;
  /** `failed` was completed without success, `expired` by nobody. */
  state: "pending" | "completed" | "failed" | "expired";
  customer_id: string;
  held: number;
  credits_used: number;
  feature_identifier: string | null;
  model: string | null;
  created_at: string;
  expires_at: string;
  late: boolean;
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

export interface TopUpSessionOptions extends CallOptions {
  customerId: string;
  successUrl: string;
  cancelUrl: string;
  /** Which pack; may be absent if the project has one only. */
  packId?: string;
}

export interface TopUpSession {
  /** Where the customer pays. */
  checkoutUrl: string;
  sessionId: string;
}

/** Days in UTC, today included. */
export type Period = "last_7_days" | "last_30_days" | "last_90_days" | "current_month";

export interface PeriodOptions extends CallOptions {
  /** Default `last_30_days`. */
  period?: Period;
}

export interface UsageAnalyticsOptions extends PeriodOptions {
  /** What a row is. Default `day`. */
  groupBy?: "day" | "week" | "action";
  /** One customer; all together if absent. */
  customerId?: string;
  /** The first day, instead of `period`. */
  from?: Date | string;
  /** The last day. */
  to?: Date | string;
}

/** What all rows of analytics count. Named as in the HTTP API. */
export interface UsageTotals {
  /** What charges took. */
  consumed: number;
  /** What everything else put in. */
  added: number;
  /** What everything else took. */
  removed: number;
  /** What the balances changed by. */
  net: number;
  /** The part of `consumed` that no credits could pay. */
  overage: number;
  transaction_count: number;
}

export interface UsageDay extends UsageTotals {
  /** The day; of a week its Monday. */
  day: string;
  /** Only by week. */
  week?: string;
}

export interface ActionUsage extends UsageTotals {
  /** The priced action or model; null where the catalogue gave no price. */
  action: string | null;
  type: TransactionType;
  service: string | null;
}

export interface UsageAnalytics<Row = UsageDay> {
  data: Row[];
  from: string;
  to: string;
  customer_id?: string;
}

export interface TopConsumer {
  customer_id: string;
  total_consumed: number;
  total_added: number;
  total_removed: number;
  overage: number;
  transaction_count: number;
}

export interface BurnRate {
  daily_avg_consumed: number;
  daily_avg_added: number;
  daily_avg_removed: number;
  net_daily_burn: number;
  /** Null while the balances do not fall. */
  projection_days_remaining: number | null;
  total_balance: number;
  days: number;
}

export interface PeriodTotals {
  from: string;
  to: string;
  total_consumed: number;
  total_added: number;
  total_removed: number;
  net_change: number;
  overage: number;
  total_transactions: number;
  active_customers: number;
}

export interface AnalyticsSummary extends PeriodTotals {
  /** The same number of days before; `change_percent` of what was consumed, null if it was nothing. */
  comparison: PeriodTotals & { change_percent: number | null };
}

/** The client of an edge-credits engine. Each call is one request. */
export declare class CreditEngine {
  constructor(options: CreditEngineOptions);
  readonly mode: "stateless";
  readonly runtime: Runtime;
  /** Operations that were let through in an outage and are not charged yet. */
  readonly pendingOperations: number;
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
  ): Promise<Charged | Degraded | Refused>;
  /** Charges, or throws `InsufficientCreditsError`. */
  consumeOrFail(
    customerId: string,
    amount: Charge,
    description?: string,
    options?: ConsumeOptions,
  ): Promise<Charged | Degraded>;
  /** Holds credits for work whose price is known only afterwards. */
  startUsage(
    customerId: string,
    amount: Amount | ModelPriced,
    options?: StartUsageOptions,
  ): Promise<Started | NotStarted>;
  /** Charges what the work cost and releases the rest. */
  completeUsage(transactionId: string, options?: CompleteUsageOptions): Promise<Completed>;
  getUsage(transactionId: string, options?: CallOptions): Promise<UsageTransaction>;
  /** Adds credits; an `adjustment` may be negative. */
  add(customerId: string, amount: Amount, options?: AddOptions): Promise<Added>;
  /** Newest first. */
  getTransactions(customerId: string, options?: TransactionOptions): Promise<Page<Transaction>>;
  /** Makes a page where the customer buys a pack of credits. */
  createTopUpSession(options: TopUpSessionOptions): Promise<TopUpSession>;
  /** What a charge would cost now, by the project's prices: they are read once and kept for a while. */
  estimate(charge: Charge, options?: CallOptions): Promise<number>;
  getUsageAnalytics(
    options: UsageAnalyticsOptions & { groupBy: "action" },
  ): Promise<UsageAnalytics<ActionUsage>>;
  getUsageAnalytics(options?: UsageAnalyticsOptions): Promise<UsageAnalytics>;
  /** The most consumed first. */
  getTopConsumers(
    options?: PeriodOptions & { /** Default 10. */ limit?: number },
  ): Promise<TopConsumer[]>;
  /** By type and priced action, the most consumed first. */
  getActionBreakdown(options?: PeriodOptions): Promise<ActionUsage[]>;
  getBurnRate(options?: CallOptions & { /** Default 30. */ days?: number }): Promise<BurnRate>;
  getAnalyticsSummary(options?: PeriodOptions): Promise<AnalyticsSummary>;
  /**
   * Charges what was let through in an outage; from now on no call is made. Throws `unsettled`
   * if some of it could not be charged: it stays pending, and `destroy` may be called again.
   */
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
