// CreditEngine: names, defaults and answers of the public surface. What is asked for goes to
// the core as fields; what was answered comes back under the names that the types promise.

import type * as Public from "../types/index.d.ts";
import { type Fields, fieldsOf, putJson } from "./core.ts";
import { at, ConfigurationError, callSite, InsufficientCreditsError, type Site } from "./errors.ts";
import { type Answer, errorOf, Http } from "./http.ts";

export class CreditEngine implements Public.CreditEngine {
  readonly mode = "stateless";
  readonly #http: Http;

  constructor(options: Public.CreditEngineOptions) {
    const site = callSite(new.target);
    try {
      checkMode(options.mode ?? "auto");
      this.#http = new Http(options);
    } catch (error) {
      throw at(error, site);
    }
  }

  getBalance(
    customerId: string,
    options: Parameters<Public.CreditEngine["getBalance"]>[1] = {},
  ): Promise<Public.Balance> {
    const site = callSite(CreditEngine.prototype.getBalance);
    const include = options.includeBreakdown ? "breakdown" : undefined;
    const fields = () => fieldsOf({ customerId, include });
    return this.#read("balance", fields, options, site, balanceOf);
  }

  consume(
    customerId: string,
    amount: Public.Charge,
    description?: string,
    options: Public.ConsumeOptions = {},
  ): Promise<Public.Charged | Public.Refused> {
    const site = callSite(CreditEngine.prototype.consume);
    return this.#consume(customerId, amount, description, options, site);
  }

  consumeOrFail(
    customerId: string,
    amount: Public.Charge,
    description?: string,
    options: Public.ConsumeOptions = {},
  ): Promise<Public.Charged> {
    const site = callSite(CreditEngine.prototype.consumeOrFail);
    const fields = () => consumeFields(customerId, amount, description, options);
    return this.#read("consume", fields, options, site, chargedOf);
  }

  add(
    customerId: string,
    amount: Public.Amount,
    options: Public.AddOptions = {},
  ): Promise<Public.Added> {
    const site = callSite(CreditEngine.prototype.add);
    const fields = () => addFields(customerId, amount, options);
    return this.#read("add", fields, options, site, addedOf);
  }

  getTransactions(
    customerId: string,
    options: Public.TransactionOptions = {},
  ): Promise<Public.Page<Public.Transaction>> {
    const site = callSite(CreditEngine.prototype.getTransactions);
    const { limit, offset, cursor, type, from, to } = options;
    const fields = () => fieldsOf({ customerId, limit, offset, cursor, type, from, to });
    return this.#read("transactions", fields, options, site, ({ body }) => body);
  }

  async destroy(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  /** Fields are made in here, so that a value that cannot be rejects and never throws. */
  async #read<T>(
    call: string,
    fields: () => Fields,
    options: Public.CallOptions,
    site: Site,
    read: (answer: Answer) => T,
  ): Promise<T> {
    return read(await this.#http.send(call, fields(), options, site));
  }

  async #consume(
    customerId: string,
    amount: Public.Charge,
    description: string | undefined,
    options: Public.ConsumeOptions,
    site: Site,
  ): Promise<Public.Charged | Public.Refused> {
    const fields = consumeFields(customerId, amount, description, options);
    const answer = await this.#http.exchange("consume", fields, options, site);
    if (answer.status === 200 && answer.body !== undefined) return chargedOf(answer);
    const error = errorOf(answer);
    if (!(error instanceof InsufficientCreditsError)) throw at(error, site);
    return { success: false, balance: error.currentBalance, shortfall: error.shortfall };
  }
}

function checkMode(mode: string): void {
  if (mode === "auto" || mode === "stateless") return;
  throw new ConfigurationError(
    mode === "persistent"
      ? 'mode "persistent" is not in this release: it comes with leases; use "auto" or "stateless"'
      : 'mode must be "auto" or "stateless"',
    { code: "unsupported_mode" },
  );
}

function consumeFields(
  customerId: string,
  amount: Public.Charge,
  description: string | undefined,
  { metadata, feature, deadline }: Public.ConsumeOptions,
): Fields {
  const price = typeof amount === "object" && amount !== null ? amount : { amount };
  const fields = fieldsOf({ customerId, ...price, description, feature, deadline });
  putJson(fields, "metadata", metadata);
  return fields;
}

function addFields(
  customerId: string,
  amount: Public.Amount,
  { type = "topup", description, metadata, source, product, priority, ...rest }: Public.AddOptions,
): Fields {
  const { effectiveAt, expiresAt, refundOf } = rest;
  const fields = fieldsOf({ customerId, amount, type, description, source, product, priority });
  fields.push(...fieldsOf({ effectiveAt, expiresAt, refundOf }));
  putJson(fields, "metadata", metadata);
  return fields;
}

function balanceOf({ body }: Answer): Public.Balance {
  return {
    customerId: body.customer_id,
    balance: body.balance,
    available: body.available,
    held: body.held,
    creditName: body.credit_name,
    asOf: body.as_of,
    ...(body.breakdown === undefined ? {} : { breakdown: body.breakdown }),
  };
}

function chargedOf({ body }: Answer): Public.Charged {
  return {
    success: true,
    balance: body.balance,
    amount: body.amount,
    transactionId: body.transaction_id,
    replayed: body.replayed,
  };
}

function addedOf({ body }: Answer): Public.Added {
  return {
    balance: body.balance,
    amount: body.amount,
    transactionId: body.transaction_id,
    ...(body.grant_id === undefined ? {} : { grantId: body.grant_id }),
    replayed: body.replayed,
  };
}
