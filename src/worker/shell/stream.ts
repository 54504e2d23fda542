// Bodies that a flow takes or writes piece by piece.

const NEW_LINE = 0x0a;
const NOTHING = new Uint8Array(0);
/** Stands for a line that is not UTF-8; no JSON text has it. */
const NOT_UTF8 = "\u0000";

const encoder = new TextEncoder();

/** The body of a streamed response: what is written waits until the caller takes it. */
export class Output {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #isGone = false;

  constructor() {
    const { readable, writable } = new IdentityTransformStream();
    this.readable = readable;
    this.#writer = writable.getWriter();
  }

  /** Whether the caller hung up before the end. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Gives the flow's reply once the text is taken: `!gone` if nobody takes it. */
  async write(text: string): Promise<string> {
    if (text === "") return "";
    try {
      await this.#writer.write(encoder.encode(text));
      return "";
    } catch {
      this.#isGone = true;
      return "!gone";
    }
  }

  close(): Promise<void> {
    return this.#writer.close();
  }

  /** Breaks the body off, so that the caller sees that it is not whole. */
  abort(): void {
    this.#writer.abort(new Error("the body was broken off")).catch(() => {
      // Nobody reads it any more.
    });
  }
}

/** The body of a request as lines, read on demand. */
export class Input {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Of a line that has not ended yet. */
  #rest: Uint8Array = NOTHING;
  /** The rest of a line that is too long is thrown away. */
  #isSkipping = false;
  #isBroken = false;

  constructor(request: Request) {
    this.#reader = request.body?.getReader();
  }

  /** Whether its sender broke it off, or its framing is wrong. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The flow's reply: see `Effect::NextLines`. */
  async next(size: number, longest: number): Promise<string> {
    const parts = [this.#rest];
    let length = this.#rest.byteLength;
    let isLast = false;
    try {
      while (length < size && !isLast) {
        const read = await this.#reader?.read();
        isLast = read === undefined || read.done;
        const part = this.#skip(read?.value ?? NOTHING);
        parts.push(part);
        length += part.byteLength;
      }
    } catch {
      this.#isBroken = true;
      return "!broken";
    }
    const bytes = concat(parts, length);
    const end = isLast ? length : bytes.lastIndexOf(NEW_LINE) + 1;
    this.#rest = bytes.slice(end);
    if (this.#rest.byteLength > longest) {
      this.#rest = this.#rest.slice(0, longest + 1);
      this.#isSkipping = true;
    }
    const lines = decodeLines(bytes.subarray(0, end));
    const isOpen = lines !== "" && !lines.endsWith("\n");
    return `${isLast ? "$" : "+"}${lines}${isOpen ? "\n" : ""}`;
  }

  /** Nothing more is wanted of it. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {
      // Its sender is gone.
    });
  }

  #skip(part: Uint8Array): Uint8Array {
    if (!this.#isSkipping) return part;
    const end = part.indexOf(NEW_LINE);
    if (end < 0) return NOTHING;
    this.#isSkipping = false;
    return part.subarray(end);
  }
}

function concat(parts: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** Text as it was sent: a wrong byte must not become a letter that was not there. */
function decodeLines(bytes: Uint8Array): string {
  const text = decode(bytes);
  if (text !== undefined) return text;
  const lines: string[] = [];
  for (let start = 0; start < bytes.byteLength; ) {
    const found = bytes.indexOf(NEW_LINE, start);
    const end = found < 0 ? bytes.byteLength : found;
    lines.push(decode(bytes.subarray(start, end)) ?? NOT_UTF8, "\n");
    start = end + 1;
  }
  return lines.join("");
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
