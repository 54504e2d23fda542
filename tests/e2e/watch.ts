// Looking at an engine from outside: waiting for a condition, and reading a ledger's journal
// from its file, which settles nothing that is due as a request would.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine, Json } from "./engine.ts";

const POLL_MS = 20;
const MILLIONTHS = 1_000_000;
/** How long a file is waited for that the engine writes to just now. */
const BUSY_MS = 10_000;

/** Polls until `probe` gives something; fails when it takes too long. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) assert.fail(`not within ${deadlineMs} ms: ${what}`);
    await pause(POLL_MS);
  }
}

export interface Row {
  seq: number;
  at: number;
  kind: string;
  amount: number;
  balance: number;
  key: string | null;
}

/** The database files of a class of objects. */
function databases(engine: Engine, className: string): string[] {
  const dir = join(engine.dataDir, "workerd", "storage", `edge-credits-${className}`);
  const isObject = (file: string) => file.endsWith(".sqlite") && file !== "metadata.sqlite";
  return readdirSync(dir)
    .filter(isObject)
    .map((file) => join(dir, file));
}

/** Changes the storage of an engine that does not run, in every object of a class. */
export function editStorage(engine: Engine, className: string, sql: string): void {
  for (const path of databases(engine, className)) {
    const file = new DatabaseSync(path);
    try {
      file.exec(sql);
    } finally {
      file.close();
    }
  }
}

/** Makes every alarm of a class of objects overdue, in an engine that does not run. */
export function runAlarmsNow(engine: Engine, className: string): void {
  const dir = join(engine.dataDir, "workerd", "storage", `edge-credits-${className}`);
  const file = new DatabaseSync(join(dir, "metadata.sqlite"));
  try {
    const { changes } = file.prepare("UPDATE _cf_ALARM SET scheduled_time = 1").run();
    assert.ok(changes > 0, "an alarm was set");
  } finally {
    file.close();
  }
}

/** A customer's journal as it lies on disk; empty while there is none. */
export function journal(engine: Engine, customer: string): Row[] {
  return inCredits(journalInMillionths(engine, customer));
}

/** As `journal`, but exact: whole millionths, which a double holds. */
function journalInMillionths(engine: Engine, customer: string): Row[] {
  for (const path of databases(engine, "LedgerObject")) {
    const rows = readJournal(path, customer);
    if (rows) return rows;
  }
  return [];
}

function inCredits(rows: Row[]): Row[] {
  return rows.map((row) => ({
    ...row,
    amount: row.amount / MILLIONTHS,
    balance: row.balance / MILLIONTHS,
  }));
}

function readJournal(path: string, customer: string): Row[] | undefined {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    file.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    const has = file.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'identity'");
    if (has.get()?.n !== 1) return undefined;
    const owner = file.prepare("SELECT customer FROM identity").get();
    if (owner?.customer !== customer) return undefined;
    const sql = `SELECT seq, at, kind, amount, balance_after AS balance, idempotency_key AS key
                 FROM entries ORDER BY seq`;
    return file.prepare(sql).all() as unknown as Row[];
  } finally {
    file.close();
  }
}

/** Fails unless the books are sound: seq without gaps, running balances, no key twice. */
export async function assertSound(engine: Engine, key: string, customer: string): Promise<Row[]> {
  const path = `/v1/customers/${encodeURIComponent(customer)}/audit`;
  const audit = await engine.send("GET", path, { key });
  assert.deepEqual([audit.status, audit.body.consistent], [200, true], JSON.stringify(audit.body));
  const rows = journalInMillionths(engine, customer);
  assert.equal(audit.body.entries, rows.length);
  let balance = 0;
  for (const [index, row] of rows.entries()) {
    balance += row.amount;
    assert.deepEqual([row.seq, row.balance], [index + 1, balance]);
  }
  assert.equal(audit.body.live_balance, balance / MILLIONTHS);
  const keys = rows.map((row) => row.key).filter((known) => known !== null);
  assert.equal(new Set(keys).size, keys.length, "a key has two entries");
  return inCredits(rows);
}

/** What a customer has: its balance, or another field of its balance answer. */
export async function balance(
  engine: Engine,
  key: string,
  customer: string,
  field = "balance",
): Promise<Json> {
  const path = `/v1/customers/${encodeURIComponent(customer)}/balance`;
  const answer = await engine.send("GET", path, { key });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body[field];
}
