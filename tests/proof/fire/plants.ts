// Faults put into a history that was really recorded, to see that the checker finds them
// there: one that overlooks them in a crowd proves nothing of the crowd.

import { type History, markOf, type Operation } from "./history.ts";

/** Less than any client asks for: no state of a recorded history is off by that much. */
const A_MILLIONTH = 0.000001;

/** Whether there was anything that it could change. */
type Plant = (history: History, pick: <T>(list: T[]) => T | undefined) => boolean;

const acknowledged = ({ operations }: History, kind: string): Operation[] =>
  operations.filter(({ ask, answer }) => ask.kind === kind && answer?.status === 200);

/** Each changes one thing about one operation. */
export const PLANTS: Record<string, Plant> = {
  "the last acknowledged charges lost": (history) => {
    const own = new Set(acknowledged(history, "consume").map(({ mark }) => mark));
    const last = history.rows.findLastIndex((row) => own.has(markOf(row) ?? ""));
    return last >= 0 && history.rows.splice(last).length > 0;
  },
  "an acknowledged charge lost": (history, pick) => {
    const charge = pick(acknowledged(history, "consume"));
    history.rows = history.rows.filter((row) => markOf(row) !== charge?.mark);
    return charge !== undefined;
  },
  "a charge doubled": (history, pick) => {
    const own = new Set(acknowledged(history, "consume").map(({ mark }) => mark));
    const row = pick(history.rows.filter((one) => own.has(markOf(one) ?? "")));
    const last = history.rows.at(-1);
    if (!row || !last) return false;
    const balance = last.balance + row.amount;
    history.rows.push({ ...row, seq: last.seq + 1, at: last.at, balance, key: `k:${row.words}-2` });
    return true;
  },
  "a wrong balance answered": (history, pick) => isOff(pick(acknowledged(history, "consume"))),
  "a wrong balance read": (history, pick) => isOff(pick(acknowledged(history, "balance"))),
  "a stale read": (history, pick) => {
    const audit = pick(acknowledged(history, "audit"));
    const asked = audit?.tries.at(-1) ?? 0;
    const answered = acknowledged(history, "consume").filter(({ returned }) => returned < asked);
    const known = Math.max(...answered.map(({ answer }) => answer?.body.seq));
    const earlier = history.rows.find(({ seq }) => seq === known - 1);
    if (!audit?.answer || !earlier) return false;
    const total = earlier.balance / 1_000_000;
    const then = { entries: earlier.seq, live_balance: total, journal_balance: total };
    audit.answer.body = { ...audit.answer.body, ...then };
    return true;
  },
  "a refusal without a reason": (history, pick) => {
    const refused = history.operations.filter(({ answer }) => answer?.status === 402);
    const own = pick(refused.filter(({ ask }) => ask.kind === "consume"));
    if (own?.ask.kind !== "consume" || !(own.answer?.body.available > 0)) return false;
    own.ask.amount = Math.round(own.answer?.body.available * 1_000_000);
    return true;
  },
  "a booking that is off": (history, pick) => {
    const row = pick(history.rows.filter(({ kind }) => kind === "consumption"));
    if (row) row.amount -= 1;
    return row !== undefined;
  },
  "two charges that changed places": (history, pick) => {
    const fresh = ({ isKeyed, answer }: Operation) => isKeyed && !answer?.body.replayed;
    const charges = acknowledged(history, "consume").filter(fresh);
    const first = pick(charges);
    if (!first) return false;
    const second = pick(charges.filter(({ tries }) => (tries[0] ?? 0) > first.returned));
    if (!second) return false;
    // As if each had been made when the other one was.
    [first.tries, second.tries] = [second.tries, first.tries];
    [first.returned, second.returned] = [second.returned, first.returned];
    return true;
  },
};

function isOff(operation: Operation | undefined): boolean {
  if (!operation?.answer) return false;
  operation.answer.body.balance += A_MILLIONTH;
  return true;
}
