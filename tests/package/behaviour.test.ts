// How a call behaves when things go wrong: what is tried again, when it ends, what is told.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Package, Project } from "./install.ts";
import { CHARGED, ScriptedServer } from "./server.ts";

const KEY = "ce_live_0123456789abcdefghij";
/** Timers may go off this much early. */
const TOLERANCE_MS = 5;

describe("a call", () => {
  let server: ScriptedServer;
  let project: Project;
  let edgeCredits: Package;

  before(async () => {
    server = await ScriptedServer.start();
    project = new Project();
    edgeCredits = await project.import();
  });
  after(async () => {
    project?.remove();
    await server?.end();
  });

  function client(options: object = {}): Package {
    return new edgeCredits.CreditEngine({ apiKey: KEY, baseUrl: server.url, ...options });
  }

  test("is tried again under one idempotency key, made if there is none", async () => {
    server.play({ status: 503 }, "cut", CHARGED);
    assert.equal((await client().consume("a", 1)).balance, 9);
    const [first, ...again] = server.received.map(({ headers }) => headers["idempotency-key"]);
    assert.match(String(first), /^auto_[0-9a-f]{32}$/);
    assert.deepEqual(again, [first, first]);
    assert.deepEqual(new Set(server.received.map(({ body }) => body)), new Set(['{"amount":1}']));
    // Another call has another key; a caller's own is taken; a read has none.
    server.play(CHARGED);
    await client({ maxRetries: 0 }).consume("a", 1);
    await client().consume("a", 1, undefined, { idempotencyKey: "mine" });
    await client().getBalance("a");
    const keys = server.received.map(({ headers }) => headers["idempotency-key"]);
    assert.notEqual(keys[0], first);
    assert.deepEqual(keys.slice(1), ["mine", undefined]);
  });

  test("is tried again only on what may pass, and only so often", async () => {
    for (const status of [400, 401, 402, 403, 404, 409, 422, 301]) {
      server.play({ status });
      await assert.rejects(client().consume("a", 1), { status });
      assert.equal(server.received.length, 1, `${status}`);
    }
    const retryAfter = { headers: { "Retry-After": "0" } };
    for (const status of [408, 429, 500, 502, 503, 504]) {
      server.play({ status, ...retryAfter });
      await assert.rejects(client().consume("a", 1, undefined, { maxRetries: 1 }), { status });
      assert.equal(server.received.length, 2, `${status}`);
    }
    server.play("cut");
    await assert.rejects(client({ maxRetries: 0 }).consume("a", 1), edgeCredits.ConnectionError);
    assert.equal(server.received.length, 1);
  });

  test("waits as Retry-After says, in seconds or until a date", async () => {
    const waited = () => (server.received[1]?.at ?? 0) - (server.received[0]?.at ?? 0);
    server.play({ status: 503, headers: { "Retry-After": "1" } }, CHARGED);
    await client().consume("a", 1);
    assert.ok(waited() >= 1_000 - TOLERANCE_MS, `${waited()}`);
    // A date has no milliseconds: this one is between 1 and 2 seconds away.
    const date = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000);
    server.play({ status: 429, headers: { "Retry-After": date.toUTCString() } }, CHARGED);
    await client().consume("a", 1);
    assert.ok(Date.now() >= date.getTime() - TOLERANCE_MS);
    // A wait beyond the deadline is not begun: the error comes at once.
    server.play({ status: 429, headers: { "Retry-After": "30" } });
    const started = performance.now();
    const error = await client()
      .consume("a", 1)
      .catch((error: Package) => error);
    assert.ok(error instanceof edgeCredits.RateLimitError);
    assert.equal(error.retryAfter, 30);
    assert.ok(performance.now() - started < 5_000);
  });

  test("ends at its timeout, whatever it waits for", async () => {
    const timeoutMs = 100;
    const never = new Promise<never>(() => {});
    const stuck = { status: 200, headers: new Headers(), text: () => never };
    for (const options of [
      {},
      { fetch: () => never },
      { fetch: async () => stuck },
      { apiKey: () => never },
      { fetch: async () => new Response("", { status: 503 }), maxRetries: 100 },
    ]) {
      server.play("hang");
      const started = performance.now();
      const error = await client({ ...options, timeoutMs })
        .consume("a", 1, undefined, { idempotencyKey: "k" })
        .catch((error: Package) => error);
      assert.ok(performance.now() - started < 5_000);
      if (error.status === 503) continue;
      assert.ok(error instanceof edgeCredits.TimeoutError, String(error));
      assert.ok(error instanceof edgeCredits.ConnectionError);
      assert.deepEqual([error.code, error.idempotencyKey], ["timeout", "k"]);
    }
  });

  test("ends when its signal is aborted, also before it began or while it waits", async () => {
    const aborted = async (options: object, signal: AbortSignal) => {
      const error = await client(options)
        .consume("a", 1, undefined, { signal })
        .catch((error: Package) => error);
      assert.ok(error instanceof edgeCredits.AbortError, String(error));
      assert.equal(error.code, "aborted");
      return error;
    };
    server.play("hang");
    const reason = new Error("no longer wanted");
    assert.equal((await aborted({}, AbortSignal.abort(reason))).cause, reason);
    assert.equal(server.received.length, 0);
    await aborted({}, AbortSignal.timeout(50));
    server.play({ status: 503, headers: { "Retry-After": "5" } });
    const started = performance.now();
    await aborted({}, AbortSignal.timeout(50));
    assert.ok(performance.now() - started < 4_000);
  });

  test("tells its hooks and its logger of each try, and nothing of the key", async () => {
    const told: [string, Package][] = [];
    const hook = (name: string) => (event: Package) => told.push([name, event]);
    const hooks = Object.fromEntries(
      ["onRequest", "onResponse", "onRetry"].map((name) => [name, hook(name)]),
    );
    const logger = { debug: (message: string, details: Package) => told.push([message, details]) };
    server.play({ status: 503, headers: { "Retry-After": "0" } }, CHARGED);
    await client({ hooks, logger }).consume("a", 1, "for ann", { idempotencyKey: "k" });
    const names = ["onRequest", "onResponse", "onRetry", "onRequest", "onResponse"];
    assert.deepEqual(
      told.map(([name]) => name),
      names.flatMap((name) => [`edge-credits ${name}`, name]),
    );
    const [, event] = told.at(-1) as [string, Package];
    const { durationMs, url, ...rest } = event;
    const expected = { call: "consume", method: "POST", retries: 1, status: 200 };
    assert.deepEqual(rest, { ...expected, idempotencyKey: "k", requestId: undefined });
    assert.ok(durationMs >= 0);
    assert.equal(url, `${server.url}/v1/customers/a/consume`);
    const text = JSON.stringify(told);
    assert.ok(!text.includes(KEY) && !text.includes("for ann"), text);
  });

  test("does not break when a hook, a logger or onError does", async () => {
    server.play(CHARGED);
    const errors: Package[] = [];
    const failing = () => {
      throw new Error("mine");
    };
    const failingLater = async () => failing();
    const options = { hooks: { onRequest: failing, onResponse: failingLater } };
    const onError = (error: unknown) => errors.push(error);
    await client({ ...options, logger: { debug: failing }, onError }).consume("a", 1);
    await pause(0);
    assert.deepEqual(
      errors.map(({ message }) => message),
      ["mine", "mine", "mine", "mine"],
    );
    await client({ ...options, onError: failing }).consume("a", 1);
    await client({ ...options, onError: failingLater }).consume("a", 1);
    await pause(0);
  });

  test("asks a function for the key each time, and passes on what it throws", async () => {
    server.play(CHARGED);
    let asked = 0;
    const turning = client({ apiKey: async () => `ce_live_${asked++}` });
    await turning.getBalance("a");
    await turning.getBalance("a");
    const sent = server.received.map(({ headers }) => headers.authorization);
    assert.deepEqual(sent, ["Bearer ce_live_0", "Bearer ce_live_1"]);
    const broken = client({ apiKey: () => Promise.reject(new Error("vault closed")) });
    await assert.rejects(broken.getBalance("a"), { message: "vault closed" });
    const unusable = client({ apiKey: () => `${KEY}\nX-Other: 1` });
    await assert.rejects(unusable.getBalance("a"), (error: Error) => {
      return error instanceof edgeCredits.ConfigurationError && !error.stack?.includes(KEY);
    });
  });

  test("takes headers of its own, and a fetcher instead of fetch", async () => {
    const calls: [string, RequestInit][] = [];
    const fetcher = {
      async fetch(url: string, init: RequestInit) {
        assert.equal(this, fetcher);
        calls.push([url, init]);
        return Response.json(CHARGED.body);
      },
    };
    const bound = client({ fetcher, baseUrl: undefined });
    await bound.consume("a", 1, undefined, { headers: { "X-Trace": "t1" } });
    assert.equal(calls.length, 1);
    for (const [url, { headers }] of calls) {
      assert.equal(url, "http://edge-credits/v1/customers/a/consume");
      assert.equal(new Headers(headers).get("X-Trace"), "t1");
    }
  });

  test("keeps each text to its own field, whatever is in it", async () => {
    const { received } = server;
    server.play(CHARGED);
    const texts = ["one\ntwo", 'a "quoted" \\ text', "\u{1f600} \u0001\u0085 \ud800"];
    for (const text of texts) await client().consume("a\u00e9/b?c", 1, text, { feature: "chat" });
    const sent = received.map(({ url, body }) => [url, JSON.parse(body)]);
    const expected = texts.map((text) => [
      "/v1/customers/a%C3%A9%2Fb%3Fc/consume",
      { amount: 1, description: text.replace("\ud800", "\ufffd"), feature: "chat" },
    ]);
    assert.deepEqual(sent, expected);
    // A NUL is what the core tells one text from the next by.
    const smuggled = client().consume("a", 1, "x\0amount\x001000");
    const refused = { code: "invalid_field", details: { field: "description" } };
    await assert.rejects(smuggled, refused);
    assert.equal(received.length, texts.length);
  });

  test("has a key of its own, each of many at once", async () => {
    server.play(CHARGED);
    const calling = client();
    await Promise.all(Array.from({ length: 100 }, () => calling.consume("a", 1)));
    const keys = server.received.map(({ headers }) => String(headers["idempotency-key"]));
    assert.equal(new Set(keys).size, 100);
    for (const key of keys) assert.match(key, /^auto_[0-9a-f]{32}$/);
  });

  test("is refused with a project's key in a browser", () => {
    const refused = () => client();
    Object.assign(globalThis, { window: { document: {} } });
    try {
      assert.throws(refused, (error: Package) => {
        assert.ok(error instanceof edgeCredits.ConfigurationError);
        assert.equal(error.code, "secret_key_in_browser");
        return !`${error.stack}`.includes(KEY);
      });
      client({ apiKey: "ck_live_0123456789" });
      client({ dangerouslyAllowBrowser: true });
    } finally {
      Reflect.deleteProperty(globalThis, "window");
    }
    refused();
  });

  test("is refused with options that cannot be", () => {
    for (const options of [
      { apiKey: "" },
      { apiKey: undefined },
      { baseUrl: "credits.example.com" },
      { baseUrl: "ftp://credits.example.com" },
      { baseUrl: "https://me:secret@credits.example.com" },
      { timeoutMs: 0 },
      { timeoutMs: Number.NaN },
      { maxRetries: -1 },
      { maxRetries: 1.5 },
    ]) {
      const made = () => client(options);
      assert.throws(made, edgeCredits.ConfigurationError, JSON.stringify(options));
    }
  });

  test("takes half an answer for none", async () => {
    const halves = [new Response('{"success":tr'), Response.json(CHARGED.body)];
    const healing = client({ fetch: async () => halves.shift() });
    assert.equal((await healing.consume("a", 1)).balance, 9);
    const broken = client({ fetch: async () => new Response(""), maxRetries: 0 });
    await assert.rejects(broken.consume("a", 1), edgeCredits.ConnectionError);
  });
});
