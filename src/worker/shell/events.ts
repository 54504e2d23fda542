// An events object: it keeps what ledgers have to tell and sends it to the project's
// endpoint. Rust says what is due and what an answer means; here are the calls.
//
// Only the alarm sends: a call from a ledger may be ended by the platform together with all
// that it awaits. An attempt is written down before it is made, so nothing is lost with this
// object's memory.

import { DurableObject } from "cloudflare:workers";
import { fromPlatform, now, setClock, toPlatform } from "./clock";
import { within } from "./effects";
import { call, configure } from "./engine";
import type { Env } from "./env";
import { useStorage } from "./platform.js";

/** Open connections that the platform allows at once. */
const AT_ONCE = 6;
/** One alarm makes this many attempts at most, then rings again: the platform counts them. */
const ATTEMPTS_PER_ALARM = 40;
/** What an endpoint has to answer within. */
const ENDPOINT_DEADLINE_MS = 15_000;
/** How long a project's endpoint is believed. That there is none is never believed. */
const ENDPOINT_KEPT_MS = 5_000;
const PROJECT_DEADLINE_MS = 5_000;
/** Without the project's word nothing can be sent; it is asked again after this. */
const ASK_AGAIN_MS = 5_000;

interface Attempt {
  row: number;
  attempt: number;
  id: string;
  body: string;
  timestamp: string;
  signature: string;
}

interface Attempts {
  url: string | null;
  attempts: Attempt[];
}

export class EventsObject extends DurableObject<Env> {
  #endpoint: { reply: string; askedAt: number } | undefined;
  /** Tells the alarm that is sending that there is more. */
  #more: (() => void) | undefined;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    setClock(env);
  }

  async call(message: string): Promise<string> {
    const reply = this.#transact(() => call((engine) => engine.events_call(message, now())));
    await this.#wakeInTime();
    this.#more?.();
    return reply;
  }

  override async alarm(): Promise<void> {
    configure(this.env);
    this.#transact(() => call((engine) => engine.events_prune(now())));
    const running = new Set<Promise<void>>();
    let left = ATTEMPTS_PER_ALARM;
    try {
      for (;;) {
        const more = new Promise<void>((resolve) => {
          this.#more = resolve;
        });
        const { url, attempts } = await this.#take(Math.min(AT_ONCE - running.size, left));
        left -= attempts.length;
        for (const attempt of attempts) {
          const sent = this.#send(url ?? "", attempt).finally(() => running.delete(sent));
          running.add(sent);
        }
        if (running.size === 0) break;
        // In case that this ends here: then the alarm finds the lost attempts.
        await this.#wakeInTime();
        await Promise.race([more, ...running]);
      }
      await this.#wakeInTime();
    } catch (error) {
      console.error(`events wait: ${error instanceof Error ? error.message : "failed"}`);
      await Promise.all(running);
      await this.ctx.storage.setAlarm(Date.now() + ASK_AGAIN_MS);
    } finally {
      this.#more = undefined;
    }
  }

  /** What is to be sent now, `limit` at most. */
  async #take(limit: number): Promise<Attempts> {
    const nothing = { url: null, attempts: [] };
    if (limit <= 0) return nothing;
    useStorage(this.ctx.storage.sql);
    const ask = call((engine) => engine.events_endpoint_call(now()));
    if (ask === undefined) return nothing;
    const endpoint = await this.#askEndpoint(ask);
    const taken = this.#transact(() =>
      call((engine) => engine.events_take(endpoint.reply, limit, now(), Date.now())),
    );
    const attempts: Attempts = JSON.parse(taken);
    this.#endpoint = attempts.url === null ? undefined : endpoint;
    return attempts;
  }

  async #askEndpoint(ask: string): Promise<{ reply: string; askedAt: number }> {
    const known = this.#endpoint;
    if (known !== undefined && Date.now() - known.askedAt < ENDPOINT_KEPT_MS) return known;
    const askedAt = Date.now();
    const line = ask.indexOf("\n");
    const projects = this.env.PROJECT;
    const project = projects.get(projects.idFromName(ask.slice(0, line)));
    const reply = await within(PROJECT_DEADLINE_MS, project.call(ask.slice(line + 1)));
    return { reply, askedAt };
  }

  /** Makes one attempt; never fails, since an attempt that is not finished counts as lost. */
  async #send(url: string, { row, attempt, ...message }: Attempt): Promise<void> {
    const seen = { row, attempt, ...(await post(url, message)) };
    try {
      this.#transact(() => call((engine) => engine.events_finish(JSON.stringify(seen), now())));
    } catch (error) {
      console.error(
        `an event's delivery was not written down: ${error instanceof Error ? error.message : "failed"}`,
      );
    }
  }

  #transact<T>(work: () => T): T {
    return this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      return work();
    });
  }

  /** Sets the alarm for what is due next, unless it rings by then anyway. */
  async #wakeInTime(): Promise<void> {
    useStorage(this.ctx.storage.sql);
    const wakeAt = call((engine) => engine.events_wake_at());
    if (wakeAt === undefined) return;
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm !== null && fromPlatform(alarm) <= wakeAt) return;
    await this.ctx.storage.setAlarm(Math.max(toPlatform(wakeAt), Date.now()));
  }
}

/** What came of a POST: a status, or that there was no answer. */
async function post(
  url: string,
  { id, timestamp, signature, body }: Omit<Attempt, "row" | "attempt">,
): Promise<{ status: number | null; timed_out: boolean; retry_after: string | null }> {
  const signal = AbortSignal.timeout(ENDPOINT_DEADLINE_MS);
  const headers = {
    "Content-Type": "application/json",
    "User-Agent": "edge-credits",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signature,
  };
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal,
    });
    // What it says besides is of no interest.
    response.body?.cancel().catch(() => {});
    const { status } = response;
    return { status, timed_out: false, retry_after: response.headers.get("Retry-After") };
  } catch {
    return { status: null, timed_out: signal.aborted, retry_after: null };
  }
}
