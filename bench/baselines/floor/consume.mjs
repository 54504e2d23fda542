// How fast may a consumption be that does what the contract asks for? The group-committing
// baseline, changed step by step: each of these adds one thing to all before it.

import {
  BODY,
  BODY_THROUGH_WASM,
  DEADLINE,
  IMPORT_ECHO,
  IMPORT_ECHO_IN_OBJECT,
  IMPORT_REQUEST_ID,
  THROUGH_WASM,
} from "./edits.mjs";

/** @type {import("./edits.mjs").Step[]} */
export const STEPS = [
  BODY,
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
      IMPORT_REQUEST_ID,
      [
        "account.js",
        `"amount":\${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_\${this.#seq}"}\``,
        `"amount":\${Math.abs(amount) / MICROS_PER_CREDIT},"transaction_id":"txn_\${this.#seq}",\` +
        \`"replayed":false,"seq":\${this.#seq}}\``,
      ],
    ],
  },
  DEADLINE,
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
    adds: THROUGH_WASM,
    edits: [
      BODY_THROUGH_WASM,
      ["front.js", "    ? new Response(outcome, {\n", "    ? new Response(echo(outcome), {\n"],
      IMPORT_ECHO,
      [
        "group-commit/worker.js",
        "          const { row, outcome } = this.decide(...slot.call);\n          slot.outcome = outcome;",
        `          const { row, outcome } = this.decide(...slot.call);
          slot.outcome = typeof outcome === "string" ? echo(outcome) : outcome;`,
      ],
      IMPORT_ECHO_IN_OBJECT,
    ],
  },
];
