// Requests as bytes, for those that no HTTP client would send.

import { connect, type Socket } from "node:net";
import type { Json } from "../e2e/engine.ts";

const DEADLINE_MS = 30_000;

export interface RawAnswer {
  /** 0 if the connection was closed without an answer. */
  status: number;
  type: string;
  /** What the engine says; `undefined` if it was not the engine that answered. */
  problem: Json;
}

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  // What the other side does to the connection is seen by what it answered before.
  return connect(Number(port), hostname).on("error", () => {});
}

/** A request's head, up to the empty line. */
export function head(method: string, target: string, headers: string[]): string {
  return [
    `${method} ${target} HTTP/1.1`,
    "Host: proof",
    "Connection: close",
    ...headers,
    "",
    "",
  ].join("\r\n");
}

/** Sends bytes; gives the answer once the connection is closed by the other side. */
export function exchange(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = open(url);
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${DEADLINE_MS} ms`));
    }, DEADLINE_MS);
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(read(Buffer.concat(chunks).toString("latin1")));
    });
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  });
}

function read(text: string): RawAnswer {
  const status = Number(text.match(/^HTTP\/1\.[01] (\d{3})/)?.[1] ?? 0);
  const type = text.match(/\r\ncontent-type: ([^\r;]+)/i)?.[1] ?? "";
  const body = text.slice(text.indexOf("\r\n\r\n") + 4);
  const start = body.indexOf("{");
  const isProblem = type === "application/problem+json" && start >= 0;
  const problem = isProblem ? JSON.parse(body.slice(start, body.lastIndexOf("}") + 1)) : undefined;
  return { status, type, problem };
}

/** A caller who sends a beginning and then a byte now and then, and never comes to an end. */
export class Dawdler {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  sent = 0;

  constructor(url: string, beginning: string, everyMs: number) {
    this.#socket = open(url);
    this.#socket.write(beginning);
    this.#timer = setInterval(() => {
      if (!this.isOver) this.sent += this.#socket.write("x") ? 1 : 0;
    }, everyMs);
  }

  /** Whether the other side has had enough. */
  get isOver(): boolean {
    return this.#socket.destroyed;
  }

  leave(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }
}
