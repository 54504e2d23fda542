// What Stripe takes and refuses, of the requests that the engine makes. The names of
// parameters are held by the compiler against the official package's types, so that one that
// the pinned version of the API does not know cannot be in here.

import type Stripe from "stripe";

export type Form = { [name: string]: string | Form };
/** A parameter that is a value, an object of parameters, or a list of such. */
type Rule = "value" | "any" | { [name: string]: Rule } | [Rule];

type Names<T> = { [K in keyof Required<T>]?: Rule };

const SESSION = {
  cancel_url: "value",
  client_reference_id: "value",
  customer: "value",
  customer_creation: "value",
  customer_email: "value",
  line_items: [
    {
      price: "value",
      price_data: {
        currency: "value",
        product: "value",
        product_data: {
          name: "value",
          description: "value",
        } satisfies Names<Stripe.Checkout.SessionCreateParams.LineItem.PriceData.ProductData>,
        unit_amount: "value",
      } satisfies Names<Stripe.Checkout.SessionCreateParams.LineItem.PriceData>,
      quantity: "value",
    } satisfies Names<Stripe.Checkout.SessionCreateParams.LineItem>,
  ],
  metadata: "any",
  mode: "value",
  payment_intent_data: {
    description: "value",
    metadata: "any",
    setup_future_usage: "value",
  } satisfies Names<Stripe.Checkout.SessionCreateParams.PaymentIntentData>,
  success_url: "value",
} satisfies Names<Stripe.Checkout.SessionCreateParams>;

const INTENT = {
  amount: "value",
  automatic_payment_methods: {
    allow_redirects: "value",
    enabled: "value",
  } satisfies Names<Stripe.PaymentIntentCreateParams.AutomaticPaymentMethods>,
  confirm: "value",
  currency: "value",
  customer: "value",
  description: "value",
  metadata: "any",
  off_session: "value",
  payment_method: "value",
  return_url: "value",
} satisfies Names<Stripe.PaymentIntentCreateParams>;

const METHODS = {
  customer: "value",
  limit: "value",
  type: "value",
} satisfies Names<Stripe.PaymentMethodListParams>;

const DISPUTE = { expand: ["value"] } satisfies Names<Stripe.DisputeRetrieveParams>;

export const PARAMETERS: Record<string, Rule> = {
  "POST /v1/checkout/sessions": SESSION,
  "POST /v1/payment_intents": INTENT,
  "GET /v1/payment_methods": METHODS,
  "GET /v1/disputes": DISPUTE,
};

/** The smallest charge of some currencies, in their smallest unit. */
const MINIMUMS: Record<string, number> = { usd: 50, eur: 50, gbp: 30, jpy: 50 };

/** An error as Stripe answers it. */
export class StripeRefusal extends Error {
  readonly status: number;
  readonly error: Record<string, unknown> & { type: string };

  constructor(status: number, error: Record<string, unknown> & { type: string }) {
    super(String(error.message ?? error.type));
    this.status = status;
    this.error = error;
  }
}

export function invalid(message: string, param?: string, code?: string): StripeRefusal {
  return new StripeRefusal(400, {
    type: "invalid_request_error",
    message,
    ...(param !== undefined && { param }),
    ...(code !== undefined && { code }),
  });
}

/** A form's nested fields. */
export function parseForm(text: string): Form {
  const form: Form = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const path = [...name.matchAll(/^[^[]+|\[([^\]]*)\]/g)].map((part) => part[1] ?? part[0]);
    const last = path.pop() ?? "";
    let at = form;
    for (const part of path) {
      at[part] ??= {};
      at = at[part] as Form;
    }
    const key = last === "" ? String(Object.keys(at).length) : last;
    if (key in at) throw invalid(`Invalid parameter: ${name} is there twice`, name);
    at[key] = value;
  }
  return form;
}

/** Refuses parameters that the API does not know. */
export function checkNames(form: Form, rule: Rule, path = ""): void {
  for (const [name, value] of Object.entries(form)) {
    const full = path === "" ? name : `${path}[${name}]`;
    const known = Array.isArray(rule) ? rule[0] : (rule as Record<string, Rule>)[name];
    if (known === undefined)
      throw invalid(`Received unknown parameter: ${full}`, full, "parameter_unknown");
    if (known === "any") checkMetadata(value as Form, full);
    else if (known === "value" && typeof value !== "string") throw invalid("Invalid string", full);
    else if (known !== "value") {
      if (typeof value === "string") throw invalid("Invalid object", full);
      checkNames(value, known, full);
    }
  }
}

function checkMetadata(metadata: Form, path: string): void {
  const entries = Object.entries(metadata);
  if (entries.length > 50) throw invalid("Metadata can have up to 50 keys", path);
  for (const [key, value] of entries) {
    const fits = key.length <= 40 && typeof value === "string" && value.length <= 500;
    if (!fits) throw invalid("Metadata keys have up to 40 characters, values 500", path);
  }
}

export function required(form: Form, name: string): string {
  const value = form[name];
  if (typeof value !== "string" || value === "")
    throw invalid(`Missing required param: ${name}.`, name, "parameter_missing");
  return value;
}

export function integer(text: string, param: string): number {
  if (!/^\d{1,12}$/.test(text))
    throw invalid(`Invalid integer: ${text}`, param, "parameter_invalid_integer");
  return Number(text);
}

export function isTrue(text: unknown, param: string): boolean {
  if (text !== undefined && text !== "true" && text !== "false")
    throw invalid(`Invalid boolean: ${text}`, param);
  return text === "true";
}

export function checkCurrency(currency: string, param: string): void {
  if (!(currency in MINIMUMS)) throw invalid(`Invalid currency: ${currency}`, param);
}

/** Refuses an amount that is too small to be charged; zero needs no charge. */
export function checkMinimum(amount: number, currency: string, param?: string): void {
  const minimum = MINIMUMS[currency] ?? 0;
  if (amount < minimum)
    throw invalid(`Amount must be at least ${minimum} ${currency}`, param, "amount_too_small");
}

export function checkUrl(text: string, param: string): void {
  if (!URL.canParse(text) || !/^https?:/.test(text) || text.length > 5000)
    throw invalid("Not a valid URL", param, "url_invalid");
}
