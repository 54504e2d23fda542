// Baseline B: group commit. A change waits in a mailbox; whoever finds no flush running
// starts one. A flush decides all that wait, writes them by one statement, waits for the
// storage once, answers them all, and looks at the mailbox again.

import { Account as AccountBase } from "../account.js";

export { default } from "../front.js";

const INSERT = `
  INSERT INTO entries
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
  FROM json_each(?)`;

export class Account extends AccountBase {
  #mailbox = [];
  #isFlushing = false;

  run(...call) {
    return new Promise((resolve, reject) => {
      this.#mailbox.push({ call, resolve, reject });
      // Not under ctx.waitUntil: a caller that hangs up would leave the others waiting.
      if (!this.#isFlushing) this.#flush();
    });
  }

  async #flush() {
    this.#isFlushing = true;
    while (this.#mailbox.length > 0) {
      const batch = this.#mailbox;
      this.#mailbox = [];
      try {
        const rows = [];
        for (const slot of batch) {
          const { row, outcome } = this.decide(...slot.call);
          slot.outcome = outcome;
          if (row) rows.push(row);
        }
        if (rows.length > 0) this.sql.exec(INSERT, JSON.stringify(rows));
        await this.ctx.storage.sync();
      } catch (error) {
        for (const { reject } of [...batch, ...this.#mailbox]) reject(error);
        // Memory is ahead of the storage: start again from the journal.
        return this.ctx.abort(String(error));
      }
      for (const { resolve, outcome } of batch) resolve(outcome);
    }
    this.#isFlushing = false;
  }
}
