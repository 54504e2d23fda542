// Who may do what, by hand, from the contract: for each route the scope that it needs, a call
// that is taken, and what somebody finds there whose world has none of what the call names.

import { type Json, NDJSON } from "../e2e/engine.ts";

export type Scope = "read" | "consume" | "write" | "admin";

/** What calls name: all of it one customer's. */
export interface Things {
  customer_id: string;
  /** A charge. */
  transaction_id: string;
  /** A hold. */
  hold_id: string;
  /** A key that is nobody's way in here. */
  key_id: string;
  event_id: string;
}

/** What is answered to a refused or strange call: the status, and the code if it is an error. */
export type Outcome = readonly [status: number, code?: string];

export interface Row {
  /** Method and path, as the OpenAPI document has them. */
  route: string;
  /** The project key's scope, and the customer key's if it may at all. */
  by: "anybody" | "operator" | "signature" | { project: Scope; own?: Scope };
  path: (things: Things) => string;
  body?: (things: Things) => Json;
  raw?: (things: Things) => string;
  headers?: (things: Things) => Record<string, string>;
  /** To the key of another project or mode, where nothing of the kind exists. */
  elsewhere: Outcome;
  /** To the key of another customer. Not found, unless the row is about whoever calls. */
  toOther?: Outcome;
}

const OK = [200] as const;
const NOT_FOUND = [404, "not_found"] as const;
const BROKE = [402, "insufficient_credits"] as const;

const READ = { project: "read" } as const;
const WRITE = { project: "write" } as const;
const ADMIN = { project: "admin" } as const;
const OWN_READ = { project: "read", own: "read" } as const;
const OWN_CONSUME = { project: "consume", own: "consume" } as const;

const URLS = { success_url: "https://app.test/paid", cancel_url: "https://app.test/" };
const PAST_MONTH = "period=last_30_days";
const HIVEFORGE = "/api/v1/entitlements/credits";

const at =
  (path: string): Row["path"] =>
  () =>
    path;
const of =
  (below: string): Row["path"] =>
  ({ customer_id }) =>
    `/v1/customers/${customer_id}${below}`;
const hold =
  (below: string): Row["path"] =>
  ({ hold_id }) =>
    `/v1/usage-transactions/${hold_id}${below}`;
const vendor =
  (path: string): Row["path"] =>
  ({ customer_id }) =>
    `${path}?customer_id=${customer_id}`;
const just = (body: Json) => (): Json => body;

const gate = (method: string): Row => ({
  route: `${method} /gate/{path}`,
  by: OWN_CONSUME,
  path: at("/gate/served"),
  ...(method !== "GET" && { body: just({ any: "thing" }) }),
  headers: ({ customer_id }) => ({ "X-Customer-Id": customer_id }),
  elsewhere: [404, "no_gate_rule"],
  // A customer key pays for itself, whatever the header says.
  toOther: OK,
});

/** A catalogue's list: read by `read`, put by `admin`. */
const catalogue = (name: string, rows: Json): Row[] => [
  { route: `GET /v1/${name}`, by: READ, path: at(`/v1/${name}`), elsewhere: OK },
  {
    route: `PUT /v1/${name}`,
    by: ADMIN,
    path: at(`/v1/${name}`),
    body: just(rows),
    elsewhere: OK,
  },
];

const analytics = (name: string, query: string): Row => ({
  route: `GET /v1/analytics/${name}`,
  by: READ,
  path: at(`/v1/analytics/${name}?${query}`),
  elsewhere: OK,
});

const GATE_RULE = { method: "*", path: "/served", amount: 1, mode: "consume", refund_on: [] };
/** What the tested project sells; the proof puts it there first. */
export const CATALOGUE: Record<string, Json> = {
  costs: [{ service: "of-the-shop", action: "ask", credits: 1 }],
  models: [{ model: "of-the-shop", input_per_million: 1, output_per_million: 2 }],
  packs: [{ id: "of-the-shop", name: "Small", credits: 100, price_cents: 200, currency: "usd" }],
  tiers: [{ id: "of-the-shop", allocation: 0, period: "month" }],
  "gate-rules": [GATE_RULE],
};

