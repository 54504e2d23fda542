// The errors. A bundle may hold this module twice (ESM and CommonJS, or two entries of the
// package), so `instanceof` goes by a brand that all copies know, not by a class's identity.

export const BRAND = Symbol.for("edge-credits.error");

export interface ErrorOptions {
  code?: string;
  status?: number | undefined;
  details?: Record<string, unknown> | undefined;
  requestId?: string | undefined;
  idempotencyKey?: string | undefined;
  cause?: unknown;
}

/** Whether a value is an error of a class, in whichever copy of this module it was made. */
function isInstance(type: typeof CreditEngineError, value: unknown): boolean {
  // A class that somebody derived from ours is told by its identity, as any other.
  if (!Object.hasOwn(type, BRAND)) return Function.prototype[Symbol.hasInstance].call(type, value);
  const brands = (value as { [BRAND]?: string[] } | null | undefined)?.[BRAND];
  return Array.isArray(brands) && brands.includes(type[BRAND]);
}

export class CreditEngineError extends Error {
  static readonly [BRAND]: string = "CreditEngineError";

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked about, subclasses included
    return isInstance(this, value);
  }

  readonly code: string;
  readonly status: number | undefined;
  readonly details: Record<string, unknown>;
  readonly requestId: string | undefined;
  readonly idempotencyKey: string | undefined;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    const brands: string[] = [];
    for (let at = new.target; BRAND in at; at = Object.getPrototypeOf(at)) brands.push(at[BRAND]);
    // Not shown when an error is printed; names survive a minifier that renames classes. Before
    // a dot stands whose name it is, where two surfaces have a class of the same name.
    Object.defineProperty(this, BRAND, { value: brands });
    const name = brands[0]?.split(".").at(-1);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
    this.code = options.code ?? "unexpected";
    this.status = options.status;
    this.details = options.details ?? {};
    this.requestId = options.requestId;
    this.idempotencyKey = options.idempotencyKey;
  }
}

export class InsufficientCreditsError extends CreditEngineError {
  static override readonly [BRAND] = "InsufficientCreditsError";
  readonly currentBalance: number;
  readonly requested: number;
  readonly shortfall: number;

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    const amount = (name: string) => Number(this.details[name] ?? Number.NaN);
    this.currentBalance = amount("balance");
    this.requested = amount("requested");
    this.shortfall = amount("shortfall");
  }
}

export class RateLimitError extends CreditEngineError {
  static override readonly [BRAND] = "RateLimitError";
  readonly retryAfter: number | undefined;

  constructor(message: string, options: ErrorOptions & { retryAfter?: number | undefined } = {}) {
    super(message, options);
    this.retryAfter = options.retryAfter;
  }
}

export class AuthenticationError extends CreditEngineError {
  static override readonly [BRAND]: string = "AuthenticationError";
}

export class ConfigurationError extends CreditEngineError {
  static override readonly [BRAND] = "ConfigurationError";

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "configuration", ...options });
  }
}

export class ConnectionError extends CreditEngineError {
  static override readonly [BRAND]: string = "ConnectionError";

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "connection_failed", ...options });
  }
}

export class TimeoutError extends ConnectionError {
  static override readonly [BRAND] = "TimeoutError";

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "timeout", ...options });
  }
}

export class AbortError extends CreditEngineError {
  static override readonly [BRAND] = "AbortError";

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { code: "aborted", ...options });
  }
}

/** Where a caller called: the frames that an error of that call will show. */
export interface Site {
  stack?: string;
}

/** Remembers the caller of `method`. Costs next to nothing until an error asks for it. */
// biome-ignore lint/complexity/noBannedTypes: any method will do, it is only compared
export function callSite(method: Function): Site {
  const site: Site = {};
  if (typeof Error.captureStackTrace === "function") Error.captureStackTrace(site, method);
  else site.stack = new Error().stack ?? "";
  return site;
}

/** Lets an error's stack begin at the line of the caller, not inside this package. */
export function at<E>(error: E, site: Site): E {
  if (!(error instanceof CreditEngineError)) return error;
  const lines = site.stack?.split("\n") ?? [];
  const frames = lines.filter((line, index) => index > 0 || /^\s+at |@/.test(line));
  if (frames.length > 0) error.stack = [`${error.name}: ${error.message}`, ...frames].join("\n");
  return error;
}

/** For an error that says the same as another under another name: what the other one stems from. */
export function causeOf({ cause }: Error): { cause?: unknown } {
  return cause === undefined ? {} : { cause };
}
