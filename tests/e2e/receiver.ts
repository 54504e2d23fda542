// An app's endpoint for events, which keeps what it was sent and checks each signature with
// the official library.

import assert from "node:assert/strict";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Engine, Json } from "./engine.ts";

/** One attempt as it arrived. */
export interface Attempt {
  headers: IncomingHttpHeaders;
  text: string;
  event: Json;
  at: number;
}

export class Receiver {
  /** Every attempt, in the order of arrival. */
  readonly attempts: Attempt[] = [];
  readonly #server: Server;
  /** How it answers; a test sets it. */
  answer: (response: ServerResponse, attempt: Attempt) => void = (response) => response.end();

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const { headers } = request;
        const attempt = { headers, text, event: JSON.parse(text), at: Date.now() };
        this.attempts.push(attempt);
        this.answer(response, attempt);
      });
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks?shop=1`;
  }

  /** Answers every attempt with a status from now on. */
  answers(status: number, headers: Record<string, string> = {}): void {
    this.answer = (response) => response.writeHead(status, headers).end("thanks");
  }

  /** What arrived of a customer, in order: the events' types. */
  types(customer: string): string[] {
    return this.of(customer).map(({ event }) => event.type);
  }

  /** What arrived of a customer, in order. */
  of(customer: string): Attempt[] {
    return this.attempts.filter(({ event }) => event.data.customer_id === customer);
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Has a project's events sent to an endpoint; gives the secret that signs them. */
export async function subscribe(engine: Engine, key: string, settings: Json): Promise<string> {
  const changed = await engine.send("PATCH", "/v1/settings", { key, body: settings });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  return changed.body.webhook_secret;
}

/** Fails unless an attempt is signed with the secret, by the official library's word. */
export function assertSigned(attempt: Attempt, secret: string): void {
  const headers = attempt.headers as Record<string, string>;
  assert.deepEqual(new Webhook(secret).verify(attempt.text, headers), attempt.event);
  assert.equal(headers["webhook-id"], attempt.event.id);
}
