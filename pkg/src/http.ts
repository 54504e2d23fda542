// The one place that fetches. A logical call is one request, tried again where the core says so,
// always under one idempotency key, within one deadline; when it ends, however it ends, no timer
// and no listener is left.

import type { CallOptions, ResponseLike } from "../types/index.d.ts";
import { accepted, core, type Fields, requestOf } from "./core.ts";
import {
  AbortError,
  AuthenticationError,
  at,
  ConnectionError,
  CreditEngineError,
  InsufficientCreditsError,
  RateLimitError,
  type Site,
  TimeoutError,
} from "./errors.ts";
import { type Keyless, type Settled, settle, settleCall } from "./options.ts";

const KEY_BYTES = 16;
/** Made together: asking the system for random bytes costs more than the rest of a key. */
const KEYS_AT_ONCE = 16;
/** Keys that no call has yet. */
let newKeys: string[] = [];

/** What an engine answered, whatever it was. */
export interface Answer {
  status: number;
  /** The JSON of the body, or undefined if it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what is in it is the business of who asked
  body: any;
  requestId: string | undefined;
  retryAfter: string | undefined;
  idempotencyKey: string | undefined;
  /** The answer as it came, read to its end, and the text that was in it. */
  response: ResponseLike;
  text: string;
}

/** How a try ended that may be followed by another. */
export interface Tried {
  /** The answer's status; undefined if there was none. */
  status: number | undefined;
  retryAfter: string | undefined;
  /** Tries that were made again so far: 0 after the first. */
  retries: number;
  elapsedMs: number;
}

/** What a surface arranges otherwise than this package's own client, for one call. */
export interface Arrangement {
  /** More for `fetch`. */
  init?: object;
  /** Milliseconds until the next try, or less than zero to give up. Otherwise the core says. */
  waitMs?: ((tried: Tried) => number) | undefined;
}

/** A built request with all that its tries share. */
interface Job {
  call: string;
  method: string;
  url: string;
  body: string | undefined;
  idempotencyKey: string | undefined;
  headers: Record<string, string>;
  timeoutMs: number;
  maxRetries: number;
  signal: CallOptions["signal"];
  arranged: Arrangement;
}

export class Http {
  readonly settled: Settled;

  /** @param who says who calls, where that is not `apiKey` */
  constructor(options: Keyless, who?: Settled["credentials"]) {
    this.settled = settle(options, who);
  }

  /**
   * Makes a call; throws unless the engine took it.
   * @param call the name of a row in `src/client/operation.rs`
   * @param site where the caller stands: see `callSite`
   */
  async send(call: string, fields: Fields, options: CallOptions, site: Site): Promise<Answer> {
    const answer = await this.exchange(call, fields, options, site);
    const isTaken = answer.status >= 200 && answer.status < 300 && answer.body !== undefined;
    if (!isTaken) throw at(errorOf(answer), site);
    return answer;
  }

  /** Makes a call; throws only if nothing whole was answered. */
  async exchange(
    call: string,
    fields: Fields,
    options: CallOptions,
    site: Site,
    arranged: Arrangement = {},
  ): Promise<Answer> {
    try {
      return await this.#run(this.#job(call, fields, options, arranged));
    } catch (error) {
      throw at(error, site);
    }
  }

  #job(call: string, fields: Fields, options: CallOptions, arranged: Arrangement): Job {
    const { method, path, body } = requestOf(call, fields);
    return {
      call,
      method,
      url: this.settled.baseUrl + path,
      body,
      idempotencyKey: method === "POST" ? idempotencyKeyOf(options) : undefined,
      headers: options.headers ?? {},
      signal: options.signal,
      arranged,
      ...settleCall(options, this.settled),
    };
  }

  /** All tries of a call, or what stops it, whichever comes first. */
  #run(job: Job): Promise<Answer> {
    const started = performance.now();
    const { signal, timeoutMs } = job;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
      // A `fetch` that does not mind its signal, or a key that never comes, must not keep the
      // caller waiting.
      const stop = (reason: CreditEngineError) => {
        end();
        reject(reason);
        controller.abort(reason);
      };
      const abort = () =>
        stop(new AbortError("the call was aborted", context(job, signal?.reason)));
      const timer = setTimeout(() => {
        const message = `no answer within ${timeoutMs} ms; it may have been done all the same`;
        stop(new TimeoutError(message, context(job)));
      }, timeoutMs);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) return abort();
      const settle =
        <T>(how: (outcome: T) => void) =>
        (outcome: T) => {
          end();
          how(outcome);
        };
      this.#tries(job, started, controller.signal).then(settle(resolve), settle(reject));
    });
  }

  async #tries(job: Job, started: number, signal: AbortSignal): Promise<Answer> {
    const headers = { ...(await this.settled.credentials()), ...fixed(job) };
    for (let retries = 0; ; retries += 1) {
      signal.throwIfAborted();
      const outcome = await this.#try(job, headers, retries, signal);
      const failed = outcome instanceof ConnectionError ? undefined : outcome;
      const elapsedMs = performance.now() - started;
      const { status, retryAfter } = failed ?? {};
      const tried = { status, retryAfter, retries, elapsedMs };
      const waitMs = job.arranged.waitMs ? job.arranged.waitMs(tried) : waitOf(tried, job);
      if (waitMs < 0) {
        if (failed === undefined) throw outcome;
        return failed;
      }
      this.#tell("onRetry", job, retries, { waitMs, status });
      await sleep(waitMs, signal);
    }
  }

  /** One try. What broke on the way is given, what stopped the whole call is thrown. */
  async #try(
    job: Job,
    headers: Record<string, string>,
    retries: number,
    signal: AbortSignal,
  ): Promise<Answer | ConnectionError> {
    const started = performance.now();
    this.#tell("onRequest", job, retries, {});
    try {
      const init = {
        ...job.arranged.init,
        method: job.method,
        headers,
        signal,
        redirect: "manual",
        ...(job.body === undefined ? {} : { body: job.body }),
      };
      const response = await this.settled.fetch(job.url, init);
      const answer = read(response, await response.text(), job);
      // The call has ended, and whoever made it was told otherwise.
      signal.throwIfAborted();
      const { status, requestId } = answer;
      const durationMs = performance.now() - started;
      this.#tell("onResponse", job, retries, { status, requestId, durationMs });
      if (status >= 200 && status < 300 && answer.body === undefined)
        return new ConnectionError("the answer was cut off", context(job));
      return answer;
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      return new ConnectionError("the engine could not be reached", context(job, cause));
    }
  }

  /** Tells what no call can report. */
  report(error: unknown): void {
    const { onError } = this.settled;
    if (onError) harmless(async () => onError(error));
  }

  /** A hook must not break a call, neither now nor later. */
  #tell(hook: keyof Settled["hooks"], job: Job, retries: number, more: object): void {
    const { logger, hooks } = this.settled;
    const tell = hooks[hook] as ((event: object) => unknown) | undefined;
    if (!logger?.debug && !tell) return;
    const event = { ...told(job, retries), ...more };
    const report = (error: unknown) => this.report(error);
    if (logger?.debug) harmless(async () => logger.debug?.(`edge-credits ${hook}`, event), report);
    if (tell) harmless(async () => tell.call(hooks, event), report);
  }
}

