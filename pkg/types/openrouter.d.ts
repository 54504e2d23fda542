// The types of `edge-credits/openrouter`: the credits of OpenRouter's official client, under its
// names.

import type { AbortSignalLike, Fetcher, FetchLike, ResponseLike } from "./index.d.ts";
import { CreditEngineError } from "./index.d.ts";

export { ConfigurationError, CreditEngineError } from "./index.d.ts";

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

export type RetryConfig =
  | { strategy: "none" }
  | {
      strategy: "backoff";
      /** Default: 500, 60,000, 1.5, 3,600,000. */
      backoff?: BackoffStrategy;
      /** Whether to try again where nothing was answered. */
      retryConnectionErrors?: boolean;
    };

export interface SDKOptions {
  /** A customer's key; or a function that is asked before each call. Default: `OPENROUTER_API_KEY` of the environment. */
  apiKey?: string | (() => Promise<string>) | undefined;
  httpReferer?: string | undefined;
  appTitle?: string | undefined;
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

export interface RequestOptions extends FetchOptions {
  timeoutMs?: number;
  retries?: RetryConfig;
  /** Statuses to try again after, such as `503` or `5XX`. Default `["5XX"]`. */
  retryCodes?: string[];
  serverURL?: string | { toString(): string };
  /** @deprecated What is in here may stand in the options themselves. */
  fetchOptions?: FetchOptions;
}

export interface GetCreditsRequest {
  httpReferer?: string | undefined;
  appTitle?: string | undefined;
  appCategories?: string | undefined;
}

export interface GetCreditsData {
  /** All credits: `totalUsage` and the balance together. */
  totalCredits: number;
  /** The sum of all charges. */
  totalUsage: number;
}

export interface GetCreditsResponse {
  data: GetCreditsData;
}

export type Result<T, E = unknown> =
  | { ok: true; value: T; error?: never }
  | { ok: false; value?: never; error: E };

export interface Credits {
  /** All credits and all charges of the key's holder. */
  getCredits(request?: GetCreditsRequest, options?: RequestOptions): Promise<GetCreditsResponse>;
}

/** A client for the standalone functions. */
export declare class OpenRouterCore {
  constructor(options?: SDKOptions);
  readonly _options: SDKOptions;
}

export declare class OpenRouter extends OpenRouterCore {
  readonly credits: Credits;
}

/** As `credits.getCredits`; what it would throw is the result's `error`. */
export declare function creditsGetCredits(
  client: OpenRouterCore,
  request?: GetCreditsRequest,
  options?: RequestOptions,
): Promise<Result<GetCreditsResponse, GetCreditsError>>;

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

export interface ErrorData {
  /** The status again. */
  code: number;
  message: string;
  metadata?: Record<string, unknown> | null | undefined;
}

/** The base of all answers that are no success. */
export declare class OpenRouterError extends CreditEngineError {
  protected constructor();
  readonly statusCode: number;
  /** The answer's text. */
  readonly body: string;
  readonly headers: ResponseLike["headers"];
  readonly contentType: string;
  /** The answer. Its text is read already: see `body`. */
  readonly rawResponse: ResponseLike;
}

/** 401. */
export declare class UnauthorizedResponseError extends OpenRouterError {
  readonly error: ErrorData;
  readonly data$: { error: ErrorData };
}

/** 403. */
export declare class ForbiddenResponseError extends OpenRouterError {
  readonly error: ErrorData;
  readonly data$: { error: ErrorData };
}

/** 500. */
export declare class InternalServerResponseError extends OpenRouterError {
  readonly error: ErrorData;
  readonly data$: { error: ErrorData };
}

/** Any other status. */
export declare class OpenRouterDefaultError extends OpenRouterError {}

/** A success that is not what was promised. */
export declare class ResponseValidationError extends OpenRouterError {
  readonly rawValue: unknown;
  readonly rawMessage: unknown;
}

/** A request that cannot be. */
export declare class SDKValidationError extends CreditEngineError {
  protected constructor();
  readonly rawValue: unknown;
  readonly rawMessage: unknown;
}

/** The base of all calls that ended without an answer; `cause` is what they stem from. */
export declare class HTTPClientError extends CreditEngineError {}
export declare class UnexpectedClientError extends HTTPClientError {}
export declare class InvalidRequestError extends HTTPClientError {}
export declare class RequestAbortedError extends HTTPClientError {}
export declare class RequestTimeoutError extends HTTPClientError {}
export declare class ConnectionError extends HTTPClientError {}
