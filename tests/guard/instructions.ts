// Makes a wasm module count the instructions that it executes. A count of instructions is the
// same on a fast machine, a slow one and a busy one, and needs no tool beside Node; unlike one of
// the processor's (valgrind's), it is of the very code that is shipped.
//
// Code is cut into runs of instructions that are executed one after the other or not at all, and
// at the head of each run its length is added to a global, which is exported. Wasm has no jumps
// by address, so nothing else needs to change.

/** The exported global: an i64, which JavaScript reads and sets as a bigint. */
export const COUNTER = "instructions_executed";

const SECTION = { import: 2, global: 6, export: 7, code: 10 };
const I64 = 0x7e;
const KIND = { function: 0, table: 1, memory: 2, global: 3 };

/** Instructions that are none: they mark where something begins or ends. */
const MARKS = new Set([0x01, 0x02, 0x03, 0x05, 0x0b]);
/** After these, what follows is executed by itself: loop, if, else, end, branches, return. */
const CUTS = new Set([0x00, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x12, 0x13]);

const [BR_TABLE, SELECT_TYPED, F32_CONST, F64_CONST, PREFIX] = [0x0e, 0x1c, 0x43, 0x44, 0xfc];
/** The first and the last of some instructions, and how many numbers follow each. */
const PLAIN: [number, number, number][] = [
  [0x00, 0x01, 0], // unreachable, nop
  [0x02, 0x04, 1], // block, loop, if
  [0x05, 0x05, 0], // else
  [0x0b, 0x0b, 0], // end
  [0x0c, 0x0d, 1], // br, br_if
  [0x0f, 0x0f, 0], // return
  [0x10, 0x10, 1], // call
  [0x11, 0x11, 2], // call_indirect
  [0x12, 0x12, 1], // return_call
  [0x13, 0x13, 2], // return_call_indirect
  [0x1a, 0x1b, 0], // drop, select
  [0x20, 0x26, 1], // locals, globals, tables
  [0x28, 0x3e, 2], // loads and stores
  [0x3f, 0x42, 1], // memory.size and .grow, i32.const, i64.const
  [0x45, 0xc4, 0], // arithmetic
  [0xd0, 0xd0, 1], // ref.null
  [0xd1, 0xd1, 0], // ref.is_null
  [0xd2, 0xd2, 1], // ref.func
];
const EXTENDED: [number, number, number][] = [
  [0, 7, 0], // from floats, saturating
  [8, 8, 2], // memory.init
  [9, 9, 1], // data.drop
  [10, 10, 2], // memory.copy
  [11, 11, 1], // memory.fill
  [12, 12, 2], // table.init
  [13, 13, 1], // elem.drop
  [14, 14, 2], // table.copy
  [15, 17, 1], // table.grow, .size and .fill
];

/** A reader of the binary format: https://webassembly.github.io/spec/core/binary/ */
class Reader {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error("the module ends too early");
    this.at += 1;
    return byte;
  }

  /** An unsigned number of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Passes a number of any length, signed or not. */
  skipNumbers(count: number): void {
    for (let n = 0; n < count; n += 1) while (this.byte() >= 0x80);
  }

  take(length: number): Uint8Array {
    this.at += length;
    if (this.at > this.bytes.length) throw new Error("the module ends too early");
    return this.bytes.subarray(this.at - length, this.at);
  }

  skipName(): void {
    this.take(this.number());
  }

  /** Passes one instruction and gives its opcode. */
  instruction(): number {
    const opcode = this.byte();
    if (opcode === PREFIX) {
      this.skipNumbers(numbersOf(EXTENDED, this.number(), "0xfc "));
    } else if (opcode === BR_TABLE) {
      this.skipNumbers(this.number() + 1);
    } else if (opcode === SELECT_TYPED) {
      this.skipNumbers(this.number());
    } else if (opcode === F32_CONST || opcode === F64_CONST) {
      this.take(opcode === F32_CONST ? 4 : 8);
    } else {
      this.skipNumbers(numbersOf(PLAIN, opcode, "0x"));
    }
    return opcode;
  }
}

