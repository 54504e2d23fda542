// A gated service for a test, which keeps what it was sent, and an engine in front of it.

import assert from "node:assert/strict";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Engine, Json } from "./engine.ts";

export interface Seen {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class Origin {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  /** How it answers; a test sets it. */
  handler: Handler = (_, response) => response.end("ok");

  private constructor() {
    this.#server = createServer((request, response) => {
      const { method = "", url = "", headers, rawHeaders } = request;
      this.seen.push({ method, url, headers, rawHeaders });
      this.handler(request, response);
    });
  }

  static async start(): Promise<Origin> {
    const origin = new Origin();
    await new Promise<void>((resolve) => origin.#server.listen(0, "127.0.0.1", resolve));
    return origin;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What it was sent last. */
  get last(): Seen {
    const last = this.seen.at(-1);
    assert.ok(last, "the origin was not called");
    return last;
  }

  /** Answers from now on with a status, headers and a body. */
  answers(status: number, headers: Record<string, string | string[]> = {}, body = "done"): void {
    this.handler = (request, response) => {
      request.resume();
      response.writeHead(status, headers).end(body);
    };
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Sets a project's gate rules. */
export async function setRules(engine: Engine, key: string, rules: Json[]): Promise<void> {
  const put = await engine.send("PUT", "/v1/gate-rules", { key, body: rules });
  assert.equal(put.status, 200, JSON.stringify(put.body));
}
