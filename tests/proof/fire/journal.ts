// The journals as they lie in SQLite, read without the engine.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Json, Row } from "./history.ts";

/** All customers by name, from the files of an engine that has one project and does not run. */
export function readJournals(dataDir: string): Map<string, Row[]> {
  const dir = join(dataDir, "workerd", "storage", "edge-credits-LedgerObject");
  const journals = new Map<string, Row[]>();
  for (const name of readdirSync(dir)) {
    if (!name.endsWith(".sqlite") || name === "metadata.sqlite") continue;
    const file = new DatabaseSync(join(dir, name), { readOnly: true });
    try {
      const customer = owner(file);
      if (customer !== null) journals.set(customer, rowsOf(file));
    } finally {
      file.close();
    }
  }
  return journals;
}

function owner(file: DatabaseSync): string | null {
  const tables = file.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'identity'");
  if (tables.get()?.n !== 1) return null;
  const named = file.prepare("SELECT customer FROM identity").get();
  return (named?.customer as string | undefined) ?? null;
}

function rowsOf(file: DatabaseSync): Row[] {
  const sql = `SELECT seq, at, kind, amount, balance_after AS balance, idempotency_key AS key,
               about, payload FROM entries ORDER BY seq`;
  return file
    .prepare(sql)
    .all()
    .map((stored) => {
      const { payload, about, ...row } = stored as Json;
      const [event] = Object.values(JSON.parse(payload)) as Json[];
      const note = event?.note ?? event?.hold?.note;
      // An expiry is filed under nothing; which grant it ends stands in its payload.
      const subject = row.kind === "expiry" ? event.grant : about;
      return { ...row, about: subject, words: note?.description ?? note?.feature ?? null };
    });
}
