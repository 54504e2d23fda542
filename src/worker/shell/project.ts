// A project's object and the registry: every call is one transaction.

import { DurableObject } from "cloudflare:workers";
import { call } from "./engine";
import type { Env } from "./env";
import { useStorage } from "./platform.js";

/** When KV did not take a record, it is offered again after this. */
const PUBLISH_RETRY_MS = 5_000;
/** Where a record waits that KV has not taken yet. */
const UNPUBLISHED = "unpublished";

interface Record {
  key: string;
  value: string;
}

export class ProjectObject extends DurableObject<Env> {
  async call(message: string): Promise<string> {
    const answer = this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      const text = call((engine) => engine.project_call(message, Date.now()));
      const [, key, value] = text.split("\n");
      if (key !== undefined && value !== undefined) this.ctx.storage.kv.put(UNPUBLISHED, { key, value });
      return text;
    });
    const line = answer.indexOf("\n");
    if (line < 0) return answer;
    await this.#publish();
    return answer.slice(0, line);
  }

  override async alarm(): Promise<void> {
    await this.#publish();
  }

  /** Offers KV the newest record until it takes it: a revocation must get out. */
  async #publish(): Promise<void> {
    const record = this.ctx.storage.kv.get<Record>(UNPUBLISHED);
    if (record === undefined) return;
    try {
      await this.env.CREDITS_KV.put(record.key, record.value);
      const newest = this.ctx.storage.kv.get<Record>(UNPUBLISHED);
      if (newest?.value === record.value) this.ctx.storage.kv.delete(UNPUBLISHED);
    } catch (error) {
      console.error(`KV did not take a project's record: ${error instanceof Error ? error.message : "failed"}`);
      await this.ctx.storage.setAlarm(Date.now() + PUBLISH_RETRY_MS);
    }
  }
}

export class RegistryObject extends DurableObject<Env> {
  call(message: string): string {
    return this.ctx.storage.transactionSync(() => {
      useStorage(this.ctx.storage.sql);
      return call((engine) => engine.registry_call(message, Date.now()));
    });
  }
}
