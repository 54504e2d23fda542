// Baseline A: one write per request. The platform holds each answer back until its own
// write is on storage (the output gate), so nothing more is needed to be durable.

import { Account as AccountBase } from "../account.js";

export { default } from "../front.js";

export class Account extends AccountBase {
  run(...call) {
    const { row, outcome } = this.decide(...call);
    if (row) this.sql.exec("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", ...row);
    return outcome;
  }
}
