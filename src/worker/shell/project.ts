// A project's object, the registry and the rollup shards: every call is one transaction.

import { DurableObject } from "cloudflare:workers";
import { now, setClock } from "./clock";
import { KV_DEADLINE_MS, within } from "./effects";
import { call } from "./engine";
import type { Env } from "./env";
import { useStorage } from "./platform.js";

/** A changed record is offered to KV at once, and once more after this. */
const PUBLISH_AGAIN_MS = 5_000;
/** Where the newest record waits until the alarm has seen KV take it. */
const UNPUBLISHED = "unpublished";

interface Record {
  key: string;
  value: string;
}

export class ProjectObject extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    setClock(env);
  }

  async call(message: string): Promise<string> {
    const answer = this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      const text = call((engine) => engine.project_call(message, now()));
      const [, key, value] = text.split("\n");
      if (key !== undefined && value !== undefined)
        this.ctx.storage.kv.put(UNPUBLISHED, { key, value });
      return text;
    });
    const line = answer.indexOf("\n");
    if (line < 0) return answer;
    // Set before KV is waited for: this call may end there, by a kill or with its caller.
    await this.ctx.storage.setAlarm(Date.now() + PUBLISH_AGAIN_MS);
    await this.#publish();
    return answer.slice(0, line);
  }

  /**
   * Offers KV the newest record until it takes it: a revocation must get out. Only here it
   * counts as taken: of two calls at once, the older record may reach KV last, but alarms
   * run alone and come after both.
   */
  override async alarm(): Promise<void> {
    const record = await this.#publish();
    const newest = this.ctx.storage.kv.get<Record>(UNPUBLISHED);
    if (newest === undefined) return;
    if (newest.value === record?.value) this.ctx.storage.kv.delete(UNPUBLISHED);
    else await this.ctx.storage.setAlarm(Date.now() + PUBLISH_AGAIN_MS);
  }

  /** Gives the record that KV took. */
  async #publish(): Promise<Record | undefined> {
    const record = this.ctx.storage.kv.get<Record>(UNPUBLISHED);
    if (record === undefined) return undefined;
    try {
      await within(KV_DEADLINE_MS, this.env.CREDITS_KV.put(record.key, record.value));
      return record;
    } catch (error) {
      console.error(
        `KV did not take a project's record: ${error instanceof Error ? error.message : "failed"}`,
      );
      return undefined;
    }
  }
}

export class RegistryObject extends DurableObject<Env> {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    setClock(env);
  }

  call(message: string): string {
    return this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      return call((engine) => engine.registry_call(message, now()));
    });
  }
}

export class RollupObject extends DurableObject<Env> {
  /** It holds something, and for ever; `false`: not known. */
  #isMade = false;

  /** A call in each line, all of which are done or none; a line for each answer. */
  call(messages: string): string {
    let isMade = this.#isMade;
    const answers = this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      return messages.split("\n").map((message) => {
        isMade ||= call((engine) => engine.rollup_is_made());
        return call((engine) => engine.rollup_call(message, isMade));
      });
    });
    this.#isMade = isMade;
    return answers.join("\n");
  }
}
