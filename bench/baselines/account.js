// The object of both baselines, but for the commit: one account, its balance in memory,
// its journal in SQLite. Amounts are whole millionths.

import { DurableObject } from "cloudflare:workers";

const MICROS_PER_CREDIT = 1_000_000;

export class Account extends DurableObject {
  #balance = 0;
  #seq = 0;

  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS entries (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        balance_after INTEGER NOT NULL CHECK (balance_after >= 0),
        payload TEXT NOT NULL
      ) STRICT
    `);
    const [last] = this.sql
      .exec("SELECT seq, balance_after FROM entries ORDER BY seq DESC LIMIT 1")
      .toArray();
    if (last) {
      this.#seq = last.seq;
      this.#balance = last.balance_after;
    }
  }

  /**
   * Decides one change in memory. `row` is what the caller must write before `outcome` may
   * leave the object. A refusal has no row, and its outcome is the balance, a number.
   */
  decide(amount, payload) {
    const balance = this.#balance + amount;
    if (balance < 0) return { outcome: this.#balance };
    this.#balance = balance;
    this.#seq += 1;
    return {
      row: [this.#seq, Date.now(), amount, balance, payload],
      outcome:
        `{"success":true,"balance":${balance / MICROS_PER_CREDIT},` +
        `"amount":${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_${this.#seq}"}`,
    };
  }

  balance() {
    return this.#balance;
  }

  audit() {
    const { journal, entries } = this.sql
      .exec("SELECT coalesce(sum(amount), 0) AS journal, count(*) AS entries FROM entries")
      .one();
    const consumptions = this.sql
      .exec("SELECT count(*) AS n FROM entries WHERE payload ->> 'type' = 'consumption'")
      .one().n;
    return {
      journal_balance: journal / MICROS_PER_CREDIT,
      live_balance: this.#balance / MICROS_PER_CREDIT,
      entries,
      consumptions,
      consistent: journal === this.#balance,
    };
  }
}
