// Credits in PostgreSQL: one prepared statement locks the account's row, changes it and
// writes the entry. It is a transaction by itself and one trip.

import { readFileSync } from "node:fs";
import postgres from "postgres";

const CONNECTIONS = 16;

export async function connect(port) {
  const sql = postgres({
    host: "127.0.0.1",
    port,
    user: "bench",
    database: "postgres",
    max: CONNECTIONS,
    onnotice: () => {},
    // Balances are below 2^53: doubles are exact.
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  const [{ exists }] = await sql`SELECT to_regclass('accounts') IS NOT NULL AS exists`;
  if (!exists) await sql.unsafe(readFileSync(new URL("./schema.sql", import.meta.url), "utf8"));

  async function balance(account) {
    const [row] = await sql`SELECT balance FROM accounts WHERE account = ${account}`;
    return row?.balance ?? 0;
  }

  return {
    balance,
    async change(account, micros, payload) {
      const [row] =
        micros < 0
          ? await sql`
              WITH changed AS (
                UPDATE accounts SET balance = balance + ${micros}, seq = seq + 1
                WHERE account = ${account} AND balance + ${micros} >= 0
                RETURNING balance, seq)
              INSERT INTO entries (account, seq, amount, balance_after, payload)
              SELECT ${account}, seq, ${micros}, balance, ${payload}::text::json FROM changed
              RETURNING balance_after, seq`
          : await sql`
              WITH changed AS (
                INSERT INTO accounts VALUES (${account}, ${micros}, 1)
                ON CONFLICT (account) DO UPDATE
                SET balance = accounts.balance + EXCLUDED.balance, seq = accounts.seq + 1
                RETURNING balance, seq)
              INSERT INTO entries (account, seq, amount, balance_after, payload)
              SELECT ${account}, seq, ${micros}, balance, ${payload}::text::json FROM changed
              RETURNING balance_after, seq`;
      if (row) return { isDone: true, balance: row.balance_after, seq: row.seq };
      return { isDone: false, balance: await balance(account), seq: 0 };
    },
    async audit(account) {
      const [journal] = await sql`
        SELECT coalesce(sum(amount), 0)::bigint AS journal, count(*) AS entries,
               count(*) FILTER (WHERE amount < 0) AS consumptions
        FROM entries WHERE account = ${account}`;
      return { ...journal, live: await balance(account) };
    },
  };
}
