// What no route takes, as a table: for each route with a body one that it does take, and
// what each of its fields is. The test makes the cases.

import { all, type Bad, KINDS, type Kind, NO_SETTINGS, NO_TOKENS } from "./bad-values.ts";
import type { Json } from "./engine.ts";
export interface Row {
  route: string;
  /** A body that is taken: each case differs from it in one thing. */
  good: Json;
  /** What each field is; `!` marks those that must be there. */
  fields: Record<string, Kind | `${Kind}!`>;
  /** Where the object that `good` and `fields` describe stands in the whole body. */
  within?: (object: string) => string;
  /** Further bodies. */
  also?: Bad[];
  /** No body at all is taken too. */
  mayBeEmpty?: boolean;
}

const PRICED = {
  amount: "amount above zero",
  description: "text",
  metadata: "metadata",
  feature: "name",
  idempotency_key: "name",
  deadline: "time",
} as const;
const SETTINGS = {
  overage_mode: "word",
  overage_limit: "amount or nothing",
  auto_purchase_limit: "purchases",
  ai_provider_priority: "word",
  credit_name: "credit name",
  low_balance_threshold: "amount or nothing",
  spend_limits: "spend limits",
} as const;
const NOT_ONE_PRICE: Bad[] = [
  ...all("missing_field", "{}", '{"description":"x"}', '{"service":"a"}', '{"action":"a"}'),
  ...all("missing_field", '{"model":"m"}', '{"tokens":{}}', '{"service":null,"action":null}'),
  ...all("invalid_field", '{"amount":1,"service":"a","action":"b"}', '{"amount":1,"quantity":1}'),
  ...all(
    "invalid_field",
    '{"amount":1,"model":"m","tokens":{}}',
    '{"service":"a","action":"b","model":"m"}',
  ),
  ...KINDS.quantity.map(
    ([text]): Bad => [`{"service":"a","action":"b","quantity":${text}}`, "invalid_field"],
  ),
  ...NO_TOKENS.map(([text, code]): Bad => [`{"model":"m","tokens":${text}}`, code]),
  ...all("unknown_price", '{"service":"a","action":"b"}', '{"model":"m","tokens":{}}'),
];
const list = (object: string): string => `[${object}]`;

