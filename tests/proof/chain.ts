// The chain of a journal's hashes, computed apart from the engine: from a ledger's file, or from
// an export. docs/import-export.md has it in words.

import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { Json } from "../e2e/engine.ts";

/** Whose journal it is. */
export interface Owner {
  project: string;
  mode: string;
  customer: string;
}

/** An entry as it is stored; amounts in millionths, `at` in milliseconds since 1970. */
export interface Row {
  seq: number;
  at: number;
  kind: string;
  amount: number;
  balance_after: number;
  idempotency_key: string | null;
  fingerprint: string | null;
  about: number | null;
  payload: string;
  notices: string | null;
  hash: string | null;
}

const ABSENT = 0xffff_ffff;

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

function text(value: string | null): Buffer {
  const content = Buffer.from(value ?? "", "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value === null ? ABSENT : content.length);
  return Buffer.concat([length, content]);
}

function sha256(parts: Buffer[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function hashOf(before: Buffer, row: Row): Buffer {
  return sha256([
    before,
    number(row.seq),
    number(row.at),
    number(row.amount),
    number(row.balance_after),
    number(row.about ?? 0),
    text(row.kind),
    text(row.idempotency_key),
    text(row.fingerprint),
    text(row.payload),
    text(row.notices),
  ]);
}

/**
 * The last hash, and the first entry that does not follow from those before it. Entries before
 * `from` are older than the chain.
 */
export function follow(
  owner: Owner,
  rows: Row[],
  from = 1,
): { head: string; wrong: number | undefined } {
  const { project, mode, customer } = owner;
  let head = sha256(["edge-credits journal 1", project, mode, customer].map(text));
  for (const [index, row] of rows.entries()) {
    head = hashOf(head, row);
    const isRight = row.hash === (row.seq < from ? null : head.toString("hex"));
    if (row.seq !== index + 1 || !isRight) return { head: head.toString("hex"), wrong: index + 1 };
  }
  return { head: head.toString("hex"), wrong: undefined };
}

/** A line of an export as the row that it was made of. */
export function rowOf(line: Json): Row {
  const millionths = (amount: number) => Math.round(amount * 1_000_000);
  return {
    seq: line.seq,
    at: Date.parse(line.created_at),
    kind: line.type,
    amount: millionths(line.amount),
    balance_after: millionths(line.balance_after),
    idempotency_key: line.stored_key,
    fingerprint: line.fingerprint,
    about: line.about,
    payload: JSON.stringify(line.event),
    notices: line.notices === null ? null : JSON.stringify(line.notices),
    hash: line.hash,
  };
}

/** Whose journal a file has, and its rows; undefined for a file without one. */
export function readFile(path: string): { owner: Owner; rows: Row[] } | undefined {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    const has = file.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'identity'");
    if (has.get()?.n !== 1) return undefined;
    const owner = file.prepare("SELECT project, mode, customer FROM identity").get();
    const rows = file.prepare("SELECT * FROM entries ORDER BY seq").all();
    return { owner: owner as unknown as Owner, rows: rows as unknown as Row[] };
  } finally {
    file.close();
  }
}
