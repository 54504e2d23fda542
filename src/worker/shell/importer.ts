// Calls to many ledgers at once, spread over objects: the platform bounds how many calls one
// request may make, and an import makes one for each customer.

import { DurableObject } from "cloudflare:workers";
import { callObject, within } from "./effects";
import type { Env } from "./env";

/** See `SEPARATOR` in the engine. */
const SEPARATOR = "\u001e";
/** Objects that make the calls of one request. */
const LANES = 4;
/** Calls that each of them has under way. */
const CALLS_AT_ONCE = 16;
/** An object that has not made its calls by then is not waited for. */
const LANE_DEADLINE_MS = 60_000;

/** Makes the calls that it is told, some at a time. It keeps nothing. */
export class ImporterObject extends DurableObject<Env> {
  async call(message: string): Promise<string> {
    const ledgers = this.env.LEDGER;
    const calls = pairs(message);
    const replies: string[] = [];
    // All take from one iterator, so each call is made once.
    const rest = calls.entries();
    const work = async (): Promise<void> => {
      for (const [index, [name, text]] of rest)
        replies[index] = await callObject(ledgers, ledgers.idFromName(name), text);
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
    return replies.join(SEPARATOR);
  }
}

/** Performs `Effect::Ledgers`. */
export async function callLedgers(env: Env, importer: string, message: string): Promise<string> {
  const calls = pairs(message);
  const size = Math.ceil(calls.length / LANES);
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    calls.slice(lane * size, (lane + 1) * size),
  );
  const replies = lanes.map(async (calls, lane) => {
    if (calls.length === 0) return [];
    try {
      const object = env.IMPORTER.get(env.IMPORTER.idFromName(`${importer}\u001f${lane}`));
      const text = calls.flat().join(SEPARATOR);
      return (await within(LANE_DEADLINE_MS, object.call(text))).split(SEPARATOR);
    } catch (error) {
      console.error(
        `an importer did not answer: ${error instanceof Error ? error.message : "failed"}`,
      );
      return calls.map(() => "!broken");
    }
  });
  return (await Promise.all(replies)).flat().join(SEPARATOR);
}

/** Names and messages, in turn. */
function pairs(text: string): [name: string, message: string][] {
  const parts = text.split(SEPARATOR);
  return Array.from({ length: parts.length / 2 }, (_, index) => [
    parts[2 * index] ?? "",
    parts[2 * index + 1] ?? "",
  ]);
}
