// One customer's object: a mailbox in front of a ledger in wasm.
//
// Calls queue up; one flush runs them all in memory, writes them with one statement, waits
// for one commit, and answers them all. While a commit is under way further calls queue for
// the next flush: so a busy customer costs one commit for many calls, and a lone call waits
// for nobody.
//
// The rules of this class are tried in tests/proof/simulator/mailbox.rs, which has them in Rust:
// who changes one changes both.

import { DurableObject } from "cloudflare:workers";
import { fromPlatform, hasPassed, now, setClock, toPlatform } from "./clock";
import { ROLLUP_DELAY_MS, revive } from "./courier";
import { within } from "./effects";
import { call, currentGeneration } from "./engine";
import type { Env } from "./env";
import { useStorage } from "./platform.js";
import { Shipper } from "./shipping";

/**
 * The platform may end the call that leads a flush, and its continuation with it, when that
 * caller hangs up. A flush that has taken this long is taken over, by its first follower or
 * by whoever comes next.
 */
const TAKEOVER_MS = 250;
/** A call that has waited this long is dropped unrun: its caller has given up by now. */
const STALE_MS = 10_000;
/** How long the project's object is waited for: a customer comes or goes, a period ends. */
const PROJECT_DEADLINE_MS = 2_000;

/**
 * What a crash leaves untold is told by an alarm within this time. So a ledger that is in
 * use sets an alarm once in this time, and never by each commit.
 */
const TELL_AT_LATEST_MS = 600_000;
/** How often those are told at most who hear of what is committed, by the engine's numbers. */
const DELAYS_MS = [ROLLUP_DELAY_MS, 2_000];

const BROKEN = "!broken";

/** What `ledger_commit` gives: nothing was written, or the directory must be told. */
const NOTHING = -1;
const TELL_DIRECTORY = 1;
/** The ledger was opened, or its alarm has rung: what it needs is to be asked. */
const UNKNOWN = -2;

