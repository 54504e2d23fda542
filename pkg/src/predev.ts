// The entry `edge-credits/predev`: what pre.dev's documentation calls getCreditsBalance.

import type * as Public from "../types/predev.d.ts";
import { callSite, fieldsOf, Http } from "./client.ts";

export {
  AbortError,
  AuthenticationError,
  ConfigurationError,
  ConnectionError,
  CreditEngineError,
  RateLimitError,
  TimeoutError,
} from "./client.ts";

export function getCreditsBalance(
  apiKey: string,
  options: Public.GetCreditsBalanceOptions = {},
): Promise<Public.CreditsBalance> {
  const site = callSite(getCreditsBalance);
  const call = async () => {
    const { customerId, ...client } = options;
    const http = new Http({ ...client, apiKey });
    const { body } = await http.send("predev-balance", fieldsOf({ customerId }), options, site);
    return { success: body.success, creditsRemaining: body.creditsRemaining };
  };
  return call();
}
