// The error classes of OpenRouter's official client, by the statuses and accidents that it knows.

import type * as Public from "../../types/openrouter.d.ts";
import {
  AbortError,
  type Answer,
  BRAND,
  ConfigurationError,
  CreditEngineError,
  causeOf,
  ConnectionError as EngineConnectionError,
  errorOf,
  TimeoutError,
} from "../client.ts";

/** The base of all answers that are no success. */
export class OpenRouterError extends CreditEngineError implements Public.OpenRouterError {
  static override readonly [BRAND]: string = "OpenRouterError";
  readonly statusCode: number;
  readonly body: string;
  readonly headers: Public.OpenRouterError["headers"];
  readonly contentType: string;
  readonly rawResponse: Public.OpenRouterError["rawResponse"];

  constructor(message: string, answer: Answer) {
    const { code, status, details, requestId } = errorOf(answer);
    super(message, { code, status, details, requestId });
    this.statusCode = answer.status;
    this.body = answer.text;
    this.headers = answer.response.headers;
    this.contentType = this.headers.get("content-type") ?? "";
    this.rawResponse = answer.response;
    // Long, and of no use to who reads a log.
    for (const name of ["headers", "rawResponse"])
      Object.defineProperty(this, name, { enumerable: false });
  }
}

/** An answer in OpenRouter's words. */
class Told extends OpenRouterError {
  readonly error: Public.ErrorData;
  readonly data$: { error: Public.ErrorData };

  constructor(data: { error: Public.ErrorData }, answer: Answer) {
    super(data.error.message, answer);
    this.error = data.error;
    this.data$ = data;
  }
}

export class UnauthorizedResponseError extends Told implements Public.UnauthorizedResponseError {
  static override readonly [BRAND] = "UnauthorizedResponseError";
}

export class ForbiddenResponseError extends Told implements Public.ForbiddenResponseError {
  static override readonly [BRAND] = "ForbiddenResponseError";
}

export class InternalServerResponseError
  extends Told
  implements Public.InternalServerResponseError
{
  static override readonly [BRAND] = "InternalServerResponseError";
}

/** Any other status. */
export class OpenRouterDefaultError extends OpenRouterError {
  static override readonly [BRAND] = "OpenRouterDefaultError";
}

/** A success that is not what was promised. */
export class ResponseValidationError
  extends OpenRouterError
  implements Public.ResponseValidationError
{
  static override readonly [BRAND] = "ResponseValidationError";
  readonly rawValue: unknown;
  readonly rawMessage: unknown;

  constructor(message: string, answer: Answer) {
    super(message, answer);
    this.rawMessage = message;
    this.rawValue = answer.body ?? answer.text;
  }
}

/** A request that cannot be. */
export class SDKValidationError extends CreditEngineError implements Public.SDKValidationError {
  static override readonly [BRAND] = "SDKValidationError";
  readonly rawValue: unknown;
  readonly rawMessage: unknown;

  constructor(message: string, rawValue: unknown) {
    super(message, { code: "invalid_request" });
    this.rawValue = rawValue;
    this.rawMessage = message;
  }
}

/** The base of all calls that ended without an answer. */
export class HTTPClientError extends CreditEngineError implements Public.HTTPClientError {
  static override readonly [BRAND]: string = "HTTPClientError";
}

export class UnexpectedClientError extends HTTPClientError {
  static override readonly [BRAND] = "UnexpectedClientError";
}

export class InvalidRequestError extends HTTPClientError {
  static override readonly [BRAND] = "InvalidRequestError";
}

export class RequestAbortedError extends HTTPClientError {
  static override readonly [BRAND] = "RequestAbortedError";
}

export class RequestTimeoutError extends HTTPClientError {
  static override readonly [BRAND] = "RequestTimeoutError";
}

export class ConnectionError extends HTTPClientError {
  // This package has a class of this name of its own.
  static override readonly [BRAND] = "OpenRouter.ConnectionError";
}

/** The error that an answer is. */
export function failure(answer: Answer): OpenRouterError {
  const { status, body, text } = answer;
  const error = body?.error;
  if (typeof error?.message === "string" && typeof error.code === "number") {
    if (status === 401) return new UnauthorizedResponseError({ error }, answer);
    if (status === 403) return new ForbiddenResponseError({ error }, answer);
    if (status === 500) return new InternalServerResponseError({ error }, answer);
  }
  return new OpenRouterDefaultError(`API error occurred: Status ${status}. Body: ${text}`, answer);
}

/** What kept a call from being made or answered, under OpenRouter's names. */
export function refusal(cause: unknown): unknown {
  const isTold = cause instanceof OpenRouterError || cause instanceof SDKValidationError;
  if (isTold || !(cause instanceof CreditEngineError)) return cause;
  const { message, code } = cause;
  const options = { code, ...causeOf(cause) };
  if (cause instanceof AbortError) return new RequestAbortedError(message, options);
  if (cause instanceof TimeoutError) return new RequestTimeoutError(message, options);
  if (cause instanceof EngineConnectionError) return new ConnectionError(message, options);
  if (cause instanceof ConfigurationError) return new InvalidRequestError(message, options);
  return new UnexpectedClientError(message, options);
}
