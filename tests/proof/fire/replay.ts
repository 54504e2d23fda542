// The journal, entry by entry, through the model: what each operation did there, and the
// states in between. It ends at the first entry that the model would not have made.

import {
  type Conditions,
  type History,
  type Json,
  markOf,
  type Operation,
  type Row,
} from "./history.ts";
import { type Change, change, type Outcome } from "./model.ts";
import { Past } from "./past.ts";
import { balance, due, type Entry, NOBODY, type State, type Step } from "./state.ts";

export interface Fault {
  rule: string;
  what: string;
  /** The operation that shows it, and the entry. */
  operation: Operation | null;
  seq: number | null;
}

/** One go of an operation: the entries that it made together. */
export interface Execution {
  operation: Operation;
  first: number;
  last: number;
  /** What it must be answered, if this was the go that is answered. */
  answer: { status: number; body: Json };
}

export interface Replay {
  past: Past;
  /** After each entry, by its number; none before the start. */
  states: State[];
  /** States that others must not see: amid the entries of one go, or with something overdue. */
  hidden: Set<number>;
  executions: Execution[];
  faults: Fault[];
}

/** Entries that nobody asks for. */
const BY_THE_CLOCK = ["hold_expired", "expiry", "debt_paid", "allocation"];

/** What one go of an operation makes of a state. */
interface Go {
  steps: Step[];
  answer: { status: number; body: Json };
  outcomes: Outcome[];
}

export function replay({ operations, rows, start }: History, conditions: Conditions): Replay {
  const found: Replay = {
    past: start?.past.until(start.state.seq) ?? new Past(),
    states: [],
    hidden: new Set(),
    executions: [],
    faults: [],
  };
  const byMark = operationsByMark(operations);
  /** The items of a batch that are done. */
  const doneItems = new Map<Operation, Set<number>>();
  let state = start?.state ?? NOBODY;
  found.states[state.seq] = state;
  let index = 0;
  const fail = (rule: string, what: string, operation: Operation | null = null): Replay => {
    found.faults.push({ rule, what, operation, seq: rows[index]?.seq ?? null });
    return found;
  };
  const fold = (step: Step) => {
    state = step.state;
    found.past.add(step.entry);
    found.states[state.seq] = state;
    const [overdue] = due(state);
    if (overdue && overdue.entry.at <= state.at) found.hidden.add(state.seq);
    index += 1;
  };

  for (let row = rows[index]; row !== undefined; row = rows[index]) {
    const next = due(state);
    if (BY_THE_CLOCK.includes(row.kind)) {
      const expected = next.find(({ entry }) => difference(entry, row) === null);
      if (!expected) return fail("not due", `the clock made no ${show(row)}`);
      fold(expected);
      continue;
    }
    const [overdue] = next;
    if (overdue && overdue.entry.at <= row.at)
      return fail("overdue", `${show(overdue.entry)} was due before ${show(row)}`);

    const keyed = row.kind === "customer_opened" ? rows[index + 1] : row;
    const mark = keyed ? markOf(keyed) : null;
    const asked = mark === null ? undefined : byMark.get(mark);
    if (!asked) return fail("invented", `nobody asked for ${show(row)} (${mark})`);
    const { operation } = asked;
    const done = doneItems.get(operation) ?? new Set();
    const go = run(state, found.past, operation, done, row.at);
    if (go.steps.length === 0)
      return fail("overdrawn", `${show(row)} should have been ${said(go.answer)}`, operation);
    const first = row.seq;
    for (const step of go.steps) {
      const made = rows[index];
      const wrong = made ? difference(step.entry, made) : "missing";
      if (wrong) return fail("books", `${wrong}; it must be ${show(step.entry)}`, operation);
      if (asked.item !== null) {
        const part = byMark.get((made && markOf(made)) ?? "");
        if (part?.operation !== operation || part.item === null || done.has(part.item))
          return fail("torn", `${show(step.entry)} is amid a batch and none of it`, operation);
        done.add(part.item);
      }
      fold(step);
      if (step !== go.steps.at(-1)) found.hidden.add(state.seq);
    }
    doneItems.set(operation, done);
    for (const outcome of go.outcomes) {
      if (outcome.begun) found.past.begins(outcome.begun);
      if (outcome.settled) found.past.settles(outcome.settled.hold, outcome.settled.settlement);
    }
    found.executions.push({ operation, first, last: state.seq, answer: go.answer });
  }
  // A request that went out twice may have been answered by the other one.
  if (conditions.mayDouble) return found;
  for (const { operation } of found.executions) {
    if (operation.tries.length === 1 && operation.answer?.body.replayed === true)
      fail("replay", "its only try was answered as a repeat", operation);
  }
  return found;
}

type ByMark = Map<string, { operation: Operation; item: number | null }>;

export function operationsByMark(operations: Operation[]): ByMark {
  const byMark: ByMark = new Map();
  for (const operation of operations) {
    const { ask, mark } = operation;
    if (ask.kind !== "batch") byMark.set(mark, { operation, item: null });
    else for (const item of ask.amounts.keys()) byMark.set(`${mark}.${item}`, { operation, item });
  }
  return byMark;
}

/** One go of a change: the items of a batch that are done already do nothing. */
export function run(
  state: State,
  past: Past,
  operation: Operation,
  done: Set<number>,
  at: number,
): Go {
  const { ask } = operation;
  if (ask.kind === "batch") return runBatch(state, past, ask, done, at);
  const outcome = change(state, past, ask as Change, at);
  return { steps: outcome.steps, answer: outcome.answer, outcomes: [outcome] };
}

function runBatch(
  before: State,
  past: Past,
  ask: { atomic: boolean; amounts: number[] },
  done: Set<number>,
  at: number,
): Go {
  let state = before;
  const steps: Step[] = [];
  const results: Json[] = [];
  for (const [item, amount] of ask.amounts.entries()) {
    // What is done is only told again; the checker knows it from its entry.
    if (done.has(item)) {
      results.push({ status: 200 });
      continue;
    }
    const { steps: made, answer } = change(state, past, { kind: "consume", amount }, at);
    if (answer.status !== 200 && ask.atomic)
      return { steps: [], answer: { ...answer, body: { ...answer.body, item } }, outcomes: [] };
    const refusal = { status: answer.status, success: false, error: answer.body };
    results.push(answer.status === 200 ? { status: 200, ...answer.body } : refusal);
    steps.push(...made);
    state = steps.at(-1)?.state ?? before;
  }
  const succeeded = results.filter(({ status }) => status === 200).length;
  const body = { results, succeeded, failed: results.length - succeeded };
  const total = balance(state) / 1_000_000;
  return { steps, answer: { status: 200, body: { ...body, balance: total } }, outcomes: [] };
}

/** What of an entry is not as it must be. */
function difference(entry: Entry, row: Row): string | null {
  const fields = ["seq", "at", "kind", "amount", "balance", "about"] as const;
  const field = fields.find((name) => entry[name] !== row[name]);
  return field === undefined ? null : `${field} of ${show(row)} is wrong`;
}

export function show({ seq, kind, amount, balance: after }: Row | Entry): string {
  return `#${seq} ${kind} ${amount / 1_000_000} -> ${after / 1_000_000}`;
}

export function said({ status, body }: { status: number; body: Json }): string {
  return `${status} ${JSON.stringify(body)}`;
}
