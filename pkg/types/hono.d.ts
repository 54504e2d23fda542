// The types of `edge-credits/hono`. Hono itself is not imported: the parts of its context are named
// here, loosely, for functions that do not say which context they get (`(c: Context<AppEnv>) => …`).

/**
 * The gate as a middleware of Hono: {@link credits}.
 * @packageDocumentation
 */

import type { CreditsOptions, Problem } from "./gate.d.ts";
import type { Amount } from "./index.d.ts";

/** Whatever it is. */
// biome-ignore lint/suspicious/noExplicitAny: what an app's own types would say
type Any = any;

/** The platform's `Response`, where it has one. */
type Response = typeof globalThis extends { Response: { prototype: infer Found } } ? Found : Any;

/** The parts of Hono's `Context` that gates are made of. */
export interface HonoContext {
  readonly req: {
    readonly method: string;
    readonly path: string;
    readonly url: string;
    readonly raw: Any;
    header(name: string): string | undefined;
    param(name: string): Any;
    query(name: string): string | undefined;
    json(): Promise<Any>;
  };
  res: Response;
  readonly env: Any;
  readonly finalized: boolean;
  readonly error: Error | undefined;
  readonly executionCtx: { waitUntil(promise: Promise<unknown>): void };
  get(key: string): Any;
  json(object: Any, status?: Any): Any;
  text(text: string, status?: Any): Any;
  redirect(location: string, status?: Any): Any;
}

/** What {@link credits} is told. */
export interface HonoCreditsOptions<Context extends HonoContext>
  extends CreditsOptions<[c: Context]> {
  /** Answers instead of the 402. */
  onInsufficient?: (problem: Problem, c: Context) => Response | PromiseLike<Response>;
}

/**
 * A middleware behind which only those come who can pay. The charge is reversed when what is behind
 * it throws, or answers with 500 or more; an `HTTPException` below 500 is an answer.
 */
export declare function credits<Context extends HonoContext>(
  options: HonoCreditsOptions<Context>,
): (c: Context, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * In mode `reserve`, says what a request really costs: any time before its answer ends. The same
 * as the response header `X-Credits-Cost`, for what is known only later.
 */
export declare function setCost(c: HonoContext, cost: Amount): void;
