// The entry `edge-credits/hono`: a middleware behind which only those come who can pay.

import type { HonoContext, HonoCreditsOptions } from "../types/hono.d.ts";
import type { Amount } from "../types/index.d.ts";
import { respond } from "./gate/answer.ts";
import { setCost as setCostOf, statedCost } from "./gate/cost.ts";
import { conclude } from "./gate/response.ts";
import { Gate, isRefused, type WaitUntil } from "./gate/sequence.ts";

/** The first status that says that the work failed. */
const FAILED = 500;

export function credits<Context extends HonoContext>(
  options: HonoCreditsOptions<Context>,
): (c: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  const gate = new Gate(options);
  return async (c, next) => {
    const waitUntil = waitUntilOf(c);
    const passage = await gate.admit([c], waitUntil);
    if (passage === undefined) {
      await next();
      return undefined;
    }
    if (isRefused(passage)) {
      const { problem, error } = passage;
      if (problem.status === 402 && options.onInsufficient)
        return options.onInsufficient(problem, c);
      return respond(problem, error);
    }
    try {
      await next();
    } catch (thrown) {
      // What is no `Error` Hono does not make an answer of.
      await gate.quietly(passage.reverse);
      throw thrown;
    }
    if (!c.finalized) {
      // No answer was given, which Hono itself will complain about.
      await gate.quietly(passage.reverse);
      return undefined;
    }
    const response: Response = c.res;
    const answer = await conclude(gate, passage, {
      response,
      isFailed: c.error !== undefined && !isAnswer(c.error),
      isHead: c.req.method === "HEAD",
      stated: () => statedCost(c),
      waitUntil,
    });
    // An answer that is set over another one gets the other's headers.
    (c as { res: Response | undefined }).res = undefined;
    c.res = answer;
    return undefined;
  };
}

export function setCost(c: HonoContext, cost: Amount): void {
  setCostOf(c, cost);
}

/** An `HTTPException` is thrown in order to be answered. */
function isAnswer(error: Error & { getResponse?: unknown; status?: unknown }): boolean {
  return typeof error.getResponse === "function" && Number(error.status) < FAILED;
}

function waitUntilOf(c: HonoContext): WaitUntil {
  try {
    const context = c.executionCtx;
    return (promise) => context.waitUntil(promise);
  } catch {
    // Where there is none, asking throws.
    return undefined;
  }
}
