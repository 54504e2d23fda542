// The types of `edge-credits/express`. Express itself is not imported: the parts of its requests and
// responses are named here, loosely, for functions that do not say which they get.

/**
 * The gate as a middleware of Express: {@link credits}.
 * @packageDocumentation
 */

import type { CreditsOptions, Problem } from "./gate.d.ts";
import type { Amount } from "./index.d.ts";

/** Whatever it is. */
// biome-ignore lint/suspicious/noExplicitAny: what Node's versions or an app's own types would say
type Any = any;

/** The parts of Express's request that gates are made of. */
export interface ExpressRequest {
  readonly method: string;
  readonly path: string;
  readonly originalUrl: string;
  readonly headers: Any;
  readonly params: Any;
  readonly query: Any;
  readonly body: Any;
  readonly socket: { once(event: "end" | "error", listener: () => void): unknown };
  get(name: string): Any;
}

/** The parts of Express's response that gates are made of. */
export interface ExpressResponse {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly closed: boolean;
  readonly errored: Error | null;
  readonly locals: Any;
  writeHead(...args: Any[]): Any;
  write(...args: Any[]): boolean;
  end(...args: Any[]): Any;
  getHeader(name: string): number | string | string[] | undefined;
  setHeader(name: string, value: string): unknown;
  removeHeader(name: string): void;
  once(event: "close", listener: () => void): unknown;
  destroy(error?: Error): unknown;
  status(code: number): this;
  json(body: Any): unknown;
  redirect(url: string): unknown;
}

/** What {@link credits} is told. */
export interface ExpressCreditsOptions<Request, Response>
  extends CreditsOptions<[req: Request, res: Response]> {
  /** Answers instead of the 402. */
  onInsufficient?: (problem: Problem, req: Request, res: Response) => unknown;
}

/**
 * A middleware behind which only those come who can pay. The charge is reversed when the answer has
 * a status of 500 or more, which is what an error becomes that nobody caught.
 */
export declare function credits<Request extends ExpressRequest, Response extends ExpressResponse>(
  options: ExpressCreditsOptions<Request, Response>,
): (req: Request, res: Response, next: (error?: unknown) => void) => Promise<void>;

/** In mode `reserve`, says what a request really costs: any time before its answer ends. */
export declare function setCost(req: ExpressRequest, cost: Amount): void;
