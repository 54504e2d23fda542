// One customer's object: a mailbox in front of a ledger in wasm.
//
// Calls queue up; one flush runs them all in memory, writes them with one statement, waits
// for one commit, and answers them all. While a commit is under way further calls queue for
// the next flush: so a busy customer costs one commit for many calls, and a lone call waits
// for nobody.

import { DurableObject } from "cloudflare:workers";
import { within } from "./effects";
import { call, currentGeneration } from "./engine";
import type { Env } from "./env";
import { useStorage } from "./platform.js";

/**
 * The platform may end the call that leads a flush, and its continuation with it, when that
 * caller hangs up. Whoever has waited this long takes the lead.
 */
const TAKEOVER_MS = 250;
/** A call that has waited this long is dropped unrun: its caller has given up by now. */
const STALE_MS = 10_000;
/** How long the project's directory is waited for when a customer comes or goes. */
const LISTING_DEADLINE_MS = 2_000;
/** When the directory did not answer, it is told again after this. */
const LISTING_RETRY_MS = 30_000;

const BROKEN = "!broken";

interface Waiting {
  message: string;
  since: number;
  answer: (reply: string) => void;
  reply: string;
  takeover: number | null;
}

/** Frees ledgers in wasm whose objects the platform has dropped from memory. */
const dropped = new FinalizationRegistry<{ handle: number; generation: number }>(close);

function close({ handle, generation }: { handle: number; generation: number }): void {
  if (generation === currentGeneration()) call((engine) => engine.ledger_close(handle));
}

export class LedgerObject extends DurableObject<Env> {
  #queue: Waiting[] = [];
  /** Run in memory, waiting for their commit. */
  #run: Waiting[] = [];
  #isFlushing = false;
  /** Who leads the flush; an earlier leader that comes back steps down. */
  #lead = 0;
  #ledger: { handle: number; generation: number } | undefined;
  /** When the alarm rings; `undefined`: not known yet, `null`: never. */
  #alarmAt: number | null | undefined;

  call(message: string): Promise<string> {
    return new Promise((answer) => {
      const waiting: Waiting = { message, since: Date.now(), answer, reply: BROKEN, takeover: null };
      this.#queue.push(waiting);
      if (this.#isFlushing) {
        waiting.takeover = setTimeout(() => this.#flush(), TAKEOVER_MS);
      } else {
        // Not under waitUntil: there it would never end once its caller is gone.
        this.#flush();
      }
    });
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    const outcome = this.#transact((handle) => call((engine) => engine.ledger_settle_due(handle, Date.now())));
    await this.#commit(outcome);
  }

  async #flush(): Promise<void> {
    this.#lead += 1;
    const lead = this.#lead;
    this.#isFlushing = true;
    do {
      let committed: boolean;
      try {
        const outcome = this.#runQueue();
        committed = outcome === 0 ? true : await this.#commit(outcome);
      } catch (error) {
        console.error(`a ledger was dropped from memory: ${error instanceof Error ? error.message : "failed"}`);
        this.#forget();
        committed = false;
      }
      if (this.#lead !== lead) return;
      this.#answerAll(committed);
    } while (this.#queue.length > 0);
    this.#isFlushing = false;
  }

  /** Runs all that is queued; whether anything must be committed. */
  #runQueue(): number {
    const queue = this.#queue;
    this.#queue = [];
    const now = Date.now();
    const live = queue.filter((waiting) => now - waiting.since < STALE_MS);
    this.#run.push(...queue);
    return this.#transact((handle) => {
      for (const waiting of live) {
        waiting.reply = call((engine) => engine.ledger_call(handle, waiting.message, now));
      }
    });
  }

  /** Works on the ledger and writes what changed: what `ledger_commit` gives. */
  #transact(work: (handle: number) => void): number {
    useStorage(this.ctx.storage.sql);
    const handle = this.#open();
    work(handle);
    return call((engine) => engine.ledger_commit(handle));
  }

  /** Waits until what was written is durable, and keeps the alarm and the directory right. */
  async #commit(outcome: number): Promise<boolean> {
    const alarm = this.#setAlarm();
    await this.ctx.storage.sync();
    if (outcome === 2) await this.#tellDirectory();
    if (alarm !== undefined) await alarm;
    return true;
  }

  #answerAll(committed: boolean): void {
    const run = this.#run;
    this.#run = [];
    for (const waiting of run) {
      clearTimeout(waiting.takeover);
      waiting.answer(committed ? waiting.reply : BROKEN);
    }
  }

  #open(): number {
    if (this.#ledger?.generation === currentGeneration()) return this.#ledger.handle;
    const handle = call((engine) => engine.ledger_open(this.ctx.id.toString()));
    this.#ledger = { handle, generation: currentGeneration() };
    dropped.register(this, this.#ledger, this);
    return handle;
  }

  /** Drops what is in memory: the journal knows better. */
  #forget(): void {
    if (this.#ledger === undefined) return;
    dropped.unregister(this);
    const ledger = this.#ledger;
    this.#ledger = undefined;
    close(ledger);
  }

  /** Sets the alarm if something becomes due before it rings. */
  #setAlarm(): Promise<void> | undefined {
    const handle = this.#open();
    const wakeAt = call((engine) => engine.ledger_wake_at(handle));
    if (wakeAt === undefined) return undefined;
    if (this.#alarmAt === undefined) return this.#learnAlarm();
    if (this.#alarmAt !== null && this.#alarmAt <= wakeAt) return undefined;
    this.#alarmAt = wakeAt;
    return this.ctx.storage.setAlarm(wakeAt);
  }

  async #learnAlarm(): Promise<void> {
    this.#alarmAt = await this.ctx.storage.getAlarm();
    await this.#setAlarm();
  }

  /** Tells the project's directory that this customer came or went. */
  async #tellDirectory(): Promise<void> {
    const handle = this.#open();
    const effect = call((engine) => engine.ledger_listing(handle));
    if (effect === undefined) return;
    const line = effect.indexOf("\n");
    const projects = this.env.PROJECT;
    try {
      const directory = projects.get(projects.idFromName(effect.slice(0, line)));
      await within(LISTING_DEADLINE_MS, directory.call(effect.slice(line + 1)));
      useStorage(this.ctx.storage.sql);
      const open = this.#open();
      call((engine) => engine.ledger_listed(open));
      await this.ctx.storage.sync();
    } catch (error) {
      console.error(`the directory was not told of a customer: ${error instanceof Error ? error.message : "failed"}`);
      this.#alarmAt = Date.now() + LISTING_RETRY_MS;
      await this.ctx.storage.setAlarm(this.#alarmAt);
    }
  }
}
