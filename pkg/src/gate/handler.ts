// A gate around a handler of `Request` and `Response`.

import type { GateOptions } from "../../types/gate.d.ts";
import { respond } from "./answer.ts";
import { statedCost } from "./cost.ts";
import { conclude } from "./response.ts";
import { Gate, isRefused, type WaitUntil } from "./sequence.ts";

/** What a framework has of its own. */
export interface Framework<Rest extends unknown[]> {
  waitUntilOf: (rest: Rest) => WaitUntil;
  /** Whether what a handler threw is an answer below 500. */
  isAnswer: (thrown: unknown) => boolean;
}

export function gated<Request, Rest extends unknown[]>(
  handler: (request: Request, ...rest: Rest) => Response | PromiseLike<Response>,
  options: GateOptions<Request, Rest, Response>,
  { waitUntilOf, isAnswer }: Framework<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const gate = new Gate(options);
  return async (request, ...rest) => {
    const waitUntil = waitUntilOf(rest);
    const passage = await gate.admit([request, ...rest], waitUntil);
    if (passage === undefined) return handler(request, ...rest);
    if (isRefused(passage)) {
      const { problem, error } = passage;
      if (problem.status === 402 && options.onInsufficient)
        return options.onInsufficient(problem, request, ...rest);
      return respond(problem, error);
    }
    const stated = () => statedCost(request as object);
    let response: Response;
    try {
      response = await handler(request, ...rest);
    } catch (thrown) {
      const end = isAnswer(thrown) ? () => passage.settle(stated()) : passage.reverse;
      await gate.quietly(end);
      throw thrown;
    }
    const isHead = (request as { method?: unknown } | undefined)?.method === "HEAD";
    return conclude(gate, passage, { response, isHead, stated, waitUntil });
  };
}

/** The context of a Worker, wherever among the arguments it is. */
export function waitUntilAmong(rest: unknown[]): WaitUntil {
  for (const context of rest as ({ waitUntil?: WaitUntil } | null | undefined)[]) {
    if (typeof context?.waitUntil === "function") return (promise) => context.waitUntil?.(promise);
  }
  return undefined;
}
