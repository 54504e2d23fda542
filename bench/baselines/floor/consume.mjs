// How fast may a consumption be that does what the contract asks for? The group-committing
// baseline, changed step by step: each of these adds one thing to all before it. An edit is a
// file, what stands there (once), and what takes its place.

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} adds
 * @property {[file: string, from: string, to: string][]} edits
 */

/** How long is waited for an object. */
export const WITHIN = `\
function within(deadlineMs, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), deadlineMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}`;

/** @type {Step[]} */
export const STEPS = [
  {
    name: "body",
    adds: "the body as bytes, of a known length, type and key",
    edits: [
      [
        "front.js",
        "    return await request.json();",
        `    const { headers } = request;
    if (Number(headers.get("Content-Length")) > 65_536) return undefined;
    if ((headers.get("Idempotency-Key") ?? "").length > 255) return undefined;
    if (!(headers.get("Content-Type") ?? "").startsWith("application/json")) return undefined;
    return JSON.parse(decoder.decode(await request.arrayBuffer()));`,
      ],
      [
        "front.js",
        "const objectIds = new Map();",
        'const objectIds = new Map();\nconst decoder = new TextDecoder("utf-8", { fatal: true });',
      ],
    ],
  },
  {
    name: "answer",
    adds: "the whole answer, with an id of the request",
    edits: [
      [
        "front.js",
        `  return typeof outcome === "string"
    ? new Response(outcome, JSON_ANSWER)
    : insufficient(outcome, micros);`,
        `  return typeof outcome === "string"
    ? new Response(outcome, {
        headers: { "Content-Type": "application/json", "X-Request-Id": newRequestId() },
      })
    : insufficient(outcome, micros);`,
      ],
      [
        "front.js",
        'import { projectOf, remember, verify } from "./keys.js";',
        `import { projectOf, remember, verify } from "./keys.js";
import { newRequestId } from "./floor/request-id.js";`,
      ],
      [
        "account.js",
        `"amount":\${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_\${this.#seq}"}\``,
        `"amount":\${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_\${this.#seq}",\` +
        \`"replayed":false,"seq":\${this.#seq}}\``,
      ],
    ],
  },
  {
    name: "deadline",
    adds: "an object that does not answer is not waited for",
    edits: [
      [
        "front.js",
        '  const outcome = await object.run("change", sign * micros, payload);',
        '  const outcome = await within(10_000, object.run("change", sign * micros, payload));',
      ],
      [
        "front.js",
        "/** Undefined if it is not JSON. */",
        `${WITHIN}

/** Undefined if it is not JSON. */`,
      ],
    ],
  },
  {
    name: "row",
    adds: "entries of eleven columns: kind, key, grants drawn on, hash",
    edits: [
      [
        "account.js",
        `        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        balance_after INTEGER NOT NULL CHECK (balance_after >= 0),
        held INTEGER,
        settles INTEGER,
        payload TEXT
      ) STRICT`,
        `        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        amount INTEGER NOT NULL,
        balance_after INTEGER NOT NULL CHECK (balance_after >= 0),
        idempotency_key TEXT,
        fingerprint TEXT,
        held INTEGER,
        settles INTEGER,
        payload TEXT,
        hash TEXT,
        CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
      ) STRICT;
      CREATE UNIQUE INDEX IF NOT EXISTS entries_by_key ON entries (idempotency_key)
        WHERE idempotency_key IS NOT NULL;
      CREATE INDEX IF NOT EXISTS entries_by_hold ON entries (settles) WHERE settles IS NOT NULL`,
      ],
      [
        "account.js",
        "    return [this.#seq, now, amount, this.#balance, held, settles, payload];",
        `    const kind = amount < 0 ? "consumption" : "topup";
    const drawn = \`{"consumed":{"draws":[[1,\${-amount}]]}}\`;
    const entry = [this.#seq, now, kind, amount, this.#balance, null, null, held, settles, drawn];
    entry.push(this.#hashOf(entry));
    return entry;
  }

  #hashOf() {
    return "0".repeat(64);`,
      ],
      [
        "group-commit/worker.js",
        `  INSERT INTO entries
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
`,
        `  INSERT INTO entries (seq, at, kind, amount, balance_after, payload, hash)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 9, value ->> 10
`,
      ],
    ],
  },
  {
    name: "chain",
    adds: "each entry's SHA-256 follows from the one before (node:crypto)",
    edits: [
      [
        "account.js",
        '  #hashOf() {\n    return "0".repeat(64);',
        `  #hashOf(entry) {
    const content = this.#head + JSON.stringify(entry);
    this.#head = createHash("sha256").update(content).digest("hex");
    return this.#head;`,
      ],
      ["account.js", "  #seq = 0;", '  #seq = 0;\n  #head = "";'],
      [
        "account.js",
        '.exec("SELECT seq, balance_after FROM',
        '.exec("SELECT seq, balance_after, hash FROM',
      ],
      [
        "account.js",
        "    this.#seq = last.seq;",
        "    this.#seq = last.seq;\n    this.#head = last.hash;",
      ],
      [
        "account.js",
        'import { DurableObject } from "cloudflare:workers";',
        `import { createHash } from "node:crypto";
import { DurableObject } from "cloudflare:workers";`,
      ],
    ],
  },
  {
    name: "wasm",
    adds: "texts into wasm and out again: twice in the Worker, once in the object",
    edits: [
      [
        "front.js",
        "    return JSON.parse(decoder.decode(await request.arrayBuffer()));",
        `    const text = decoder.decode(await request.arrayBuffer());
    const head = \`\${request.method}\\n\${request.url}\\n\${headers.get("Authorization")}\\n\`;
    return JSON.parse(echo(head + text).slice(head.length));`,
      ],
      ["front.js", "    ? new Response(outcome, {\n", "    ? new Response(echo(outcome), {\n"],
      [
        "front.js",
        'import { newRequestId } from "./floor/request-id.js";',
        `import { echo } from "./floor/echo.js";
import { newRequestId } from "./floor/request-id.js";`,
      ],
      [
        "group-commit/worker.js",
        "          const { row, outcome } = this.decide(...slot.call);\n          slot.outcome = outcome;",
        `          const { row, outcome } = this.decide(...slot.call);
          slot.outcome = typeof outcome === "string" ? echo(outcome) : outcome;`,
      ],
      [
        "group-commit/worker.js",
        'import { Account as AccountBase } from "../account.js";',
        `import { Account as AccountBase } from "../account.js";
import { echo } from "../floor/echo.js";`,
      ],
    ],
  },
];
