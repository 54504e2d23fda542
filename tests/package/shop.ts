// What the tests of a gate have in common: an engine, a project of it with a price, and the package.

import assert from "node:assert/strict";
import { Engine } from "../e2e/engine.ts";
import { type Package, Project } from "./install.ts";

const COSTS = [{ service: "images", action: "generate", credits: 0.3 }];

export class Shop {
  readonly engine: Engine;
  readonly project: Project;
  readonly key: string;
  readonly #index: Package;

  private constructor(engine: Engine, project: Project, key: string, index: Package) {
    this.engine = engine;
    this.project = project;
    this.key = key;
    this.#index = index;
  }

  static async open(project = new Project()): Promise<Shop> {
    const engine = await Engine.start();
    const key = (await engine.project("shop")).live;
    assert.equal((await engine.send("PUT", "/v1/costs", { key, body: COSTS })).status, 200);
    return new Shop(engine, project, key, await project.import());
  }

  async close(): Promise<void> {
    this.project.remove();
    await this.engine.end();
  }

  client(options: object = {}): Package {
    return new this.#index.CreditEngine({ apiKey: this.key, baseUrl: this.engine.url, ...options });
  }

  /** A client whose engine cannot be reached. */
  unreachable(): Package {
    return this.client({
      fetch: () => Promise.reject(new TypeError("fetch failed")),
      maxRetries: 0,
    });
  }

  /** A balance, and what of it is held. */
  async stateOf(id: string): Promise<[balance: number, held: number]> {
    const { body } = await this.engine.send("GET", `/v1/customers/${id}/balance`, {
      key: this.key,
    });
    return [body.balance, body.held];
  }

  /** Types and amounts of a customer's transactions, the oldest first. */
  async typesOf(id: string): Promise<[type: string, amount: number][]> {
    const { data } = await this.client().getTransactions(id);
    return data.map((row: Package) => [row.type, row.amount]).reverse();
  }
}

/** What an answer says of its cost and of what is left. */
export function creditsOf({ headers }: Response): [string | null, string | null] {
  return [headers.get("X-Credits-Cost"), headers.get("X-Credits-Remaining")];
}
