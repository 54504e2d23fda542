// The entry `edge-credits/openrouter`: the credits of OpenRouter's official client, under its
// names. Its options for retries are followed as it follows them, so this has its own waits.

import type * as Public from "../types/openrouter.d.ts";
import {
  type Answer,
  at,
  callSite,
  core,
  credentials,
  environment,
  Http,
  type Site,
  type Tried,
} from "./client.ts";
import {
  failure,
  ResponseValidationError,
  refusal,
  SDKValidationError,
} from "./openrouter/errors.ts";

export { ConfigurationError, CreditEngineError } from "./client.ts";
export {
  ConnectionError,
  ForbiddenResponseError,
  HTTPClientError,
  InternalServerResponseError,
  InvalidRequestError,
  OpenRouterDefaultError,
  OpenRouterError,
  RequestAbortedError,
  RequestTimeoutError,
  ResponseValidationError,
  SDKValidationError,
  UnauthorizedResponseError,
  UnexpectedClientError,
} from "./openrouter/errors.ts";

/** OpenRouter's addresses end with it; this package's name the engine alone. */
const API_PATH = /\/api\/v1\/*$/;
const BACKOFF: Public.BackoffStrategy = {
  initialInterval: 500,
  maxInterval: 60_000,
  exponent: 1.5,
  maxElapsedTime: 3_600_000,
};
const RETRIES: Public.RetryConfig = {
  strategy: "backoff",
  backoff: BACKOFF,
  retryConnectionErrors: true,
};
const RETRY_CODES = ["5XX"];
const JITTER_MS = 1_000;

export class OpenRouterCore implements Public.OpenRouterCore {
  readonly _options: Public.SDKOptions;
  readonly #http: Http;

  constructor(options: Public.SDKOptions = {}) {
    const site = callSite(new.target);
    this._options = options;
    try {
      this.#http = connect(options);
    } catch (error) {
      throw at(error, site);
    }
  }

  /** @internal */
  async _getCredits(
    request: Public.GetCreditsRequest | undefined,
    options: Public.RequestOptions,
    site: Site,
  ): Promise<Public.GetCreditsResponse> {
    try {
      const app = appHeaders(request, this._options);
      const { serverURL, timeoutMs, retries, retryCodes, fetchOptions, ...flat } = options;
      const { headers, signal, ...init } = { ...fetchOptions, ...flat };
      const http =
        serverURL === undefined
          ? this.#http
          : connect({ ...this._options, serverURL: String(serverURL) });
      const config = retries ?? this._options.retryConfig ?? RETRIES;
      // A signal takes the place of the deadline.
      const limit = signal ? undefined : timeoutMs || this._options.timeoutMs;
      const call = {
        headers: { ...app, ...plain(headers) },
        timeoutMs: limit !== undefined && limit > 0 ? limit : Number.POSITIVE_INFINITY,
        signal: signal ?? undefined,
      };
      const arranged = {
        init,
        waitMs: (tried: Tried) => waitMs(config, retryCodes ?? RETRY_CODES, tried),
      };
      return creditsOf(await http.exchange("openrouter-credits", [], call, site, arranged));
    } catch (error) {
      throw at(refusal(error), site);
    }
  }
}

export class OpenRouter extends OpenRouterCore implements Public.OpenRouter {
  readonly credits: Public.Credits = new Credits(this);
}

class Credits implements Public.Credits {
  readonly #core: OpenRouterCore;

  constructor(core: OpenRouterCore) {
    this.#core = core;
  }

  getCredits(
    request?: Public.GetCreditsRequest,
    options: Public.RequestOptions = {},
  ): Promise<Public.GetCreditsResponse> {
    const site = callSite(Credits.prototype.getCredits);
    return this.#core._getCredits(request, options, site);
  }
}

export function creditsGetCredits(
  client: OpenRouterCore,
  request?: Public.GetCreditsRequest,
  options: Public.RequestOptions = {},
): Promise<Public.Result<Public.GetCreditsResponse, Public.GetCreditsError>> {
  const site = callSite(creditsGetCredits);
  return client._getCredits(request, options, site).then(
    (value) => ({ ok: true, value }),
    (error) => ({ ok: false, error }),
  );
}

function connect(options: Public.SDKOptions): Http {
  const { serverURL, httpClient, fetcher, dangerouslyAllowBrowser } = options;
  const apiKey = options.apiKey ?? environment("OPENROUTER_API_KEY");
  const address = serverURL ?? environment("OPENROUTER_BASE_URL");
  const fetch = httpClient
    ? (url: string, init: RequestInit) => httpClient.request(new Request(url, init))
    : options.fetch;
  const keyed = {
    ...(address === undefined ? {} : { baseUrl: String(address).replace(API_PATH, "") }),
    ...(fetch === undefined ? {} : { fetch }),
    ...(fetcher === undefined ? {} : { fetcher }),
    ...(dangerouslyAllowBrowser === undefined ? {} : { dangerouslyAllowBrowser }),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
  // Without a key the request goes out without one: it is the engine that refuses it.
  return new Http(keyed, apiKey ? credentials(keyed) : async () => ({}));
}

/** What OpenRouter tells apps apart by. The engine does not ask for it. */
function appHeaders(
  request: Public.GetCreditsRequest | undefined,
  options: Public.SDKOptions,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, header, variable] of [
    ["httpReferer", "HTTP-Referer", "OPENROUTER_HTTP_REFERER"],
    ["appTitle", "X-OpenRouter-Title", "OPENROUTER_APP_TITLE"],
    ["appCategories", "X-OpenRouter-Categories", "OPENROUTER_APP_CATEGORIES"],
  ] as const) {
    const value: unknown = request?.[name] ?? options[name] ?? environment(variable);
    if (value === undefined) continue;
    if (typeof value !== "string")
      throw new SDKValidationError(`${name} must be a string`, request);
    headers[header] = value;
  }
  return headers;
}

function plain(headers: Public.FetchOptions["headers"]): Record<string, string> {
  return headers ? Object.fromEntries(new Headers(headers as HeadersInit)) : {};
}

function creditsOf(answer: Answer): Public.GetCreditsResponse {
  if (answer.status !== 200) throw failure(answer);
  const { total_credits: totalCredits, total_usage: totalUsage } = answer.body?.data ?? {};
  if (typeof totalCredits !== "number" || typeof totalUsage !== "number")
    throw new ResponseValidationError("Response validation failed", answer);
  return { data: { totalCredits, totalUsage } };
}

/** Milliseconds to the next try, or -1: see `RetryConfig`. */
function waitMs(config: Public.RetryConfig, codes: string[], tried: Tried): number {
  if (config.strategy !== "backoff") return -1;
  const { initialInterval, maxInterval, exponent, maxElapsedTime } = config.backoff ?? BACKOFF;
  const mayHelp =
    tried.status === undefined
      ? config.retryConnectionErrors === true
      : codes.some((code) => matches(code, String(tried.status)));
  if (!mayHelp || tried.elapsedMs > maxElapsedTime) return -1;
  const asked = tried.retryAfter ? core().retry_after_seconds(tried.retryAfter, Date.now()) : 0;
  if (asked > 0) return asked * 1_000;
  const grown = initialInterval * exponent ** tried.retries;
  return Math.min(grown + Math.random() * JITTER_MS, maxInterval);
}

/** `503`, or a family such as `5XX`. */
function matches(code: string, status: string): boolean {
  return /^\dxx$/i.test(code) ? code[0] === status[0] : code === status;
}
