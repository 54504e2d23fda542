// The official client of OpenRouter, pointed at the engine by its server option.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import {
  ForbiddenResponseError,
  OpenRouterDefaultError,
  UnauthorizedResponseError,
} from "@openrouter/sdk/models/errors";
import { Engine } from "./engine.ts";

let engine: Engine;
let key: string;
let own: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await engine.customer(key, "anna", 100.5);
  await engine.send("POST", "/v1/customers/anna/consume", { key, body: { amount: 25.75 } });
  own = (await engine.customerKey(key, "anna")).key;
});
after(() => engine.end());

const client = (apiKey: string): OpenRouter =>
  new OpenRouter({ apiKey, serverURL: `${engine.url}/api/v1`, retryConfig: { strategy: "none" } });

test("getCredits gives the customer's totals, whose difference is its balance", async () => {
  const { data } = await client(own).credits.getCredits();
  assert.deepEqual({ ...data }, { totalCredits: 100.5, totalUsage: 25.75 });
  const { body } = await engine.send("GET", "/v1/customers/anna/balance", { key });
  assert.equal(data.totalCredits - data.totalUsage, body.balance);
});

test("a missing or wrong key is its UnauthorizedResponseError", async () => {
  for (const [apiKey, message] of [
    ["", "Missing Authentication header"],
    ["sk-or-v1-wrong", "this API key is not valid"],
  ] as const) {
    await assert.rejects(client(apiKey).credits.getCredits(), (error) => {
      assert.ok(error instanceof UnauthorizedResponseError, String(error));
      assert.deepEqual([error.statusCode, error.message], [401, message]);
      assert.deepEqual({ ...error.error }, { code: 401, message });
      return true;
    });
  }
});

test("a key without the scope is its ForbiddenResponseError", async () => {
  const body = { kind: "customer", customer_id: "anna", scopes: ["consume"] };
  const { body: made } = await engine.send("POST", "/v1/keys", { key, body });
  await assert.rejects(client(made.key).credits.getCredits(), (error) => {
    assert.ok(error instanceof ForbiddenResponseError, String(error));
    assert.equal(error.statusCode, 403);
    assert.equal(error.error.code, 403);
    return true;
  });
});

test("another status is its default error, with the body that was sent", async () => {
  await assert.rejects(client(key).credits.getCredits(), (error) => {
    assert.ok(error instanceof OpenRouterDefaultError, String(error));
    const message = "customer_id is required with a project key";
    assert.deepEqual(JSON.parse(error.body), { error: { code: 400, message } });
    return true;
  });
});
