// The entry `edge-credits/hiveforge`: HiveForge's client, its credits.

import type * as Public from "../types/hiveforge.d.ts";
import {
  at,
  BRAND,
  ConfigurationError,
  CreditEngineError,
  callSite,
  causeOf,
  credentials,
  type Fields,
  Http,
  type Site,
} from "./client.ts";

export { ConfigurationError, CreditEngineError } from "./client.ts";

export class HiveForgeError extends CreditEngineError {
  static override readonly [BRAND] = "HiveForgeError";
}

/** Makes a call and gives what was answered. */
type Ask = (
  call: string,
  fields: Fields,
  options: Public.CallOptions,
  site: Site,
  // biome-ignore lint/suspicious/noExplicitAny: the engine answers as the types say; tests hold it to that
) => Promise<any>;

export class HiveForgeClient implements Public.HiveForgeClient {
  readonly credits: Public.Credits;
  readonly #ask: Ask;

  constructor(options: Public.HiveForgeClientOptions) {
    const site = callSite(new.target);
    try {
      this.#ask = asker(options);
    } catch (error) {
      throw at(error, site);
    }
    this.credits = new Credits(this.#ask);
  }

  initialize(options: Public.CallOptions = {}): Promise<void> {
    const site = callSite(HiveForgeClient.prototype.initialize);
    // What a key may read before its customer has any credits.
    return this.#ask("hiveforge-packs", [], options, site).then(() => {});
  }
}

class Credits implements Public.Credits {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  getBalance(options: Public.CallOptions = {}): Promise<Public.CreditBalance> {
    const site = callSite(Credits.prototype.getBalance);
    return this.#ask("hiveforge-balance", [], options, site);
  }

  getUsage(
    startDate?: Date | string,
    endDate?: Date | string,
    options: Public.CallOptions = {},
  ): Promise<Public.CreditUsage> {
    const site = callSite(Credits.prototype.getUsage);
    const fields = [...dated("startDate", startDate), ...dated("endDate", endDate)];
    return this.#ask("hiveforge-usage", fields, options, site);
  }

  getPacks(options: Public.CallOptions = {}): Promise<Public.CreditPack[]> {
    return this.#ask("hiveforge-packs", [], options, callSite(Credits.prototype.getPacks));
  }

  getCosts(options: Public.CallOptions = {}): Promise<Public.CreditCost[]> {
    return this.#ask("hiveforge-costs", [], options, callSite(Credits.prototype.getCosts));
  }

  setAIProviderPriority(
    priority: Public.AIProviderPriority,
    options: Public.CallOptions = {},
  ): Promise<Public.CreditBalance> {
    const site = callSite(Credits.prototype.setAIProviderPriority);
    return this.#ask("hiveforge-settings", ["aiProviderPriority", String(priority)], options, site);
  }

  setOverageMode(
    mode: Public.OverageMode,
    options: Public.CallOptions = {},
  ): Promise<Public.CreditBalance> {
    const site = callSite(Credits.prototype.setOverageMode);
    return this.#ask("hiveforge-settings", ["overageMode", String(mode)], options, site);
  }
}

function asker(options: Public.HiveForgeClientOptions): Ask {
  const { deploymentId, deploymentSecret } = options;
  // A header holds nothing else, and `fetch` would only say that it failed.
  if (typeof deploymentId !== "string" || !/^[!-~]([ -~]*[!-~])?$/.test(deploymentId))
    throw new ConfigurationError("deploymentId must be printable ASCII, at least one character");
  const headers = (key: string) => ({
    "X-Deployment-ID": deploymentId,
    "X-Deployment-Secret": key,
  });
  const keyed = { ...options, apiKey: deploymentSecret };
  const http = new Http(keyed, credentials(keyed, "deploymentSecret", headers));
  return async (call, fields, options, site) => {
    try {
      return (await http.send(call, fields, options, site)).body;
    } catch (error) {
      throw at(translated(error), site);
    }
  };
}

/** HiveForge's client has one class for all that a call can end with. */
function translated(cause: unknown): unknown {
  if (!(cause instanceof CreditEngineError)) return cause;
  const { message, code, status, details, requestId } = cause;
  const options = { code, status, details, requestId, ...causeOf(cause) };
  return new HiveForgeError(message, options);
}

/** A time as a field. A day stays a day: the engine takes the whole of it. */
function dated(name: string, date: Date | string | undefined): Fields {
  if (date === undefined || date === null) return [];
  return [name, date instanceof Date ? date.toISOString() : String(date)];
}
