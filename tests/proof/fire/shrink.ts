// The smallest history that still shows a fault, for people to read.

import { check, type Fault } from "./checker.ts";
import type { Conditions, History, Operation } from "./history.ts";
import { replay, show } from "./replay.ts";

/** Looking for a still smaller one takes longer than reading this one. */
const MOST_TRIES = 500;
const SHOWN = 25;

/** A part of a history in which the same fault is found at the same operation. */
export function shrink(history: History, fault: Fault, conditions: Conditions): History {
  const isShownBy = (part: History) =>
    check(part, conditions).some(
      ({ rule, operation, seq }) =>
        rule === fault.rule &&
        operation === fault.operation &&
        (operation !== null || seq === fault.seq),
    );
  let smallest = history;
  let tries = 0;
  const attempt = (part: History) => {
    tries += 1;
    const isShown = tries <= MOST_TRIES && isShownBy(part);
    if (isShown) smallest = part;
    return isShown;
  };
  /** Leaves out halves, then quarters, then single ones, as far as the fault stays. */
  const without = <T>(list: () => T[], part: (rest: T[]) => History) => {
    for (let size = Math.ceil(list().length / 2); size >= 1; size = size === 1 ? 0 : size >> 1) {
      for (let from = list().length; from > 0; from -= size) {
        const rest = list().filter((_, at) => at < from - size || at >= from);
        attempt(part(rest));
      }
    }
  };

  // The end first: what came after the fault did not cause it.
  for (let size = smallest.rows.length >> 1; size >= 1; size >>= 1) {
    const cut = () => ({ ...smallest, rows: smallest.rows.slice(0, -size) });
    while (size <= smallest.rows.length && attempt(cut()));
  }
  // Then the beginning, which becomes the state that it led to.
  const { states, past } = replay(smallest, conditions);
  for (let size = smallest.rows.length >> 1; size >= 1; size >>= 1) {
    for (;;) {
      const state = states[(smallest.rows[size]?.seq ?? 0) - 1];
      const rows = smallest.rows.slice(size);
      if (!state || !attempt({ ...smallest, rows, start: { state, past } })) break;
    }
  }
  without(
    () => smallest.operations,
    (operations) => ({ ...smallest, operations }),
  );
  // Entries that the fault does not need at all, such as those between two of one key.
  without(
    () => smallest.rows,
    (rows) => ({ ...smallest, rows }),
  );
  return smallest;
}

/** The entries around a fault, and who asked what meanwhile. */
export function describe(history: History, fault: Fault, conditions: Conditions): string {
  const { customer, operations, rows, start } = shrink(history, fault, conditions);
  const began = Math.min(...operations.map(({ tries }) => tries[0] ?? 0));
  const entries = rows.map((row) => `  ${show(row)} by ${row.key ?? row.words ?? "the clock"}`);
  const byTime = [...operations].sort((a, b) => (a.tries[0] ?? 0) - (b.tries[0] ?? 0));
  return [
    `${fault.rule}: ${fault.operation?.mark ?? ""} ${fault.what}`,
    `${customer}, after ${start ? JSON.stringify(start.state) : "nothing"}:`,
    ...entries.slice(-SHOWN),
    "asked (ms of each try and of the answer):",
    ...byTime.slice(-SHOWN).map((operation) => `  ${line(operation, began)}`),
  ].join("\n");
}

function line({ mark, ask, tries, returned, answer }: Operation, began: number): string {
  const times = [...tries, returned].map((time) => (time - began).toFixed(1)).join(" ");
  const { kind, ...rest } = ask;
  const about = "of" in rest ? rest.of.mark : JSON.stringify(rest);
  const what = answer ? `${answer.status} ${JSON.stringify(answer.body)}` : "unknown";
  return `[${times}] ${mark} ${kind} ${about}: ${what}`;
}
