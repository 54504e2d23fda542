// What stands before the engine while the wasm tests run: a proxy that does to a customer's charges
// what the customer's name says, and tells which of them arrived. A test in a browser cannot look
// behind the network by itself.

import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";

/** For tests in a browser, whose page is of another origin. */
const CORS = { "access-control-allow-origin": "*", "access-control-expose-headers": "Retry-After" };

const PATIENCE_MS = 8_000;

interface Arrived {
  key: string | undefined;
  isGone: boolean;
}

interface Forwarded {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export class Stage {
  readonly #server: Server;
  readonly #target: string;
  /** What a test must know: given as JSON at `/stage`. */
  readonly #knowledge: object;
  readonly #arrived = new Map<string, Arrived[]>();
  #waiting: (() => void)[] = [];

  private constructor(target: string, knowledge: object) {
    this.#target = target;
    this.#knowledge = knowledge;
    this.#server = createServer((incoming, outgoing) => {
      // A connection is used once, so that no browser repeats a request by itself.
      outgoing.setHeader("connection", "close");
      this.#answer(incoming, outgoing)
        .then((answer) => {
          if (answer === undefined) return outgoing.destroy();
          const { status, headers, body, isCut } = answer;
          outgoing.writeHead(status, { ...headers, "content-length": body.length });
          if (!isCut) return outgoing.end(body);
          outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
        })
        .catch(() => outgoing.destroy());
    });
  }

  static async start(target: string, knowledge: object): Promise<Stage> {
    const stage = new Stage(target, knowledge);
    await new Promise<void>((resolve) => stage.#server.listen(0, "127.0.0.1", resolve));
    return stage;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<(Forwarded & { isCut?: boolean }) | undefined> {
    const [, first = "", second = "", customer = "", last] = (incoming.url ?? "").split("/");
    if (first === "stage") return told(this.#knowledge);
    if (first === "seen") return told(this.#seen(second));
    if (first === "arrived") return this.#when(() => this.#seen(second).length > 0);
    if (first === "gone") return this.#when(() => this.#seen(second).some((one) => one.isGone));
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const forward = () => this.#forward(incoming, Buffer.concat(chunks));
    if (incoming.method === "OPTIONS" || last !== "consume") return forward();
    const arrived = { key: incoming.headers["idempotency-key"] as string, isGone: false };
    const isFirst = this.#seen(customer).length === 0;
    this.#arrived.set(customer, [...this.#seen(customer), arrived]);
    outgoing.on("close", () => {
      arrived.isGone = true;
      this.#look();
    });
    this.#look();
    switch (isFirst || customer.startsWith("always-") ? fault(customer) : "") {
      case "lost":
        await forward();
        return undefined;
      case "cut":
        return { ...(await forward()), isCut: true };
      case "empty":
        return { ...(await forward()), body: Buffer.alloc(0) };
      case "busy":
        return refused(503, "1");
      case "limited":
        return refused(429, "7");
      case "moved":
        return { status: 302, headers: { ...CORS, location: "/stage" }, body: Buffer.alloc(0) };
      case "silent":
        return new Promise(() => {});
      default:
        return forward();
    }
  }

  #seen(customer: string): Arrived[] {
    return this.#arrived.get(customer) ?? [];
  }

  /** Answers as soon as it is so, or that it never was. */
  async #when(isSo: () => boolean): Promise<Forwarded> {
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      this.#look();
    }, PATIENCE_MS);
    while (!isSo() && !isOver) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    clearTimeout(timer);
    return told(isSo());
  }

  #look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Forwarded> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.#target}${url}`, { method, headers }, async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        const { "transfer-encoding": _, connection: __, ...headers } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, headers, body: Buffer.concat(chunks) });
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

/** What is done to a customer's first charge; to every one with `always-` before it. */
function fault(customer: string): string {
  return customer.replace("always-", "").split("-")[0] ?? "";
}

function told(what: unknown): Forwarded {
  return { status: 200, headers: CORS, body: Buffer.from(JSON.stringify(what)) };
}

function refused(status: number, retryAfter: string): Forwarded {
  const headers = { ...CORS, "retry-after": retryAfter };
  return { status, headers, body: Buffer.from("not JSON") };
}
