// The ceilings in ceilings.toml, and holding what was measured against them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FILE = fileURLToPath(new URL("./ceilings.toml", import.meta.url));
/** What a new ceiling leaves room for: another version of the compiler moves a measurement, too. */
const ROOM = 1.05;
/** Below this part of its ceiling a measurement has outgrown it downwards. */
const LOW = 0.8;

/** The ceilings of one table by their names. */
export function ceilings(table: string): Map<string, number> {
  const found = new Map<string, number>();
  let current = "";
  for (const line of readFileSync(FILE, "utf8").split("\n")) {
    current = line.match(/^\[(.+)\]$/)?.[1] ?? current;
    const [, name, value = ""] = line.match(/^"(.+)" = ([\d_]+)$/) ?? [];
    if (name !== undefined && current === table) found.set(name, Number(value.replaceAll("_", "")));
  }
  assert.ok(found.size > 0, `tests/guard/ceilings.toml has no table [${table}]`);
  return found;
}

/**
 * Fails with all that is above its ceiling, and says by how much and what to do. Each
 * measurement must have a ceiling, and each ceiling a measurement.
 * @param say prints a line beside the test's own
 * @param room what a new ceiling leaves: none, which is 1, for what no compiler moves
 */
export function holdAgainst(
  table: string,
  unit: string,
  measured: Map<string, number>,
  say: (line: string) => void,
  room = ROOM,
): void {
  const known = ceilings(table);
  const faults: string[] = [];
  for (const [name, value] of measured) {
    const ceiling = known.get(name);
    const line = `"${name}" = ${written(Math.ceil(value * room))}`;
    say(`${name}: ${value} ${unit}, of ${ceiling ?? "no ceiling"}`);
    if (ceiling === undefined) {
      faults.push(`${name}: ${value} ${unit} and no ceiling. Add: ${line}`);
    } else if (value > ceiling) {
      const percent = ceiling === 0 ? "" : `, ${(100 * (value / ceiling - 1)).toFixed(1)}%`;
      faults.push(
        `${name}: ${value} ${unit}, above the ceiling of ${ceiling} by ${value - ceiling}${percent}. ` +
          `Make it cheaper; or, if it is worth that, write ${line}`,
      );
    } else if (value < ceiling * LOW) {
      say(`${name} has become cheaper: keep it so by writing ${line}`);
    }
  }
  for (const name of known.keys()) {
    if (!measured.has(name)) faults.push(`${name} has a ceiling and is not measured: remove it`);
  }
  const where = `tests/guard/ceilings.toml, [${table}]`;
  assert.ok(faults.length === 0, `${where}:\n  ${faults.join("\n  ")}`);
}

/** With an underscore before each three digits. */
function written(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "_");
}

/** The one in the middle: what a thing costs when nothing else happens beside it. */
export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
