// The types of `edge-credits/predev`.

/**
 * What pre.dev's documentation calls {@link getCreditsBalance}.
 * @packageDocumentation
 */

import type { CallOptions, ClientOptions } from "./index.d.ts";

export {
  AbortError,
  AuthenticationError,
  ConfigurationError,
  ConnectionError,
  CreditEngineError,
  RateLimitError,
  TimeoutError,
} from "./index.d.ts";

/** What {@link getCreditsBalance} takes beside the key. */
export interface GetCreditsBalanceOptions extends Omit<ClientOptions, "apiKey">, CallOptions {
  /** Whose balance, with a project key. A customer key asks for its own. */
  customerId?: string;
}

/** What the holder of a key has. */
export interface CreditsBalance {
  /** Always true: what is refused is thrown. */
  success: true;
  /** Credits that can be spent now. */
  creditsRemaining: number;
}

/**
 * What the holder of a key can spend. Tries again, with growing waits, where that may help.
 * @throws {@link AuthenticationError} for a key that is missing, wrong, or may not read
 */
export declare function getCreditsBalance(
  apiKey: string,
  options?: GetCreditsBalanceOptions,
): Promise<CreditsBalance>;
