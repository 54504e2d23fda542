// What a client asked, when, and what came back: the history that the checker reads, beside
// the journal rows that it reads it against. Nothing here knows how the engine works.

import type { Past } from "./past.ts";
import type { State } from "./state.ts";

/** Millionths of a credit: whole numbers, exact in a double as far as amounts go. */
export type Micros = number;

// biome-ignore lint/suspicious/noExplicitAny: a body is whatever was answered; the checker says what it must be
export type Json = any;

/** What was asked, as the model needs it. */
export type Ask =
  | { kind: "consume"; amount: Micros }
  | { kind: "batch"; atomic: boolean; amounts: Micros[] }
  | Credit
  | { kind: "reserve"; amount: Micros; lifeMs: number }
  | { kind: "complete"; hold: number; success: boolean; amount: Micros | null }
  | { kind: "extend"; hold: number; lifeMs: number }
  | { kind: "tier"; tier: string; allocation: Micros; reset: boolean }
  | { kind: "overage"; limit: Micros }
  /** The same request as an earlier one, under its key. */
  | { kind: "again"; of: Operation }
  /** Another request than an earlier one, under its key. */
  | { kind: "clash"; of: Operation }
  | { kind: "balance" }
  | { kind: "check"; amount: Micros }
  | { kind: "audit" }
  | { kind: "transactions"; limit: number }
  | { kind: "transaction"; seq: number }
  | { kind: "usage"; hold: number };

export interface Credit {
  kind: "credit";
  type: "topup" | "adjustment" | "refund";
  /** An adjustment may be negative. */
  amount: Micros;
  /** Milliseconds since 1970; null: never. */
  expires: number | null;
  priority: number | null;
  /** The entry of the refunded charge, or of its hold. */
  refundOf: number | null;
}

/** One operation of one client. Times are milliseconds since 1970, with fractions. */
export interface Operation {
  /**
   * Unique in a run. It is the idempotency key, if there is one, and goes along as a
   * description, so that an entry says whose it is even where no key protects it.
   */
  mark: string;
  isKeyed: boolean;
  customer: string;
  ask: Ask;
  /** When each try was sent. */
  tries: number[];
  /** When the answer was there; Infinity: it never came, and nobody knows. */
  returned: number;
  answer: { status: number; body: Json } | null;
}

/** An entry as it lies in SQLite. */
export interface Row {
  seq: number;
  at: number;
  kind: string;
  amount: Micros;
  balance: Micros;
  /** As stored: with the prefix that says whose key it is. */
  key: string | null;
  /** The hold, charge or grant that it is about. */
  about: number | null;
  /** The caller's own words: the mark of the operation, where it could carry one. */
  words: string | null;
}

/** All that is known of one customer. */
export interface History {
  customer: string;
  operations: Operation[];
  rows: Row[];
  /** Of a part of a history: what was before its first row. */
  start?: { state: State; past: Past };
}

/** What one client may meet on its way. */
export interface Conditions {
  /** Something on the way may send a request twice. */
  mayDouble: boolean;
}

/** Credits as the wire has them. Division rounds correctly, as reading a decimal does. */
export function credits(amount: Micros): number {
  return amount / 1_000_000;
}

/** The mark that a row's key or words name: of a batch's item with its place. */
export function markOf(row: Row): string | null {
  if (row.key === null) return row.words;
  const [, place, key] = row.key.match(/^(?:k|b(\d+)):(.*)$/s) ?? [];
  return place === undefined ? (key ?? row.key) : `${key}.${place}`;
}
