// The entry `edge-credits/express`: a middleware behind which only those come who can pay.

import type { ExpressCreditsOptions, ExpressRequest, ExpressResponse } from "../types/express.d.ts";
import type { Amount } from "../types/index.d.ts";
import { follow } from "./express/follow.ts";
import { respond } from "./gate/answer.ts";
import { setCost as setCostOf } from "./gate/cost.ts";
import type { Passage } from "./gate/passage.ts";
import { Gate, isRefused, type Refused } from "./gate/sequence.ts";

export function credits<Request extends ExpressRequest, Response extends ExpressResponse>(
  options: ExpressCreditsOptions<Request, Response>,
): (req: Request, res: Response, next: (error?: unknown) => void) => Promise<void> {
  const gate = new Gate(options);

  async function refuse({ problem, error }: Refused, req: Request, res: Response): Promise<void> {
    if (problem.status === 402 && options.onInsufficient) {
      await options.onInsufficient(problem, req, res);
      return;
    }
    const answer = respond(problem, error);
    res.statusCode = answer.status;
    for (const [name, value] of answer.headers) res.setHeader(name, value);
    res.end(await answer.text());
  }

  return async (req, res, next) => {
    let passage: Passage | undefined;
    // Express 4 would not notice a promise that is rejected.
    try {
      const admitted = await gate.admit([req, res], undefined);
      if (admitted !== undefined && isRefused(admitted)) return await refuse(admitted, req, res);
      passage = admitted;
    } catch (error) {
      return next(error);
    }
    if (passage !== undefined) {
      if (res.closed || res.writableEnded) {
        // Whoever asked has left, or was answered, before the work began. It is not done.
        await gate.quietly(passage.reverse);
        return;
      }
      follow(gate, passage, req, res);
    }
    next();
  };
}

export function setCost(req: ExpressRequest, cost: Amount): void {
  setCostOf(req, cost);
}
