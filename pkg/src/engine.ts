// CreditEngine: names, defaults and answers of the public surface. What is asked for goes to
// the core as fields; what was answered comes back under the names that the types promise.

import type * as Public from "../types/index.d.ts";
import { type Fields, fieldsOf, put, putJson } from "./core.ts";
import { Degradation } from "./degradation.ts";
import {
  at,
  ConfigurationError,
  ConnectionError,
  CreditEngineError,
  callSite,
  InsufficientCreditsError,
  type Site,
} from "./errors.ts";
import { type Answer, errorOf, Http } from "./http.ts";
import { Prices } from "./prices.ts";
import { detectRuntime } from "./runtime.ts";

export class CreditEngine implements Public.CreditEngine {
  readonly mode = "stateless";
  readonly runtime: Public.Runtime = detectRuntime();
  readonly #http: Http;
  readonly #prices: Prices;
  readonly #degradation: Degradation | undefined;
  #isDestroyed = false;

  constructor(options: Public.CreditEngineOptions) {
    const site = callSite(new.target);
    try {
      checkMode(options.mode ?? "auto");
      this.#http = new Http(options);
      this.#prices = new Prices(this.#http, options.pricesMaxAgeMs);
      const degradation = options.gracefulDegradation;
      if (degradation) this.#degradation = new Degradation(this.#http, degradation);
    } catch (error) {
      throw at(error, site);
    }
  }

  get pendingOperations(): number {
    return this.#degradation?.pendingOperations ?? 0;
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
  ): Promise<Public.Charged | Public.Degraded | Public.Refused> {
    const site = callSite(CreditEngine.prototype.consume);
    return this.#consume({ customerId, amount, description, options, site });
  }

