// The routes that answer as pre.dev and OpenRouter do. Bodies are compared as text: a client
// of theirs may rest on each letter.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
let anna: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await engine.customer(key, "anna", 450);
  anna = (await engine.customerKey(key, "anna")).key;
});
after(() => engine.end());

interface Told {
  status: number;
  type: string | null;
  text: string;
}

/** The answer's text as it came; `Engine.send` holds the same call to the document. */
async function raw(
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Told> {
  await engine.send(method, path, { headers });
  const response = await fetch(`${engine.url}${path}`, { method, headers });
  const text = await response.text();
  return { status: response.status, type: response.headers.get("Content-Type"), text };
}
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const is = (told: Told, status: number, text: string): void =>
  assert.deepEqual(told, { status, type: "application/json", text });
const keyWith = async (body: Json): Promise<Json> =>
  (await engine.send("POST", "/v1/keys", { key, body })).body;
const post = async (path: string, body: Json): Promise<Json> => {
  const { status, body: answer } = await engine.send("POST", path, { key, body });
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
};

const PREDEV = "/credits-balance";
const OPENROUTER = "/api/v1/credits";

test("pre.dev: the balance of the key's holder, by either header of its clients", async () => {
  const expected = '{"success":true,"creditsRemaining":450}';
  is(await raw(PREDEV, bearer(anna)), 200, expected);
  is(await raw(PREDEV, { "x-api-key": anna }), 200, expected);
  is(await raw(`${PREDEV}?customer_id=anna`, bearer(anna)), 200, expected);
  is(await raw(`${PREDEV}?customer_id=anna`, bearer(key)), 200, expected);
  is(await raw(`${PREDEV}?customer_id=anna`, { "x-api-key": key }), 200, expected);
});

test("pre.dev: what is held or in fractions is told exactly", async () => {
  await engine.customer(key, "bea", 0.3);
  const { key: own } = await engine.customerKey(key, "bea");
  await post("/v1/usage-transactions", { user_id: "bea", amount: 0.1 });
  is(await raw(PREDEV, bearer(own)), 200, '{"success":true,"creditsRemaining":0.2}');
});

test("pre.dev: errors are an error and a message", async () => {
  const error = (error: string, message: string): string => JSON.stringify({ error, message });
  is(
    await raw(PREDEV),
    401,
    error("Unauthorized", "send the API key as Authorization: Bearer <key>"),
  );
  for (const headers of [bearer("ck_live_x"), { "x-api-key": "nope" }, bearer(`${anna}x`)])
    is(await raw(PREDEV, headers), 401, error("Unauthorized", "this API key is not valid"));
  is(
    await raw(PREDEV, bearer(key)),
    400,
    error("Missing context", "Unable to determine user or organization from API key"),
  );
  const noReader = await keyWith({ kind: "project", scopes: ["consume"] });
  is(
    await raw(`${PREDEV}?customer_id=anna`, bearer(noReader.key)),
    403,
    error("Forbidden", "this API key lacks the scope read"),
  );
  const nobody = error("Not Found", "there is no such customer");
  is(await raw(`${PREDEV}?customer_id=nobody`, bearer(key)), 404, nobody);
  is(await raw(`${PREDEV}?customer_id=bea`, bearer(anna)), 404, nobody);
  const unknown = error("Bad Request", "id is not a parameter of this request");
  is(await raw(`${PREDEV}?id=anna`, bearer(anna)), 400, unknown);
  is(
    await raw(PREDEV, bearer(anna), "POST"),
    405,
    error("Method Not Allowed", "this route takes GET"),
  );
});

test("OpenRouter: credits and usage, whose difference is the balance", async () => {
  await engine.customer(key, "cora", 100.5);
  const { key: own } = await engine.customerKey(key, "cora");
  is(await raw(OPENROUTER, bearer(own)), 200, '{"data":{"total_credits":100.5,"total_usage":0}}');
  const charge = await post("/v1/customers/cora/consume", { amount: 20.75 });
  const hold = await post("/v1/usage-transactions", { user_id: "cora", amount: 10 });
  const totals = '{"data":{"total_credits":100.5,"total_usage":25.75}}';
  const id = hold.transaction_id;
  await post(`/v1/usage-transactions/${id}/complete`, { success: true, amount: 5 });
  is(await raw(OPENROUTER, bearer(own)), 200, totals);
  is(await raw(`${OPENROUTER}?customer_id=cora`, bearer(key)), 200, totals);
  // What is given back comes in again, and what is taken out was never there.
  const credits = "/v1/customers/cora/credits";
  await post(credits, { amount: 0.75, type: "refund", refund_of: charge.transaction_id });
  await post(credits, { amount: -50, type: "adjustment" });
  is(
    await raw(OPENROUTER, bearer(own)),
    200,
    '{"data":{"total_credits":51.25,"total_usage":25.75}}',
  );
  const balance = await engine.send("GET", "/v1/customers/cora/balance", { key });
  assert.equal(balance.body.balance, 51.25 - 25.75);
});

test("OpenRouter: totals outlive a restart and grow beyond what one balance holds", async () => {
  const path = `${OPENROUTER}?customer_id=dora`;
  for (let round = 0; round < 3; round += 1) {
    await engine.customer(key, "dora", 9_000_000_000);
    await post("/v1/customers/dora/consume", { amount: 8_999_999_999.5 });
    await post("/v1/customers/dora/consume", { amount: 0.5 });
  }
  const totals = '{"data":{"total_credits":27000000000,"total_usage":27000000000}}';
  is(await raw(path, bearer(key)), 200, totals);
  await engine.kill();
  await engine.restart();
  is(await raw(path, bearer(key)), 200, totals);
});

test("OpenRouter: errors are a code and a message in an error", async () => {
  const error = (code: number, message: string): string =>
    JSON.stringify({ error: { code, message } });
  is(await raw(OPENROUTER), 401, error(401, "Missing Authentication header"));
  // The header of another vendor's clients is none here.
  is(
    await raw(OPENROUTER, { "x-api-key": anna }),
    401,
    error(401, "Missing Authentication header"),
  );
  is(await raw(OPENROUTER, bearer("sk-or-v1-x")), 401, error(401, "this API key is not valid"));
  const { key: noReader } = await keyWith({
    kind: "customer",
    customer_id: "anna",
    scopes: ["consume"],
  });
  is(
    await raw(OPENROUTER, bearer(noReader)),
    403,
    error(403, "Only management keys can perform this operation"),
  );
  is(
    await raw(OPENROUTER, bearer(key)),
    400,
    error(400, "customer_id is required with a project key"),
  );
  is(
    await raw(`${OPENROUTER}?customer_id=nobody`, bearer(key)),
    404,
    error(404, "there is no such customer"),
  );
  is(
    await raw(`${OPENROUTER}?customer_id=%00`, bearer(key)),
    400,
    error(400, "customer_id must be 1 to 256 bytes of UTF-8 without control characters"),
  );
  is(await raw(OPENROUTER, bearer(anna), "PUT"), 405, error(405, "this route takes GET"));
});

test("a customer without a first credit is not found, and a revoked key is refused at once", async () => {
  const made = await keyWith({ kind: "customer", customer_id: "new" });
  is(
    await raw(PREDEV, bearer(made.key)),
    404,
    '{"error":"Not Found","message":"there is no such customer"}',
  );
  await engine.customer(key, "new", 1);
  is(await raw(PREDEV, bearer(made.key)), 200, '{"success":true,"creditsRemaining":1}');
  await engine.send("DELETE", `/v1/keys/${made.id}`, { key });
  is(
    await raw(OPENROUTER, bearer(made.key)),
    401,
    '{"error":{"code":401,"message":"this API key was revoked"}}',
  );
});

test("HEAD is answered as GET without a body; the other world's key sees nothing", async () => {
  for (const path of [PREDEV, OPENROUTER]) {
    const head = await engine.send("HEAD", path, { key: anna });
    assert.deepEqual([head.status, head.body], [200, ""]);
    assert.equal(head.headers.get("Content-Type"), "application/json");
    assert.equal((await engine.send("HEAD", path)).status, 401);
  }
  const { test: other } = await engine.project("other");
  assert.equal(
    (await engine.send("GET", `${PREDEV}?customer_id=anna`, { key: other })).status,
    404,
  );
});
