// Whether what a customer's callers saw can be told as one sequence: the journal's, with each
// read and refusal put between two of its entries, so that nobody saw what was not yet asked
// or missed what had been answered.

import {
  type Conditions,
  credits,
  type History,
  type Json,
  markOf,
  type Operation,
  type Row,
} from "./history.ts";
import { type Change, change, read } from "./model.ts";
import {
  type Execution,
  type Fault,
  operationsByMark,
  type Replay,
  replay,
  run,
  said,
} from "./replay.ts";
import { due, type State } from "./state.ts";

export type { Fault } from "./replay.ts";

/** Two clocks, of which the engine's stands still while it computes. */
const CLOCK_SLACK_MS = 100;

const WORDS = "words of ";
const READS = ["balance", "check", "audit", "transactions", "transaction", "usage"];

/** All that is wrong with a customer's history; nothing, if it is linearizable. */
export function check(history: History, conditions: Conditions): Fault[] {
  const kept = checkKept(history);
  const replayed = replay(history, conditions);
  const faults = [...kept, ...replayed.faults, ...checkAnswers(history, replayed)];
  // What comes after the first wrong entry cannot be judged.
  if (replayed.faults.some(({ seq }) => seq !== null)) return faults;
  return [...faults, ...checkOrder(history, replayed)];
}

/** Whether an answer says that there is an entry. */
function claimsEntry({ answer, ask }: Operation): boolean {
  if (answer?.status !== 200 || READS.includes(ask.kind) || ask.kind === "again") return false;
  if (ask.kind === "batch") return false;
  // Completing what was completed before tells of that entry.
  return Number.isInteger(answer.body.seq) && !(ask.kind === "complete" && answer.body.replayed);
}

/** What was acknowledged is there, once; what was refused is not there. */
function checkKept({ operations, rows }: History): Fault[] {
  const faults: Fault[] = [];
  const asked = operationsByMark(operations);
  const byMark = new Map<string, Row[]>();
  for (const row of rows) {
    const mark = markOf(row);
    // The hold's words go on to its completion; that has a key of its own.
    if (mark !== null) byMark.set(mark, [...(byMark.get(mark) ?? []), row]);
    if (row.key !== null && row.words !== null && row.kind !== "hold_failed" && row.about === null)
      byMark.set(WORDS + row.words, [...(byMark.get(WORDS + row.words) ?? []), row]);
  }
  for (const [mark, found] of byMark) {
    if (found.length < 2) continue;
    const operation = asked.get(mark.replace(WORDS, ""))?.operation ?? null;
    const what = `${mark} has ${found.length} entries: ${found.map(({ seq }) => `#${seq}`)}`;
    faults.push({ rule: "doubled", what, operation, seq: found[1]?.seq ?? null });
  }
  const lost = (operation: Operation, what: string) =>
    faults.push({ rule: "lost", what, operation, seq: null });
  for (const operation of operations) {
    const { answer, mark, ask } = operation;
    if (answer === null) continue;
    if (claimsEntry(operation) && !byMark.has(mark))
      lost(operation, `acknowledged as #${answer.body.seq} and not in the journal`);
    if (ask.kind === "batch" && answer.status === 200) {
      for (const [item, result] of answer.body.results.entries()) {
        const row = byMark.get(`${mark}.${item}`)?.[0];
        if (result.status !== 200) continue;
        if (!row) lost(operation, `item ${item} was acknowledged and is not in the journal`);
        else if (!agrees(acknowledgement(row), result))
          faults.push({
            rule: "answer",
            what: `item ${item}, #${row.seq}`,
            operation,
            seq: row.seq,
          });
      }
    }
    const isRefused = answer.status >= 400 || answer.body.continue === false;
    const own = ask.kind === "batch" ? `${mark}.0` : mark;
    const row = byMark.get(own)?.[0];
    if (isRefused && row && !["again", "clash"].includes(ask.kind))
      faults.push({ rule: "refused", what: "refused, yet done", operation, seq: row.seq });
  }
  return faults;
}

/** What a charge is answered, at first and when it is asked for again. */
function acknowledgement({ seq, amount, balance }: Row): Json {
  return { success: true, seq, amount: credits(-amount), balance: credits(balance) };
}

