// A SQLite file as SQL text and back, for what is kept in git: tables, indexes, triggers and
// rows, as they are.

import { DatabaseSync } from "node:sqlite";

/** Everything but the platform's own tables. */
const OBJECTS = `SELECT type, name, sql FROM sqlite_master
  WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  ORDER BY type = 'table' DESC, rowid`;

/** The statements that make the same database. */
export function sqlOf(path: string): string {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    const objects = file.prepare(OBJECTS).all() as { type: string; name: string; sql: string }[];
    const tables = objects.filter(({ type }) => type === "table");
    const others = objects.filter(({ type }) => type !== "table");
    // The trigger would refuse rows in an order of its own, so it comes last.
    const statements = [
      ...tables.map(({ sql }) => sql),
      ...tables.flatMap(({ name }) => rowsOf(file, name)),
      ...others.map(({ sql }) => sql),
    ];
    return `${statements.join(";\n")};\n`;
  } finally {
    file.close();
  }
}

function rowsOf(file: DatabaseSync, table: string): string[] {
  const columns = file.prepare(`SELECT name FROM pragma_table_info(?)`).all(table);
  const quoted = columns.map(({ name }) => `quote(${name})`).join(" || ',' || ");
  const rows = file.prepare(`SELECT ${quoted} AS row FROM ${table} ORDER BY rowid`).all();
  return rows.map(({ row }) => `INSERT INTO ${table} VALUES (${row})`);
}

/** Puts such a database in the place of the engine's own tables in a file. */
export function replaceBy(path: string, sql: string): void {
  const file = new DatabaseSync(path);
  try {
    for (const { type, name } of file.prepare(OBJECTS).all())
      if (type === "table") file.exec(`DROP TABLE ${name}`);
    file.exec(`BEGIN;\n${sql}\nCOMMIT;`);
  } finally {
    file.close();
  }
}
