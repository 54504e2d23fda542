// What is let through while the engine cannot be reached, and how it is charged afterwards.
//
// Each operation keeps the idempotency key of its call, so that it is charged once, also when
// the call had reached the engine after all and only its answer was lost. The budget is in the
// core, one for the process (`src/client/degrade.rs`). Nothing is forgotten: what the engine
// refuses afterwards stays counted and is told.

import type { CallOptions, Degraded, GracefulDegradation } from "../types/index.d.ts";
import { accepted, core, type Fields } from "./core.ts";
import { at, CreditEngineError, type Site } from "./errors.ts";
import { errorOf, type Http } from "./http.ts";

const MAX_CREDITS = 100;
/** Settled at the same time. */
const AT_ONCE = 8;

interface Operation {
  readonly fields: Fields;
  readonly amount: string;
  readonly options: CallOptions & { idempotencyKey: string };
  readonly site: Site;
  /** Refused: it is not tried again but by `settle`, in case that the customer has credits by then. */
  error?: CreditEngineError;
}

export class Degradation {
  readonly #http: Http;
  readonly #limit: string;
  readonly #operations = new Map<string, Operation>();
  /** Until when a background settlement may take; on Workers it can be cut off at any time. */
  #busyUntil = 0;

  constructor(http: Http, option: GracefulDegradation | true) {
    const maxCredits = option === true ? MAX_CREDITS : (option.maxCredits ?? MAX_CREDITS);
    this.#http = http;
    const field = "gracefulDegradation.maxCredits";
    this.#limit = accepted(core().positive_amount(field, String(maxCredits)));
  }

  get pendingOperations(): number {
    return this.#operations.size;
  }

  /** Lets a charge through if the budget has room for it. */
  letThrough(
    fields: Fields,
    amount: string,
    { signal: _, timeoutMs: _t, ...options }: Operation["options"],
    site: Site,
  ): Degraded | undefined {
    const { idempotencyKey } = options;
    const id = JSON.stringify([fields[1], idempotencyKey]);
    const known = this.#operations.get(id);
    // A repeat is the same operation; the same key for another one will be refused.
    if (known === undefined) {
      if (!core().let_through(amount, this.#limit)) return undefined;
      this.#operations.set(id, { fields, amount, options, site });
    } else if (known.fields.join() !== fields.join() || known.error) return undefined;
    return {
      success: true,
      degraded: true,
      balance: Number.NaN,
      amount: Number(amount),
      idempotencyKey,
      replayed: known !== undefined,
    };
  }

  /** The engine answers: charges in the background what was let through. */
  reached(): void {
    if (performance.now() < this.#busyUntil) return;
    const waiting = [...this.#operations].filter(([, operation]) => !operation.error);
    if (waiting.length > 0) void this.#settle(waiting);
  }

  /** Charges all that was let through; throws if some of it could not be charged. */
  async settle(site: Site): Promise<void> {
    await this.#settle([...this.#operations]);
    const count = this.#operations.size;
    if (count === 0) return;
    const operations = [...this.#operations.values()].map(({ fields, amount, options, error }) => ({
      customerId: fields[1],
      amount,
      idempotencyKey: options.idempotencyKey,
      code: error?.code,
    }));
    const message = `${count} operations were let through and are not charged`;
    throw at(new CreditEngineError(message, { code: "unsettled", details: { operations } }), site);
  }

  async #settle(operations: [string, Operation][]): Promise<void> {
    const { timeoutMs } = this.#http.settled;
    const queue = operations.values();
    let isReached = true;
    const work = async () => {
      for (const [id, operation] of queue) {
        if (!isReached) return;
        // Nobody else begins while this one may still be answered.
        this.#busyUntil = performance.now() + timeoutMs;
        isReached = await this.#charge(id, operation);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.#busyUntil = 0;
  }

  /** Says whether the engine was there. Never throws. */
  async #charge(id: string, operation: Operation): Promise<boolean> {
    const { fields, options, amount, site } = operation;
    try {
      const answer = await this.#http.exchange("consume", fields, options, site);
      if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return false;
      if (answer.status === 200 && answer.body !== undefined) {
        // Another settlement may have been first: it counts once.
        if (this.#operations.delete(id)) core().settled(amount);
        return true;
      }
      throw at(errorOf(answer), site);
    } catch (error) {
      if (!(error instanceof CreditEngineError) || error.status === undefined) return false;
      operation.error = error;
      this.#http.report(error);
      return true;
    }
  }
}
