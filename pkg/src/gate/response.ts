// What becomes of a charge or a hold when a handler has answered with a `Response`.

import type { Amount } from "../../types/index.d.ts";
import { creditHeaders } from "./answer.ts";
import type { Passage } from "./passage.ts";
import type { Gate, WaitUntil } from "./sequence.ts";

export interface Outcome {
  response: Response;
  /** Whether the work failed, whatever the answer's status is. */
  isFailed?: boolean;
  /** Whether the body will not be sent: it is never read, so nothing can wait for its end. */
  isHead: boolean;
  /** What the handler said by now that it cost. */
  stated: () => Amount | undefined;
  waitUntil: WaitUntil;
}

/** The answer that the caller gets. Settles or reverses first, or when the body has ended. */
export async function conclude(
  gate: Pick<Gate<never>, "quietly">,
  passage: Passage,
  { response, stated, waitUntil, ...outcome }: Outcome,
): Promise<Response> {
  const isFailed = outcome.isFailed || response.status >= 500 || response.type === "error";
  const isReversed = isFailed && (await gate.quietly(passage.reverse));
  const costOf = () => stated() ?? response.headers.get("X-Credits-Cost") ?? undefined;
  const settle = () => gate.quietly(() => passage.settle(costOf()));
  // Nothing can be written on these, and what follows them cannot be watched.
  if (response.type === "error" || response.status === 101) {
    if (!isFailed) await settle();
    return response;
  }
  if (isFailed)
    return written(response, response.body, isReversed ? [["X-Credits-Cost", "0"]] : []);
  const said = costOf();
  const headers = creditHeaders(passage, said === undefined ? undefined : Number(said));
  if (!passage.isHeld) return written(response, response.body, headers);
  if (response.body === null || outcome.isHead) {
    await settle();
    return written(response, response.body, headers);
  }
  // What a handler said of its cost by then was used, also if the rest of the answer broke off.
  const release = () => (stated() === undefined ? gate.quietly(passage.reverse) : settle());
  return written(response, watched(response.body, settle, release, waitUntil), headers);
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
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
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
    async cancel(reason: unknown) {
      await end(settle);
      await reader.cancel(reason);
    },
  };
  // Nothing is read ahead, so what breaks does so in front of its reader.
  return new ReadableStream(source, { highWaterMark: 0 });
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
