// What an operation does to a state, and what it is answered: the contract, written naively.
// An operation that makes no entry is a read or a refusal; its answer is of that state.

import { type Ask, type Credit, credits, type Json, type Micros } from "./history.ts";
import type { Past, Settlement } from "./past.ts";
import {
  available,
  balance,
  burnOrder,
  draw,
  due,
  type Grant,
  type Hold,
  held,
  NOBODY,
  release,
  type State,
  type Step,
  spend,
  step,
  sum,
} from "./state.ts";

/** The operations that may make entries by themselves. */
export type Change = Extract<
  Ask,
  { kind: "consume" | "credit" | "reserve" | "complete" | "extend" | "tier" | "overage" }
>;

export interface Outcome {
  steps: Step[];
  /** The fields of the answer that follow from the state. */
  answer: { status: number; body: Json };
  /** What later operations can be about. */
  begun?: Hold;
  settled?: { hold: number; settlement: Settlement };
}

/** The most extensions of one hold. */
const MAX_EXTENSIONS = 10;

export function change(state: State, past: Past, ask: Change, at: number): Outcome {
  switch (ask.kind) {
    case "consume":
      return consume(state, ask.amount, at);
    case "credit":
      return ask.amount < 0 ? deduct(state, -ask.amount, at) : credit(state, past, ask, at);
    case "reserve":
      return reserve(state, ask.amount, at, ask.lifeMs);
    case "complete":
      return complete(state, past, ask, at);
    case "extend":
      return extend(state, past, ask.hold, at, ask.lifeMs);
    case "tier":
      return changeTier(state, ask, at);
    case "overage":
      if (!state.isOpen) return refused(404, { code: "not_found" });
      return done([step(state, at, "settings_changed", { ...state, overage: ask.limit })], {
        overage_limit: credits(ask.limit),
      });
  }
}

function refused(status: number, body: Json): Outcome {
  return { steps: [], answer: { status, body } };
}

/** The answer's `seq` is that of the entry that carries the key. */
function done(steps: Step[], body: Json, keyed = 0): Outcome {
  const seq = steps[keyed]?.entry.seq;
  return { steps, answer: { status: 200, body: { ...body, seq } } };
}

function insufficient(state: State, requested: Micros, overage: Micros): Outcome {
  const shortfall = Math.max(requested - available(state) - overage, 0);
  return refused(402, {
    code: "insufficient_credits",
    balance: credits(balance(state)),
    available: credits(available(state)),
    requested: credits(requested),
    shortfall: credits(shortfall),
  });
}

function consume(state: State, amount: Micros, at: number): Outcome {
  if (amount > available(state) + state.overage) return insufficient(state, amount, state.overage);
  const draws = draw(state, amount);
  const missing = amount - sum(draws.map((d) => d.amount));
  const next = spend({ ...state, debt: state.debt + missing }, draws);
  const made = step(state, at, "consumption", next);
  return done([made], {
    success: true,
    balance: credits(balance(made.state)),
    amount: credits(amount),
  });
}

function deduct(state: State, amount: Micros, at: number): Outcome {
  if (amount > available(state)) return insufficient(state, amount, 0);
  const made = step(state, at, "adjustment", spend(state, draw(state, amount)));
  return done([made], { balance: credits(balance(made.state)), amount: credits(-amount) });
}

