// What has been, by entry numbers: facts that never change, so that one list serves every
// state. Each question names the entry up to which it asks.

import type { Micros } from "./history.ts";
import type { Entry, Hold } from "./state.ts";

export interface Settlement {
  seq: number;
  success: boolean;
  used: Micros;
  late: boolean;
}

const TRANSACTIONS = ["consumption", "topup", "adjustment", "refund", "allocation", "expiry"];

export class Past {
  /** By number: the first entry is at 1. */
  readonly entries: (Entry | undefined)[] = [undefined];
  readonly #transactions: Entry[] = [];
  /** How many transactions there were after each entry. */
  readonly #counts: number[] = [0];
  readonly #holds = new Map<number, Hold>();
  readonly #settlements = new Map<number, Settlement>();
  readonly #released = new Map<number, number>();
  readonly #refunds = new Map<number, Entry[]>();

  add(entry: Entry): void {
    this.entries.push(entry);
    if (TRANSACTIONS.includes(entry.kind)) this.#transactions.push(entry);
    this.#counts.push(this.#transactions.length);
    if (entry.kind === "hold_expired" && entry.about !== null)
      this.#released.set(entry.about, entry.seq);
    if (entry.kind === "refund" && entry.about !== null)
      this.#refunds.set(entry.about, [...(this.#refunds.get(entry.about) ?? []), entry]);
  }

  /** As it was after an entry. */
  until(seq: number): Past {
    const past = new Past();
    for (const entry of this.entries) if (entry && entry.seq <= seq) past.add(entry);
    for (const hold of this.#holds.values()) if (hold.seq <= seq) past.begins(hold);
    for (const [hold, settlement] of this.#settlements)
      if (settlement.seq <= seq) past.settles(hold, settlement);
    return past;
  }

  begins(hold: Hold): void {
    this.#holds.set(hold.seq, hold);
  }

  settles(hold: number, settlement: Settlement): void {
    this.#settlements.set(hold, settlement);
  }

  entry(seq: number, upTo: number): Entry | undefined {
    return seq <= upTo ? this.entries[seq] : undefined;
  }

  /** A hold as it was made. */
  hold(seq: number, upTo: number): Hold | undefined {
    return seq <= upTo ? this.#holds.get(seq) : undefined;
  }

  settlement(hold: number, upTo: number): Settlement | undefined {
    const settlement = this.#settlements.get(hold);
    return settlement && settlement.seq <= upTo ? settlement : undefined;
  }

  isReleased(hold: number, upTo: number): boolean {
    return (this.#released.get(hold) ?? Number.POSITIVE_INFINITY) <= upTo;
  }

  /** A charge by its own number, or by that of the hold that it ended. */
  charge(named: number, upTo: number): Entry | undefined {
    const seq = this.hold(named, upTo) ? this.settlement(named, upTo)?.seq : named;
    const entry = seq === undefined ? undefined : this.entry(seq, upTo);
    return entry && ["consumption", "hold_failed"].includes(entry.kind) ? entry : undefined;
  }

  refunded(charge: number, upTo: number): Micros {
    const refunds = (this.#refunds.get(charge) ?? []).filter((entry) => entry.seq <= upTo);
    return refunds.reduce((total, entry) => total + entry.amount, 0);
  }

  /** How many transactions there were, and the newest of them, newest first. */
  transactions(limit: number, upTo: number): { total: number; newest: Entry[] } {
    const total = this.#counts[upTo] ?? 0;
    return { total, newest: this.#transactions.slice(Math.max(total - limit, 0), total).reverse() };
  }

  isTransaction(entry: Entry): boolean {
    return TRANSACTIONS.includes(entry.kind);
  }
}
