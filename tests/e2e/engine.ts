// A real engine for a test: workerd with SQLite on disk, in a fresh folder, and a project
// with its keys. Everything goes over HTTP, as a user's requests do.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorkerd } from "../../scripts/selfhost/config.mjs";
import { Contract } from "./contract.ts";

export const ADMIN_TOKEN = "operator-token-of-the-tests";
const KEY_SECRET = "key-secret-of-the-tests";
/** No answer of a healthy engine takes this long. */
const DEADLINE_MS = 20_000;

/** One JSON text per line. */
export const NDJSON = "application/x-ndjson";

type Options = Partial<Parameters<typeof startWorkerd>[0]>;

// biome-ignore lint/suspicious/noExplicitAny: a body is whatever the engine answered; tests assert what it is
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
}

/** One call: the key, the method, the path, and what is sent. */
export interface Sent {
  key?: string | undefined;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array | ReadableStream<Uint8Array>;
  headers?: Record<string, string>;
}

export class Engine {
  readonly dataDir: string;
  /** The OpenAPI document as this engine serves it. */
  readonly contract: Contract;
  #options: Options;
  #running: Awaited<ReturnType<typeof startWorkerd>>;

  private constructor(
    dataDir: string,
    options: Options,
    running: Awaited<ReturnType<typeof startWorkerd>>,
    contract: Contract,
  ) {
    this.dataDir = dataDir;
    this.contract = contract;
    this.#options = options;
    this.#running = running;
  }

  /** @param parent where the folder with its data is made */
  static async start(options: Options = {}, parent = tmpdir()): Promise<Engine> {
    const dataDir = mkdtempSync(join(parent, "edge-credits-"));
    const running = await launch(dataDir, options);
    const document = await fetch(`${running.url}/openapi.json`);
    return new Engine(dataDir, options, running, new Contract(await document.json()));
  }

  get url(): string {
    return this.#running.url;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Ends it without warning, as a power cut does. */
  async kill(): Promise<void> {
    await this.#running.kill();
  }

  /** Starts it again on the same data, from now on with this added to its environment. */
  async restart(env: Record<string, string> = {}): Promise<void> {
    this.#options = { ...this.#options, env: { ...this.#options.env, ...env } };
    this.#running = await launch(this.dataDir, this.#options);
  }

  /** Ends it and removes its data. */
  async end(): Promise<void> {
    await this.#running.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Ends it, and starts it again with its clock at an instant that is ahead of the machine's. */
  async travel(instant: string): Promise<void> {
    await this.kill();
    await this.restart(clockAt(instant));
  }

  /** Sends a request; the answer must be one that the OpenAPI document promises. */
  async send(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const headers = new Headers(sent.headers);
    if (sent.key !== undefined) headers.set("Authorization", `Bearer ${sent.key}`);
    const body = sent.raw ?? (sent.body === undefined ? null : JSON.stringify(sent.body));
    if (body !== null && !headers.has("Content-Type"))
      headers.set("Content-Type", "application/json");
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers,
      body: body as string | Uint8Array<ArrayBuffer> | ReadableStream | null,
      // A body without a length is sent while it is made.
      duplex: "half",
      signal,
      redirect: "manual",
    });
    const text = await response.text();
    const type = response.headers.get("Content-Type") ?? "";
    const answer = {
      status: response.status,
      headers: response.headers,
      body: readBody(text, type),
    };
    this.contract.check({ method, path, ...answer });
    return answer;
  }

  /** A new project: its two keys with all scopes. */
  async project(id: string): Promise<{ live: string; test: string }> {
    const made = await this.send("POST", "/v1/projects", { key: ADMIN_TOKEN, body: { id } });
    if (made.status !== 200)
      throw new Error(`no project: ${made.status} ${JSON.stringify(made.body)}`);
    return { live: made.body.live_key, test: made.body.test_key };
  }

  /** A customer with credits. */
  async customer(key: string, id: string, amount: number): Promise<void> {
    const body = { amount, type: "topup" };
    const added = await this.send("POST", `/v1/customers/${encodeURIComponent(id)}/credits`, {
      key,
      body,
    });
    if (added.status !== 200)
      throw new Error(`no credits: ${added.status} ${JSON.stringify(added.body)}`);
  }

  /** What the journal of a customer adds up to: to see that nothing changed. */
  async audit(key: string, id: string): Promise<Json> {
    const audit = await this.send("GET", `/v1/customers/${encodeURIComponent(id)}/audit`, { key });
    if (audit.status !== 200 || !audit.body.consistent)
      throw new Error(`no sound audit: ${audit.status} ${JSON.stringify(audit.body)}`);
    return audit.body;
  }

  /** A customer's own key. */
  async customerKey(key: string, id: string): Promise<{ id: string; key: string }> {
    const made = await this.send("POST", "/v1/keys", {
      key,
      body: { kind: "customer", customer_id: id },
    });
    if (made.status !== 200) throw new Error(`no key: ${made.status} ${JSON.stringify(made.body)}`);
    return made.body;
  }
}

/** JSON as what it says, NDJSON as the list of its lines, all else as text. */
function readBody(text: string, type: string): Json {
  if (text === "" || !type.includes("json")) return text;
  if (type !== NDJSON) return JSON.parse(text);
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error("the last line is not ended");
  return lines.map((line) => JSON.parse(line));
}

/** The environment of an engine whose clock begins at an instant. */
export function clockAt(instant: string): Record<string, string> {
  return { CLOCK_OFFSET_MS: `${Date.parse(instant) - Date.now()}` };
}

async function launch(
  dataDir: string,
  options: Options,
): Promise<Awaited<ReturnType<typeof startWorkerd>>> {
  const env = { ADMIN_TOKEN, KEY_SECRET, ...options.env };
  return startWorkerd({ port: 0, ...options, dataDir, env, log: join(dataDir, "workerd.log") });
}