interface Waiting {
  message: string;
  since: number;
  answer: (reply: string) => void;
  reply: string;
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
  /** When the flush last began a round. */
  #flushedAt = 0;
  /** Who leads the flush; an earlier leader that comes back steps down. */
  #lead = 0;
  /** The first follower's timer for taking over. */
  #deputy: number | null = null;
  /** Writes so far; how many have their alarm, and how many are known to be durable with it. */
  #written = 0;
  #woken = 0;
  #durable = 0;
  /** What the last of those without an alarm needs; it speaks for the whole ledger. */
  #due = NOTHING;
  #ledger: { handle: number; generation: number } | undefined;
  /** When the alarm rings; `undefined`: not known yet, `null`: never. */
  #alarmAt: number | null | undefined;
  readonly #shippers: Shipper[];

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    setClock(env);
    const source = {
      env,
      storage: context.storage,
      objectId: context.id.toString(),
      handle: () => this.#handle(),
      open: () => {
        useStorage(context.storage.sql);
        return this.#open();
      },
      hasNews: (lane: number) => this.#hasNews(lane),
      isDurable: () => this.#durable >= this.#written,
      wakeLater: () => this.#wakeAt(now() + TELL_AT_LATEST_MS),
    };
    this.#shippers = DELAYS_MS.map((delayMs, lane) => new Shipper(lane, delayMs, source));
  }

  call(message: string): Promise<string> {
    return new Promise((answer) => {
      const since = Date.now();
      for (const shipper of this.#shippers) shipper.revive(since);
      revive(since, this.env);
      this.#queue.push({ message, since, answer, reply: BROKEN });
      if (!this.#isFlushing || hasPassed(TAKEOVER_MS, this.#flushedAt, since)) {
        // Not under waitUntil: there it would never end once its caller is gone.
        this.#flush();
      } else if (this.#deputy === null) {
        this.#deputy = setTimeout(() => this.#deputize(), TAKEOVER_MS);
      }
    });
  }

  /** Tells by itself what another ledger could not tell for it. */
  async goOn(): Promise<void> {
    useStorage(this.ctx.storage.sql);
    this.#open();
    for (const shipper of this.#shippers) shipper.plan();
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    this.#needAlarm();
    try {
      const terms = await this.#terms();
      this.#transact((handle) => {
        if (terms !== undefined) call((engine) => engine.ledger_take_terms(handle, terms, now()));
        call((engine) => engine.ledger_settle_due(handle, now()));
      });
      await this.#sync();
      await this.#tellDirectory();
      await this.#wakeInTime();
      await this.#sync();
      await Promise.all(this.#shippers.map((shipper) => shipper.ship()));
    } catch (error) {
      // The platform rings again, and the journal knows better than this memory.
      this.#forget();
      throw error;
    }
  }

  /** Takes the lead from a leader that has been gone for too long. */
  #deputize(): void {
    this.#deputy = null;
    if (!this.#isFlushing) return;
    if (hasPassed(TAKEOVER_MS, this.#flushedAt, Date.now())) this.#flush();
    else this.#deputy = setTimeout(() => this.#deputize(), TAKEOVER_MS);
  }

  async #flush(): Promise<void> {
    this.#lead += 1;
    const lead = this.#lead;
    this.#isFlushing = true;
    do {
      this.#flushedAt = Date.now();
      let committed = true;
      try {
        this.#runQueue();
        // An earlier leader may have gone between its write and its commit, or have failed; an
        // alarm may ring meanwhile, and another is needed.
        while (this.#durable < this.#written && this.#lead === lead) await this.#commit();
      } catch (error) {
        console.error(
          `a ledger was dropped from memory: ${error instanceof Error ? error.message : "failed"}`,
        );
        this.#forget();
        committed = false;
      }
      if (this.#lead !== lead) return;
      this.#answerAll(committed);
    } while (this.#queue.length > 0);
    this.#isFlushing = false;
    if (this.#deputy !== null) {
      clearTimeout(this.#deputy);
      this.#deputy = null;
    }
  }

  /** Runs all that is queued, and writes it. */
  #runQueue(): void {
    const queue = this.#queue;
    this.#queue = [];
    const at = Date.now();
    this.#run.push(...queue);
    this.#transact((handle) => {
      for (const waiting of queue) {
        if (at - waiting.since > STALE_MS) continue;
        waiting.reply = call((engine) => engine.ledger_call(handle, waiting.message, now()));
      }
    });
  }

  /** Works on the ledger and writes what changed. */
  #transact(work: (handle: number) => void): void {
    useStorage(this.ctx.storage.sql);
    const handle = this.#open();
    work(handle);
    const outcome = call((engine) => engine.ledger_commit(handle, now()));
    if (outcome === NOTHING) return;
    this.#written += 1;
    if (this.#due !== TELL_DIRECTORY) this.#due = outcome;
  }

  /** Waits until what was written is durable; keeps the alarm and the directory right. */
  async #commit(): Promise<void> {
    const [written, due] = [this.#written, this.#due];
    // The alarm first: what is durable falls due also if this object ends here.
    if (this.#woken < written) {
      if (due === TELL_DIRECTORY || due === UNKNOWN) await this.#wakeInTime();
      else if (due > TELL_DIRECTORY) await this.#wakeAt(due);
      if (due !== UNKNOWN) await this.#wakeAt(now() + TELL_AT_LATEST_MS);
      this.#woken = Math.max(this.#woken, written);
      if (this.#written === written) this.#due = NOTHING;
    }
    await this.#sync();
    for (const shipper of this.#shippers) shipper.plan();
    if (due === TELL_DIRECTORY) await this.#tellDirectory();
  }

  /** Waits until what was written before is durable; what is written meanwhile may not be. */
  async #sync(): Promise<void> {
    const woken = this.#woken;
    await this.ctx.storage.sync();
    this.#durable = Math.max(this.#durable, woken);
  }

  #answerAll(committed: boolean): void {
    const run = this.#run;
    this.#run = [];
    for (const waiting of run) waiting.answer(committed ? waiting.reply : BROKEN);
  }

  #open(): number {
    const opened = this.#handle();
    if (opened !== undefined) return opened;
    const handle = call((engine) => engine.ledger_open(this.ctx.id.toString()));
    this.#ledger = { handle, generation: currentGeneration() };
    // What the journal holds may be of a flush that failed: not durable yet, and without an alarm.
    this.#needAlarm();
    dropped.register(this, this.#ledger, this);
    // How far others have heard is not kept here: they are asked.
    for (const shipper of this.#shippers) shipper.plan();
    return handle;
  }

  /** The ledger in wasm, if it is open. */
  #handle(): number | undefined {
    return this.#ledger?.generation === currentGeneration() ? this.#ledger.handle : undefined;
  }

  /** Whether there may be something to tell on a lane; nobody knows of a ledger not in memory. */
  #hasNews(lane: number): boolean {
    const handle = this.#handle();
    return handle === undefined || call((engine) => engine.ledger_has_news(handle, lane));
  }

  /** What is written has no alarm, as far as is known here: nobody is answered before it has. */
  #needAlarm(): void {
    this.#written += 1;
    if (this.#due === NOTHING) this.#due = UNKNOWN;
  }

  /** Drops what is in memory: the journal knows better. */
  #forget(): void {
    // It may have failed to be set.
    this.#alarmAt = undefined;
    if (this.#ledger === undefined) return;
    dropped.unregister(this);
    const ledger = this.#ledger;
    this.#ledger = undefined;
    close(ledger);
  }

  /** Sets the alarm for what becomes due next. */
  async #wakeInTime(): Promise<void> {
    useStorage(this.ctx.storage.sql);
    const handle = this.#open();
    const written = this.#written;
    const wakeAt = call((engine) => engine.ledger_wake_at(handle, now()));
    if (wakeAt !== undefined) await this.#wakeAt(wakeAt);
    this.#woken = Math.max(this.#woken, written);
  }

  /** Sets the alarm, unless it rings by then anyway. */
  async #wakeAt(at: number): Promise<void> {
    if (this.#alarmAt === undefined) {
      const alarm = await this.ctx.storage.getAlarm();
      this.#alarmAt = alarm === null ? null : fromPlatform(alarm);
    }
    if (this.#alarmAt !== null && this.#alarmAt <= at) return;
    this.#alarmAt = at;
    await this.ctx.storage.setAlarm(toPlatform(at));
  }

  /** The project's terms as they are now, if a period is over: an alarm is brought none. */
  async #terms(): Promise<string | undefined> {
    useStorage(this.ctx.storage.sql);
    const handle = this.#open();
    const effect = call((engine) => engine.ledger_terms(handle, now()));
    if (effect === undefined) return undefined;
    try {
      return await this.#askProject(effect);
    } catch (error) {
      // The period ends by the terms that the ledger knows.
      console.error(
        `a period ended by old terms: ${error instanceof Error ? error.message : "failed"}`,
      );
      return undefined;
    }
  }

  /** Performs a call to the project's object: its name, a line break, the message. */
  #askProject(effect: string): Promise<string> {
    const line = effect.indexOf("\n");
    const projects = this.env.PROJECT;
    const project = projects.get(projects.idFromName(effect.slice(0, line)));
    return within(PROJECT_DEADLINE_MS, project.call(effect.slice(line + 1)));
  }

  /** Tells the project's directory that this customer came or went. */
  async #tellDirectory(): Promise<void> {
    useStorage(this.ctx.storage.sql);
    const handle = this.#open();
    const effect = call((engine) => engine.ledger_listing(handle));
    if (effect === undefined) return;
    try {
      await this.#askProject(effect);
      useStorage(this.ctx.storage.sql);
      const open = this.#open();
      call((engine) => engine.ledger_listed(open));
      await this.#sync();
    } catch (error) {
      // The alarm tells it again.
      console.error(
        `the directory was not told of a customer: ${error instanceof Error ? error.message : "failed"}`,
      );
    }
  }
}
