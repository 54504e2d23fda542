// Faults put into a history that was really recorded, to see that the checker finds them
// there: one that overlooks them in a crowd proves nothing of the crowd.

import { type History, markOf, type Operation, type Row } from "./history.ts";

/** Less than any client asks for: no state of a recorded history is off by that much. */
const A_MILLIONTH = 0.000001;

type Plant = (history: History, pick: <T>(list: T[]) => T) => void;

const acknowledged = ({ operations }: History, kind: string): Operation[] =>
  operations.filter(({ ask, answer }) => ask.kind === kind && answer?.status === 200);

/** Each changes one thing about one operation. */
export const PLANTS: Record<string, Plant> = {
  "the last acknowledged charge lost": (history) => {
    const own = new Set(acknowledged(history, "consume").map(({ mark }) => mark));
    const last = history.rows.findLastIndex((row) => own.has(markOf(row) ?? ""));
    history.rows.splice(last);
  },
  "an acknowledged charge lost": (history, pick) => {
    const charge = pick(acknowledged(history, "consume"));
    history.rows = history.rows.filter((row) => markOf(row) !== charge.mark);
  },
  "a charge doubled": (history, pick) => {
    const own = new Set(acknowledged(history, "consume").map(({ mark }) => mark));
    const row = pick(history.rows.filter((one) => own.has(markOf(one) ?? "")));
    const last = history.rows.at(-1) as Row;
    const balance = last.balance + row.amount;
    history.rows.push({ ...row, seq: last.seq + 1, at: last.at, balance, key: `k:${row.words}-2` });
  },
  "a wrong balance answered": (history, pick) => {
    const { answer } = pick(acknowledged(history, "consume"));
    if (answer) answer.body.balance += A_MILLIONTH;
  },
  "a wrong balance read": (history, pick) => {
    const { answer } = pick(acknowledged(history, "balance"));
    if (answer) answer.body.balance += A_MILLIONTH;
  },
  "a stale read": (history, pick) => {
    const audits = acknowledged(history, "audit");
    const { answer, tries } = pick(audits.filter(({ answer: said }) => said?.body.entries > 20));
    const earlier = history.rows.findLast(({ at }) => at < (tries.at(-1) ?? 0) - 1_000);
    if (answer) Object.assign(answer.body, { entries: earlier?.seq ?? 1 });
  },
  "a refusal without a reason": (history, pick) => {
    const refused = history.operations.filter(({ answer }) => answer?.status === 402);
    const { ask, answer } = pick(refused.filter((one) => one.ask.kind === "consume"));
    if (ask.kind !== "consume" || !answer) return;
    ask.amount = Math.max(Math.round(answer.body.available * 1_000_000), 1);
  },
  "a booking that is off": (history, pick) => {
    const row = pick(history.rows.filter(({ kind }) => kind === "consumption"));
    row.amount -= 1;
  },
  "two charges that changed places": (history, pick) => {
    const charges = acknowledged(history, "consume").filter(
      ({ isKeyed, answer }) => isKeyed && answer?.body.replayed === false,
    );
    const first = pick(charges);
    const later = charges.filter(({ tries }) => (tries[0] ?? 0) > first.returned);
    const second = pick(later.length > 0 ? later : [first]);
    // As if each had been made when the other one was.
    [first.tries, second.tries] = [second.tries, first.tries];
    [first.returned, second.returned] = [second.returned, first.returned];
    if (second === first) first.returned = (first.tries[0] ?? 0) - 10_000;
  },
};
