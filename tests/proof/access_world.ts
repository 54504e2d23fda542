// An engine with all that surrounds it: Stripe, a gated service, a KV store, a receiver of
// events; and a record of every answer that it gave.

import assert from "node:assert/strict";
import { type Answer, Engine, type Json, type Sent } from "../e2e/engine.ts";
import { KvServer } from "../e2e/kv_server.ts";
import { Origin } from "../e2e/origin.ts";
import { Receiver } from "../e2e/receiver.ts";
import { WEBHOOK_ENV } from "../e2e/stripe_events.ts";
import { StripeServer } from "../e2e/stripe_server.ts";
import { until } from "../e2e/watch.ts";
import type { Things } from "./access_rows.ts";

/** With letters that a URL or a form would spell otherwise. */
export const SECRETS = {
  ADMIN_TOKEN: "operator/token+of=the proof",
  KEY_SECRET: "signing/secret+of=the proof",
  KEY_SECRET_PREVIOUS: "previous/secret+of=the proof",
};

const MAX_EXCHANGES = 20_000;

export interface Exchange {
  method: string;
  path: string;
  sent: Sent;
  answer: Answer;
}

export class World {
  readonly engine: Engine;
  readonly stripe: StripeServer;
  readonly origin: Origin;
  readonly kv: KvServer;
  readonly receiver: Receiver;
  /** All that was asked and answered. */
  readonly exchanges: Exchange[] = [];

  private constructor(
    engine: Engine,
    around: { stripe: StripeServer; origin: Origin; kv: KvServer; receiver: Receiver },
  ) {
    this.engine = engine;
    ({ stripe: this.stripe, origin: this.origin, kv: this.kv, receiver: this.receiver } = around);
    const send = engine.send.bind(engine);
    engine.send = async (method, path, sent = {}) => {
      const answer = await send(method, path, sent);
      this.exchanges.push({ method, path, sent, answer });
      return answer;
    };
  }

  static async start(): Promise<World> {
    const [stripe, origin, kv, receiver] = await Promise.all([
      StripeServer.start(),
      Origin.start(),
      KvServer.start(),
      Receiver.start(),
    ]);
    const env = { ...SECRETS, ...stripe.env, ...WEBHOOK_ENV, CORS_ORIGINS: "*" };
    const engine = await Engine.start({ env, originAddress: origin.address, kv: kv.address });
    return new World(engine, { stripe, origin, kv, receiver });
  }

  /** The first exchanges are enough to look at: a long run would keep too many. */
  forget(): void {
    this.exchanges.length = Math.min(this.exchanges.length, MAX_EXCHANGES);
  }

  async end(): Promise<void> {
    await this.engine.end();
    const around = [this.stripe, this.origin, this.kv, this.receiver];
    await Promise.all(around.map((server) => server.end()));
  }

  /** A call that must be taken; gives its body. */
  async call(method: string, path: string, key: string, body?: Json): Promise<Json> {
    const answer = await this.engine.send(method, path, { key, body });
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async project(id: string): Promise<{ live: string; test: string }> {
    const made = await this.call("POST", "/v1/projects", SECRETS.ADMIN_TOKEN, { id });
    return { live: made.live_key, test: made.test_key };
  }

  /** A key by what it is for. */
  makeKey(by: string, body: Json): Promise<{ id: string; key: string }> {
    return this.call("POST", "/v1/keys", by, body);
  }

  /** A customer with a charge, a hold, and a key; and some event of the project. */
  async things(by: string, customer_id: string): Promise<Things> {
    const path = `/v1/customers/${customer_id}`;
    await this.call("POST", `${path}/credits`, by, { amount: 100, type: "topup" });
    const charge = await this.call("POST", `${path}/consume`, by, { amount: 10 });
    const start = { user_id: customer_id, amount: 5 };
    const hold = await this.call("POST", "/v1/usage-transactions", by, start);
    const key = await this.makeKey(by, { kind: "project", scopes: ["admin"], name: customer_id });
    const event = await until("an event", async () => {
      const list = await this.call("GET", "/v1/events?limit=1", by);
      return list.data[0];
    });
    return {
      customer_id,
      transaction_id: charge.transaction_id,
      hold_id: hold.transaction_id,
      key_id: key.id,
      event_id: event.id,
    };
  }
}
