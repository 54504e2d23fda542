// Usage transactions: reserve, then complete.

import type * as Public from "../../types/credly.d.ts";
import { callSite, type Fields, fieldsOf, type Site } from "../client.ts";
import type { Ask } from "../credly.ts";

export function usage(ask: Ask) {
  function startUsageTransaction(
    start: Public.StartUsageTransaction,
    options?: Public.CallOptions,
  ): Promise<Public.StartedUsageTransaction> {
    return started(ask, start, options, callSite(startUsageTransaction));
  }

  function completeUsageTransaction(
    completion: Public.CompleteUsageTransaction,
    options?: Public.CallOptions,
  ): Promise<Public.CompletedUsageTransaction> {
    return completed(ask, completion, options, callSite(completeUsageTransaction));
  }

  return { startUsageTransaction, completeUsageTransaction };
}

export async function started(
  ask: Ask,
  start: Public.StartUsageTransaction,
  options: Public.CallOptions | undefined,
  site: Site,
): Promise<Public.StartedUsageTransaction> {
  const body = await ask("usage-start", () => startFields(start), options, site);
  const { transaction_id, balance, credits_used, message, expires_at } = body;
  return {
    transaction_id,
    continue: body.continue,
    balance,
    credits_used,
    message,
    expires_at,
  };
}

export async function completed(
  ask: Ask,
  completion: Public.CompleteUsageTransaction,
  options: Public.CallOptions | undefined,
  site: Site,
): Promise<Public.CompletedUsageTransaction> {
  const { transaction_id, success, finalized_tokens, amount } = completion;
  const fields = () => fieldsOf({ transaction_id, success, finalized_tokens, amount });
  const { credits_used, balance, balance_adjustment } = await ask(
    "usage-complete",
    fields,
    options,
    site,
  );
  return { credits_used, balance, balance_adjustment };
}

/** Credly need not be told how many tokens to expect; the engine then holds the least price. */
function startFields(start: Public.StartUsageTransaction): Fields {
  const { user_id, model, amount, feature_identifier, expires_in } = start;
  const least = amount === undefined ? { input_tokens: 0, output_tokens: 0 } : undefined;
  const provisional_tokens = start.provisional_tokens ?? least;
  return fieldsOf({ user_id, model, provisional_tokens, amount, feature_identifier, expires_in });
}
