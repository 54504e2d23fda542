// The object of both baselines, but for the commit: one account, its balance and its holds
// in memory, its journal in SQLite. Amounts are whole millionths.

import { DurableObject } from "cloudflare:workers";

const MICROS_PER_CREDIT = 1_000_000;
const HOLD_MS = 900_000;

export class Account extends DurableObject {
  #balance = 0;
  #held = 0;
  #seq = 0;
  /** Of each pending hold: `{ amount, expiresAt }` by its number. All live equally long. */
  #holds = new Map();

  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS entries (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        balance_after INTEGER NOT NULL CHECK (balance_after >= 0),
        held INTEGER,
        settles INTEGER,
        payload TEXT
      ) STRICT
    `);
    const [last] = this.sql
      .exec("SELECT seq, balance_after FROM entries ORDER BY seq DESC LIMIT 1")
      .toArray();
    if (!last) return;
    this.#seq = last.seq;
    this.#balance = last.balance_after;
    const pending = this.sql.exec(`
      SELECT seq, at, held FROM entries
      WHERE held IS NOT NULL
        AND seq NOT IN (SELECT settles FROM entries WHERE settles IS NOT NULL)
      ORDER BY seq
    `);
    for (const { seq, at, held } of pending) this.#hold(seq, held, at + HOLD_MS);
  }

  /**
   * Decides in memory. `row` is what the caller must write before `outcome` may leave the
   * object; a refusal has none.
   */
  decide(kind, ...args) {
    const now = Date.now();
    this.#releaseExpired(now);
    if (kind === "change") return this.#change(now, ...args);
    return kind === "reserve" ? this.#reserve(now, ...args) : this.#complete(now, ...args);
  }

  /** The outcome is the answer, or what is available if that does not cover the amount. */
  #change(now, amount, payload) {
    const available = this.#balance - this.#held;
    if (available + amount < 0) return { outcome: available };
    const row = this.#entry(now, amount, null, null, payload);
    return {
      row,
      outcome:
        `{"success":true,"balance":${this.#balance / MICROS_PER_CREDIT},` +
        `"amount":${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_${this.#seq}"}`,
    };
  }

  #reserve(now, amount, customer) {
    const covers = this.#balance - this.#held >= amount;
    const row = covers ? this.#entry(now, 0, amount, null, null) : undefined;
    const expiresAt = now + HOLD_MS;
    if (covers) this.#hold(this.#seq, amount, expiresAt);
    const available = (this.#balance - this.#held) / MICROS_PER_CREDIT;
    if (!covers) return { outcome: `{"continue":false,"balance":${available}}` };
    return {
      row,
      outcome:
        `{"transaction_id":"txn_${customer}.${this.#seq}","continue":true,` +
        `"balance":${available},"expires_at":"${new Date(expiresAt).toISOString()}"}`,
    };
  }

  /** The outcome is the answer, or the status that says why there is none. */
  #complete(now, seq, used) {
    const hold = this.#holds.get(seq);
    if (!hold) return { outcome: this.#completedBefore(seq, used) };
    // What a hold does not cover must be free.
    if (this.#balance - this.#held + hold.amount < used) return { outcome: 402 };
    this.#holds.delete(seq);
    this.#held -= hold.amount;
    const row = this.#entry(now, -used, null, seq, null);
    return { row, outcome: completion(used, hold.amount, this.#balance) };
  }

  #completedBefore(seq, used) {
    const [hold] = this.sql.exec("SELECT held FROM entries WHERE seq = ?", seq).toArray();
    const [settled] = this.sql
      .exec("SELECT amount, balance_after FROM entries WHERE settles = ?", seq)
      .toArray();
    if (!hold?.held || !settled) return 404;
    if (settled.amount !== -used) return 409;
    return completion(used, hold.held, settled.balance_after);
  }

  #entry(now, amount, held, settles, payload) {
    this.#balance += amount;
    this.#seq += 1;
    return [this.#seq, now, amount, this.#balance, held, settles, payload];
  }

  #hold(seq, amount, expiresAt) {
    this.#holds.set(seq, { amount, expiresAt });
    this.#held += amount;
  }

  #releaseExpired(now) {
    for (const [seq, { amount, expiresAt }] of this.#holds) {
      if (expiresAt > now) return;
      this.#holds.delete(seq);
      this.#held -= amount;
    }
  }

  balance() {
    const available = (this.#balance - this.#held) / MICROS_PER_CREDIT;
    return `"balance":${this.#balance / MICROS_PER_CREDIT},"available":${available}`;
  }

  audit() {
    const { journal, entries, consumptions } = this.sql
      .exec(`
        SELECT coalesce(sum(amount), 0) AS journal, count(*) AS entries,
               count(*) FILTER (WHERE amount < 0) AS consumptions
        FROM entries`)
      .one();
    return {
      journal_balance: journal / MICROS_PER_CREDIT,
      live_balance: this.#balance / MICROS_PER_CREDIT,
      entries,
      consumptions,
      consistent: journal === this.#balance,
    };
  }
}

function completion(used, held, balance) {
  return (
    `{"credits_used":${used / MICROS_PER_CREDIT},"balance":${balance / MICROS_PER_CREDIT},` +
    `"balance_adjustment":${(held - used) / MICROS_PER_CREDIT}}`
  );
}
