// The types of `edge-credits/openrouter`: the credits of OpenRouter's official client, under its
// names.

/**
 * The credits of OpenRouter's official client under its own names: {@link OpenRouter}, and
 * `creditsGetCredits` alone.
 * @packageDocumentation
 */

import type { AbortSignalLike, Fetcher, FetchLike, ResponseLike } from "./index.d.ts";
import { CreditEngineError } from "./index.d.ts";

export { ConfigurationError, CreditEngineError } from "./index.d.ts";

/** How waits grow. */
export interface BackoffStrategy {
  /** Milliseconds before the second try. */
  initialInterval: number;
  /** The most milliseconds before any try. */
  maxInterval: number;
  /** What each wait is multiplied by. */
  exponent: number;
  /** Milliseconds from the first try on after which no other is begun. */
  maxElapsedTime: number;
}

/** Whether to try again, and when. */
export type RetryConfig =
  | { strategy: "none" }
  | {
      strategy: "backoff";
      /** Default: 500, 60,000, 1.5, 3,600,000. */
      backoff?: BackoffStrategy;
      /** Whether to try again where nothing was answered. */
      retryConnectionErrors?: boolean;
    };

/** What a client takes. */
export interface SDKOptions {
  /** A customer's key; or a function that is asked before each call. Default: `OPENROUTER_API_KEY` of the environment. */
  apiKey?: string | (() => Promise<string>) | undefined;
  /** Sent as `HTTP-Referer`. */
  httpReferer?: string | undefined;
  /** Sent as `X-OpenRouter-Title`. */
  appTitle?: string | undefined;
  /** Sent as `X-OpenRouter-Categories`. */
  appCategories?: string | undefined;
  /** Where the engine is, with or without `/api/v1`. Default: `OPENROUTER_BASE_URL` of the environment, then `CREDITS_URL`, else `http://127.0.0.1:8787`. */
  serverURL?: string | undefined;
  /** Makes the requests, as the official package's `HTTPClient` does. */
  // biome-ignore lint/suspicious/noExplicitAny: a `Request`, whose type is the runtime's own
  httpClient?: { request(request: any): Promise<ResponseLike> };
  /** Used instead of the global `fetch`. */
  fetch?: FetchLike;
  /** A service binding to the engine: no public hop. */
  fetcher?: Fetcher;
  /** Default: backoff, connection errors too. */
  retryConfig?: RetryConfig;
  /** How long a call may take with all its retries. Default: no limit. */
  timeoutMs?: number;
  /** Takes a project key in what looks like a browser. */
  dangerouslyAllowBrowser?: boolean;
}

/** What `fetch` takes, but for method and body. */
export interface FetchOptions {
  headers?:
    | Record<string, string | readonly string[]>
    | string[][]
    | { forEach(callback: (value: string, name: string) => void): void };
  /** Takes the place of `timeoutMs`. */
  signal?: AbortSignalLike | null;
  cache?: string;
  credentials?: string;
  integrity?: string;
  keepalive?: boolean;
  mode?: string;
  priority?: string;
  referrer?: string;
  referrerPolicy?: string;
}

/** What a single call may set differently. */
export interface RequestOptions extends FetchOptions {
  /** How many milliseconds this call may take with all its retries. */
  timeoutMs?: number;
  /** Whether to try this call again, and when. */
  retries?: RetryConfig;
  /** Statuses to try again after, such as `503` or `5XX`. Default `["5XX"]`. */
  retryCodes?: string[];
  /** Where the engine is, for this call. */
  serverURL?: string | { toString(): string };
  /** @deprecated What is in here may stand in the options themselves. */
  fetchOptions?: FetchOptions;
}

/** Headers of this call alone. */
export interface GetCreditsRequest {
  /** Sent as `HTTP-Referer`. */
  httpReferer?: string | undefined;
  /** Sent as `X-OpenRouter-Title`. */
  appTitle?: string | undefined;
  /** Sent as `X-OpenRouter-Categories`. */
  appCategories?: string | undefined;
}

/** The sums of the key's holder, in credits. */
export interface GetCreditsData {
  /** All credits: `totalUsage` and the balance together. */
  totalCredits: number;
  /** The sum of all charges. */
  totalUsage: number;
}