export const ROWS: Row[] = [
  { route: "POST /v1/projects", good: { id: "fresh" }, fields: { id: "name!", name: "text" } },
  {
    route: "POST /v1/keys",
    good: { kind: "customer", customer_id: "anna" },
    fields: {
      kind: "word!",
      customer_id: "name!",
      scopes: "scopes",
      name: "text",
      expires_at: "time",
    },
    also: all(
      "invalid_field",
      '{"kind":"project","customer_id":"anna"}',
      '{"kind":"project","expires_at":"2020-01-01T00:00:00Z"}',
    ),
  },
  {
    route: "POST /v1/keys/{key_id}/rotate",
    good: { overlap_seconds: 60 },
    fields: { overlap_seconds: "overlap" },
    mayBeEmpty: true,
  },
  {
    route: "POST /v1/customers",
    good: { id: "ben" },
    fields: {
      id: "name!",
      metadata: "metadata",
      tier_id: "name",
      anchor: "time",
      settings: "settings",
    },
    also: all(
      "invalid_field",
      '{"id":"cid","tier_id":"none"}',
      '{"id":"cid","anchor":"2026-01-01T00:00:00Z"}',
    ),
  },
  {
    route: "PATCH /v1/customers/{customer_id}",
    good: { metadata: { a: 1 } },
    fields: { metadata: "metadata" },
    also: all("missing_field", "{}"),
  },
  {
    route: "POST /v1/customers/{customer_id}/tier",
    good: { tier_id: "basic" },
    fields: { tier_id: "name!", reset_balance: "boolean", anchor: "time" },
    also: all("invalid_field", '{"tier_id":"none"}'),
  },
  {
    route: "PATCH /v1/customers/{customer_id}/settings",
    good: { overage_mode: "block" },
    fields: { ...SETTINGS, auto_purchase_blocked: "only false" },
    also: NO_SETTINGS,
  },
  {
    route: "POST /v1/customers/{customer_id}/check",
    good: { amount: 1 },
    fields: PRICED,
    also: NOT_ONE_PRICE,
  },
  {
    route: "POST /v1/customers/{customer_id}/consume",
    good: { amount: 1 },
    fields: PRICED,
    also: NOT_ONE_PRICE,
  },
  {
    route: "POST /v1/customers/{customer_id}/consume-batch",
    good: { items: [{ amount: 1 }], atomic: false },
    fields: { items: "items!", atomic: "boolean!" },
  },
  {
    route: "POST /v1/customers/{customer_id}/consume-batch",
    good: { amount: 1 },
    fields: PRICED,
    within: (object) => `{"atomic":false,"items":[{"amount":1},${object}]}`,
    also: NOT_ONE_PRICE,
  },
  {
    route: "POST /v1/customers/{customer_id}/credits",
    good: { amount: 1, type: "refund" },
    fields: {
      amount: "amount above zero!",
      description: "text",
      metadata: "metadata",
      idempotency_key: "name",
      deadline: "time",
      type: "word!",
      source: "word",
      product: "name",
      priority: "priority",
      effective_at: "time",
      expires_at: "time",
      refund_of: "id of a charge",
    },
    also: [
      ...all("invalid_amount", '{"amount":0,"type":"adjustment"}', '{"amount":-1,"type":"topup"}'),
      ...all("invalid_field", '{"amount":1,"type":"topup","expires_at":"2020-01-01T00:00:00Z"}'),
    ],
  },
  {
    route: "POST /v1/usage-transactions",
    good: { user_id: "anna", amount: 1 },
    fields: {
      user_id: "name!",
      amount: "amount from zero!",
      model: "name",
      feature_identifier: "name",
      expires_in: "seconds",
      idempotency_key: "name",
      deadline: "time",
    },
    also: [
      ...all("invalid_field", '{"user_id":"anna","amount":1,"model":"m","provisional_tokens":{}}'),
      ...NO_TOKENS.map(
        ([text, code]): Bad => [`{"user_id":"anna","provisional_tokens":${text}}`, code],
      ),
      ...all(
        "missing_field",
        '{"user_id":"anna","provisional_tokens":{}}',
        '{"user_id":"anna","model":"m"}',
      ),
      ...all("unknown_price", '{"user_id":"anna","model":"m","provisional_tokens":{}}'),
    ],
  },
  {
    route: "POST /v1/usage-transactions/{transaction_id}/extend",
    good: { expires_in: 60 },
    fields: { expires_in: "seconds!" },
  },
  {
    route: "POST /v1/usage-transactions/{transaction_id}/complete",
    good: { success: true, amount: 1 },
    fields: { success: "boolean!", amount: "amount from zero" },
    also: [
      ...NO_TOKENS.map(
        ([text, code]): Bad => [`{"success":true,"finalized_tokens":${text}}`, code],
      ),
      ...all(
        "invalid_field",
        '{"success":true,"amount":1,"finalized_tokens":{}}',
        '{"success":false,"amount":1}',
      ),
      ...all("invalid_field", '{"success":true,"finalized_tokens":{}}'),
    ],
  },
  {
    route: "PUT /v1/costs",
    good: { service: "ai", action: "draw", credits: 1 },
    fields: {
      service: "name!",
      action: "name!",
      credits: "amount from zero!",
      description: "text",
    },
    within: list,
  },
  {
    route: "PUT /v1/models",
    good: { model: "large", input_per_million: 1, output_per_million: 2 },
    fields: {
      model: "name!",
      input_per_million: "amount from zero!",
      output_per_million: "amount from zero!",
      cached_input_per_million: "amount or nothing",
      minimum: "amount or nothing",
    },
    within: list,
  },
  {
    route: "PUT /v1/tiers",
    good: { id: "basic", allocation: 10, period: "month" },
    fields: {
      id: "name!",
      name: "text",
      allocation: "amount from zero!",
      period: "word!",
      rollover: "rollover",
      overage_mode: "word",
      rate_limit: "rate limit",
    },
    within: list,
  },
  {
    route: "PUT /v1/packs",
    good: { id: "small", name: "Small", credits: 10, price_cents: 500, currency: "usd" },
    fields: {
      id: "name!",
      name: "name!",
      credits: "amount above zero!",
      price_cents: "cents!",
      currency: "currency!",
      stripe_price_id: "name",
    },
    within: list,
  },
  {
    route: "PATCH /v1/settings",
    good: { overage_mode: "block" },
    fields: {
      default_tier: "name",
      ...SETTINGS,
      webhook_url: "webhook url",
    },
    also: all("invalid_field", '{"default_tier":"none"}'),
  },
  {
    route: "POST /v1/topup-sessions",
    good: { customer_id: "anna", success_url: "https://a.test/", cancel_url: "https://a.test/" },
    fields: {
      customer_id: "name!",
      success_url: "browser url!",
      cancel_url: "browser url!",
      pack_id: "name",
      idempotency_key: "name",
    },
    also: all(
      "invalid_field",
      '{"customer_id":"anna","success_url":"https://a.test/","cancel_url":"https://a.test/","pack_id":"none"}',
    ),
  },
  {
    route: "PUT /v1/gate-rules",
    good: { method: "GET", path: "/a", amount: 1, mode: "consume", refund_on: [] },
    fields: {
      method: "method!",
      path: "path!",
      amount: "amount from zero!",
      mode: "word",
      origin: "origin",
      refund_on: "outcomes",
    },
    within: list,
    also: [
      ...all(
        "missing_field",
        '{"method":"GET","path":"/a"}',
        '{"method":"GET","path":"/a","service":"a"}',
      ),
      ...all("invalid_field", '{"method":"GET","path":"/a","service":"","action":"b"}'),
      ...all("invalid_field", '{"method":"GET","path":"/a","service":"a","action":5}'),
      ...all("invalid_field", '{"method":"GET","path":"/a","amount":1,"service":"a","action":"b"}'),
    ],
  },
  {
    route: "PATCH /api/v1/entitlements/credits/settings",
    good: { overageMode: "block" },
    fields: { overageMode: "word", aiProviderPriority: "word" },
    also: all("missing_field", "{}", '{"overageMode":null}', '{"aiProviderPriority":null}'),
  },
];

/** Whose body is Stripe's, and signed. */
export const SIGNED = "/webhooks/stripe";
/** The gate's body is not the engine's to understand. */
export const PASSED_ON = "/gate/{path}";
/** An import's bad rows are told, not refused: its own tests have them. */
export const IN_ROWS = "/v1/import";
