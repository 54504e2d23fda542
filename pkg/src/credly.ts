// The entry `edge-credits/credly`: Credly's client. Its methods are closures, so that they may be
// taken out of the client and passed around.

import type * as Public from "../types/credly.d.ts";
import { at, callSite, type Fields, Http, type Site } from "./client.ts";
import { capturing } from "./credly/capture.ts";
import { translated } from "./credly/errors.ts";
import { transactions } from "./credly/transactions.ts";
import { usage } from "./credly/usage.ts";
import { users } from "./credly/users.ts";

export {
  AbortError,
  ConfigurationError,
  ConnectionError,
  CreditEngineError,
  TimeoutError,
} from "./client.ts";
export {
  CredlyApiError,
  CredlyBadRequestError,
  CredlyConflictError,
  CredlyForbiddenError,
  CredlyNotFoundError,
  CredlyRateLimitError,
  CredlyServerError,
  CredlyUnauthorizedError,
} from "./credly/errors.ts";

/** Makes a call and gives what was answered; what is thrown is Credly's. */
export type Ask = (
  call: string,
  /** Made inside the call, so that a value that cannot be rejects and never throws. */
  fields: () => Fields,
  options: Public.CallOptions | undefined,
  site: Site,
  // biome-ignore lint/suspicious/noExplicitAny: the engine answers as the types say; tests hold it to that
) => Promise<any>;

export function createClient(options: Public.CredlyOptions): Public.CredlyClient {
  const site = callSite(createClient);
  let http: Http;
  try {
    http = new Http(options);
  } catch (error) {
    throw at(error, site);
  }
  const ask: Ask = async (call, fields, options = {}, site) => {
    try {
      return (await http.send(call, fields(), options, site)).body;
    } catch (error) {
      throw at(translated(error), site);
    }
  };
  return {
    ...usage(ask),
    ...users(ask),
    ...transactions(ask),
    ...capturing(ask, (error) => http.settled.onError?.(error)),
  };
}
