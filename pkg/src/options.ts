// The options of a client: defaults, and what is refused at once.

import type { CallOptions, ClientOptions, FetchLike } from "../types/index.d.ts";
import { core } from "./core.ts";
import { ConfigurationError } from "./errors.ts";

/** Where `npm start` of the engine listens. */
const LOCAL_ENGINE = "http://127.0.0.1:8787";
/** A service binding ignores the host, but a URL must have one. */
const BOUND_ENGINE = "http://edge-credits";
const TIMEOUT_MS = 10_000;
const MAX_RETRIES = 2;
/** What a timer takes: beyond it, it would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Options with every default filled in. */
export interface Settled {
  baseUrl: string;
  fetch: FetchLike;
  timeoutMs: number;
  maxRetries: number;
  /** The headers that say who calls. */
  credentials: () => Promise<Record<string, string>>;
  hooks: NonNullable<ClientOptions["hooks"]>;
  logger: ClientOptions["logger"];
  onError: ClientOptions["onError"];
}

/** What a client without the usual key takes. */
export type Keyless = Omit<ClientOptions, "apiKey"> & Partial<Pick<ClientOptions, "apiKey">>;

export function settle(options: Keyless, who?: Settled["credentials"]): Settled {
  const { fetcher } = options;
  // Called through globalThis: Workers refuse a fetch that is called as a method of anything else.
  const globalFetch: FetchLike = (...call) => globalThis.fetch(...call) as ReturnType<FetchLike>;
  return {
    baseUrl: baseUrl(options),
    fetch: fetcher ? (...call) => fetcher.fetch(...call) : (options.fetch ?? globalFetch),
    timeoutMs: timeout(options.timeoutMs ?? TIMEOUT_MS),
    maxRetries: retries(options.maxRetries ?? MAX_RETRIES),
    credentials: who ?? credentials(options),
    hooks: options.hooks ?? {},
    logger: options.logger,
    onError: options.onError,
  };
}

/** What one call sets differently. */
export function settleCall(options: CallOptions, settled: Settled) {
  return {
    timeoutMs: options.timeoutMs === undefined ? settled.timeoutMs : timeout(options.timeoutMs),
    maxRetries: options.maxRetries === undefined ? settled.maxRetries : retries(options.maxRetries),
  };
}

function timeout(ms: number): number {
  if (!(ms > 0)) throw new ConfigurationError("timeoutMs must be above zero");
  return Math.min(ms, LONGEST_TIMER_MS);
}

function retries(count: number): number {
  if (!Number.isInteger(count) || count < 0 || count > 100)
    throw new ConfigurationError("maxRetries must be a whole number from 0 to 100");
  return count;
}

function baseUrl({ baseUrl, fetcher }: Keyless): string {
  const given = baseUrl ?? (fetcher ? BOUND_ENGINE : (environment("CREDITS_URL") ?? LOCAL_ENGINE));
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new ConfigurationError("baseUrl must be a URL such as https://credits.example.com");
  }
  if (!/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    throw new ConfigurationError("baseUrl must be an http or https URL without query or user");
  return url.href.replace(/\/+$/, "");
}

/**
 * Says who calls, by a key that is judged before it is used.
 * @param name the option in which the caller gave it, for what is said about it
 * @param headers how it is sent
 */
export function credentials(
  options: Keyless,
  name = "apiKey",
  headers = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` }),
): Settled["credentials"] {
  const isBrowser = looksLikeBrowser() && options.dangerouslyAllowBrowser !== true;
  const checked = (key: unknown): Record<string, string> => {
    if (typeof key !== "string") throw new ConfigurationError(`${name} must be a string`);
    const refusal = core().check_api_key(key, isBrowser);
    if (refusal) {
      const [code = "", , detail] = refusal.slice(1).split("\n");
      throw new ConfigurationError(`${name} ${detail}`, { code });
    }
    return headers(key);
  };
  const { apiKey } = options;
  if (typeof apiKey === "function") return async () => checked(await apiKey());
  const sent = checked(apiKey);
  return async () => sent;
}

/** A page; or a worker of one, which has no document but bears a browser's name. */
function looksLikeBrowser(): boolean {
  const isPage = typeof window !== "undefined" && typeof window.document !== "undefined";
  return isPage || (globalThis.navigator?.userAgent ?? "").startsWith("Mozilla/");
}

/** A variable of the process, where there is a process with variables that may be read. */
export function environment(name: string): string | undefined {
  try {
    // At a terminal Deno would stop and ask its user for each variable that is read.
    const { Deno } = globalThis as { Deno?: DenoPermissions };
    if (Deno && Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted")
      return undefined;
    return globalThis.process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}

interface DenoPermissions {
  permissions: { querySync(permission: { name: "env"; variable: string }): { state: string } };
}
