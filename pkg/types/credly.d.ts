// The types of `edge-credits/credly`. Names are Credly's, which are snake_case.

import type {
  Amount,
  CallOptions,
  ClientOptions,
  Transaction as EngineTransaction,
  Page,
  TransactionType,
  WireTokens,
} from "./index.d.ts";
import { CreditEngineError } from "./index.d.ts";

export type { CallOptions, Page, Pagination, TransactionType } from "./index.d.ts";
export {
  AbortError,
  ConfigurationError,
  ConnectionError,
  CreditEngineError,
  TimeoutError,
} from "./index.d.ts";

export interface CredlyOptions extends ClientOptions {
  /** Taken so that code stays as it is; which project it is says the key. */
  projectId: string;
}

/** Counts of tokens. */
export type CredlyTokens = WireTokens;

export interface StartUsageTransaction {
  user_id: string;
  /** A model of the price list. */
  model?: string;
  /** What is held at the model's price. Without it, the model's least price. */
  provisional_tokens?: CredlyTokens;
  /** What is held, instead of tokens. */
  amount?: Amount;
  /** A label for analytics. */
  feature_identifier?: string;
  /** Seconds until what nobody completed is released: 1 to 86,400. Default 900. */
  expires_in?: number;
}

export type StartedUsageTransaction = {
  balance: number;
  /** What is held. */
  credits_used: number;
  message: string;
} & (
  | { continue: true; transaction_id: string; expires_at: string }
  | { continue: false; transaction_id: null; expires_at: null }
);

export interface CompleteUsageTransaction {
  transaction_id: string;
  /** False charges nothing, unless tokens are given. */
  success: boolean;
  finalized_tokens?: CredlyTokens;
  amount?: Amount;
}

export interface CompletedUsageTransaction {
  credits_used: number;
  balance: number;
  /** What was held less what was charged. Positive: given back. Negative: charged on top. */
  balance_adjustment: number;
}

export interface CaptureUsage<T> extends StartUsageTransaction {
  /** The tier of a user who is made. Default: the project's `default_tier`. */
  tier_id?: string;
  /** The work. It is not begun without credits; if it throws, nothing is charged. */
  execute(start: StartedUsageTransaction & { continue: true }): T | PromiseLike<T>;
  /** What the work used. Without it, all that was held is charged. */
  finalizeTokens?(result: T): CredlyTokens | PromiseLike<CredlyTokens>;
  /** Throws `error` instead of answering with it. Default false. */
  rethrowOnError?: boolean;
}

export type CapturedUsage<T> =
  | ({ status: "completed"; result: T; transaction_id: string } & CompletedUsageTransaction)
  | { status: "insufficient_credits"; balance: number; message: string }
  /** The user could not be made, or nothing reserved. `execute` was not run. */
  | { status: "start_failed"; error: unknown }
  /** `execute` threw. What was reserved is released. */
  | { status: "execution_failed"; transaction_id: string; error: unknown }
  /** The work is done and not charged: complete it with `transaction_id` before it expires. */
  | { status: "completion_failed"; result: T; transaction_id: string; error: unknown };

export interface CreateUser {
  user_id: string;
  tier_id?: string;
  metadata?: Record<string, unknown>;
}

export type UserReference = string | { user_id: string };

export interface User {
  user_id: string;
  balance: number;
  available: number;
  held: number;
  tier_id: string | null;
  period_start: string | null;
  period_end: string | null;
  created_at: string;
  metadata: Record<string, unknown> | null;
}

export interface ListedUser {
  user_id: string;
  created_at: string;
}

export interface DeletedUser {
  user_id: string;
  deleted: true;
}

export interface ChangeUserTier {
  user_id: string;
  tier_id: string;
  /** True: the old tier's credits expire and the new one's come now. Default false: with the next period. */
  reset_balance?: boolean;
}

export interface PageOptions {
  limit?: number;
  offset?: number;
  cursor?: string;
}

export interface GetTransactions extends PageOptions {
  user_id: string;
  type?: TransactionType;
  from?: Date | string;
  to?: Date | string;
}

export type TransactionReference = string | { transaction_id: string };

export interface Transaction extends Omit<EngineTransaction, "customer_id"> {
  user_id: string;
}

export interface CredlyClient {
  /** Reserves credits before the work. Too few: `continue` is false, and nothing is reserved. */
  startUsageTransaction(
    start: StartUsageTransaction,
    options?: CallOptions,
  ): Promise<StartedUsageTransaction>;
  /** Charges what was used and releases the rest. */
  completeUsageTransaction(
    completion: CompleteUsageTransaction,
    options?: CallOptions,
  ): Promise<CompletedUsageTransaction>;
  /**
   * All of it around a function: makes the user if need be, reserves, runs, completes.
   * @param options `idempotencyKey` is the reservation's; `signal` ends it only before `execute`
   */
  captureUsage<T>(capture: CaptureUsage<T>, options?: CallOptions): Promise<CapturedUsage<T>>;
  createUser(user: CreateUser, options?: CallOptions): Promise<User>;
  getUser(user: UserReference, options?: CallOptions): Promise<User>;
  /** Newest first. */
  getUsers(page?: PageOptions, options?: CallOptions): Promise<Page<ListedUser>>;
  deleteUser(user: UserReference, options?: CallOptions): Promise<DeletedUser>;
  changeUserTier(change: ChangeUserTier, options?: CallOptions): Promise<User>;
  /** Newest first. */
  getTransactions(wanted: GetTransactions, options?: CallOptions): Promise<Page<Transaction>>;
  getTransaction(transaction: TransactionReference, options?: CallOptions): Promise<Transaction>;
}

export declare function createClient(options: CredlyOptions): CredlyClient;

/** A refusal. */
export declare class CredlyApiError extends CreditEngineError {
  protected constructor();
  readonly status: number;
  readonly title: string;
  /** Why, this time; the message too. */
  readonly detail: string;
  /** What kind of problem it is: a URI. */
  readonly type: string;
}

/** 400. */
export declare class CredlyBadRequestError extends CredlyApiError {}
/** 401. */
export declare class CredlyUnauthorizedError extends CredlyApiError {}
/** 403. */
export declare class CredlyForbiddenError extends CredlyApiError {}
/** 404. */
export declare class CredlyNotFoundError extends CredlyApiError {}
/** 409. */
export declare class CredlyConflictError extends CredlyApiError {}
/** 429. */
export declare class CredlyRateLimitError extends CredlyApiError {
  /** Seconds after which it may be tried again, if the engine said so. */
  readonly retryAfter: number | undefined;
}
/** 500 and above. */
export declare class CredlyServerError extends CredlyApiError {}
