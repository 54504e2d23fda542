// Where the rows of a table lie in a SQLite file, byte by byte: the walk of
// https://www.sqlite.org/fileformat2.html, chapters 1.6 and 2.1.

import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** The bytes of one row: its cell in a leaf, and the pages that it overflows into. */
export interface Cell {
  rowid: number;
  /** From, and up to without. */
  spans: [number, number][];
}

const INTERIOR = 5;
const LEAF = 13;

class Pages {
  readonly bytes: Buffer;
  readonly size: number;
  readonly usable: number;

  constructor(path: string) {
    this.bytes = readFileSync(path);
    const size = this.bytes.readUInt16BE(16);
    this.size = size === 1 ? 65_536 : size;
    this.usable = this.size - this.bytes.readUInt8(20);
  }

  start(page: number): number {
    return (page - 1) * this.size;
  }

  varint(at: number): [number, number] {
    let value = 0n;
    for (let n = 0; n < 9; n += 1) {
      const byte = this.bytes.readUInt8(at + n);
      if (n === 8) return [Number((value << 8n) | BigInt(byte)), at + 9];
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) return [Number(value), at + n + 1];
    }
    throw new Error("no such varint");
  }
}

/** The cells of a table's rows, in a file that no engine has open. */
export function cellsOf(path: string, table: string): Cell[] {
  const file = new DatabaseSync(path);
  // What is still in the write-ahead log has no place in the file yet.
  file.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const root = file.prepare("SELECT rootpage FROM sqlite_master WHERE name = ?").get(table);
  file.close();
  return cellsBelow(new Pages(path), Number(root?.rootpage));
}

function cellsBelow(pages: Pages, page: number): Cell[] {
  const start = pages.start(page);
  const header = page === 1 ? start + 100 : start;
  const type = pages.bytes.readUInt8(header);
  const count = pages.bytes.readUInt16BE(header + 3);
  const pointers = header + (type === INTERIOR ? 12 : 8);
  const places = Array.from(
    { length: count },
    (_, n) => start + pages.bytes.readUInt16BE(pointers + 2 * n),
  );
  if (type === LEAF) return places.map((at) => leafCell(pages, at));
  const children = places.map((at) => pages.bytes.readUInt32BE(at));
  children.push(pages.bytes.readUInt32BE(header + 8));
  return children.flatMap((child) => cellsBelow(pages, child));
}

function leafCell(pages: Pages, at: number): Cell {
  const [payload, afterSize] = pages.varint(at);
  const [rowid, content] = pages.varint(afterSize);
  const most = pages.usable - 35;
  if (payload <= most) return { rowid, spans: [[at, content + payload]] };
  const least = Math.floor(((pages.usable - 12) * 32) / 255) - 23;
  const fitting = least + ((payload - least) % (pages.usable - 4));
  const local = fitting <= most ? fitting : least;
  const spans: [number, number][] = [[at, content + local + 4]];
  let rest = payload - local;
  let next = pages.bytes.readUInt32BE(content + local);
  while (rest > 0) {
    const start = pages.start(next);
    const length = Math.min(rest, pages.usable - 4);
    spans.push([start, start + 4 + length]);
    rest -= length;
    next = pages.bytes.readUInt32BE(start);
  }
  return { rowid, spans };
}
