// The entry `edge-credits/next`: route handlers, and the file `proxy` (or `middleware`).

import type {
  MiddlewareOptions,
  MiddlewareRequest,
  NextCreditsOptions,
  NextEvent,
} from "../types/next.d.ts";
import { CreditEngineError } from "./errors.ts";
import { gated, waitUntilAmong } from "./gate/handler.ts";

export { setCost } from "./gate/cost.ts";

/** What `redirect()`, `notFound()` and their like throw has a digest that begins so. */
const ANSWERS = ["NEXT_REDIRECT;", "NEXT_HTTP_ERROR_FALLBACK;"];
/** By this header Next knows that a middleware did not answer. */
const GO_ON = "x-middleware-next";

export function withCredits<Request, Rest extends unknown[]>(
  handler: (request: Request, ...rest: Rest) => Response | PromiseLike<Response>,
  options: NextCreditsOptions<Request, Rest, Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const { after } = options;
  return gated(handler, options, { waitUntilOf: () => after, isAnswer });
}

export function creditsMiddleware<Request extends MiddlewareRequest = MiddlewareRequest>(
  options: MiddlewareOptions<Request>,
): (request: Request, event: NextEvent) => Promise<Response> {
  const { mode = "consume" } = options as { mode?: string };
  if (mode !== "consume") {
    const message = "a middleware does not see the end of an answer, so it can only consume";
    throw new CreditEngineError(message, { code: "configuration" });
  }
  const goOn = () => new Response(null, { headers: { [GO_ON]: "1" } });
  const handler = async (request: Request, event: NextEvent) =>
    ((await options.next?.(request, event)) as Response | null | undefined) ?? goOn();
  return gated(handler, options as Options<Request>, { waitUntilOf: waitUntilAmong, isAnswer });
}

type Options<Request> = NextCreditsOptions<Request, [event: NextEvent], Response>;

function isAnswer(thrown: unknown): boolean {
  const { digest } = (thrown ?? {}) as { digest?: unknown };
  return typeof digest === "string" && ANSWERS.some((start) => digest.startsWith(start));
}
