// The naive ledger: plain lists, and sums over them. It shares nothing with the engine but
// the contract: what burns first, what falls due, what can be spent.

import type { Micros } from "./history.ts";

export interface Grant {
  readonly seq: number;
  readonly source: string;
  readonly amount: Micros;
  readonly left: Micros;
  readonly priority: number;
  readonly expires: number;
}

export interface Draw {
  readonly grant: number;
  readonly amount: Micros;
}

export interface Hold {
  readonly seq: number;
  readonly amount: Micros;
  readonly draws: readonly Draw[];
  readonly expires: number;
  readonly extensions: number;
}

export interface Plan {
  readonly tier: string;
  readonly allocation: Micros;
  readonly anchor: number;
  readonly nextReset: number;
  /** The running period's allocation. */
  readonly grant: number | null;
}

/** One customer after an entry. Never changed: each entry makes another. */
export interface State {
  readonly seq: number;
  readonly at: number;
  readonly isOpen: boolean;
  readonly debt: Micros;
  readonly overage: Micros;
  readonly grants: readonly Grant[];
  readonly holds: readonly Hold[];
  readonly plan: Plan | null;
}

export const NOBODY: State = {
  seq: 0,
  at: 0,
  isOpen: false,
  debt: 0,
  overage: 0,
  grants: [],
  holds: [],
  plan: null,
};

export function sum(amounts: readonly Micros[]): Micros {
  return amounts.reduce((total, amount) => total + amount, 0);
}

export function balance(state: State): Micros {
  return sum(state.grants.map((grant) => grant.left)) - state.debt;
}

export function held(state: State): Micros {
  return sum(state.holds.map((hold) => hold.amount));
}

export function available(state: State): Micros {
  return balance(state) - held(state);
}

/** What of a grant is neither spent nor set aside by a hold. */
export function free(state: State, grant: Grant): Micros {
  const draws = state.holds.flatMap((hold) => hold.draws);
  const own = draws.filter((draw) => draw.grant === grant.seq);
  return grant.left - sum(own.map((draw) => draw.amount));
}

/** Lowest priority first, then what expires soonest, then the oldest. */
export function burnOrder(grants: readonly Grant[]): Grant[] {
  return [...grants].sort(
    (a, b) => a.priority - b.priority || compare(a.expires, b.expires) || a.seq - b.seq,
  );
}

/** Two that never expire are equal; Infinity - Infinity would not say so. */
function compare(a: number, b: number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Free credits in burn-down order, up to an amount. */
export function draw(state: State, amount: Micros): Draw[] {
  const draws: Draw[] = [];
  let missing = amount;
  for (const grant of burnOrder(state.grants)) {
    const part = Math.min(missing, free(state, grant));
    if (part > 0) draws.push({ grant: grant.seq, amount: part });
    missing -= Math.max(part, 0);
  }
  return draws;
}

/** What is left of the grants when these draws are spent; an empty one is gone. */
export function spend(state: State, draws: readonly Draw[]): State {
  const grants = state.grants.map((grant) => {
    const spent = draws.filter((draw) => draw.grant === grant.seq).map((draw) => draw.amount);
    return { ...grant, left: grant.left - sum(spent) };
  });
  return { ...state, grants: grants.filter((grant) => grant.left > 0) };
}

export function release(state: State, hold: number): State {
  return { ...state, holds: state.holds.filter((other) => other.seq !== hold) };
}

/** An entry as it must be. */
export interface Entry {
  seq: number;
  at: number;
  kind: string;
  amount: Micros;
  balance: Micros;
  about: number | null;
}

export interface Step {
  entry: Entry;
  state: State;
}

/** The next state, and the entry that makes it, from what changed. */
export function step(
  from: State,
  at: number,
  kind: string,
  changed: State,
  about: number | null = null,
): Step {
  const state = { ...changed, seq: from.seq + 1, at };
  const amount = balance(state) - balance(from);
  return {
    entry: { seq: state.seq, at, kind, amount, balance: balance(state), about },
    state,
  };
}

/**
 * What the clock makes due next: any of the steps may come first. Empty: nothing ever does.
 * Due things are dated by when they fell due, never before the entry in front of them; at
 * one instant holds come first, then grants, then a period's credits, then debt.
 */
export function due(state: State): Step[] {
  const withFree = state.grants.filter((grant) => free(state, grant) > 0);
  const instants = [
    ...state.holds.map((hold) => hold.expires),
    ...withFree.map((grant) => grant.expires),
    ...(state.plan ? [state.plan.nextReset] : []),
    ...(state.debt > 0 && withFree.length > 0 ? [state.at] : []),
  ];
  const at = Math.max(Math.min(...instants), state.at);
  if (at === Number.POSITIVE_INFINITY) return [];

  const holds = state.holds.filter((hold) => hold.expires <= at);
  if (holds.length > 0)
    return holds.map(({ seq }) => step(state, at, "hold_expired", release(state, seq), seq));
  const expired = withFree.filter((grant) => grant.expires <= at);
  if (expired.length > 0) {
    return expired.map((grant) => {
      const gone = spend(state, [{ grant: grant.seq, amount: free(state, grant) }]);
      return step(state, at, "expiry", gone, grant.seq);
    });
  }
  if (state.plan && state.plan.nextReset <= at) return [allocate(state, state.plan, at)];
  const payment = draw(state, state.debt);
  const paid = spend({ ...state, debt: state.debt - sum(payment.map((d) => d.amount)) }, payment);
  return [step(state, at, "debt_paid", paid)];
}

const DAY_MS = 86_400_000;

/** A new period of a day, and its credits. */
function allocate(state: State, plan: Plan, at: number): Step {
  const days = Math.floor((at - plan.anchor) / DAY_MS) + 1;
  const nextReset = plan.anchor + days * DAY_MS;
  const grant: Grant = {
    seq: state.seq + 1,
    source: "daily",
    amount: plan.allocation,
    left: plan.allocation,
    priority: 20,
    expires: nextReset,
  };
  const next = {
    ...state,
    grants: [...state.grants, grant],
    plan: { ...plan, nextReset, grant: grant.seq },
  };
  return step(state, at, "allocation", next);
}
