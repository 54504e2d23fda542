// An HTTP proxy that does to a share of the requests what networks and proxies do.

import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

const MAX_DELAY_MS = 50;

export const FAULTS = [
  "lost request",
  "lost answer",
  "answer cut off",
  "delay",
  "duplicate",
  "429",
  "503",
] as const;
export type Fault = (typeof FAULTS)[number];

interface Forwarded {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export class FaultProxy {
  /** How often each of them was done. */
  readonly counts = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  readonly #target: () => string;
  readonly #rate: number;
  readonly #faults: readonly Fault[];
  readonly #random: () => number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;

  private constructor(target: () => string, rate: number, seed: number, faults: readonly Fault[]) {
    this.#target = target;
    this.#rate = rate;
    this.#faults = faults;
    this.#random = randomFrom(seed);
    this.#server = createServer((incoming, outgoing) => {
      this.#answer(incoming)
        .then((answer) => {
          if (answer === undefined) return outgoing.destroy();
          const { status, headers, body } = answer;
          outgoing.writeHead(status, { ...headers, "content-length": body.length });
          if (!answer.isCut) return outgoing.end(body);
          outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
        })
        .catch(() => outgoing.destroy());
    });
  }

  /**
   * @param target an address, or one that changes
   * @param rate the share of requests to which something is done, 0 to 1
   * @param faults what is done to them, each as often as it is named
   */
  static async start(
    target: string | (() => string),
    rate: number,
    seed: number,
    faults: readonly Fault[] = FAULTS,
  ): Promise<FaultProxy> {
    const where = typeof target === "string" ? () => target : target;
    const proxy = new FaultProxy(where, rate, seed, faults);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(incoming: IncomingMessage): Promise<(Forwarded & { isCut?: boolean }) | undefined> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const forward = () => this.#forward(incoming, Buffer.concat(chunks));
    const fault = this.#draw();
    switch (fault) {
      case "lost request":
        return undefined;
      case "lost answer":
        await forward();
        return undefined;
      case "answer cut off":
        return { ...(await forward()), isCut: true };
      case "delay":
        await pause(this.#random() * MAX_DELAY_MS);
        return forward();
      case "duplicate":
        return (await Promise.all([forward(), forward()]))[1];
      case "429":
      case "503":
        return {
          status: Number(fault),
          headers: { "retry-after": "0" },
          body: Buffer.from("not JSON"),
        };
      default:
        return forward();
    }
  }

  #draw(): Fault | undefined {
    if (this.#random() >= this.#rate) return undefined;
    const fault = this.#faults[Math.floor(this.#random() * this.#faults.length)] as Fault;
    this.counts[fault] += 1;
    return fault;
  }

  #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Forwarded> {
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent };
      const outgoing = request(`${this.#target()}${url}`, options, async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        const { "transfer-encoding": _, ...headers } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

/** Even numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
