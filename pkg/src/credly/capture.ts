// captureUsage: the whole of a usage transaction around a function.

import type * as Public from "../../types/credly.d.ts";
import { callSite, type Site } from "../client.ts";
import type { Ask } from "../credly.ts";
import { CredlyConflictError, CredlyForbiddenError } from "./errors.ts";
import { completed, started } from "./usage.ts";
import { created } from "./users.ts";

export function capturing(ask: Ask, onError: (error: unknown) => void) {
  function captureUsage<T>(
    capture: Public.CaptureUsage<T>,
    options: Public.CallOptions = {},
  ): Promise<Public.CapturedUsage<T>> {
    return run(capture, options, callSite(captureUsage));
  }

  async function run<T>(
    capture: Public.CaptureUsage<T>,
    options: Public.CallOptions,
    site: Site,
  ): Promise<Public.CapturedUsage<T>> {
    const outcome = await attempt(capture, options, site);
    if (capture.rethrowOnError && "error" in outcome) throw outcome.error;
    return outcome;
  }

  async function attempt<T>(
    capture: Public.CaptureUsage<T>,
    options: Public.CallOptions,
    site: Site,
  ): Promise<Public.CapturedUsage<T>> {
    let start: Public.StartedUsageTransaction;
    try {
      start = await startFor(capture, options, site);
    } catch (error) {
      return { status: "start_failed", error };
    }
    if (!start.continue) {
      const { balance, message } = start;
      return { status: "insufficient_credits", balance, message };
    }
    const { transaction_id } = start;
    // The caller's key is the reservation's: of completions there is one per reservation anyway.
    // And the caller's signal ends what was not begun: what was done is completed all the same.
    const { idempotencyKey: _, signal: __, ...rest } = options;
    let result: T;
    try {
      result = await capture.execute(start);
    } catch (error) {
      await release(transaction_id, rest, site);
      return { status: "execution_failed", transaction_id, error };
    }
    try {
      const finalized_tokens = await capture.finalizeTokens?.(result);
      const completion = {
        transaction_id,
        success: true,
        ...(finalized_tokens === undefined ? {} : { finalized_tokens }),
      };
      const charged = await completed(ask, completion, rest, site);
      return { status: "completed", result, transaction_id, ...charged };
    } catch (error) {
      return { status: "completion_failed", result, transaction_id, error };
    }
  }

  /** Reserves. Most users are there already, so one is made only where there may be none. */
  async function startFor<T>(
    capture: Public.CaptureUsage<T>,
    options: Public.CallOptions,
    site: Site,
  ): Promise<Public.StartedUsageTransaction> {
    const start = await started(ask, capture, options, site);
    if (start.continue || start.balance !== 0) return start;
    const { user_id, tier_id } = capture;
    const { idempotencyKey: _, ...rest } = options;
    try {
      await created(ask, { user_id, ...(tier_id === undefined ? {} : { tier_id }) }, rest, site);
    } catch (error) {
      // A key that may only consume makes no users: then it is as the reservation said.
      if (error instanceof CredlyForbiddenError) return start;
      if (!(error instanceof CredlyConflictError)) throw error;
    }
    return started(ask, capture, options, site);
  }

  async function release(
    transaction_id: string,
    options: Public.CallOptions,
    site: Site,
  ): Promise<void> {
    try {
      await completed(ask, { transaction_id, success: false }, options, site);
    } catch (error) {
      // They come back when the reservation expires. What the work failed with is told instead.
      onError(error);
    }
  }

  return { captureUsage };
}
