// The journal of a customer, page by page.

import type { CallOptions } from "./options.d.ts";

/** What moved credits. Holds are not among them: they move nothing until they are completed. */
export type TransactionType =
  | "consumption"
  | "topup"
  | "adjustment"
  | "refund"
  | "allocation"
  | "rollover"
  | "expiry"
  | "purchase";

/** Which transactions, and how many at once. */
export interface TransactionOptions extends CallOptions {
  /** How many, 1 to 100. Default 20. */
  limit?: number;
  /** How many to skip. */
  offset?: number;
  /** From where a page went on: its `next_cursor`. Unlike an offset it holds while entries come. */
  cursor?: string;
  /** Only these. */
  type?: TransactionType;
  /** From when on. A text is an ISO time. */
  from?: Date | string;
  /** Until when. */
  to?: Date | string;
}

/** One transaction, named as in the HTTP API. */
export interface Transaction {
  /** Its id, `txn_…`. */
  id: string;
  /** Whose it is. */
  customer_id: string;
  /** What it was. */
  type: TransactionType;
  /** Credits that the balance changed by. */
  amount: number;
  /** Credits that there were then. */
  balance_after: number;
  /** The part of a charge that no credits could pay: debt. Absent if there is none. */
  overage?: number;
  /** What its caller said of it. */
  description: string | null;
  /** The service of its price. */
  service: string | null;
  /** The action of its price. */
  action: string | null;
  /** The model of its price. */
  model: string | null;
  /** What spend limits counted it under. */
  feature: string | null;
  /** What its caller kept with it. */
  metadata: Record<string, unknown> | null;
  /** The key under which it was asked for. */
  idempotency_key: string | null;
  /** The hold that it completed. */
  hold_id: string | null;
  /** The charge that it gave back. */
  refund_of: string | null;
  /** Its number in the customer's journal: one more than that of the entry before. */
  seq: number;
  /** When it was: an ISO time in UTC. */
  created_at: string;
}

/** Where a page stands among all rows. */
export interface Pagination {
  /** How many rows a page has at most. */
  limit: number;
  /** How many were skipped. */
  offset: number;
  /** How many there are. */
  total: number;
  /** Whether more follow. */
  has_more: boolean;
  /** What the next page is asked for with; null on the last one. */
  next_cursor: string | null;
}

/** Some rows of many. */
export interface Page<Row> {
  /** The rows. */
  data: Row[];
  /** Where they stand. */
  pagination: Pagination;
}
