// An engine on a platform that has bad days when it is told to: see faulty.js.

import { fileURLToPath } from "node:url";
import { Engine } from "../e2e/engine.ts";

const WRAPPER = fileURLToPath(new URL("./faulty.js", import.meta.url));

export type Namespace = "LEDGER" | "PROJECT" | "REGISTRY" | "ROLLUP" | "EVENTS" | "IMPORTER";

export interface Faults {
  /** How calls to a kind of object fail. */
  calls?: Partial<Record<Namespace, "overloaded" | "broken">>;
  /** How often, from 0 to 1, a ledger's storage refuses a statement, does it and reports a
   *  failure, does not commit, or sets no alarm. */
  storage?: Partial<Record<"refuse" | "tear" | "sync" | "alarm", number>>;
}

/** Calls by kind of object, and commits as `sync`. */
export type Calls = Partial<Record<Namespace | "sync", number>>;

export function startFaulty(
  options: NonNullable<Parameters<typeof Engine.start>[0]> = {},
): Promise<Engine> {
  return Engine.start({ wrapper: WRAPPER, ...options });
}

/** From now on this goes wrong, and nothing else; calls are counted anew. */
export async function order(engine: Engine, faults: Faults): Promise<void> {
  await fetch(`${engine.url}/faults`, { method: "POST", body: JSON.stringify(faults) });
}

/** What was called since the last order or question. */
export async function calls(engine: Engine): Promise<Calls> {
  return (await (await fetch(`${engine.url}/calls`)).json()) as Calls;
}
