// Stripe, played by the test as strictly as Stripe is: it knows keys, versions, parameters,
// idempotency keys, cards that are declined, and can lose its answer on the way.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import type { Json } from "./engine.ts";
import {
  checkCurrency,
  checkMinimum,
  checkNames,
  checkUrl,
  type Form,
  integer,
  invalid,
  isTrue,
  PARAMETERS,
  parseForm,
  required,
  StripeRefusal,
} from "./stripe_rules.ts";

export const STRIPE_KEYS = { live: "sk_live_of_the_tests", test: "sk_test_of_the_tests" };
export type Mode = keyof typeof STRIPE_KEYS;

/** What a card does when it is charged. */
export type Card = "pays" | "declined" | "authenticate" | "processing";

interface Call {
  mode: Mode;
  route: string;
  form: Form;
  key: string | undefined;
}
interface Answered {
  route: string;
  form: string;
  status: number;
  body: Json;
}

export class StripeServer {
  /** Every request that was understood. */
  readonly calls: Call[] = [];
  readonly customers = new Map<string, { mode: Mode; cards: { id: string; card: Card }[] }>();
  readonly prices = new Map<string, { mode: Mode; unit_amount: number; currency: string }>();
  readonly sessions = new Map<string, Json>();
  readonly intents = new Map<string, Json>();
  readonly disputes = new Map<string, Json>();
  /** What it does with requests: `losing` does them and breaks off before the answer. */
  health: "well" | "losing" | "hanging" | "failing" | "busy" = "well";
  readonly #answered = new Map<string, Answered>();
  readonly #server: Server;
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<StripeServer> {
    const stripe = new StripeServer();
    await new Promise<void>((resolve) => stripe.#server.listen(0, "127.0.0.1", resolve));
    return stripe;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The engine's variables. */
  get env(): Record<string, string> {
    return {
      STRIPE_API_BASE: this.url,
      STRIPE_SECRET_KEY: STRIPE_KEYS.live,
      STRIPE_TEST_SECRET_KEY: STRIPE_KEYS.test,
    };
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  id(prefix: string): string {
    this.#count += 1;
    return `${prefix}_${this.#count.toString().padStart(6, "0")}`;
  }

  /** A customer with cards, the one that was saved last first. */
  customer(mode: Mode, ...cards: Card[]): string {
    const id = this.id("cus");
    this.customers.set(id, { mode, cards: cards.map((card) => ({ id: this.id("pm"), card })) });
    return id;
  }

  /** Requests of a route, in their order. */
  called(route: string): Call[] {
    return this.calls.filter((call) => call.route === route);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.health === "hanging") return;
    let answer: { status: number; body: Json };
    try {
      answer = this.#answer(request, String(Buffer.concat(chunks)));
    } catch (error) {
      if (!(error instanceof StripeRefusal)) throw error;
      answer = { status: error.status, body: { error: error.error } };
    }
    if (this.health === "losing" && request.method === "POST") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer.body));
  }