/** What hooks and logs are told of a try: nothing of the key, nothing of the body. */
function told({ call, method, url, idempotencyKey }: Job, retries: number) {
  return { call, method, url, retries, idempotencyKey };
}

function context({ idempotencyKey }: Job, cause?: unknown) {
  return cause === undefined ? { idempotencyKey } : { idempotencyKey, cause };
}

function fixed(job: Job): Record<string, string> {
  return {
    Accept: "application/json",
    ...(job.body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(job.idempotencyKey === undefined ? {} : { "Idempotency-Key": job.idempotencyKey }),
    ...job.headers,
  };
}

/** Runs what is not ours: begun at once, waited for by nobody. */
function harmless(act: () => Promise<unknown>, report: (error: unknown) => void = () => {}): void {
  act().catch(report);
}

/** The caller's key, or one of this call's own: with retries off it still tells a repeat. */
function idempotencyKeyOf({ idempotencyKey }: CallOptions): string {
  if (idempotencyKey === undefined) return newKey();
  accepted(core().check_idempotency_key(String(idempotencyKey)));
  return String(idempotencyKey);
}

/** A key that is met once. */
function newKey(): string {
  const key = newKeys.pop();
  if (key !== undefined) return key;
  const random = crypto.getRandomValues(new Uint8Array(KEYS_AT_ONCE * KEY_BYTES));
  newKeys = core().idempotency_keys(random).trimEnd().split("\n");
  return newKey();
}

function read(response: ResponseLike, text: string, job: Job): Answer {
  let body: unknown;
  try {
    body = response.status === 204 ? {} : JSON.parse(text);
  } catch {
    body = undefined;
  }
  return {
    status: response.status,
    body,
    requestId: response.headers.get("X-Request-Id") ?? undefined,
    retryAfter: (response.status >= 400 && response.headers.get("Retry-After")) || undefined,
    idempotencyKey: job.idempotencyKey,
    response,
    text,
  };
}

/** How the core waits. What was answered well it need not be asked about. */
function waitOf({ status, retryAfter, retries, elapsedMs }: Tried, job: Job): number {
  if (status !== undefined && status < 400) return -1;
  const leftMs = Math.max(0, job.timeoutMs - elapsedMs);
  const random = Math.random() * 2 ** 32;
  const { maxRetries } = job;
  return core().retry_wait_ms(
    status ?? 0,
    retryAfter,
    retries,
    maxRetries,
    leftMs,
    Date.now(),
    random,
  );
}

/** The error that an answer is. */
export function errorOf(answer: Answer): CreditEngineError {
  const { status, body, requestId, idempotencyKey, retryAfter } = answer;
  const problem = typeof body === "object" && body !== null ? body : {};
  const isProblem = typeof problem.code === "string";
  const code: string = isProblem ? problem.code : core().code_of_status(status);
  const words = [problem.detail, problem.message].find((text) => typeof text === "string");
  const message = words ?? `the engine answered ${status}`;
  const options = { code, status, details: problem, requestId, idempotencyKey };
  switch (core().error_class(status, code)) {
    case "insufficient_credits":
      return new InsufficientCreditsError(message, options);
    case "authentication":
      return new AuthenticationError(message, options);
    case "rate_limit": {
      const seconds = retryAfter ? core().retry_after_seconds(retryAfter, Date.now()) : -1;
      return new RateLimitError(message, {
        ...options,
        retryAfter: seconds < 0 ? undefined : seconds,
      });
    }
    default:
      return new CreditEngineError(message, options);
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop);
  });
}
