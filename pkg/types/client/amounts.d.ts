// What is charged: exact amounts, and what the engine's price lists are asked for.

/**
 * An exact amount of credits: at most 6 digits after the point, at most 9,000,000,000 either way.
 * As a string or a bigint it never passes through a double. More digits are refused with
 * `invalid_amount`, never rounded.
 */
export type Amount = number | string | bigint;

/** Tokens of a model call, whole numbers. */
export interface Tokens {
  /** All input tokens, cached ones included. */
  inputTokens?: number;
  /** What the model wrote. */
  outputTokens?: number;
  /** Those of the input that the provider served from its cache: not more than `inputTokens`. */
  cachedInputTokens?: number;
}

/** {@link Tokens} under the names of the HTTP API. */
export interface WireTokens {
  /** All input tokens, cached ones included. */
  input_tokens?: number;
  /** What the model wrote. */
  output_tokens?: number;
  /** Those of the input that the provider served from its cache. */
  cached_input_tokens?: number;
}

/** A price by a model's tokens, as in the project's list of models. */
export interface ModelPriced {
  /** A model of that list. */
  model: string;
  /** What the call used. */
  tokens: Tokens | WireTokens;
}

/** A price by an action, as in the project's list of costs. */
export interface ActionPriced {
  /** A service of that list. */
  service: string;
  /** One of its actions. */
  action: string;
  /** How often, a whole number. Default 1. */
  quantity?: number;
}

/** What the engine's price lists are asked for. What has no price is refused with `unknown_price`. */
export type Priced = ActionPriced | ModelPriced;

/** How a charge says what it costs. */
export type Charge = Amount | Priced;