  #answer(request: IncomingMessage, body: string): { status: number; body: Json } {
    const mode = this.#authenticate(request);
    const version = request.headers["stripe-version"];
    if (version !== Stripe.API_VERSION) throw invalid(`Invalid Stripe API version: ${version}`);
    const { pathname, search } = new URL(request.url ?? "/", "http://stripe");
    const isPost = request.method === "POST";
    if (isPost && request.headers["content-type"] !== "application/x-www-form-urlencoded")
      throw invalid("Invalid request: the body must be application/x-www-form-urlencoded");
    const [, id] = pathname.match(/^\/v1\/disputes\/(\w+)$/) ?? [];
    const route = `${request.method} ${id === undefined ? pathname : "/v1/disputes"}`;
    const rule = PARAMETERS[route];
    if (rule === undefined)
      throw new StripeRefusal(404, {
        type: "invalid_request_error",
        message: `Unrecognized request URL (${route})`,
      });
    const text = isPost ? body : search.slice(1);
    const form = parseForm(text);
    checkNames(form, rule);
    const key = request.headers["idempotency-key"] as string | undefined;
    if (key !== undefined && key.length > 255) throw invalid("Idempotency-Key is too long");
    this.calls.push({ mode, route, form, key });
    if (this.health === "failing")
      return { status: 500, body: { error: { type: "api_error", message: "An unknown error" } } };
    if (this.health === "busy")
      return {
        status: 429,
        body: { error: { type: "invalid_request_error", code: "rate_limit" } },
      };
    return this.#once(isPost && key !== undefined ? `${mode} ${key}` : undefined, route, text, () =>
      this.#perform(route, form, mode, id),
    );
  }

  #authenticate(request: IncomingMessage): Mode {
    const [, key] = request.headers.authorization?.match(/^Bearer (.+)$/) ?? [];
    if (key === STRIPE_KEYS.live) return "live";
    if (key === STRIPE_KEYS.test) return "test";
    throw new StripeRefusal(401, {
      type: "invalid_request_error",
      message: "Invalid API Key provided",
    });
  }

  /** The first answer again; what was refused before it was begun is not kept. */
  #once(
    key: string | undefined,
    route: string,
    form: string,
    perform: () => { status: number; body: Json },
  ): { status: number; body: Json } {
    const known = key === undefined ? undefined : this.#answered.get(key);
    if (known !== undefined) {
      if (known.route === route && known.form === form) return known;
      const message = "Keys for idempotent requests can only be used with the same parameters";
      throw new StripeRefusal(400, { type: "idempotency_error", message });
    }
    const answer = perform();
    if (key !== undefined) this.#answered.set(key, { route, form, ...answer });
    return answer;
  }

  #perform(
    route: string,
    form: Form,
    mode: Mode,
    id: string | undefined,
  ): { status: number; body: Json } {
    if (route === "POST /v1/checkout/sessions")
      return { status: 200, body: this.#createSession(form, mode) };
    if (route === "POST /v1/payment_intents") return this.#createIntent(form, mode);
    if (route === "GET /v1/payment_methods") return { status: 200, body: this.#cards(form, mode) };
    const dispute = this.disputes.get(id ?? "");
    if (dispute === undefined || dispute.livemode !== (mode === "live"))
      throw missing("dispute", "id");
    const charge = Object.values(form.expand ?? {}).includes("charge")
      ? dispute.charge
      : dispute.charge.id;
    return { status: 200, body: { ...dispute, charge } };
  }

  #createSession(form: Form, mode: Mode): Json {
    if (required(form, "mode") !== "payment") throw invalid("Invalid mode", "mode");
    checkUrl(required(form, "success_url"), "success_url");
    if (form.cancel_url !== undefined) checkUrl(required(form, "cancel_url"), "cancel_url");
    const reference = form.client_reference_id;
    if (typeof reference === "string" && reference.length > 200)
      throw invalid("Invalid string: must be at most 200 characters", "client_reference_id");
    if (form.customer !== undefined && form.customer_creation !== undefined)
      throw invalid("You may only specify one of these parameters: customer, customer_creation.");
    if (form.customer !== undefined) this.#customer(required(form, "customer"), mode, "customer");
    const { amount, currency } = this.#total(form.line_items as Form | undefined, mode);
    if (amount > 0) checkMinimum(amount, currency);
    const id = `cs_${mode}_${this.id("x")}`;
    const session = {
      id,
      object: "checkout.session",
      amount_subtotal: amount,
      amount_total: amount,
      cancel_url: form.cancel_url ?? null,
      client_reference_id: form.client_reference_id ?? null,
      created: Math.floor(Date.now() / 1000),
      currency,
      customer: form.customer ?? null,
      customer_creation: form.customer_creation ?? null,
      livemode: mode === "live",
      metadata: form.metadata ?? {},
      mode: "payment",
      payment_intent: null,
      payment_status: "unpaid",
      status: "open",
      success_url: form.success_url,
      url: `https://checkout.stripe.com/c/pay/${id}`,
    };
    // What is not shown of a session until it is paid.
    this.sessions.set(id, { ...session, payment_intent_data: form.payment_intent_data ?? {} });
    return session;
  }

  #total(items: Form | undefined, mode: Mode): { amount: number; currency: string } {
    if (items === undefined) throw invalid("Missing required param: line_items.", "line_items");
    let amount = 0;
    let currency = "";
    for (const [index, item] of Object.entries(items as Record<string, Form>)) {
      const at = `line_items[${index}]`;
      if ((item.price === undefined) === (item.price_data === undefined))
        throw invalid("You must specify either `price` or `price_data`", at);
      const quantity = integer(required(item, "quantity"), `${at}[quantity]`);
      let unit: { unit_amount: number; currency: string };
      if (item.price !== undefined) {
        const price = this.prices.get(required(item, "price"));
        if (price?.mode !== mode) throw missing("price", `${at}[price]`);
        unit = price;
      } else {
        const data = item.price_data as Form;
        required((data.product_data ?? {}) as Form, "name");
        const unitAmount = integer(required(data, "unit_amount"), `${at}[price_data][unit_amount]`);
        unit = { unit_amount: unitAmount, currency: required(data, "currency") };
        checkCurrency(unit.currency, `${at}[price_data][currency]`);
      }
      amount += quantity * unit.unit_amount;
      currency = unit.currency;
    }
    return { amount, currency };
  }

  #createIntent(form: Form, mode: Mode): { status: number; body: Json } {
    const currency = required(form, "currency");
    const amount = integer(required(form, "amount"), "amount");
    checkCurrency(currency, "currency");
    checkMinimum(amount, currency, "amount");
    const confirm = isTrue(form.confirm, "confirm");
    if (isTrue(form.off_session, "off_session") && !confirm)
      throw invalid("off_session can only be used with confirm=true", "off_session");
    const automatic = form.automatic_payment_methods as Form | undefined;
    if (automatic !== undefined) required(automatic, "enabled");
    const mayRedirect = automatic?.allow_redirects !== "never";
    if (confirm && mayRedirect && form.return_url === undefined)
      throw invalid("This PaymentIntent may redirect: provide a `return_url`", "return_url");
    const customer = this.#customer(required(form, "customer"), mode, "customer");
    const method = required(form, "payment_method");
    const card = customer.cards.find((known) => known.id === method)?.card;
    if (card === undefined) throw missing("PaymentMethod", "payment_method");
    const id = this.id("pi");
    const intent = {
      id,
      object: "payment_intent",
      amount,
      currency,
      customer: form.customer,
      last_payment_error: null as Json,
      livemode: mode === "live",
      metadata: form.metadata ?? {},
      payment_method: method,
      status: card === "pays" ? "succeeded" : card,
    };
    this.intents.set(id, intent);
    if (card === "pays" || card === "processing") return { status: 200, body: { ...intent } };
    // What Stripe answers where the customer would have to act, or the bank refuses.
    const error = {
      type: "card_error",
      code: card === "declined" ? "card_declined" : "authentication_required",
      ...(card === "declined" && { decline_code: "insufficient_funds" }),
      message: "Your card was declined.",
    };
    intent.status = "requires_payment_method";
    intent.last_payment_error = error;
    return { status: 402, body: { error: { ...error, payment_intent: intent } } };
  }

  #cards(form: Form, mode: Mode): Json {
    const customer = this.#customer(required(form, "customer"), mode, "customer");
    const limit = form.limit === undefined ? 10 : integer(required(form, "limit"), "limit");
    const data = form.type === "card" ? customer.cards.slice(0, limit) : [];
    return {
      object: "list",
      data: data.map(({ id }) => ({ id, object: "payment_method", type: "card" })),
      has_more: data.length < customer.cards.length,
      url: "/v1/payment_methods",
    };
  }

  #customer(id: string, mode: Mode, param: string): { cards: { id: string; card: Card }[] } {
    const customer = this.customers.get(id);
    if (customer?.mode !== mode) throw missing("customer", param);
    return customer;
  }
}

function missing(what: string, param: string): StripeRefusal {
  return invalid(`No such ${what}`, param, "resource_missing");
}
