// The types of `edge-credits/credly`. Names are Credly's, which are snake_case.

/**
 * Credly's client under its own names: {@link createClient}. Names are snake_case, as there.
 * @packageDocumentation
 */

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

/** What {@link createClient} takes. */
export interface CredlyOptions extends ClientOptions {
  /** Taken so that code stays as it is; which project it is says the key. */
  projectId: string;
}

/** Counts of tokens. */
export type CredlyTokens = WireTokens;

/** What is reserved, and for whom. */
export interface StartUsageTransaction {
  /** Who pays. */
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

/** What came of a reservation: with too few credits `continue` is false. */
export type StartedUsageTransaction = {
  /** Credits that there are. */
  balance: number;
  /** What is held. */
  credits_used: number;
  /** The same in words. */
  message: string;
} & (
  | { continue: true; transaction_id: string; expires_at: string }
  | { continue: false; transaction_id: null; expires_at: null }
);

/** What the work came to. */
export interface CompleteUsageTransaction {
  /** What the start answered. */
  transaction_id: string;
  /** False charges nothing, unless tokens are given. */
  success: boolean;
  /** What it used, at the model's price of the start. */
  finalized_tokens?: CredlyTokens;
  /** Credits, instead of tokens. */
  amount?: Amount;
}

/** What was charged. */
export interface CompletedUsageTransaction {
  /** Credits that were charged. */
  credits_used: number;
  /** Credits that are left. */
  balance: number;
  /** What was held less what was charged. Positive: given back. Negative: charged on top. */
  balance_adjustment: number;
}

/** A reservation and the work that it is for. */
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

/** How a capture ended, by `status`. */
export type CapturedUsage<T> =
  | ({ status: "completed"; result: T; transaction_id: string } & CompletedUsageTransaction)
  | { status: "insufficient_credits"; balance: number; message: string }
  /** The user could not be made, or nothing reserved. `execute` was not run. */
  | { status: "start_failed"; error: unknown }
  /** `execute` threw. What was reserved is released. */
  | { status: "execution_failed"; transaction_id: string; error: unknown }
  /** The work is done and not charged: complete it with `transaction_id` before it expires. */
  | { status: "completion_failed"; result: T; transaction_id: string; error: unknown };

/** A user to make. */
export interface CreateUser {
  /** Your own id of the user. */
  user_id: string;
  /** Default: the project's `default_tier`. */
  tier_id?: string;
  /** Kept with the user: JSON, at most 4 KiB. */
  metadata?: Record<string, unknown>;
}

/** A user, by id. */
export type UserReference = string | { user_id: string };

/** A user with its credits. */
export interface User {
  /** Your own id of the user. */
  user_id: string;
  /** All credits; negative in debt. */
  balance: number;
  /** Credits that can be spent now. */
  available: number;
  /** Credits that are reserved. */
  held: number;
  /** Its tier, if it has one. */
  tier_id: string | null;
  /** When its tier's running period began: an ISO time in UTC. */
  period_start: string | null;
  /** When it ends, and the next credits come. */
  period_end: string | null;
  /** When it was made. */
  created_at: string;
  /** What was kept with it. */
  metadata: Record<string, unknown> | null;
}

/** A user in a list. */
export interface ListedUser {
  /** Your own id of the user. */
  user_id: string;
  /** When it was made: an ISO time in UTC. */
  created_at: string;
}

/** A user that is gone. */
export interface DeletedUser {
  /** Your own id of the user. */
  user_id: string;
  /** Always true. */
  deleted: true;
}

/** A user and its new tier. */
export interface ChangeUserTier {
  /** Whose tier changes. */
  user_id: string;
  /** The new one. */
  tier_id: string;
  /** True: the old tier's credits expire and the new one's come now. Default false: with the next period. */
  reset_balance?: boolean;
}

/** Which rows, and how many at once. */
export interface PageOptions {
  /** How many, 1 to 100. Default 20. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
  /** From where a page went on: its `next_cursor`. */
  cursor?: string;
}

/** Whose transactions, and which. */
export interface GetTransactions extends PageOptions {
  /** Whose. */
  user_id: string;
  /** Only these. */
  type?: TransactionType;
  /** From when on. A text is an ISO time. */
  from?: Date | string;
  /** Until when. */
  to?: Date | string;
}

/** A transaction, by id. */
export type TransactionReference = string | { transaction_id: string };

/** One transaction: the engine's, with `user_id` for the customer's id. */
export interface Transaction extends Omit<EngineTransaction, "customer_id"> {
  /** Whose it is. */
  user_id: string;
}

/** The calls. A refusal is a {@link CredlyApiError} of the class of its status. */
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
  /**
   * Makes a user.
   * @throws {@link CredlyConflictError} if there is one already
   */
  createUser(user: CreateUser, options?: CallOptions): Promise<User>;
  /**
   * A user with its credits.
   * @throws {@link CredlyNotFoundError} if there is none
   */
  getUser(user: UserReference, options?: CallOptions): Promise<User>;
  /** Newest first. */
  getUsers(page?: PageOptions, options?: CallOptions): Promise<Page<ListedUser>>;
  /** Deletes a user and its credits. */
  deleteUser(user: UserReference, options?: CallOptions): Promise<DeletedUser>;
  /** Moves a user to another tier. */
  changeUserTier(change: ChangeUserTier, options?: CallOptions): Promise<User>;
  /** Newest first. */
  getTransactions(wanted: GetTransactions, options?: CallOptions): Promise<Page<Transaction>>;
  /**
   * One transaction.
   * @throws {@link CredlyNotFoundError} if there is none
   */
  getTransaction(transaction: TransactionReference, options?: CallOptions): Promise<Transaction>;
}

/**
 * Makes a client. Sends nothing.
 * @throws {@link ConfigurationError} for an option that cannot be
 */
export declare function createClient(options: CredlyOptions): CredlyClient;

/** What the engine refused: the base of the seven classes by status. */
export declare class CredlyApiError extends CreditEngineError {
  protected constructor();
  /** The HTTP status. */
  readonly status: number;
  /** What kind of problem it is, for people. */
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
