// What becomes of a charge or a hold while a Node response is written: what is shown is its head
// and its end, and in between the connection may break.

import type { ExpressRequest, ExpressResponse } from "../../types/express.d.ts";
import { creditHeaders } from "../gate/answer.ts";
import { statedCost } from "../gate/cost.ts";
import type { Passage } from "../gate/passage.ts";
import type { Gate } from "../gate/sequence.ts";

/** The first status that says that the work failed. */
const FAILED = 500;
const COST = "X-Credits-Cost";

/**
 * Writes the headers with the head, and settles or reverses before the end is shown: an answer that
 * is sent in one piece is sent after that.
 */
export function follow(
  gate: Pick<Gate<never>, "quietly">,
  passage: Passage,
  req: ExpressRequest,
  res: ExpressResponse,
): void {
  const { writeHead, end } = res;
  const hasLeft = watchReader(req.socket);
  /** What the handler's own header said, before it was written over. */
  let declared: string | undefined;
  let isMarked = false;
  let isEnded = false;
  let isOver = false;

  const costOf = () => statedCost(req) ?? declared;
  const settle = () => once(() => passage.settle(costOf()));
  const reverse = () => once(passage.reverse);
  async function once(act: () => Promise<void>): Promise<boolean> {
    if (isOver) return false;
    isOver = true;
    return gate.quietly(act);
  }

  function mark(status: number, isReversed: boolean): void {
    if (isMarked || res.headersSent) return;
    isMarked = true;
    declare();
    if (status >= FAILED) {
      if (isReversed) res.setHeader(COST, "0");
      return;
    }
    const said = costOf();
    const headers = creditHeaders(passage, said === undefined ? undefined : Number(said));
    for (const [name, value] of headers) res.setHeader(name, value);
  }

  function declare(): void {
    const header = res.getHeader(COST);
    declared ??= header === undefined ? undefined : String(header);
  }

  res.writeHead = (...args) => {
    // Also called by Node itself, in front of the first byte.
    mark(Number(args[0]), false);
    return writeHead.apply(res, args);
  };

  res.end = (...args) => {
    if (isEnded) return res;
    isEnded = true;
    const status = res.statusCode;
    const isFailed = status >= FAILED;
    if (isOver || !(isFailed || passage.isHeld)) return end.apply(res, args);
    if (!isMarked) declare();
    const show = hide(res);
    const finish = async () => {
      const isDone = await (isFailed ? reverse() : settle());
      show();
      // As it was when the end was asked for.
      if (!res.headersSent) res.statusCode = status;
      mark(status, isFailed && isDone);
      end.apply(res, args);
    };
    // What cannot be written breaks the answer, since its handler is gone.
    finish().catch((error) => res.destroy(error));
    return res;
  };

  res.once("close", () => {
    if (isEnded) return;
    if (res.writableEnded) return void (res.statusCode < FAILED ? settle() : reverse());
    const isBroken = res.errored !== null || !hasLeft();
    if (isBroken && !res.headersSent) return void reverse();
    // A charge stays, as that of a stream does. It is still reversed if the handler ends with 500.
    if (!passage.isHeld) return;
    // What a handler said of its cost by then was used, also if the rest of the answer broke off.
    void (isBroken && statedCost(req) === undefined ? reverse() : settle());
  });
}

/** Makes an answer look sent that waits to be, since handlers and error handlers go by that. */
function hide(res: ExpressResponse): () => void {
  const names = ["headersSent", "writableEnded"] as const;
  for (const name of names) Object.defineProperty(res, name, { value: true, configurable: true });
  return () => {
    for (const name of names) Reflect.deleteProperty(res, name);
  };
}

type Socket = ExpressRequest["socket"];
const watched = new WeakSet<Socket>();
const left = new WeakSet<Socket>();

/** Tells whether a connection was ended from the other side. A socket serves many requests. */
function watchReader(socket: Socket): () => boolean {
  if (!watched.has(socket)) {
    watched.add(socket);
    for (const event of ["end", "error"] as const) socket.once(event, () => left.add(socket));
  }
  return () => left.has(socket);
}