/** In the order in which they are called: what makes a customer comes after what finds none. */
export const ROWS: Row[] = [
  { route: "GET /healthz", by: "anybody", path: at("/healthz"), elsewhere: OK },
  { route: "GET /openapi.json", by: "anybody", path: at("/openapi.json"), elsewhere: OK },
  {
    route: "POST /webhooks/stripe",
    by: "signature",
    path: at("/webhooks/stripe"),
    body: just({ id: "evt_1", object: "event", type: "checkout.session.completed" }),
    elsewhere: [400, "missing_field"],
  },
  { route: "GET /v1/projects", by: "operator", path: at("/v1/projects"), elsewhere: OK },
  {
    route: "POST /v1/projects",
    by: "operator",
    path: at("/v1/projects"),
    body: ({ customer_id }) => ({ id: `project of ${customer_id}` }),
    elsewhere: OK,
  },

  { route: "GET /v1/customers", by: READ, path: at("/v1/customers"), elsewhere: OK },
  { route: "GET /v1/customers/{customer_id}", by: READ, path: of(""), elsewhere: NOT_FOUND },
  {
    route: "GET /v1/customers/{customer_id}/settings",
    by: READ,
    path: of("/settings"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/customers/{customer_id}/balance",
    by: OWN_READ,
    path: of("/balance?include=breakdown&consistency=cached"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/customers/{customer_id}/transactions",
    by: READ,
    path: of("/transactions"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/customers/{customer_id}/audit",
    by: READ,
    path: of("/audit"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/customers/{customer_id}/export",
    by: READ,
    path: of("/export"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/transactions/{transaction_id}",
    by: READ,
    path: ({ transaction_id }) => `/v1/transactions/${transaction_id}`,
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /v1/usage-transactions/{transaction_id}",
    by: OWN_READ,
    path: hold(""),
    elsewhere: NOT_FOUND,
  },
  { route: "GET /v1/events", by: READ, path: at("/v1/events"), elsewhere: OK },
  {
    route: "GET /v1/events/{event_id}",
    by: READ,
    path: ({ event_id }) => `/v1/events/${event_id}`,
    elsewhere: NOT_FOUND,
  },
  analytics("usage", PAST_MONTH),
  analytics("top-consumers", PAST_MONTH),
  analytics("actions", PAST_MONTH),
  analytics("burn-rate", "days=7"),
  analytics("summary", PAST_MONTH),
  { route: "GET /v1/keys", by: ADMIN, path: at("/v1/keys?limit=100"), elsewhere: OK },
  {
    route: "DELETE /v1/keys/{key_id}",
    by: ADMIN,
    path: ({ key_id }) => `/v1/keys/${key_id}`,
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/keys/{key_id}/rotate",
    // And the scopes of the key that is rotated: this one may only do what its maker may.
    by: ADMIN,
    path: ({ key_id }) => `/v1/keys/${key_id}/rotate`,
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/keys",
    by: ADMIN,
    path: at("/v1/keys"),
    body: just({ kind: "project", scopes: ["admin"] }),
    elsewhere: OK,
  },

  {
    route: "GET /credits-balance",
    by: OWN_READ,
    path: vendor("/credits-balance"),
    elsewhere: NOT_FOUND,
  },
  {
    route: "GET /api/v1/credits",
    by: OWN_READ,
    path: vendor("/api/v1/credits"),
    elsewhere: NOT_FOUND,
  },
  { route: `GET ${HIVEFORGE}`, by: OWN_READ, path: vendor(HIVEFORGE), elsewhere: NOT_FOUND },
  {
    route: `GET ${HIVEFORGE}/usage`,
    by: OWN_READ,
    path: vendor(`${HIVEFORGE}/usage`),
    elsewhere: NOT_FOUND,
  },
  // What is for sale is the project's, and is told before there is a customer.
  {
    route: `GET ${HIVEFORGE}/packs`,
    by: OWN_READ,
    path: vendor(`${HIVEFORGE}/packs`),
    elsewhere: OK,
  },
  {
    route: `GET ${HIVEFORGE}/costs`,
    by: OWN_READ,
    path: vendor(`${HIVEFORGE}/costs`),
    elsewhere: OK,
  },
  {
    route: `PATCH ${HIVEFORGE}/settings`,
    by: { project: "admin", own: "consume" },
    path: vendor(`${HIVEFORGE}/settings`),
    body: just({ overageMode: "block" }),
    elsewhere: NOT_FOUND,
  },

  {
    route: "POST /v1/customers/{customer_id}/check",
    by: OWN_CONSUME,
    path: of("/check"),
    body: just({ amount: 1 }),
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/customers/{customer_id}/consume",
    by: OWN_CONSUME,
    path: of("/consume"),
    body: just({ amount: 1 }),
    elsewhere: BROKE,
  },
  {
    route: "POST /v1/customers/{customer_id}/consume-batch",
    by: OWN_CONSUME,
    path: of("/consume-batch"),
    body: just({ items: [{ amount: 1 }], atomic: true }),
    elsewhere: BROKE,
  },
  {
    route: "POST /v1/usage-transactions",
    by: OWN_CONSUME,
    path: at("/v1/usage-transactions"),
    body: ({ customer_id }) => ({ user_id: customer_id, amount: 1 }),
    // With `continue: false`, and no hold.
    elsewhere: OK,
  },
  {
    route: "POST /v1/usage-transactions/{transaction_id}/extend",
    by: OWN_CONSUME,
    path: hold("/extend"),
    body: just({ expires_in: 60 }),
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/usage-transactions/{transaction_id}/complete",
    by: OWN_CONSUME,
    path: hold("/complete"),
    body: just({ success: true, amount: 1 }),
    elsewhere: NOT_FOUND,
  },
  ...["GET", "POST", "PUT", "PATCH", "DELETE"].map(gate),
  {
    route: "PATCH /v1/customers/{customer_id}",
    by: WRITE,
    path: of(""),
    body: just({ metadata: { seen: true } }),
    elsewhere: NOT_FOUND,
  },
  {
    route: "PATCH /v1/customers/{customer_id}/settings",
    by: ADMIN,
    path: of("/settings"),
    body: just({ credit_name: "coins" }),
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/customers/{customer_id}/tier",
    by: WRITE,
    path: of("/tier"),
    body: just({ tier_id: "of-the-shop" }),
    elsewhere: NOT_FOUND,
  },
  {
    route: "POST /v1/topup-sessions",
    by: WRITE,
    path: at("/v1/topup-sessions"),
    body: ({ customer_id }) => ({ customer_id, ...URLS }),
    // It sells nothing.
    elsewhere: [400, "invalid_field"],
  },
  { route: "DELETE /v1/customers/{customer_id}", by: WRITE, path: of(""), elsewhere: NOT_FOUND },

  ...Object.entries(CATALOGUE).flatMap(([name, rows]) => catalogue(name, rows)),
  { route: "GET /v1/settings", by: READ, path: at("/v1/settings"), elsewhere: OK },
  {
    route: "PATCH /v1/settings",
    by: ADMIN,
    path: at("/v1/settings"),
    body: just({ overage_mode: "block" }),
    elsewhere: OK,
  },
  {
    route: "POST /v1/customers",
    by: WRITE,
    path: at("/v1/customers"),
    body: ({ customer_id }) => ({ id: `friend of ${customer_id}` }),
    elsewhere: OK,
  },
  {
    route: "POST /v1/import",
    by: WRITE,
    path: at("/v1/import"),
    raw: ({ customer_id }) => `${JSON.stringify({ id: "1", customer_id, amount: 1 })}\n`,
    headers: () => ({ "Content-Type": NDJSON }),
    elsewhere: OK,
  },
  {
    route: "POST /v1/customers/{customer_id}/credits",
    by: WRITE,
    path: of("/credits"),
    body: just({ amount: 1, type: "topup" }),
    elsewhere: OK,
  },
];
