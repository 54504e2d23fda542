// Requests made of an OpenAPI document: mostly what its schemas take, often with one thing wrong.

import type { Contract } from "../e2e/contract.ts";
import type { Json } from "../e2e/engine.ts";
import type { Shop } from "./shop.ts";

export interface Case {
  method: string;
  path: string;
  headers: Record<string, string>;
  /** The body as it is sent. */
  raw?: string | Uint8Array<ArrayBuffer>;
}

/** Values that no field expects, or only just takes. */
const ODD: Json[] = [
  null,
  true,
  0,
  -1,
  0.1,
  1e-7,
  2 ** 53,
  9_000_000_000,
  1e300,
  "",
  "x".repeat(257),
  "\u0000",
  "\ud800",
  "é\u202e",
  "1e400",
  "9999-12-31T23:59:59Z",
  "__proto__",
  [],
  [[]],
  {},
  { "": {} },
];
/** What fields of these names take, in a furnished project. */
const WORDS: Record<string, string[]> = {
  id: ["small", "free", "basic", "ben"],
  service: ["ai"],
  action: ["draw"],
  model: ["large"],
  tier_id: ["free", "basic"],
  default_tier: ["free"],
  pack_id: ["small"],
  success_url: ["https://shop.test/"],
  cancel_url: ["https://shop.test/"],
  currency: ["usd"],
  kind: ["project", "customer"],
  feature: ["draw", "text"],
};
/** Texts where a path or a query takes one. */
const ODD_TEXTS = ["", " ", "%", "%00", "%zz", "a%2Fb", "..", "-1", "1e3", "999999999999999999999"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const DAY_MS = 86_400_000;
const MAX_DEPTH = 6;

export class Generator {
  readonly #contract: Contract;
  readonly #shop: Shop;
  readonly #next: () => number;

  constructor(contract: Contract, shop: Shop, next: () => number) {
    this.#contract = contract;
    this.#shop = shop;
    this.#next = next;
  }

  /** A request of one of the document's operations, and which one it is. */
  case(): Case & { operation: string } {
    const found = this.of(this.#contract.operations);
    const { path: template, operation } = found;
    const method = this.#chance(0.02) ? this.of(METHODS) : found.method;
    const parameters = (operation.parameters ?? []).map((parameter: Json) =>
      this.#resolve(parameter),
    );
    const headers: Record<string, string> = {};
    const query: string[] = [];
    for (const { name, in: place, schema, required } of parameters) {
      if (place === "path" || !(this.#chance(0.4) || (required && this.#chance(0.95)))) continue;
      const value = this.#chance(0.1) ? this.of(ODD_TEXTS) : `${this.value(schema, 0, name)}`;
      if (place === "header") headers[name] = headerText(value);
      else query.push(`${name}=${this.#chance(0.05) ? value : encode(value)}`);
    }
    if (this.#chance(0.03)) query.push(this.of(["unknown=1", "limit=1&limit=2", "&&", "="]));
    const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => this.#segment(name));
    const made: Case = {
      method,
      path: query.length > 0 ? `${path}?${query.join("&")}` : path,
      headers,
    };
    const content = operation.requestBody?.content;
    if (content && !["GET", "HEAD"].includes(method)) this.#addBody(made, content);
    return { ...made, operation: `${found.method} ${template}` };
  }

  /** One of several. */
  of<T>(list: readonly T[]): T {
    return list[Math.floor(this.#next() * list.length)] as T;
  }

  /** One of its own, since it may be changed afterwards. */
  #odd(): Json {
    return structuredClone(this.of(ODD));
  }

  #chance(probability: number): boolean {
    return this.#next() < probability;
  }

  #segment(name: string): string {
    if (this.#chance(0.1)) return this.of(ODD_TEXTS).replace(/^(|\.\.| )$/, "x");
    const known: Record<string, string[]> = {
      customer_id: this.#shop.customers,
      transaction_id: [...this.#shop.transactions, ...this.#shop.holds],
      key_id: this.#shop.keys,
      path: ["draw", "draw", "nothing"],
    };
    const ids = this.#chance(0.05) ? undefined : known[name];
    return encode(this.of(ids ?? ["someone-else"]));
  }

  #addBody(made: Case, content: Json): void {
    const [type, { schema }] = this.of(Object.entries<Json>(content));
    if (this.#chance(0.02)) return;
    let text = this.#text(this.#bent(this.value(schema)));
    if (type.includes("ndjson")) {
      const rows = Array.from({ length: Math.floor(this.#next() * 4) }, () =>
        this.#text(this.#bent(this.value(schema))),
      );
      text = [text, ...rows].join("\n");
    }
    made.raw = this.#chance(0.05) ? this.#broken(text) : text;
    const odd = this.of(["text/plain", "application/json; charset=utf-8", "", "application/xml"]);
    made.headers["Content-Type"] = this.#chance(0.04) ? odd : type.replace("*/*", "text/plain");
  }

  /** A value that a schema takes, but for what this does not understand of it. */
  value(node: Json, depth = 0, name = ""): Json {
    const schema = this.#flat(node ?? {});
    if ("const" in schema) return schema.const;
    if (schema.enum) return this.of(schema.enum);
    const type = Array.isArray(schema.type) ? this.of(schema.type) : schema.type;
    switch (type ?? (schema.properties ? "object" : undefined)) {
      case "object":
        return this.#object(schema, depth);
      case "array": {
        const most = Math.min(schema.maxItems ?? 3, depth > MAX_DEPTH ? 0 : 3);
        const length = Math.floor(this.#next() * (most + 1));
        return Array.from({ length }, () => this.value(schema.items, depth + 1, name));
      }
      case "integer":
      case "number":
        return this.#number(schema, type);
      case "boolean":
        return this.#chance(0.5);
      case "string":
        return this.#string(schema, name);
      case "null":
        return null;
      default:
        return this.#odd();
    }
  }

  /** A schema without references, and one of its alternatives. */
  #flat(node: Json): Json {
    const { $ref, allOf = [], oneOf = [], ...own } = node;
    let schema = $ref === undefined ? own : merged(this.#flat(this.#resolve({ $ref })), own);
    for (const part of allOf) schema = merged(schema, this.#flat(part));
    if (oneOf.length === 0) return schema;
    const chosen = this.of<Json>(oneOf);
    schema = merged(schema, this.#flat(chosen));
    // Fields that belong to the other alternatives.
    const required = new Set(schema.required);
    const others = oneOf.flatMap((other: Json) => other.required ?? []);
    for (const name of others) if (!required.has(name)) delete schema.properties?.[name];
    return schema;
  }

  #object(schema: Json, depth: number): Json {
    const made: Json = {};
    const required = new Set(schema.required ?? []);
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      const isThere = required.has(name) ? this.#chance(0.97) : this.#chance(0.3);
      if (isThere && depth <= MAX_DEPTH) made[name] = this.value(part, depth + 1, name);
    }
    if (!schema.properties && this.#chance(0.7)) made[this.#string({})] = this.#odd();
    return made;
  }

  #number({ minimum = 0, maximum = 1_000, multipleOf }: Json, type: string): number {
    if (this.#chance(0.05)) return this.of([minimum, maximum]);
    const least = this.#chance(0.1) ? minimum : Math.max(minimum, 0);
    const most = Math.min(maximum, Math.max(least, 1) * 500);
    const value = least + this.#next() * (most - least);
    if (type === "integer") return Math.floor(value);
    const digits = multipleOf === undefined || this.#chance(0.5) ? 2 : 6;
    return Number(value.toFixed(digits));
  }

  #string({ format, pattern, minLength = 1 }: Json, name = ""): string {
    if (format === "date-time" || pattern?.includes("T\\d{2}"))
      return new Date(Date.now() + (this.#next() - 0.2) * 400 * DAY_MS).toISOString();
    if (format === "date")
      return new Date(Date.now() - this.#next() * 400 * DAY_MS).toISOString().slice(0, 10);
    if (format === "uri" || pattern?.startsWith("^https?")) return "https://shop.test/a?b=1";
    if (pattern === "^[a-z]{3}$") return this.of(["usd", "eur"]);
    if (pattern?.startsWith("^/")) return this.of(["/draw", "/draw/*", "/*"]);
    const { customers, transactions, holds } = this.#shop;
    if (name === "user_id" || name === "customer_id") return this.of(customers);
    if (name === "refund_of") return this.of(transactions);
    const known = WORDS[name];
    if (known !== undefined && this.#chance(0.9)) return this.of(known);
    const made = `made-${Math.floor(this.#next() * 1e9)}`;
    return this.of(["order-1", "é", made, made, made, ...holds]).padEnd(minLength, "x");
  }

  /** A value, of every three one with one thing changed. */
  #bent(value: Json): Json {
    if (this.#chance(0.65)) return value;
    const places: [Json, string][] = [];
    const visit = (node: Json): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [name, part] of Object.entries(node)) {
        places.push([node, name]);
        visit(part);
      }
    };
    visit(value);
    const place = places.length > 0 ? this.of(places) : undefined;
    if (place === undefined) return this.#odd();
    const [parent, name] = place;
    const change = this.#next();
    if (change < 0.2) delete parent[name];
    else if (change < 0.4) parent[`${name}x`] = parent[name];
    else parent[name] = this.#odd();
    return value;
  }

  /** As JSON, sometimes with a number or a name that `JSON.stringify` would never write. */
  #text(value: Json): string {
    const text = JSON.stringify(value) ?? "";
    if (this.#chance(0.9)) return text;
    const [from, to] = this.of([
      [/\d+/, "1e400"],
      [/\d+/, "1.0000000"],
      [/\d+/, "-0"],
      [/\d+/, "00"],
      [/\d+/, "NaN"],
      [/"/, "'"],
      [/\{/, '{"amount":1,'],
      [/:/, " : "],
    ] as [RegExp, string][]);
    return text.replace(from, to);
  }

  #broken(text: string): string | Uint8Array<ArrayBuffer> {
    const at = Math.floor(this.#next() * text.length);
    switch (Math.floor(this.#next() * 4)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return `${text}${text}`;
      case 2:
        return new Uint8Array([...new TextEncoder().encode(text), 0xff]);
      default:
        return `${"[".repeat(2_000)}${text}`;
    }
  }

  #resolve(node: Json): Json {
    if (node.$ref === undefined) return node;
    const parts: string[] = node.$ref.replace("#/", "").split("/");
    return parts.reduce((at, part) => at[part], this.#contract.document);
  }
}

/** Both schemas at once, as far as they name fields. */
function merged(one: Json, other: Json): Json {
  const both = { ...one, ...other };
  if (one.properties || other.properties)
    both.properties = { ...one.properties, ...other.properties };
  if (one.required || other.required)
    both.required = [...(one.required ?? []), ...(other.required ?? [])];
  return both;
}

/** As a URL has it; what UTF-8 has no bytes for is left out. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, ""));
}

/** What a header can carry. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "").trim();
}
