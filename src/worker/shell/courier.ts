// Tells for many ledgers at once what they committed. Ledgers of one isolate share the engine's
// memory, and what most have to tell is there: so one of them tells for all that wait, one
// message for each object that must hear, instead of a timer and a message of each.
//
// One object must not touch another's storage, nor wait for its promises. Therefore a ledger is
// told for only from memory, and is called when there is anything else to do for it.

import { performCall } from "./effects";
import type { Env, Ledger } from "./env";

/**
 * After a commit that follows none for a while, so that what comes with it is told with it. Not
 * longer: a timer keeps the object in memory, and that is billed.
 */
export const SOON_MS = 50;
/** A ledger that told nothing for so long is told of soon: to wait on would cost more. */
const PAUSE_MS = 2_000;
/**
 * From one telling of analytics to the next. They promise 5 seconds: the rest is for timers that
 * are late and for the way.
 */
export const ROLLUP_DELAY_MS = 3_500;
/** A timer that is late by this was lost with its ledger, and another ledger goes on. */
const LATE_MS = 500;
/** What one message tells at most: its receiver has other callers too. */
const MOST_AT_ONCE = 250;

/** Who has something to tell. Nothing of this may touch its storage, or begin a timer. */
export interface Teller {
  /** Whose words these are, to call it. */
  readonly objectId: string;
  /** What it has to tell, as the effect that tells it; nothing if it is not to be told for. */
  board(): string | undefined;
  /** Takes the answer. Whether the ledger must go on by itself. */
  land(answer: string): boolean;
}

/** Words to one object: the effect up to the line break, and a line of each teller. */
interface Load {
  tellers: Teller[];
  lines: string[];
}

const waiting = new Set<Teller>();
/** When those who wait are told for; `null`: nobody waits. */
let dueAt: number | null = null;
let lastAt = 0;
/** Two ledgers have a timer: one may be gone by then. */
let hasDeputy = false;

/** How long what there is to tell now waits, if one telling is to follow another after `delayMs`. */
export function waitAfter(lastAt: number, delayMs: number): number {
  const since = Date.now() - lastAt;
  // A clock that went back says nothing: then as if the last one had just been.
  return since >= PAUSE_MS ? SOON_MS : delayMs - Math.max(since, 0);
}

/** Has a ledger told for, in time; to be called by that ledger, whose timer it may become. */
export function wait(teller: Teller, env: Env): void {
  waiting.add(teller);
  const now = Date.now();
  if (dueAt === null) {
    dueAt = now + waitAfter(lastAt, ROLLUP_DELAY_MS);
    hasDeputy = false;
    ring(dueAt, dueAt - now, env);
  } else if (!hasDeputy) {
    hasDeputy = true;
    ring(dueAt, Math.max(dueAt - now, 0) + LATE_MS, env);
  }
}

/** Nobody tells for it any more. */
export function leave(teller: Teller): void {
  waiting.delete(teller);
}

/** Goes on if both timers were lost; to be called with each call of a ledger. */
export function revive(at: number, env: Env): void {
  if (dueAt !== null && at - dueAt > 2 * LATE_MS) tell(env);
}

function ring(at: number, ms: number, env: Env): void {
  setTimeout(() => {
    if (dueAt === at) tell(env);
  }, ms);
}

/** Tells for all that wait. Never fails: who was not heard goes on by itself. */
function tell(env: Env): void {
  dueAt = null;
  lastAt = Date.now();
  const tellers = [...waiting];
  waiting.clear();
  const filling = new Map<string, Load>();
  for (const teller of tellers) {
    const effect = teller.board();
    if (effect === undefined) continue;
    const line = effect.indexOf("\n");
    const to = effect.slice(0, line);
    let load = filling.get(to);
    if (load === undefined) {
      load = { tellers: [], lines: [] };
      filling.set(to, load);
    }
    load.tellers.push(teller);
    load.lines.push(effect.slice(line + 1));
    if (load.lines.length < MOST_AT_ONCE) continue;
    filling.delete(to);
    send(to, load, env);
  }
  for (const [to, load] of filling) send(to, load, env);
}

async function send(to: string, { tellers, lines }: Load, env: Env): Promise<void> {
  const reply = await performCall(`${to}\n${lines.join("\n")}`, env);
  const answers = reply.split("\n");
  const isAnswered = answers.length === tellers.length;
  for (const [index, teller] of tellers.entries()) {
    // One word of a failure is for all.
    if (teller.land(isAnswered ? (answers[index] ?? reply) : reply)) letGoOn(teller, env);
  }
}

/** Calls a ledger that must go on in its own context. */
async function letGoOn({ objectId }: Teller, env: Env): Promise<void> {
  try {
    const ledgers = env.LEDGER as unknown as DurableObjectNamespace<Ledger>;
    await ledgers.get(ledgers.idFromString(objectId)).goOn();
  } catch {
    // Its next call does, or its alarm.
  }
}
