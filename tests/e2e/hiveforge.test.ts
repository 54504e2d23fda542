// The routes that answer as HiveForge does, bodies compared as text.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine, type Json } from "./engine.ts";

const CREDITS = "/api/v1/entitlements/credits";
/** The engine's clock: in the middle of a month. */
const START = Date.parse("2027-03-10T12:00:00.000Z");

let engine: Engine;
let key: string;
before(async () => {
  const env = { CLOCK_OFFSET_MS: String(START - Date.now()) };
  engine = await Engine.start({ env });
  key = (await engine.project("shop")).live;
  await put("costs", [
    { service: "ai", action: "standard", credits: 2.5, description: "a small model" },
    { service: "email", action: "send", credits: 0.000001 },
  ]);
  await put("models", [{ model: "large", input_per_million: 0, output_per_million: 3_000_000 }]);
  await put("packs", [
    { id: "small", name: "500 credits", credits: 500, price_cents: 900, currency: "usd" },
  ]);
});
after(() => engine.end());

async function put(list: string, rows: Json, by = key): Promise<void> {
  const { status, body } = await engine.send("PUT", `/v1/${list}`, { key: by, body: rows });
  assert.equal(status, 200, JSON.stringify(body));
}
async function post(path: string, body: Json, by = key): Promise<Json> {
  const answer = await engine.send("POST", path, { key: by, body });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

type Headers = Record<string, string>;
/** What HiveForge's client sends. */
async function deployment(customer: string, scopes?: string[]): Promise<Headers> {
  const body = { kind: "customer", customer_id: customer, ...(scopes && { scopes }) };
  const { key: secret } = await post("/v1/keys", body);
  return { "X-Deployment-ID": customer, "X-Deployment-Secret": secret };
}

interface Told {
  status: number;
  type: string | null;
  text: string;
}

/** The answer's text as it came; `Engine.send` holds the same call to the document. */
async function get(path: string, headers: Headers = {}): Promise<Told> {
  await engine.send("GET", path, { headers });
  const response = await fetch(`${engine.url}${path}`, { headers });
  const text = await response.text();
  return { status: response.status, type: response.headers.get("Content-Type"), text };
}
const is = (told: Told, status: number, body: Json): void =>
  assert.deepEqual(told, { status, type: "application/json", text: JSON.stringify(body) });
const error = (error: string, code: string, message: string): Json => ({ error, code, message });

test("the balance in two pools, to a deployment, a bearer token and a project key", async () => {
  await engine.customer(key, "anna", 450.25);
  const balance = {
    periodBalance: 0,
    purchasedBalance: 450.25,
    totalAvailable: 450.25,
    monthlyAllocation: 0,
    periodEnd: "2027-04-01T00:00:00.000Z",
    overageMode: "block",
    aiProviderPriority: "openai",
  };
  const own = await deployment("anna");
  is(await get(CREDITS, own), 200, balance);
  const bearer = { Authorization: `Bearer ${own["X-Deployment-Secret"]}` };
  is(await get(CREDITS, bearer), 200, balance);
  const byProject = { Authorization: `Bearer ${key}` };
  is(await get(`${CREDITS}?customer_id=anna`, byProject), 200, balance);
  // A bearer token goes before a deployment's secret.
  is(await get(CREDITS, { ...bearer, "X-Deployment-Secret": "x" }), 200, balance);
});

test("the plan's credits are the period's, and what is held is in neither pool", async () => {
  const { live } = await engine.project("plans");
  await put("tiers", [{ id: "pro", name: "Pro", allocation: 500, period: "month" }], live);
  const settings = { default_tier: "pro", ai_provider_priority: "anthropic" };
  await engine.send("PATCH", "/v1/settings", { key: live, body: settings });
  await post("/v1/customers/paul/credits", { amount: 30, type: "topup" }, live);
  await post("/v1/customers/paul/consume", { amount: 100.5 }, live);
  await post("/v1/usage-transactions", { user_id: "paul", amount: 9.5 }, live);
  const byProject = { Authorization: `Bearer ${live}` };
  const { text, status } = await get(`${CREDITS}?customer_id=paul`, byProject);
  const { periodEnd, ...balance } = JSON.parse(text);
  assert.equal(status, 200);
  assert.deepEqual(balance, {
    periodBalance: 390,
    purchasedBalance: 30,
    totalAvailable: 420,
    monthlyAllocation: 500,
    overageMode: "block",
    aiProviderPriority: "anthropic",
  });
  // A month after the customer began.
  assert.match(periodEnd, /^2027-04-10T12:/);
});

test("usage between two dates, by service and action", async () => {
  await engine.customer(key, "uma", 100);
  const consume = (body: Json): Promise<Json> => post("/v1/customers/uma/consume", body);
  await consume({ service: "ai", action: "standard" });
  await consume({ service: "ai", action: "standard", quantity: 3 });
  await consume({ service: "email", action: "send" });
  await consume({ model: "large", tokens: { output_tokens: 1 } });
  await consume({ amount: 0.1 });
  const usage = [
    { service: null, action: null, credits: 0.1, count: 1 },
    { service: null, action: "large", credits: 3, count: 1 },
    { service: "ai", action: "standard", credits: 10, count: 2 },
    { service: "email", action: "send", credits: 0.000001, count: 1 },
  ];
  const month = {
    startDate: "2027-03-01T00:00:00.000Z",
    endDate: "2027-04-01T00:00:00.000Z",
    totalUsed: 13.100001,
    usage,
  };
  const own = await deployment("uma");
  const path = `${CREDITS}/usage`;
  is(await get(path, own), 200, month);
  // Days are whole, the last one too; instants are as they are.
  is(await get(`${path}?startDate=2027-03-01&endDate=2027-03-31`, own), 200, month);
  const day = { startDate: "2027-03-10T00:00:00.000Z", endDate: "2027-03-11T00:00:00.000Z" };
  is(await get(`${path}?startDate=2027-03-10&endDate=2027-03-10`, own), 200, { ...month, ...day });
  const until = `startDate=2027-03-01T00:00:00Z&endDate=2027-03-10T12:00:00Z`;
  is(await get(`${path}?${until}`, own), 200, {
    startDate: "2027-03-01T00:00:00.000Z",
    endDate: "2027-03-10T12:00:00.000Z",
    totalUsed: 0,
    usage: [],
  });
  is(
    await get(`${path}?startDate=2027-03-11&endDate=2027-03-09`, own),
    400,
    error("Bad Request", "invalid_field", "startDate must not be after endDate"),
  );
});

test("packs and costs as the project has them, also before a customer's first credit", async () => {
  const own = await deployment("nobody-yet");
  is(await get(`${CREDITS}/packs`, own), 200, [
    { id: "small", name: "500 credits", credits: 500, priceCents: 900, currency: "usd" },
  ]);
  const costs = [
    { service: "ai", action: "standard", credits: 2.5, description: "a small model" },
    { service: "email", action: "send", credits: 0.000001, description: null },
  ];
  is(await get(`${CREDITS}/costs`, own), 200, costs);
  is(await get(`${CREDITS}/costs`, { Authorization: `Bearer ${key}` }), 200, costs);
  const revoked = await post("/v1/keys", { kind: "customer", customer_id: "nobody-yet" });
  await engine.send("DELETE", `/v1/keys/${revoked.id}`, { key });
  for (const list of ["packs", "costs"])
    is(
      await get(`${CREDITS}/${list}`, { Authorization: `Bearer ${revoked.key}` }),
      401,
      error("Unauthorized", "invalid_credentials", "this API key was revoked"),
    );
});

test("the two setters change the customer's own settings and answer the balance", async () => {
  await engine.customer(key, "sam", 5);
  const headers = await deployment("sam");
  const set = (body: Json) => engine.send("PATCH", `${CREDITS}/settings`, { headers, body });
  const { status, body } = await set({ aiProviderPriority: "anthropic" });
  assert.deepEqual(
    [status, body.overageMode, body.aiProviderPriority],
    [200, "block", "anthropic"],
  );
  const both = await set({ overageMode: "allow" });
  assert.deepEqual(
    [both.body.overageMode, both.body.aiProviderPriority, both.body.totalAvailable],
    ["allow", "anthropic", 5],
  );
  is(await get(CREDITS, headers), 200, both.body);
  // How deep debt may go remains the project's to say.
  const charged = await engine.send("POST", "/v1/customers/sam/consume", {
    key,
    body: { amount: 6 },
  });
  assert.equal(charged.status, 402);
  const byProject = await engine.send("PATCH", `${CREDITS}/settings?customer_id=sam`, {
    key,
    body: { overageMode: "auto_purchase" },
  });
  assert.equal(byProject.body.overageMode, "auto_purchase");
});

test("who may not set is told so, and nothing is set", async () => {
  await engine.customer(key, "tom", 5);
  const reader = await deployment("tom", ["read"]);
  const body = { overageMode: "allow" };
  const path = `${CREDITS}/settings`;
  const read = await engine.send("PATCH", path, { headers: reader, body });
  assert.deepEqual(
    [read.status, read.body],
    [403, error("Forbidden", "insufficient_scope", "this API key lacks the scope consume")],
  );
  const scopes = ["read", "consume", "write"];
  const { key: consumer } = await post("/v1/keys", { kind: "project", scopes });
  const project = await engine.send("PATCH", `${path}?customer_id=tom`, { key: consumer, body });
  assert.deepEqual(
    [project.status, project.body.message],
    [403, "this API key lacks the scope admin"],
  );
  const owner = await deployment("tom");
  const other = await engine.send("PATCH", `${path}?customer_id=sam`, { headers: owner, body });
  assert.equal(other.status, 404);
  const nobody = await engine.send("PATCH", `${path}?customer_id=nobody`, { key, body });
  assert.equal(nobody.status, 404);
  assert.equal((await engine.send("GET", CREDITS, { headers: owner })).body.overageMode, "block");
});

test("a deployment's secret is a key of the customer that the request names, or it is 401", async () => {
  await engine.customer(key, "vera", 1);
  const own = await deployment("vera");
  const secret = own["X-Deployment-Secret"] ?? "";
  const refused = (message: string): Json => error("Unauthorized", "invalid_credentials", message);
  const foreign = "X-Deployment-Secret is not a key of the customer in X-Deployment-ID";
  for (const id of ["anna", "", "VERA"])
    is(
      await get(CREDITS, { "X-Deployment-ID": id, "X-Deployment-Secret": secret }),
      401,
      refused(foreign),
    );
  is(await get(CREDITS, { "X-Deployment-Secret": secret }), 401, refused(foreign));
  is(
    await get(`${CREDITS}?customer_id=vera`, {
      "X-Deployment-ID": "vera",
      "X-Deployment-Secret": key,
    }),
    401,
    refused(foreign),
  );
  const missing = "send the API key as Authorization: Bearer <key>";
  is(await get(CREDITS), 401, refused(missing));
  is(await get(CREDITS, { "X-Deployment-ID": "vera" }), 401, refused(missing));
  is(await get(CREDITS, { "x-api-key": secret }), 401, refused(missing));
  is(
    await get(CREDITS, { ...own, "X-Deployment-Secret": "sk_live_x" }),
    401,
    refused("this API key is not valid"),
  );
  // The engine's own routes know these headers not at all.
  const balance = await engine.send("GET", "/v1/customers/vera/balance", { headers: own });
  assert.deepEqual([balance.status, balance.body.code], [401, "missing_key"]);
});

test("errors are an error, a code and a message; HEAD has none", async () => {
  const own = await deployment("anna");
  is(
    await get(`${CREDITS}/usage?from=2027-03-01`, own),
    400,
    error("Bad Request", "unknown_field", "from is not a parameter of this request"),
  );
  is(
    await get(CREDITS, { Authorization: `Bearer ${key}` }),
    400,
    error("Bad Request", "missing_field", "customer_id is required with a project key"),
  );
  is(
    await get(CREDITS, await deployment("never-credited")),
    404,
    error("Not Found", "not_found", "there is no such customer"),
  );
  is(
    await get(`${CREDITS}/settings`, own),
    405,
    error("Method Not Allowed", "method_not_allowed", "this route takes PATCH"),
  );
  const head = await engine.send("HEAD", CREDITS, { headers: own });
  assert.deepEqual([head.status, head.body], [200, ""]);
  // What is no route of theirs is the engine's to answer.
  const none = await engine.send("GET", `${CREDITS}/history`, { headers: own });
  assert.deepEqual([none.status, none.body.code], [404, "not_found"]);
});
