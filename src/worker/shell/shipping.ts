// Brings what a ledger has committed to an object that must hear of it, some time after the
// commit and never as a part of it: a busy ledger does not wait, and one message tells of
// many entries. What is told to whom is the engine's; here is only when.

import { leave, SOON_MS, type Teller, wait, waitAfter } from "./courier";
import { performCall } from "./effects";
import { call } from "./engine";
import type { Env } from "./env";

/** After a failure, doubled by each further one. */
const RETRY_MS = 2_000;
/** After so many failures in a row only the alarm, or the next commit, tries again. */
const MAX_RETRIES = 5;
/** A timer that is late by this, or a message that takes this long, was lost: see `revive`. */
const LOST_MS = 15_000;

/** What a shipper needs of its ledger. */
export interface Source {
  env: Env;
  storage: DurableObjectStorage;
  objectId: string;
  /** The ledger in wasm, its storage at hand. */
  open(): number;
  /** The ledger in wasm, if it is open; its storage is not to be used. */
  handle(): number | undefined;
  /** Whether there may be something to tell on a lane. */
  hasNews(lane: number): boolean;
  /** Whether all that is written is known to be durable. */
  isDurable(): boolean;
  /** Sees to it that the alarm tries again. */
  wakeLater(): Promise<void>;
}

export class Shipper implements Teller {
  readonly #lane: number;
  readonly #delayMs: number;
  readonly #source: Source;
  /** When the timer rings; `null`: there is none. */
  #dueAt: number | null = null;
  /** When the run under way last got on; `null`: none is. */
  #activeAt: number | null = null;
  /** Which run is the present one: an earlier one that comes back ends. */
  #run = 0;
  /** The run that the courier last did. */
  #boarded = 0;
  /** When what there was to tell was last looked at. */
  #lookedAt = 0;
  /** There may be more to tell than the run under way tells. */
  #hasMore = false;
  /** The courier tells what there is. */
  #isWaiting = false;
  /** The courier could not: it is told soon, and from here. */
  #isLate = false;
  #failures = 0;

  /**
   * `lane` is the engine's number of who must hear; `delayMs` is from one run to the next, so
   * that one message tells of all that is done meanwhile.
   */
  constructor(lane: number, delayMs: number, source: Source) {
    this.#lane = lane;
    this.#delayMs = delayMs;
    this.#source = source;
  }

  get objectId(): string {
    return this.#source.objectId;
  }

  /** There may be something to tell: it was committed, or the ledger was just loaded. */
  plan(): void {
    if (this.#isWaiting) return;
    if (this.#activeAt !== null) this.#hasMore = true;
    if (this.#dueAt !== null || this.#activeAt !== null) return;
    if (!this.#source.hasNews(this.#lane) || this.#letWait()) return;
    const left = this.#isLate ? SOON_MS : waitAfter(this.#lookedAt, this.#delayMs);
    this.#ringIn(Math.max(left, this.#backoff()));
  }

  /** Leaves what there is to tell to the courier, if it can be told from memory. */
  #letWait(): boolean {
    const handle = this.#source.handle();
    if (handle === undefined || this.#failures > 0 || this.#isLate) return false;
    if (!call((engine) => engine.ledger_tells_from_memory(handle, this.#lane))) return false;
    this.#isWaiting = true;
    wait(this, this.#source.env);
    return true;
  }

  board(): string | undefined {
    this.#isWaiting = false;
    const handle = this.#source.handle();
    // One that was dropped tells when it is opened.
    if (handle === undefined) return undefined;
    // Nobody may hear of what a crash could still undo: it is told after its commit.
    this.#isLate = !this.#source.isDurable();
    if (this.#isLate) return undefined;
    try {
      const effect = call((engine) => engine.ledger_shipment(handle, this.#lane));
      if (effect === undefined) return undefined;
      this.#run += 1;
      this.#boarded = this.#run;
      this.#hasMore = false;
      this.#lookedAt = Date.now();
      this.#activeAt = this.#lookedAt;
      return effect;
    } catch {
      // The engine was started anew, and says so.
      return undefined;
    }
  }

  land(answer: string): boolean {
    if (this.#run !== this.#boarded) return false;
    this.#activeAt = null;
    const handle = this.#source.handle();
    if (handle === undefined) return false;
    try {
      if (answer.startsWith("!")) throw new Error("there was no answer");
      this.#isLate = call((engine) => engine.ledger_shipped(handle, this.#lane, answer));
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isLate || this.#failures > 0) return true;
    return this.#hasMore && this.#source.hasNews(this.#lane) && !this.#letWait();
  }

  /**
   * Goes on with what was lost. Timers and messages begin in the context of some caller, and
   * the platform may end them with that caller: so each later call looks.
   */
  revive(at: number): void {
    const since = this.#activeAt ?? this.#dueAt;
    if (since !== null && at - since > LOST_MS) this.ship();
  }

  /** Tells all that there is to tell. Never fails: what failed is tried again later. */
  async ship(): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    this.#dueAt = null;
    this.#hasMore = false;
    this.#isWaiting = false;
    leave(this);
    try {
      for (;;) {
        this.#lookedAt = Date.now();
        this.#activeAt = this.#lookedAt;
        const handle = this.#source.open();
        const effect = call((engine) => engine.ledger_shipment(handle, this.#lane));
        if (effect === undefined) break;
        // Nobody may hear of what a crash could still undo.
        if (!this.#source.isDurable()) await this.#source.storage.sync();
        const reply = await performCall(effect, this.#source.env);
        if (this.#run !== run) return;
        if (reply.startsWith("!")) throw new Error("there was no answer");
        const open = this.#source.open();
        if (!call((engine) => engine.ledger_shipped(open, this.#lane, reply))) break;
      }
      this.#activeAt = null;
      this.#failures = 0;
      this.#isLate = false;
      if (this.#hasMore) this.plan();
    } catch (error) {
      if (this.#run !== run) return;
      this.#fail(error);
      await this.#tryLater();
    }
  }

  #fail(error: unknown): void {
    const words = error instanceof Error ? error.message : "failed";
    console.error(`what a ledger committed was not told: ${words}`);
    this.#activeAt = null;
    this.#failures += 1;
  }

  async #tryLater(): Promise<void> {
    if (this.#failures <= MAX_RETRIES) this.#ringIn(this.#backoff());
    try {
      await this.#source.wakeLater();
    } catch {
      // Storage is gone, and this object with it: the next one asks anew.
    }
  }

  #backoff(): number {
    return this.#failures === 0 ? 0 : RETRY_MS * 2 ** Math.min(this.#failures, MAX_RETRIES);
  }

  #ringIn(ms: number): void {
    this.#dueAt = Date.now() + ms;
    setTimeout(() => {
      if (this.#dueAt !== null) this.ship();
    }, ms);
  }
}
