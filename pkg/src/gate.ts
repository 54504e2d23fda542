// The entry `edge-credits/gate`: a handler that runs only for who can pay.

import type { GateOptions } from "../types/gate.d.ts";
import { gated, waitUntilAmong } from "./gate/handler.ts";

export { setCost } from "./gate/cost.ts";

export function withCredits<Request, Rest extends unknown[]>(
  handler: (request: Request, ...rest: Rest) => Response | PromiseLike<Response>,
  options: GateOptions<Request, Rest, Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  return gated(handler, options, { waitUntilOf: waitUntilAmong, isAnswer: () => false });
}