  consumeOrFail(
    customerId: string,
    amount: Public.Charge,
    description?: string,
    options: Public.ConsumeOptions = {},
  ): Promise<Public.Charged | Public.Degraded> {
    const site = callSite(CreditEngine.prototype.consumeOrFail);
    return this.#charge({ customerId, amount, description, options, site }).then((charge) => {
      if (charge instanceof InsufficientCreditsError) throw charge;
      return charge;
    });
  }

  startUsage(
    customerId: string,
    amount: Public.Amount | Public.ModelPriced,
    options: Public.StartUsageOptions = {},
  ): Promise<Public.Started | Public.NotStarted> {
    const site = callSite(CreditEngine.prototype.startUsage);
    const fields = () => startFields(customerId, amount, options);
    return this.#read("usage-start", fields, options, site, startedOf);
  }

  completeUsage(
    transactionId: string,
    options: Public.CompleteUsageOptions = {},
  ): Promise<Public.Completed> {
    const site = callSite(CreditEngine.prototype.completeUsage);
    const { success = true, amount, tokens: finalizedTokens } = options;
    const fields = () => fieldsOf({ transactionId, success, finalizedTokens, amount });
    return this.#read("usage-complete", fields, options, site, ({ body }) => ({
      amount: body.credits_used,
      balance: body.balance,
      adjustment: body.balance_adjustment,
    }));
  }

  getUsage(
    transactionId: string,
    options: Public.CallOptions = {},
  ): Promise<Public.UsageTransaction> {
    const site = callSite(CreditEngine.prototype.getUsage);
    return this.#read("usage", () => fieldsOf({ transactionId }), options, site, bodyOf);
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

  createTopUpSession(options: Public.TopUpSessionOptions): Promise<Public.TopUpSession> {
    const site = callSite(CreditEngine.prototype.createTopUpSession);
    const { customerId, successUrl, cancelUrl, packId } = options;
    const fields = () => fieldsOf({ customerId, successUrl, cancelUrl, packId });
    return this.#read("create-topup-session", fields, options, site, ({ body }) => ({
      checkoutUrl: body.checkout_url,
      sessionId: body.session_id,
    }));
  }

  estimate(charge: Public.Charge, options: Public.CallOptions = {}): Promise<number> {
    const site = callSite(CreditEngine.prototype.estimate);
    return this.#estimate(charge, options, site);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the rows are what `groupBy` says
  getUsageAnalytics(options: Public.UsageAnalyticsOptions = {}): Promise<any> {
    const site = callSite(CreditEngine.prototype.getUsageAnalytics);
    const { period, groupBy, customerId, from, to } = options;
    const fields = () => fieldsOf({ period, groupBy, customerId, from, to });
    return this.#read("analytics-usage", fields, options, site, bodyOf);
  }

  getTopConsumers(
    options: Public.PeriodOptions & { limit?: number } = {},
  ): Promise<Public.TopConsumer[]> {
    const site = callSite(CreditEngine.prototype.getTopConsumers);
    const { period, limit } = options;
    return this.#read("top-consumers", () => fieldsOf({ period, limit }), options, site, bodyOf);
  }

  getActionBreakdown(options: Public.PeriodOptions = {}): Promise<Public.ActionUsage[]> {
    const site = callSite(CreditEngine.prototype.getActionBreakdown);
    const { period } = options;
    return this.#read("analytics-actions", () => fieldsOf({ period }), options, site, bodyOf);
  }

  getBurnRate(options: Public.CallOptions & { days?: number } = {}): Promise<Public.BurnRate> {
    const site = callSite(CreditEngine.prototype.getBurnRate);
    const { days } = options;
    return this.#read("burn-rate", () => fieldsOf({ days }), options, site, bodyOf);
  }

  getAnalyticsSummary(options: Public.PeriodOptions = {}): Promise<Public.AnalyticsSummary> {
    const site = callSite(CreditEngine.prototype.getAnalyticsSummary);
    const { period } = options;
    return this.#read("analytics-summary", () => fieldsOf({ period }), options, site, bodyOf);
  }

  async destroy(): Promise<void> {
    const site = callSite(CreditEngine.prototype.destroy);
    this.#isDestroyed = true;
    await this.#degradation?.settle(site);
  }

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
    this.#checkAlive(site);
    const answer = await this.#http.send(call, fields(), options, site);
    this.#degradation?.reached();
    return read(answer);
  }

  async #consume(asked: Asked): Promise<Public.Charged | Public.Degraded | Public.Refused> {
    const charge = await this.#charge(asked);
    if (!(charge instanceof InsufficientCreditsError)) return charge;
    return { success: false, balance: charge.currentBalance, shortfall: charge.shortfall };
  }

  /** What came of a charge; throws what is neither a charge nor a lack of credits. */
  async #charge(
    asked: Asked,
  ): Promise<Public.Charged | Public.Degraded | InsufficientCreditsError> {
    const { options, site } = asked;
    this.#checkAlive(site);
    try {
      const fields = consumeFields(asked);
      let answer: Answer | ConnectionError;
      try {
        answer = await this.#http.exchange("consume", fields, options, site);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        answer = error;
      }
      if (answer instanceof ConnectionError || answer.status >= 500) {
        const degraded = this.#letThrough(asked, fields, answer.idempotencyKey);
        if (degraded !== undefined) return degraded;
        throw answer instanceof ConnectionError ? answer : errorOf(answer);
      }
      this.#degradation?.reached();
      if (answer.status === 200) return chargedOf(answer);
      const error = at(errorOf(answer), site);
      if (error instanceof InsufficientCreditsError) return error;
      throw error;
    } catch (error) {
      throw at(error, site);
    }
  }

  #letThrough(
    { amount, options, site }: Asked,
    fields: Fields,
    idempotencyKey: string | undefined,
  ): Public.Degraded | undefined {
    // Charged later, a charge with a deadline would be refused.
    if (this.#isDestroyed || options.deadline !== undefined) return undefined;
    if (idempotencyKey === undefined) return undefined;
    const credits = this.#prices.known(amount);
    if (credits === undefined) return undefined;
    const keyed = { ...options, idempotencyKey };
    return this.#degradation?.letThrough(fields, credits, keyed, site);
  }

  async #estimate(charge: Public.Charge, options: Public.CallOptions, site: Site): Promise<number> {
    this.#checkAlive(site);
    try {
      return Number(await this.#prices.quote(charge, options, site));
    } catch (error) {
      throw at(error, site);
    }
  }

  #checkAlive(site: Site): void {
    if (!this.#isDestroyed) return;
    throw at(new CreditEngineError("the engine is destroyed", { code: "destroyed" }), site);
  }
}

/** What a charge was asked for with. */
interface Asked {
  customerId: string;
  amount: Public.Charge;
  description: string | undefined;
  options: Public.ConsumeOptions;
  site: Site;
}

function bodyOf({ body }: Answer) {
  return body;
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

function consumeFields({ customerId, amount, description, options }: Asked): Fields {
  const { metadata, feature, deadline } = options;
  const fields = fieldsOf({ customerId, description, feature, deadline });
  if (typeof amount === "object" && amount !== null) fields.push(...fieldsOf(amount));
  else put(fields, "amount", amount);
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

function startFields(
  userId: string,
  amount: Public.Amount | Public.ModelPriced,
  { feature: featureIdentifier, expiresIn }: Public.StartUsageOptions,
): Fields {
  const isPriced = typeof amount === "object" && amount !== null;
  const price = isPriced ? { model: amount.model, provisionalTokens: amount.tokens } : { amount };
  return fieldsOf({ userId, ...price, featureIdentifier, expiresIn });
}

function startedOf({ body }: Answer): Public.Started | Public.NotStarted {
  const { balance } = body;
  if (!body.continue) return { success: false, balance };
  return {
    success: true,
    balance,
    amount: body.credits_used,
    transactionId: body.transaction_id,
    expiresAt: body.expires_at,
  };
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
