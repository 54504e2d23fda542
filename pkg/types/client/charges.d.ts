// Balances, charges, and what puts credits in.

import type { CallOptions } from "./options.d.ts";

/**
 * Where a grant came from. It says which burn first, if nothing else does: `prototype`
 * (promotional) 10, `daily` and `period` 20, `rollover` 30, all others 40.
 */
export type GrantSource =
  | "prototype"
  | "daily"
  | "period"
  | "rollover"
  | "purchased"
  | "topup"
  | "adjustment"
  | "refund";

/** One grant of a balance, in the order in which they burn down. Named as in the HTTP API. */
export interface Grant {
  /** Its id, `grant_…`. */
  grant_id: string;
  /** Where its credits came from. */
  source: GrantSource;
  /** What it was given for, if somebody said so. */
  product: string | null;
  /** Credits that it began with. */
  amount: number;
  /** Credits that are left of it. */
  remaining: number;
  /** The lowest burns first. */
  priority: number;
  /** From when it can be spent: an ISO time in UTC. */
  effective_at: string;
  /** When what is left of it expires; null if never. */
  expires_at: string | null;
}

/** What a balance is read with. */
export interface BalanceOptions extends CallOptions {
  /** Lists the grants as well. Default false. */
  includeBreakdown?: boolean;
}

/** What a customer has, in credits. */
export interface Balance {
  /** Whose it is. */
  customerId: string;
  /** All credits, those that are held and those that are not effective yet included; negative in debt. */
  balance: number;
  /** Those that can be spent now. */
  available: number;
  /** Those that are held for work that still runs. */
  held: number;
  /** What the project calls its credits. */
  creditName: string;
  /** When this was so: an ISO time in UTC. */
  asOf: string;
  /** The grants in burn-down order; only with `includeBreakdown`. */
  breakdown?: Grant[];
}

/** What a charge may say beyond its price. */
export interface ConsumeOptions extends CallOptions {
  /** Kept with the transaction: JSON, at most 4 KiB. */
  metadata?: Record<string, unknown>;
  /** What spend limits count it under. */
  feature?: string;
  /** Past it the charge is refused with `deadline_passed`. A text is an ISO time. */
  deadline?: Date | string;
}

/** Charged. */
export interface Charged {
  /** It is charged. */
  success: true;
  /** Only where it was let through. */
  degraded?: undefined;
  /** Credits that are left. */
  balance: number;
  /** Credits that were charged. */
  amount: number;
  /** The charge's id, `txn_…`: what a refund names. */
  transactionId: string;
  /** Whether this is the answer of an earlier call with the same idempotency key. */
  replayed: boolean;
  /** Only on too few credits. */
  shortfall?: undefined;
}

/**
 * Let through while the engine could not be reached, to be charged when it can: only with
 * `gracefulDegradation`.
 */
export interface Degraded {
  /** It will be charged. */
  success: true;
  /** It was let through. */
  degraded: true;
  /** `NaN`: nobody knows it now. */
  balance: number;
  /** Credits that will be charged. */
  amount: number;
  /** There is no transaction yet. The charge will have this idempotency key. */
  idempotencyKey: string;
  /** Only of a charge. */
  transactionId?: undefined;
  /** Whether an earlier call with the same idempotency key was let through. */
  replayed: boolean;
  /** Only on too few credits. */
  shortfall?: undefined;
}

/** Too few credits: nothing is charged. */
export interface Refused {
  /** Nothing is charged. */
  success: false;
  /** Only where it was let through. */
  degraded?: undefined;
  /** Credits that there are, held ones included. */
  balance: number;
  /** How many credits are missing. */
  shortfall: number;
  /** Nothing. */
  amount?: undefined;
  /** There is none. */
  transactionId?: undefined;
  /** A refusal is not remembered: the same key may succeed later. */
  replayed?: undefined;
}

/** What credits may say of themselves. */
export interface AddOptions extends CallOptions {
  /** An `adjustment` may be negative; a `refund` names a charge by `refundOf`. Default `topup`. */
  type?: "topup" | "adjustment" | "refund";
  /** Kept with the transaction. */
  description?: string;
  /** Kept with the transaction: JSON, at most 4 KiB. */
  metadata?: Record<string, unknown>;
  /** Where they come from. Default: what `type` says. */
  source?: GrantSource;
  /** What they were given for. */
  product?: string;
  /** The lowest burns first. Default: that of the source. */
  priority?: number;
  /** From when they can be spent. Default: now. A text is an ISO time. */
  effectiveAt?: Date | string;
  /** When what is left of them expires. Default: never. */
  expiresAt?: Date | string;
  /** The transaction that a refund gives back: all its refunds together at most what it charged. */
  refundOf?: string;
}

/** Credits were added. */
export interface Added {
  /** Credits that there are now. */
  balance: number;
  /** Credits that were added; negative if they were taken. */
  amount: number;
  /** The entry's id, `txn_…`. */
  transactionId: string;
  /** The grant that holds them, where there is one. */
  grantId?: string;
  /** Whether this is the answer of an earlier call with the same idempotency key. */
  replayed: boolean;
}

/** What a top-up page is made of. */
export interface TopUpSessionOptions extends CallOptions {
  /** Who gets the credits. */
  customerId: string;
  /** Where the payment page leads afterwards: an absolute URL. */
  successUrl: string;
  /** Where it leads if nobody pays: an absolute URL. */
  cancelUrl: string;
  /** Which pack; may be absent if the project has one only. */
  packId?: string;
}

/** A page where a customer pays. The credits come when the payment has succeeded. */
export interface TopUpSession {
  /** Where to send the customer. */
  checkoutUrl: string;
  /** The payment provider's name of it, `cs_…`. */
  sessionId: string;
}