/** Each answer against what its entries say it must be; repeats against the first answers. */
function checkAnswers({ operations }: History, { executions }: Replay): Fault[] {
  const faults: Fault[] = [];
  const wrong = (rule: string, operation: Operation, expected: Json, seq: number | null = null) => {
    const what = `answered ${said(operation.answer ?? { status: 0, body: null })}, not ${JSON.stringify(expected)}`;
    faults.push({ rule, what, operation, seq });
  };
  const last = new Map(executions.map((execution) => [execution.operation, execution]));
  for (const [operation, { first, answer }] of last) {
    if (operation.answer === null) continue;
    const expected = operation.ask.kind === "batch" ? batchAnswer(operation, answer) : answer;
    const isRepeat = operation.ask.kind === "tier" && operation.answer.body.replayed;
    // A repeated change of tier is answered with the credits as they are by then.
    const must = isRepeat ? { status: 200, body: { seq: answer.body.seq } } : expected;
    if (!agrees(must, operation.answer)) wrong("answer", operation, must, first);
  }
  for (const operation of operations) {
    const { ask, answer } = operation;
    if (answer === null) continue;
    if (ask.kind === "again") {
      const must = { status: 200, body: { ...ask.of.answer?.body, replayed: true } };
      if (!agrees(must, answer)) wrong("replay", operation, must);
    }
    if (ask.kind === "clash") {
      const must = { status: 422, body: { code: "idempotency_key_reused" } };
      if (!agrees(must, answer)) wrong("replay", operation, must);
    }
  }
  return faults;
}

/**
 * A batch is answered by its last go. Items that an earlier one did are told again; and if it
 * did nothing itself, what it refused is judged as a read.
 */
function batchAnswer({ answer }: Operation, expected: { status: number; body: Json }): Json {
  const results: Json[] = answer?.body.results ?? [];
  const isOwn = results.some((result) => result.status === 200 && !result.replayed);
  return isOwn ? expected : { status: 200, body: {} };
}

/** One thing that happened somewhere between two instants. */
interface Happening {
  operation: Operation;
  start: number;
  returned: number;
  /** Where in the journal it is: its first and last entry. */
  span: [number, number] | null;
}

function happenings({ operations }: History, executions: Execution[]): Happening[] {
  const byOperation = new Map<Operation, Execution[]>();
  for (const execution of executions)
    byOperation.set(execution.operation, [
      ...(byOperation.get(execution.operation) ?? []),
      execution,
    ]);
  return operations.flatMap((operation) => {
    const { tries, returned, answer, ask } = operation;
    const start = tries[0] ?? 0;
    const lastTry = tries.at(-1) ?? start;
    const own = byOperation.get(operation) ?? [];
    const happened: Happening[] = own.map(({ first, last }, index) => {
      const isFresh = isAnsweredFresh(operation) && index === own.length - 1;
      return { operation, start: isFresh ? lastTry : start, returned, span: [first, last] };
    });
    const isReadOrRefusal =
      own.length === 0 || (ask.kind === "batch" && !isAnsweredFresh(operation) && answer !== null);
    if (isReadOrRefusal && answer !== null && ask.kind !== "again" && ask.kind !== "clash")
      happened.push({ operation, start: lastTry, returned, span: null });
    return happened;
  });
}

/** Whether the answer says that its own try did it. */
function isAnsweredFresh({ ask, answer }: Operation): boolean {
  if (answer?.status !== 200) return false;
  if (ask.kind !== "batch") return answer.body.replayed === false;
  return answer.body.results.some((result: Json) => result.status === 200 && !result.replayed);
}

