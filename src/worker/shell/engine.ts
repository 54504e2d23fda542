// The wasm instance of this isolate. Every call into it is synchronous, so an aborted
// instance can be replaced at once: nothing of it is still running.

import * as glue from "../../../build/bindgen/engine.js";
import module from "./engine.wasm";
import type { Env } from "./env";

glue.initSync({ module });

let generation = 1;
let configured = 0;

/** Which instance this is: handles of an earlier one mean nothing to it. */
export function currentGeneration(): number {
  return generation;
}

/**
 * Calls into the engine. A trap (a bug, or memory exhausted) ends the instance; the next
 * call finds a fresh one, and every object replays its journal.
 */
export function call<T>(run: (engine: typeof glue) => T): T {
  try {
    return run(glue);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      generation += 1;
      glue.__wbg_reset_state();
      console.error(`the engine aborted and was started anew: ${error.message}`);
    }
    throw error;
  }
}

/** Gives the front of this instance its secrets, once. */
export function configure(env: Env): void {
  if (configured === generation) return;
  // A binding from an environment variable that is not set is null.
  const { ADMIN_TOKEN, KEY_SECRET, KEY_SECRET_PREVIOUS } = env;
  const { STRIPE_WEBHOOK_SECRET, STRIPE_TEST_WEBHOOK_SECRET } = env;
  if (!KEY_SECRET) console.error("KEY_SECRET is not set: no API key can be made or accepted");
  call((engine) =>
    engine.configure(
      ADMIN_TOKEN ?? "",
      KEY_SECRET ?? "",
      KEY_SECRET_PREVIOUS ?? "",
      STRIPE_WEBHOOK_SECRET ?? "",
      STRIPE_TEST_WEBHOOK_SECRET ?? "",
    ),
  );
  configured = generation;
}
