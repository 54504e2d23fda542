// A KV store played by the test: it speaks the HTTP of workerd's `kvNamespace` binding and
// can be told to fail or to hang.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export class KvServer {
  readonly values = new Map<string, string>();
  /** What was asked, as `GET key`. */
  readonly calls: string[] = [];
  readonly #server: Server;
  #hanging: (() => void)[] = [];
  #health: "well" | "failing" | "hanging" = "well";

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
  }

  static async start(): Promise<KvServer> {
    const kv = new KvServer();
    await new Promise<void>((resolve) => kv.#server.listen(0, "127.0.0.1", resolve));
    return kv;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How it behaves from now on; what hangs when it gets well is answered. */
  become(health: "well" | "failing" | "hanging"): void {
    this.#health = health;
    if (health === "hanging") return;
    for (const answer of this.#hanging) answer();
    this.#hanging = [];
  }

  /** How often something was asked. */
  count(call: string): number {
    return this.calls.filter((known) => known === call).length;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://kv");
    const key = decodeURIComponent(url.pathname.slice(1));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.calls.push(`${request.method} ${key}`);
    const answer = () => this.#answer(request.method, key, String(Buffer.concat(chunks)), response);
    if (this.#health === "hanging") this.#hanging.push(answer);
    else answer();
  }

  #answer(method: string | undefined, key: string, text: string, response: ServerResponse): void {
    if (this.#health === "failing") {
      response.writeHead(500).end("down");
      return;
    }
    if (method === "PUT") this.values.set(key, text);
    if (method === "DELETE") this.values.delete(key);
    const value = this.values.get(key);
    if (method !== "GET") response.end();
    else if (value === undefined) response.writeHead(404).end();
    else response.end(value);
  }
}