/** What `getCredits` answers. */
export interface GetCreditsResponse {
  /** The sums. */
  data: GetCreditsData;
}

/** A value, or why there is none. */
export type Result<T, E = unknown> =
  | { ok: true; value: T; error?: never }
  | { ok: false; value?: never; error: E };

/** The calls about credits. */
export interface Credits {
  /** All credits and all charges of the key's holder. */
  getCredits(request?: GetCreditsRequest, options?: RequestOptions): Promise<GetCreditsResponse>;
}

/** A client for the standalone functions. */
export declare class OpenRouterCore {
  /**
   * Sends nothing.
   * @throws {@link ConfigurationError} for an option that cannot be
   */
  constructor(options?: SDKOptions);
  /** What it was made with. */
  readonly _options: SDKOptions;
}

/** A client with methods. */
export declare class OpenRouter extends OpenRouterCore {
  /** The calls about credits. */
  readonly credits: Credits;
}

/** As `credits.getCredits`; what it would throw is the result's `error`. */
export declare function creditsGetCredits(
  client: OpenRouterCore,
  request?: GetCreditsRequest,
  options?: RequestOptions,
): Promise<Result<GetCreditsResponse, GetCreditsError>>;

/** What a call can end with. */
export type GetCreditsError =
  | UnauthorizedResponseError
  | ForbiddenResponseError
  | InternalServerResponseError
  | OpenRouterError
  | ResponseValidationError
  | ConnectionError
  | RequestAbortedError
  | RequestTimeoutError
  | InvalidRequestError
  | UnexpectedClientError
  | SDKValidationError;

/** What an error answer says. */
export interface ErrorData {
  /** The status again. */
  code: number;
  /** Why, for people. */
  message: string;
  /** More about it. */
  metadata?: Record<string, unknown> | null | undefined;
}

/** The base of all answers that are no success. */
export declare class OpenRouterError extends CreditEngineError {
  protected constructor();
  /** The HTTP status. */
  readonly statusCode: number;
  /** The answer's text. */
  readonly body: string;
  /** The answer's headers. */
  readonly headers: ResponseLike["headers"];
  /** Its media type. */
  readonly contentType: string;
  /** The answer. Its text is read already: see `body`. */
  readonly rawResponse: ResponseLike;
}

/** 401. */
export declare class UnauthorizedResponseError extends OpenRouterError {
  /** What the answer says. */
  readonly error: ErrorData;
  /** The same as it came. */
  readonly data$: { error: ErrorData };
}

/** 403. */
export declare class ForbiddenResponseError extends OpenRouterError {
  /** What the answer says. */
  readonly error: ErrorData;
  /** The same as it came. */
  readonly data$: { error: ErrorData };
}

/** 500. */
export declare class InternalServerResponseError extends OpenRouterError {
  /** What the answer says. */
  readonly error: ErrorData;
  /** The same as it came. */
  readonly data$: { error: ErrorData };
}

/** Any other status. */
export declare class OpenRouterDefaultError extends OpenRouterError {}

/** A success that is not what was promised. */
export declare class ResponseValidationError extends OpenRouterError {
  /** What was given instead. */
  readonly rawValue: unknown;
  /** What is wrong with it. */
  readonly rawMessage: unknown;
}

/** A request that cannot be. */
export declare class SDKValidationError extends CreditEngineError {
  protected constructor();
  /** What was given instead. */
  readonly rawValue: unknown;
  /** What is wrong with it. */
  readonly rawMessage: unknown;
}

/** The base of all calls that ended without an answer; `cause` is what they stem from. */
export declare class HTTPClientError extends CreditEngineError {}
/** What nobody expected. */
export declare class UnexpectedClientError extends HTTPClientError {}
/** A request that `fetch` refused to send. */
export declare class InvalidRequestError extends HTTPClientError {}
/** The `signal` was aborted. */
export declare class RequestAbortedError extends HTTPClientError {}
/** No answer within `timeoutMs`. */
export declare class RequestTimeoutError extends HTTPClientError {}
/** No whole answer, after all tries. */
export declare class ConnectionError extends HTTPClientError {}