function credit(state: State, past: Past, ask: Credit, at: number): Outcome {
  const invalid = (code: string, field: string) => refused(400, { code, field });
  let charge: number | null = null;
  if (ask.refundOf !== null) {
    const charged = past.charge(ask.refundOf, state.seq);
    if (!charged) return invalid("invalid_field", "refund_of");
    const left = -charged.amount - past.refunded(charged.seq, state.seq);
    if (ask.amount > left) return invalid("invalid_amount", "amount");
    charge = charged.seq;
  }
  if (ask.expires !== null && ask.expires <= at) return invalid("invalid_field", "expires_at");

  // The first credit creates the customer, which is an entry of its own.
  const opening = state.isOpen
    ? []
    : [step(state, at, "customer_opened", { ...state, isOpen: true })];
  const from = opening[0]?.state ?? state;
  const grant: Grant = {
    seq: from.seq + 1,
    source: ask.type,
    amount: ask.amount,
    left: ask.amount,
    priority: ask.priority ?? 40,
    expires: ask.expires ?? Number.POSITIVE_INFINITY,
  };
  const made = step(from, at, ask.type, { ...from, grants: [...from.grants, grant] }, charge);
  const body = { balance: credits(balance(made.state)), amount: credits(ask.amount) };
  return done([...opening, made], body, opening.length);
}

function reserve(state: State, amount: Micros, at: number, lifeMs: number): Outcome {
  if (!state.isOpen || amount > available(state) + state.overage) {
    return refused(200, {
      transaction_id: null,
      continue: false,
      balance: credits(balance(state)),
      credits_used: 0,
    });
  }
  const draws = draw(state, amount);
  const hold = { seq: state.seq + 1, amount, draws, expires: at + lifeMs, extensions: 0 };
  const made = step(state, at, "hold", { ...state, holds: [...state.holds, hold] });
  const body = {
    continue: true,
    balance: credits(balance(state)),
    credits_used: credits(amount),
    expires_at: new Date(hold.expires).toISOString(),
  };
  return { ...done([made], body), begun: hold };
}

function complete(
  state: State,
  past: Past,
  ask: Extract<Ask, { kind: "complete" }>,
  at: number,
): Outcome {
  const original = past.hold(ask.hold, state.seq);
  if (!original) return refused(404, { code: "not_found" });
  const used = ask.amount ?? (ask.success ? original.amount : 0);
  const before = past.settlement(ask.hold, state.seq);
  if (before) {
    if (before.success !== ask.success || before.used !== used)
      return refused(409, { code: "already_completed" });
    const body = { seq: before.seq, credits_used: credits(used), replayed: true };
    return refused(200, body);
  }
  const pending = state.holds.find((hold) => hold.seq === ask.hold);
  const draws = [];
  let missing = used;
  for (const own of pending?.draws ?? []) {
    const part = Math.min(own.amount, missing);
    if (part > 0) draws.push({ grant: own.grant, amount: part });
    missing -= part;
  }
  // The hold's own credits first, and while it still stands in front of the free ones.
  const others = draw(state, missing);
  missing -= sum(others.map((d) => d.amount));
  const released = release(state, ask.hold);
  const next = spend({ ...released, debt: state.debt + missing }, [...draws, ...others]);
  const isCharge = ask.success || used > 0;
  const made = step(state, at, isCharge ? "consumption" : "hold_failed", next, ask.hold);
  const { seq } = made.entry;
  const body = {
    credits_used: credits(used),
    balance: credits(balance(made.state)),
    balance_adjustment: credits((pending?.amount ?? 0) - used),
  };
  const settlement = { seq, success: ask.success, used, late: !pending };
  return { ...done([made], body), settled: { hold: ask.hold, settlement } };
}

function extend(state: State, past: Past, seq: number, at: number, lifeMs: number): Outcome {
  const hold = state.holds.find((pending) => pending.seq === seq);
  if (!hold) {
    const code = past.hold(seq, state.seq) ? "already_completed" : "not_found";
    return refused(code === "not_found" ? 404 : 409, { code });
  }
  if (hold.extensions >= MAX_EXTENSIONS)
    return refused(400, { code: "invalid_field", field: "expires_in" });
  const longer = { ...hold, expires: at + lifeMs, extensions: hold.extensions + 1 };
  const holds = state.holds.map((pending) => (pending === hold ? longer : pending));
  const made = step(state, at, "hold_extended", { ...state, holds }, seq);
  return done([made], { expires_at: new Date(longer.expires).toISOString() });
}

