// Credly's error classes, by the answer's status.

import type * as Public from "../../types/credly.d.ts";
import { BRAND, CreditEngineError, RateLimitError } from "../client.ts";

export class CredlyApiError extends CreditEngineError implements Public.CredlyApiError {
  static override readonly [BRAND]: string = "CredlyApiError";
  declare readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly type: string;

  constructor(cause: CreditEngineError, status: number) {
    const { code, details, requestId, idempotencyKey } = cause;
    // The engine's own words, but for the name of what Credly calls a user.
    const detail = cause.message.replace(/\bcustomer_id\b/, "user_id");
    super(detail, { code, status, details, requestId, idempotencyKey });
    this.title = text(details.title) ?? `The request was refused with status ${status}`;
    this.detail = detail;
    this.type = text(details.type) ?? "about:blank";
  }
}

export class CredlyBadRequestError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyBadRequestError";
}

export class CredlyUnauthorizedError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyUnauthorizedError";
}

export class CredlyForbiddenError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyForbiddenError";
}

export class CredlyNotFoundError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyNotFoundError";
}

export class CredlyConflictError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyConflictError";
}

export class CredlyRateLimitError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyRateLimitError";
  readonly retryAfter: number | undefined;

  constructor(cause: CreditEngineError, status: number) {
    super(cause, status);
    this.retryAfter = cause instanceof RateLimitError ? cause.retryAfter : undefined;
  }
}

export class CredlyServerError extends CredlyApiError {
  static override readonly [BRAND] = "CredlyServerError";
}

const BY_STATUS: Record<number, typeof CredlyApiError> = {
  400: CredlyBadRequestError,
  401: CredlyUnauthorizedError,
  403: CredlyForbiddenError,
  404: CredlyNotFoundError,
  409: CredlyConflictError,
  429: CredlyRateLimitError,
};

/** What an answer was, as Credly's; what was no answer stays as it is. */
export function translated(cause: unknown): unknown {
  if (!(cause instanceof CreditEngineError) || cause.status === undefined) return cause;
  const { status } = cause;
  const Type = BY_STATUS[status] ?? (status >= 500 ? CredlyServerError : CredlyApiError);
  return new Type(cause, status);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
