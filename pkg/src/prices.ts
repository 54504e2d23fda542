// The project's price lists, kept for a while, and what something costs by them.

import type { CallOptions, Charge, Priced } from "../types/index.d.ts";
import { accepted, core, fieldsOf } from "./core.ts";
import type { Site } from "./errors.ts";
import { ConfigurationError } from "./errors.ts";
import type { Http } from "./http.ts";

const MAX_AGE_MS = 60_000;
// As `src/client/estimate.rs` reads them.
const FIELD_SEPARATOR = "\u001f";
const ROW_SEPARATOR = "\u001e";

export class Prices {
  readonly #http: Http;
  readonly #maxAgeMs: number;
  #list: { text: string; readAt: number } | undefined;

  constructor(http: Http, maxAgeMs: number = MAX_AGE_MS) {
    if (!(maxAgeMs >= 0)) throw new ConfigurationError("pricesMaxAgeMs must be zero or more");
    this.#http = http;
    this.#maxAgeMs = maxAgeMs;
  }

  /** What a charge costs, as an exact decimal, by prices that are not too old. */
  async quote(charge: Charge, options: CallOptions, site: Site): Promise<string> {
    if (!isPriced(charge)) return exact(charge);
    const isFresh = this.#list && performance.now() - this.#list.readAt < this.#maxAgeMs;
    if (!isFresh) this.#list = await this.#read(options, site);
    return this.#price(charge) ?? "";
  }

  /** The same by what is there, however old; undefined without a price. Asks nobody. */
  known(charge: Charge): string | undefined {
    try {
      return isPriced(charge) ? this.#price(charge) : exact(charge);
    } catch {
      return undefined;
    }
  }

  #price(priced: Priced): string | undefined {
    const prices = this.#list?.text;
    if (prices === undefined) return undefined;
    if ("model" in priced) {
      const tokens = fieldsOf({ ...priced.tokens });
      const count = (name: string) => {
        const at = tokens.indexOf(name);
        return at < 0 ? 0 : Number(tokens[at + 1]);
      };
      const [input, cached] = [count("input_tokens"), count("cached_input_tokens")];
      const model = String(priced.model);
      return accepted(core().quote_model(prices, model, input, cached, count("output_tokens")));
    }
    const { service, action, quantity = 1 } = priced;
    return accepted(core().quote_action(prices, String(service), String(action), Number(quantity)));
  }

  /** Both lists at once; the call is over when both are. */
  async #read(options: CallOptions, site: Site) {
    const readAt = performance.now();
    const lists = await Promise.allSettled([
      this.#http.send("costs", [], options, site),
      this.#http.send("models", [], options, site),
    ]);
    const [costs = [], models = []] = lists.map((list) => {
      if (list.status === "rejected") throw list.reason;
      return list.value.body;
    });
    const rows = [
      ...costs.map((row: Row) => [row.service, row.action, row.credits]),
      ...models.map((row: Row) => [
        row.model,
        row.input_per_million,
        row.output_per_million,
        row.cached_input_per_million ?? "",
        row.minimum ?? "",
      ]),
    ];
    const text = rows.map((row) => row.join(FIELD_SEPARATOR)).join(ROW_SEPARATOR);
    return { text, readAt };
  }
}

type Row = Record<string, string | number | null>;

function isPriced(charge: Charge): charge is Priced {
  return typeof charge === "object" && charge !== null;
}

function exact(amount: unknown): string {
  return accepted(core().positive_amount("amount", String(amount)));
}