/** The order of the journal against the order of time, and a place for each read. */
function checkOrder(history: History, replayed: Replay): Fault[] {
  const faults: Fault[] = [];
  const all = happenings(history, replayed.executions);
  const byStart = [...all].sort((a, b) => a.start - b.start);
  const byReturn = [...all].sort((a, b) => a.returned - b.returned);
  const changes = byStart.filter(({ span }) => span !== null);
  // The first entry of all changes that were begun at or after each one.
  const firstLater: number[] = [];
  for (let index = changes.length - 1; index >= 0; index -= 1) {
    const first = changes[index]?.span?.[0] ?? 0;
    firstLater[index] = Math.min(first, firstLater[index + 1] ?? Number.POSITIVE_INFINITY);
  }
  const newest = replayed.states.length - 1;
  const places = new Map<Happening, number>();
  let floor = history.start?.state.seq ?? 0;
  let floorOf: Happening | undefined;
  let returns = 0;
  for (const happening of byStart) {
    const { operation, start, returned, span } = happening;
    for (let one = byReturn[returns]; one && one.returned < start; one = byReturn[++returns]) {
      const place = places.get(one) ?? floor;
      if (place >= floor) [floor, floorOf] = [place, one];
    }
    const after = `${floorOf?.operation.mark} was answered before, at #${floor}`;
    if (span) {
      places.set(happening, span[1]);
      if (span[0] <= floor)
        faults.push({
          rule: "order",
          what: `is at #${span[0]}, yet ${after}`,
          operation,
          seq: span[0],
        });
      const late = checkClock(replayed, happening);
      if (late) faults.push({ rule: "clock", what: late, operation, seq: span[0] });
      continue;
    }
    const ceiling = Math.min(newest, (firstLater[begunAfter(changes, returned)] ?? newest + 1) - 1);
    const place = placeOf(happening, replayed, floor, ceiling);
    places.set(happening, place ?? floor);
    if (place === null)
      faults.push(unexplained(happening, replayed, { floor, ceiling, newest }, after));
  }
  return faults;
}

/** Of an answer that no state in its time gives: whether an earlier or a later one does. */
function unexplained(
  happening: Happening,
  replayed: Replay,
  { floor, ceiling, newest }: { floor: number; ceiling: number; newest: number },
  after: string,
): Fault {
  const { operation } = happening;
  const stale = placeOf(happening, replayed, 0, ceiling, true);
  const early = placeOf(happening, replayed, ceiling + 1, newest, true);
  const otherwise = early === null ? "unexplained" : "early";
  const answer = said(operation.answer ?? { status: 0, body: null });
  return {
    rule: stale === null ? otherwise : "stale",
    what: `no state from #${floor} to #${ceiling} gives ${answer}; ${after}`,
    operation,
    seq: stale ?? early ?? floor,
  };
}

/** The index of the first change that was begun after an instant. */
function begunAfter(changes: Happening[], instant: number): number {
  let [from, to] = [0, changes.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((changes[middle]?.start ?? 0) > instant) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** An entry is dated between its asking and its answer. */
function checkClock({ states }: Replay, { start, returned, span }: Happening): string | null {
  const at = states[span?.[0] ?? 0]?.at ?? 0;
  if (at < start - CLOCK_SLACK_MS) return `dated ${start - at} ms before it was asked for`;
  if (at > returned + CLOCK_SLACK_MS) return `dated ${at - returned} ms after its answer`;
  return null;
}

/** The first state from `floor` to `ceiling` that gives this answer at this time. */
function placeOf(
  happening: Happening,
  replayed: Replay,
  floor: number,
  ceiling: number,
  atAnyTime = false,
): number | null {
  for (let seq = Math.max(floor, 0); seq <= ceiling; seq += 1) {
    const state = replayed.states[seq];
    if (!state || replayed.hidden.has(seq)) continue;
    if (explains(state, replayed, happening, atAnyTime)) return seq;
  }
  return null;
}

function explains(
  state: State,
  { past }: Replay,
  { operation, start, returned }: Happening,
  atAnyTime: boolean,
): boolean {
  const { ask, answer } = operation;
  if (answer === null) return true;
  const latest = returned + CLOCK_SLACK_MS;
  if (!atAnyTime) {
    if (state.at > latest) return false;
    // What was due before the question was settled before the answer.
    const [next] = due(state);
    if (next && next.entry.at < start - CLOCK_SLACK_MS) return false;
  }
  if (READS.includes(ask.kind)) return agrees(read(state, past, ask), answer);
  const at = Math.floor(Math.max(latest, state.at));
  if (ask.kind === "batch") {
    const results: Json[] = answer.body.results ?? [];
    const done = results.flatMap((result, item) => (result.status === 200 ? [item] : []));
    const go = run(state, past, operation, new Set(done), at);
    return go.steps.length === 0 && agrees(go.answer, answer);
  }
  const outcome = change(state, past, ask as Change, at);
  return outcome.steps.length === 0 && agrees(outcome.answer, answer);
}

/** Whether an answer has all that it must have; it may have more. */
export function agrees(expected: Json, actual: Json): boolean {
  if (typeof expected !== "object" || expected === null) return expected === actual;
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    return expected.every((value, index) => agrees(value, actual[index]));
  }
  return Object.entries(expected).every(([field, value]) => agrees(value, actual[field]));
}
