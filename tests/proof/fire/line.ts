// A client's line to the engine: requests that may break off, over connections that are kept.

import { Agent, type IncomingMessage, request } from "node:http";
import type { Contract } from "../../e2e/contract.ts";
import type { Json } from "./history.ts";

/** Nothing takes this long, however busy the machine is. */
const DEADLINE_MS = 30_000;

export interface Request {
  method: string;
  path: string;
  body?: Json;
  key?: string;
}

/** Nobody knows whether the request was done. */
export class Broken extends Error {}

export class Line {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #token: string;
  readonly #contract: Contract;
  readonly #url: () => string;

  constructor(url: () => string, token: string, contract: Contract) {
    this.#url = url;
    this.#token = token;
    this.#contract = contract;
  }

  end(): void {
    this.#agent.destroy();
  }

  /** @throws {Broken} if there was no whole answer, or one that says that it is unknown */
  async send(sent: Request): Promise<{ status: number; body: Json }> {
    const { status, headers, text } = await this.#exchange(sent);
    if (status === 503) throw new Broken("503");
    const body = JSON.parse(text);
    this.#contract.check({ method: sent.method, path: sent.path, status, headers, body });
    return { status, body };
  }

  #exchange(sent: Request): Promise<{ status: number; headers: Headers; text: string }> {
    const payload = sent.body === undefined ? null : JSON.stringify(sent.body);
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    if (payload !== null) {
      headers["content-type"] = "application/json";
      headers["content-length"] = `${Buffer.byteLength(payload)}`;
    }
    if (sent.key !== undefined) headers["idempotency-key"] = sent.key;
    return new Promise((resolve, reject) => {
      const options = { method: sent.method, headers, agent: this.#agent };
      const outgoing = request(`${this.#url()}${sent.path}`, options, (answer) => {
        textOf(answer).then(
          (text) => resolve({ status: answer.statusCode ?? 0, headers: headersOf(answer), text }),
          (error) => reject(new Broken(String(error))),
        );
      });
      outgoing.setTimeout(DEADLINE_MS, () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", (error) => reject(new Broken(error.message)));
      outgoing.end(payload);
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function headersOf(answer: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
}
