// The entry `edge-credits/gate`: a handler that runs only for who can pay.

import type { GateOptions } from "../types/gate.d.ts";
import type { Amount } from "../types/index.d.ts";
import { CreditEngineError } from "./errors.ts";
import { creditHeaders, isUnavailable, problem, problemOf, respond } from "./gate/answer.ts";
import { type Asked, charge, FREE, hold, type Passage, undo } from "./gate/passage.ts";

/** What handlers said that their requests cost. */
const stated = new WeakMap<object, Amount>();

export function setCost(request: object, cost: Amount): void {
  stated.set(request, cost);
}

/** Lets a promise outlive the answer; undefined where the runtime has no such thing. */
type WaitUntil = ((promise: Promise<unknown>) => void) | undefined;

export function withCredits<Request, Rest extends unknown[]>(
  handler: (request: Request, ...rest: Rest) => Response | PromiseLike<Response>,
  options: GateOptions<Request, Rest, Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const { engine, mode = "consume", onUnavailable = "deny" } = options;
  const report = options.onError ?? ((error: unknown) => console.error(error));
  checkChoice("mode", mode, ["consume", "reserve"]);
  checkChoice("onUnavailable", onUnavailable, ["deny", "allow"]);

  /** Does what the caller is not told of; whether it was done. What fails is reported. */
  const quietly = async (act: () => Promise<void>): Promise<boolean> => {
    try {
      await act();
      return true;
    } catch (error) {
      report(error);
      return false;
    }
  };

  /** Who may pass, or the answer to who may not. */
  async function admit(asked: Asked, request: Request, rest: Rest): Promise<Passage | Response> {
    try {
      return mode === "reserve" ? await hold(asked) : await charge(asked);
    } catch (error) {
      if (isUnavailable(error)) {
        report(error);
        const { idempotencyKey } = error;
        // It may have been charged all the same. With a key of the caller's the next try stands on it.
        const isOpen = mode === "consume" && asked.key === undefined;
        const reverse = async () => {
          if (isOpen && idempotencyKey !== undefined) await undo(asked, idempotencyKey);
        };
        if (onUnavailable === "allow") return { ...FREE, reverse };
        const undone = quietly(reverse);
        waitUntilOf(rest)?.(undone);
        return respond(problemOf(error));
      }
      const told = problemOf(error);
      if (told.status === 402 && options.onInsufficient)
        return options.onInsufficient(told, request, ...rest);
      if (told.status === 500) report(error);
      return respond(told, error);
    }
  }

  return async (request, ...rest) => {
    if (await options.skip?.(request, ...rest)) return handler(request, ...rest);
    const customer = await options.customer(request, ...rest);
    if (!customer) return respond(problem(401, "no_customer", "it is not known who pays"));
    const { cost: given } = options;
    const cost = typeof given === "function" ? await given(request, ...rest) : given;
    if (typeof cost !== "object" && Number(cost) === 0) return handler(request, ...rest);
    const key = (await options.idempotencyKey?.(request, ...rest)) || undefined;
    const passage = await admit({ engine, customer, cost, key }, request, rest);
    if (!("settle" in passage)) return passage;
    let response: Response;
    try {
      response = await handler(request, ...rest);
    } catch (error) {
      await quietly(passage.reverse);
      throw error;
    }
    const isFailed = response.status >= 500 || response.type === "error";
    const isReversed = isFailed && (await quietly(passage.reverse));
    // Nothing can be written on these, and what follows them cannot be watched.
    if (response.type === "error" || response.status === 101) {
      if (!isFailed) await quietly(() => passage.settle(costOf(request, response)));
      return response;
    }
    if (isFailed) {
      const headers: [string, string][] = isReversed ? [["X-Credits-Cost", "0"]] : [];
      return written(response, response.body, headers);
    }
    const said = costOf(request, response);
    const headers = creditHeaders(passage, said === undefined ? undefined : Number(said));
    if (!passage.isHeld) return written(response, response.body, headers);
    const settle = () => quietly(() => passage.settle(costOf(request, response)));
    if (response.body === null) {
      await settle();
      return written(response, null, headers);
    }
    // What a handler said of its cost by then was used, also if the rest of the answer broke off.
    const release = () => (stated.has(request as object) ? settle() : quietly(passage.reverse));
    const body = watched(response.body, settle, release, waitUntilOf(rest));
    return written(response, body, headers);
  };

  function costOf(request: Request, response: Response): Amount | undefined {
    return stated.get(request as object) ?? response.headers.get("X-Credits-Cost") ?? undefined;
  }
}

/**
 * A stream that settles when it has ended or its reader had enough, and releases when it breaks.
 * Its end is shown only after that, unless the runtime lets the settling outlive it.
 */
function watched(
  body: ReadableStream<Uint8Array>,
  settle: () => Promise<unknown>,
  release: () => Promise<unknown>,
  waitUntil: WaitUntil,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let finish: (ended?: unknown) => void = () => {};
  if (waitUntil !== undefined) {
    waitUntil(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
  }
  let isOver = false;
  const end = async (act: () => Promise<unknown>) => {
    if (isOver) return;
    isOver = true;
    const acted = act().finally(finish);
    if (waitUntil === undefined) await acted;
  };
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        await end(release);
        return controller.error(error);
      }
      if (isOver) return;
      await end(settle);
      controller.close();
    },
    async cancel(reason) {
      await end(settle);
      await reader.cancel(reason);
    },
  });
}

function written(
  response: Response,
  body: ReadableStream<Uint8Array> | null,
  headers: [string, string][],
): Response {
  const answer = new Response(body, response);
  for (const [name, value] of headers) answer.headers.set(name, value);
  return answer;
}

/** The context of a Worker, wherever among the arguments it is. */
function waitUntilOf(rest: unknown[]): WaitUntil {
  for (const context of rest as ({ waitUntil?: WaitUntil } | null | undefined)[]) {
    if (typeof context?.waitUntil === "function") return (promise) => context.waitUntil?.(promise);
  }
  return undefined;
}

function checkChoice(name: string, value: string, choices: string[]): void {
  if (choices.includes(value)) return;
  const message = `${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}`;
  throw new CreditEngineError(message, { code: "configuration" });
}