/** How many numbers follow an instruction. */
function numbersOf(table: [number, number, number][], opcode: number, prefix: string): number {
  const row = table.find(([first, last]) => first <= opcode && opcode <= last);
  if (!row)
    throw new Error(`instruction ${prefix}${opcode.toString(16)} is not known here: add it`);
  return row[2];
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** The same module with an exported counter of what it executes. */
export function countingInstructions(wasm: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new Reader(wasm);
  const parts: Uint8Array[] = [reader.take(8)];
  let globals = 0;
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const content = reader.take(reader.number());
    let changed = content;
    if (id === SECTION.import) globals = importedGlobals(content);
    if (id === SECTION.global) {
      const own = new Reader(content).number();
      changed = withOneMore(content, [I64, 1, 0x42, 0, 0x0b]);
      globals += own;
    }
    if (id === SECTION.export) {
      const name = new TextEncoder().encode(COUNTER);
      changed = withOneMore(content, [
        ...unsigned(name.length),
        ...name,
        KIND.global,
        ...unsigned(globals),
      ]);
    }
    if (id === SECTION.code) changed = countedCode(content, globals);
    parts.push(Uint8Array.from([id, ...unsigned(changed.length)]), changed);
  }
  const module = new Uint8Array(Buffer.concat(parts));
  if (!WebAssembly.validate(module)) throw new Error("the counting module is no good module");
  return module;
}

/** A list with an item added at its end. */
function withOneMore(list: Uint8Array, item: number[]): Uint8Array {
  const reader = new Reader(list);
  const count = reader.number();
  return Buffer.concat([
    Uint8Array.from(unsigned(count + 1)),
    list.subarray(reader.at),
    Uint8Array.from(item),
  ]);
}

function importedGlobals(imports: Uint8Array): number {
  const reader = new Reader(imports);
  let globals = 0;
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.skipName();
    reader.skipName();
    const kind = reader.byte();
    if (kind === KIND.function) {
      reader.skipNumbers(1);
    } else if (kind === KIND.global) {
      reader.take(2);
      globals += 1;
    } else if (kind === KIND.table || kind === KIND.memory) {
      if (kind === KIND.table) reader.take(1);
      const hasMaximum = (reader.byte() & 1) === 1;
      reader.skipNumbers(hasMaximum ? 2 : 1);
    } else {
      throw new Error(`an import of kind ${kind} is not known here: add it`);
    }
  }
  return globals;
}

function countedCode(code: Uint8Array, counter: number): Uint8Array {
  const reader = new Reader(code);
  const count = reader.number();
  const parts: Uint8Array[] = [Uint8Array.from(unsigned(count))];
  for (let left = count; left > 0; left -= 1) {
    const body = countedBody(reader.take(reader.number()), counter);
    parts.push(Uint8Array.from(unsigned(body.length)), body);
  }
  return Buffer.concat(parts);
}

function countedBody(body: Uint8Array, counter: number): Uint8Array {
  const reader = new Reader(body);
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.skipNumbers(1);
    reader.take(1);
  }
  const global = unsigned(counter);
  const parts: Uint8Array[] = [body.subarray(0, reader.at)];
  let begin = reader.at;
  let length = 0;
  while (!reader.isAtEnd) {
    const opcode = reader.instruction();
    if (!MARKS.has(opcode)) length += 1;
    if (!CUTS.has(opcode)) continue;
    if (length > 0) {
      // global.get, i64.const, i64.add, global.set
      const add = [0x23, ...global, 0x42, ...signed(length), 0x7c, 0x24, ...global];
      parts.push(Uint8Array.from(add));
    }
    parts.push(body.subarray(begin, reader.at));
    [begin, length] = [reader.at, 0];
  }
  return Buffer.concat(parts);
}
