// An engine that says what a test tells it to: for what a real one does not do on request.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface Received {
  at: number;
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

/** What to answer; `hang` answers never, `cut` ends the connection. */
export type Scripted = { status: number; headers?: Record<string, string>; body?: object };

export const CHARGED: Scripted = {
  status: 200,
  body: { success: true, balance: 9, amount: 1, transaction_id: "txn_1", replayed: false },
};

export class ScriptedServer {
  readonly received: Received[] = [];
  /** Answers for the next requests; then the last one again and again. */
  script: (Scripted | "hang" | "cut")[] = [CHARGED];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => void this.#answer(incoming, outgoing));
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Forgets what came, and from now on answers this. */
  play(...script: ScriptedServer["script"]): void {
    this.received.length = 0;
    this.script = script;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url, headers } = incoming;
    const body = Buffer.concat(chunks).toString();
    this.received.push({ at: performance.now(), method, url, headers, body });
    const next = this.script.length > 1 ? this.script.shift() : this.script[0];
    if (next === "cut") outgoing.destroy();
    if (typeof next !== "object") return;
    outgoing.writeHead(next.status, { "Content-Type": "application/json", ...next.headers });
    outgoing.end(JSON.stringify(next.body ?? {}));
  }
}