function changeTier(state: State, ask: Extract<Ask, { kind: "tier" }>, at: number): Outcome {
  if (!state.isOpen) return refused(404, { code: "not_found" });
  const { tier, allocation } = ask;
  const begins = ask.reset || state.plan === null;
  // What the tier before gave ends at once; the next one's first period is due at once.
  const grants = state.grants.map((grant) =>
    begins && grant.seq === state.plan?.grant ? { ...grant, expires: at } : grant,
  );
  const plan =
    state.plan === null || begins
      ? { tier, allocation, anchor: at, nextReset: at, grant: null }
      : { ...state.plan, tier, allocation };
  const steps = [step(state, at, "tier_changed", { ...state, grants, plan })];
  for (;;) {
    const last = steps.at(-1)?.state ?? NOBODY;
    const next = due(last).find((one) => one.entry.at <= at);
    if (!next) break;
    steps.push(next);
  }
  const after = steps.at(-1)?.state ?? NOBODY;
  return done(steps, {
    tier_id: tier,
    balance: credits(balance(after)),
    available: credits(available(after)),
    held: credits(held(after)),
  });
}

/** The answer to a read of this state. */
export function read(state: State, past: Past, ask: Ask): Outcome["answer"] {
  const upTo = state.seq;
  const nobody = { status: 404, body: { code: "not_found" } };
  const ok = (body: Json) => ({ status: 200, body });
  switch (ask.kind) {
    case "balance":
      if (!state.isOpen) return nobody;
      return ok({
        balance: credits(balance(state)),
        available: credits(available(state)),
        held: credits(held(state)),
        breakdown: breakdown(state),
      });
    case "check": {
      if (!state.isOpen) return nobody;
      const shortfall = Math.max(ask.amount - available(state) - state.overage, 0);
      return ok({
        allowed: shortfall === 0,
        balance: credits(balance(state)),
        available: credits(available(state)),
        required: credits(ask.amount),
        shortfall: credits(shortfall),
      });
    }
    case "audit": {
      if (upTo === 0) return nobody;
      const total = credits(balance(state));
      return ok({ entries: upTo, journal_balance: total, live_balance: total, consistent: true });
    }
    case "transactions": {
      if (!state.isOpen) return nobody;
      const { total, newest } = past.transactions(ask.limit, upTo);
      return ok({ data: newest.map(transaction), pagination: { total } });
    }
    case "transaction": {
      const entry = past.entry(ask.seq, upTo);
      return entry && past.isTransaction(entry) ? ok(transaction(entry)) : nobody;
    }
    case "usage":
      return usage(state, past, ask.hold) ?? nobody;
    default:
      throw new Error(`${ask.kind} is no read`);
  }
}

function breakdown(state: State): Json[] {
  return burnOrder(state.grants).map((grant) => ({
    source: grant.source,
    amount: credits(grant.amount),
    remaining: credits(grant.left),
    priority: grant.priority,
    expires_at: Number.isFinite(grant.expires) ? new Date(grant.expires).toISOString() : null,
  }));
}

function transaction(entry: { seq: number; kind: string; amount: Micros; balance: Micros }): Json {
  const { seq, kind } = entry;
  return { seq, type: kind, amount: credits(entry.amount), balance_after: credits(entry.balance) };
}

function usage(state: State, past: Past, seq: number): Outcome["answer"] | undefined {
  const hold = past.hold(seq, state.seq);
  if (!hold) return undefined;
  const settlement = past.settlement(seq, state.seq);
  const settled = settlement?.success ? "completed" : "failed";
  const open = past.isReleased(seq, state.seq) ? "expired" : "pending";
  const word = settlement ? settled : open;
  const body = {
    state: word,
    held: credits(word === "pending" ? hold.amount : 0),
    credits_used: credits(settlement?.used ?? 0),
    late: settlement?.late ?? false,
  };
  return { status: 200, body };
}
