// CreditEngine: the package's own client.

import type { Amount, Charge, ModelPriced } from "./amounts.d.ts";
import type {
  ActionUsage,
  AnalyticsSummary,
  BurnRate,
  BurnRateOptions,
  PeriodOptions,
  TopConsumer,
  TopConsumersOptions,
  UsageAnalytics,
  UsageAnalyticsOptions,
} from "./analytics.d.ts";
import type {
  Added,
  AddOptions,
  Balance,
  BalanceOptions,
  Charged,
  ConsumeOptions,
  Degraded,
  Refused,
  TopUpSession,
  TopUpSessionOptions,
} from "./charges.d.ts";
import type { CallOptions, CreditEngineOptions } from "./options.d.ts";
import type { Runtime } from "./platform.d.ts";
import type { Page, Transaction, TransactionOptions } from "./transactions.d.ts";
import type {
  Completed,
  CompleteUsageOptions,
  NotStarted,
  Started,
  StartUsageOptions,
  UsageTransaction,
} from "./usage.d.ts";

declare global {
  // Named here, so that the types hold under a lib that does not know it yet.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/**
 * The client of an edge-credits engine. Each call is one request, tried again where that may
 * help, within one deadline and under one idempotency key.
 *
 * What a call ends with is a {@link CreditEngineError}: an {@link AuthenticationError}, a
 * {@link RateLimitError}, a {@link ConnectionError} or {@link TimeoutError} where no whole answer
 * came, an {@link AbortError}, or one with the engine's `code`, such as `invalid_amount`.
 */
export declare class CreditEngine {
  /**
   * Sends nothing.
   * @throws {@link ConfigurationError} for an option that cannot be, such as a missing or malformed
   * key, or a project key in a browser
   */
  constructor(options: CreditEngineOptions);
  /** Nothing is kept from call to call, but for the prices that `estimate` has read. */
  readonly mode: "stateless";
  /** Where it runs, as far as it can tell. */
  readonly runtime: Runtime;
  /** Operations that were let through in an outage and are not charged yet. */
  readonly pendingOperations: number;
  /**
   * What a customer has, up to the last charge.
   * @throws {@link CreditEngineError} `not_found`: no such customer
   */
  getBalance(customerId: string, options?: BalanceOptions): Promise<Balance>;
  /**
   * Charges; on too few credits answers `success: false`.
   * @throws {@link CreditEngineError} `invalid_amount`, `unknown_price`, `limit_reached` (a spend
   * limit), `deadline_passed`, `idempotency_key_reused` (for another operation)
   */
  consume(
    customerId: string,
    amount: Charge,
    description?: string,
    options?: ConsumeOptions,
  ): Promise<Charged | Degraded | Refused>;
  /**
   * Charges, as {@link CreditEngine.consume}.
   * @throws {@link InsufficientCreditsError} on too few credits
   */
  consumeOrFail(
    customerId: string,
    amount: Charge,
    description?: string,
    options?: ConsumeOptions,
  ): Promise<Charged | Degraded>;
  /**
   * Holds credits for work whose price is known only afterwards; on too few answers
   * `success: false`. They stay in the balance and cannot be spent otherwise.
   */
  startUsage(
    customerId: string,
    amount: Amount | ModelPriced,
    options?: StartUsageOptions,
  ): Promise<Started | NotStarted>;
  /**
   * Charges what the work cost and releases the rest. The same again answers the same.
   * @throws {@link CreditEngineError} `already_completed`: with other numbers
   */
  completeUsage(transactionId: string, options?: CompleteUsageOptions): Promise<Completed>;
  /**
   * What became of a hold.
   * @throws {@link CreditEngineError} `not_found`
   */
  getUsage(transactionId: string, options?: CallOptions): Promise<UsageTransaction>;
  /** Adds credits, and makes the customer if need be. An `adjustment` may be negative. */
  add(customerId: string, amount: Amount, options?: AddOptions): Promise<Added>;
  /** Newest first. */
  getTransactions(customerId: string, options?: TransactionOptions): Promise<Page<Transaction>>;
  /** Makes a page where the customer buys a pack of credits. */
  createTopUpSession(options: TopUpSessionOptions): Promise<TopUpSession>;
  /**
   * What a charge would cost now, in credits, by the code that charges. The project's prices are
   * read once and kept for `pricesMaxAgeMs`.
   * @throws {@link CreditEngineError} `unknown_price`
   */
  estimate(charge: Charge, options?: CallOptions): Promise<number>;
  /** Totals by action. */
  getUsageAnalytics(
    options: UsageAnalyticsOptions & { groupBy: "action" },
  ): Promise<UsageAnalytics<ActionUsage>>;
  /** Totals by day or week. */
  getUsageAnalytics(options?: UsageAnalyticsOptions): Promise<UsageAnalytics>;
  /** The most consumed first. */
  getTopConsumers(options?: TopConsumersOptions): Promise<TopConsumer[]>;
  /** By type and priced action, the most consumed first. */
  getActionBreakdown(options?: PeriodOptions): Promise<ActionUsage[]>;
  /** How fast credits are used, and for how long they last. */
  getBurnRate(options?: BurnRateOptions): Promise<BurnRate>;
  /** Totals beside those of as many days before. */
  getAnalyticsSummary(options?: PeriodOptions): Promise<AnalyticsSummary>;
  /**
   * Charges what was let through in an outage. From now on no call is made.
   * @throws {@link CreditEngineError} `unsettled`: some of it could not be charged. It stays pending,
   * and `destroy` may be called again
   */
  destroy(): Promise<void>;
  /** Lets `await using` end with {@link CreditEngine.destroy}. */
  [Symbol.asyncDispose](): Promise<void>;
}
