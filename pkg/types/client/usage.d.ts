// Holds: credits that are set aside for work whose price is known only afterwards.

import type { Amount, Tokens, WireTokens } from "./amounts.d.ts";
import type { CallOptions } from "./options.d.ts";

/** What a hold may say of itself. */
export interface StartUsageOptions extends CallOptions {
  /** A label for analytics, and what spend limits count it under. */
  feature?: string;
  /** Seconds until what nobody completed is released: 1 to 86,400. Default 900. */
  expiresIn?: number;
}

/** Credits are held. */
export interface Started {
  /** They are held. */
  success: true;
  /** All credits, held ones included. */
  balance: number;
  /** Credits that are held. */
  amount: number;
  /** What `completeUsage` is given. */
  transactionId: string;
  /** When they are released if nobody completes: an ISO time in UTC. */
  expiresAt: string;
}

/** Too few credits: nothing is held. */
export interface NotStarted {
  /** Nothing is held. */
  success: false;
  /** Credits that there are. */
  balance: number;
  /** Nothing. */
  amount?: undefined;
  /** There is none. */
  transactionId?: undefined;
  /** Never. */
  expiresAt?: undefined;
}

/** What the work came to. */
export interface CompleteUsageOptions extends CallOptions {
  /** False releases all, unless an amount or tokens are given. Default true. */
  success?: boolean;
  /** Credits to charge. Default: all that was held. */
  amount?: Amount;
  /** The same in tokens, where a model's price was held. */
  tokens?: Tokens | WireTokens;
}

/** What was made of a hold. */
export interface Completed {
  /** Credits that were charged. */
  amount: number;
  /** Credits that are left. */
  balance: number;
  /** What was held less what was charged: positive was given back, negative charged on top. */
  adjustment: number;
}

/** One usage transaction, named as in the HTTP API. */
export interface UsageTransaction {
  /** Its id. */
  transaction_id: string;
  /** `failed` was completed without success, `expired` by nobody. */
  state: "pending" | "completed" | "failed" | "expired";
  /** Who pays. */
  customer_id: string;
  /** Credits that it holds now; 0 unless pending. */
  held: number;
  /** Credits that it charged; 0 while pending. */
  credits_used: number;
  /** Its label, if it has one. */
  feature_identifier: string | null;
  /** Whose price it has; null for a plain amount. */
  model: string | null;
  /** When it began: an ISO time in UTC. */
  created_at: string;
  /** When its hold ends. */
  expires_at: string;
  /** Whether it was completed after that: the work is charged all the same. */
  late: boolean;
}
