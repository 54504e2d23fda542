// Calls of one ledger that are under way at the same time cross together.
//
// A call to an object costs many times what its ledger does with it, and the platform takes a
// bounded number of them a second. So a few calls are made at once; what comes meanwhile
// waits, and all that wait are carried by one call. As long as many come, one call is under
// way and the next ones gather. A ledger that few ask at once has nobody wait.
//
// Who waits is resumed by another request, or not at all: the platform may end that one with
// its caller. So each has a timer of its own, by which it goes on without being told.

import { hasPassed } from "./clock";
import { callObject, callObjectForMany } from "./effects";
import type { Env } from "./env";

/** Calls that are made before others wait for them. */
const WINDOW = 4;
/**
 * A call that has been under way for so long holds nobody up any more: it is slow, or its caller
 * has hung up, and nobody hears of its return.
 */
const TURN_MS = 50;
/** One that is carried along and has no answer by then is given up, as any call to an object. */
const CARRIED_MS = 10_000;
/** What one call carries: a message of the platform has a largest size. */
const MOST_MESSAGES = 256;
const MOST_LETTERS = 4_000_000;

/** Lanes that an isolate keeps; beyond it starts anew. A caller who hangs up leaves one behind. */
const MOST_LANES = 10_000;

const BROKEN = "!broken";

/** Said to one that waits: carry all that wait. */
const LEAD = Symbol("lead");

interface Waiting {
  message: string;
  resume: (word: string | typeof LEAD) => void;
}

/** A call under way: when it was made, and whether it carries many. */
interface Call {
  at: number;
  isShared: boolean;
}

class Lane {
  readonly #queue: Waiting[] = [];
  readonly #calls = new Set<Call>();

  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#calls.size === 0;
  }

  /** Takes a place among the calls under way, if there is one. */
  enter(at: number): Call | undefined {
    let recent = 0;
    for (const call of this.#calls) {
      if (hasPassed(TURN_MS, call.at, at)) this.#calls.delete(call);
      else if (call.isShared) return undefined;
      else recent += 1;
    }
    // Those who wait are first, but for whom nobody will tell them so.
    if (recent >= WINDOW || (recent > 0 && this.#queue.length > 0)) return undefined;
    return this.#add(at);
  }

  /** Waits for an answer by another's call, or for the word to lead. */
  async wait(message: string, context: ExecutionContext): Promise<string | Call> {
    let resume: Waiting["resume"] = () => {};
    const told = new Promise<string | typeof LEAD>((resolve) => {
      resume = resolve;
    });
    // Also when its caller hangs up: it may be told to lead, and then others depend on it.
    context.waitUntil(told);
    const waiting = { message, resume };
    this.#queue.push(waiting);
    let timer = setTimeout(() => {
      const place = this.#queue.indexOf(waiting);
      if (place >= 0) {
        this.#queue.splice(place, 1);
        resume(LEAD);
      } else {
        timer = setTimeout(() => resume(BROKEN), CARRIED_MS);
      }
    }, TURN_MS);
    const word = await told;
    clearTimeout(timer);
    return word === LEAD ? this.#add(Date.now()) : word;
  }

  /** Takes those that a call can carry besides its own message. */
  gather(call: Call, message: string): Waiting[] {
    let letters = message.length;
    let count = 0;
    for (const waiting of this.#queue) {
      letters += waiting.message.length;
      if (letters > MOST_LETTERS || count + 1 >= MOST_MESSAGES) break;
      count += 1;
    }
    call.isShared = count > 0;
    return this.#queue.splice(0, count);
  }

  /** A call has returned: one of those who wait leads the next, unless others are carried still. */
  leave(call: Call): void {
    this.#calls.delete(call);
    for (const other of this.#calls) if (other.isShared) return;
    this.#queue.shift()?.resume(LEAD);
  }

  #add(at: number): Call {
    const call = { at, isShared: false };
    this.#calls.add(call);
    return call;
  }
}

/** An object, and its id as text, which its name and a transaction's id both lead to. */
interface Ledger {
  id: DurableObjectId;
  text: string;
}

/** Ids that an isolate remembers; beyond it starts anew. */
const MOST_IDS = 4_096;
/** By name: the platform makes an id by a hash of it. */
const ledgers = new Map<string, Ledger>();
/** By the ledger's id. */
const lanes = new Map<string, Lane>();

export function ledgerByName(env: Env, name: string): Ledger {
  let ledger = ledgers.get(name);
  if (ledger === undefined) {
    const id = env.LEDGER.idFromName(name);
    ledger = { id, text: id.toString() };
    if (ledgers.size >= MOST_IDS) ledgers.clear();
    ledgers.set(name, ledger);
  }
  return ledger;
}

/** Nothing for a text that is no id of a ledger. */
export function ledgerById(env: Env, text: string): Ledger | undefined {
  try {
    return { id: env.LEDGER.idFromString(text), text };
  } catch {
    return undefined;
  }
}

/** Calls a ledger, alone or for others too. */
export async function callLedger(
  env: Env,
  context: ExecutionContext,
  ledger: Ledger,
  message: string,
): Promise<string> {
  const lane = laneOf(ledger);
  const turn = lane.enter(Date.now()) ?? (await lane.wait(message, context));
  if (typeof turn === "string") return turn;
  const reply = carry(lane, turn, env, ledger.id, message).finally(() => {
    if (lane.isIdle) lanes.delete(ledger.text);
  });
  // Others depend on it, also when this caller hangs up.
  if (turn.isShared) context.waitUntil(reply);
  return reply;
}

function laneOf({ text }: Ledger): Lane {
  let lane = lanes.get(text);
  if (lane === undefined) {
    // Of two lanes of one ledger each makes its own calls, which does no harm.
    if (lanes.size >= MOST_LANES) lanes.clear();
    lane = new Lane();
    lanes.set(text, lane);
  }
  return lane;
}

/** Makes a call, for all that wait. */
async function carry(
  lane: Lane,
  turn: Call,
  env: Env,
  id: DurableObjectId,
  message: string,
): Promise<string> {
  const others = lane.gather(turn, message);
  try {
    if (others.length === 0) return await callObject(env.LEDGER, id, message);
    const messages = [message, ...others.map((other) => other.message)];
    const replies = await callObjectForMany(env.LEDGER, id, messages);
    for (const [index, other] of others.entries()) other.resume(replies[index + 1] ?? BROKEN);
    return replies[0] ?? BROKEN;
  } finally {
    lane.leave(turn);
  }
}
