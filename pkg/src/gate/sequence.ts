// What every gate does in front of a handler: who pays, what it costs, may it pass. How the answer
// is given, and how the handler's outcome is seen, is each framework's.

import type { CreditsOptions, Problem } from "../../types/gate.d.ts";
import { CreditEngineError } from "../errors.ts";
import { isUnavailable, problem, problemOf } from "./answer.ts";
import { type Asked, charge, FREE, hold, type Passage, undo } from "./passage.ts";

/** Lets a promise outlive the answer; undefined where the runtime has no such thing. */
export type WaitUntil = ((promise: Promise<unknown>) => void) | undefined;

export interface Refused {
  problem: Problem;
  /** What it was refused by, if that was the engine. */
  error?: unknown;
}

export class Gate<Args extends unknown[]> {
  readonly #options: CreditsOptions<Args>;

  constructor(options: CreditsOptions<Args>) {
    checkChoice("mode", options.mode, ["consume", "reserve"]);
    checkChoice("onUnavailable", options.onUnavailable, ["deny", "allow"]);
    this.#options = options;
  }

  /**
   * What a request that may pass owes, or why it may not; undefined if it owes nothing. Throws what
   * the functions of the options throw.
   */
  async admit(args: Args, waitUntil: WaitUntil): Promise<Passage | Refused | undefined> {
    const { engine, customer: who, cost: given, idempotencyKey, skip } = this.#options;
    if (await skip?.(...args)) return undefined;
    const customer = await who(...args);
    if (!customer) return { problem: problem(401, "no_customer", "it is not known who pays") };
    const cost = typeof given === "function" ? await given(...args) : given;
    if (typeof cost !== "object" && Number(cost) === 0) return undefined;
    const key = (await idempotencyKey?.(...args)) || undefined;
    return this.#pay({ engine, customer, cost, key }, waitUntil);
  }

  /** Does what the caller is not told of; whether it was done. What fails is reported. */
  async quietly(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.#report(error);
      return false;
    }
  }

  async #pay(asked: Asked, waitUntil: WaitUntil): Promise<Passage | Refused> {
    const { mode = "consume", onUnavailable = "deny" } = this.#options;
    try {
      return mode === "reserve" ? await hold(asked) : await charge(asked);
    } catch (error) {
      if (isUnavailable(error)) {
        this.#report(error);
        const { idempotencyKey } = error;
        // It may have been charged all the same. With a key of the caller's the next try stands on it.
        const isOpen = mode === "consume" && asked.key === undefined;
        const reverse = async () => {
          if (isOpen && idempotencyKey !== undefined) await undo(asked, idempotencyKey);
        };
        if (onUnavailable === "allow") return { ...FREE, reverse };
        const undone = this.quietly(reverse);
        waitUntil?.(undone);
        return { problem: problemOf(error) };
      }
      const told = problemOf(error);
      if (told.status === 500) this.#report(error);
      return { problem: told, error };
    }
  }

  #report(error: unknown): void {
    try {
      (this.#options.onError ?? console.error)(error);
    } catch (thrown) {
      // Nobody could be told otherwise, and the request is not to suffer.
      console.error(error, thrown);
    }
  }
}

export function isRefused(admitted: Passage | Refused): admitted is Refused {
  return "problem" in admitted;
}

function checkChoice(name: string, value: string | undefined, choices: string[]): void {
  if (value === undefined || choices.includes(value)) return;
  const message = `${name} must be ${choices.map((choice) => `"${choice}"`).join(" or ")}`;
  throw new CreditEngineError(message, { code: "configuration" });
}
