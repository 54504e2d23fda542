// A response's body that a flow writes piece by piece.

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
