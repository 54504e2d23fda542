// What tests of plans share: a project with tiers, and looking at a customer's journal.

import assert from "node:assert/strict";
import type { Answer, Engine, Json } from "./engine.ts";

/** A project's routes, by one of its keys. */
export class Shop {
  readonly engine: Engine;
  readonly key: string;

  constructor(engine: Engine, key: string) {
    this.engine = engine;
    this.key = key;
  }

  /** A new project with these tiers. */
  static async open(engine: Engine, id: string, tiers: Json[] = []): Promise<Shop> {
    const shop = new Shop(engine, (await engine.project(id)).live);
    await shop.tiers(tiers);
    return shop;
  }

  /** Sends a request that must succeed, and gives its body. */
  async done(method: string, path: string, body?: Json): Promise<Json> {
    const answer = await this.send(method, path, body);
    assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  send(method: string, path: string, body?: Json): Promise<Answer> {
    return this.engine.send(method, `/v1/${path}`, { key: this.key, body });
  }

  tiers(tiers: Json[]): Promise<Json> {
    return this.done("PUT", "tiers", tiers);
  }

  settings(patch: Json): Promise<Json> {
    return this.done("PATCH", "settings", patch);
  }

  create(id: string, more: Json = {}): Promise<Json> {
    return this.done("POST", "customers", { id, ...more });
  }

  customer(id: string): Promise<Json> {
    return this.done("GET", `customers/${id}`);
  }

  consume(id: string, amount: number, more: Json = {}): Promise<Answer> {
    return this.send("POST", `customers/${id}/consume`, { amount, ...more });
  }

  check(id: string, amount: number, more: Json = {}): Promise<Json> {
    return this.done("POST", `customers/${id}/check`, { amount, ...more });
  }

  credit(id: string, amount: number, more: Json = {}): Promise<Json> {
    return this.done("POST", `customers/${id}/credits`, { amount, type: "topup", ...more });
  }

  /** What is left of each grant and where it came from, in burn-down order. */
  async grants(id: string): Promise<[string, number][]> {
    const { breakdown } = await this.done("GET", `customers/${id}/balance?include=breakdown`);
    return breakdown.map(({ source, remaining }: Json) => [source, remaining]);
  }

  /** Type, amount and balance of each transaction, oldest first. */
  async history(id: string): Promise<[string, number, number][]> {
    return (await this.transactions(id)).map((row) => [row.type, row.amount, row.balance_after]);
  }

  /** Type and time of each transaction, oldest first. */
  async times(id: string): Promise<[string, string][]> {
    return (await this.transactions(id)).map((row) => [row.type, row.created_at]);
  }

  async transactions(id: string): Promise<Json[]> {
    const { data, pagination } = await this.done("GET", `customers/${id}/transactions?limit=100`);
    assert.equal(pagination.has_more, false);
    return data.reverse();
  }
}
