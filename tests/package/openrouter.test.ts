// `edge-credits/openrouter` from the tarball, against a real engine and beside the official
// client, which is given the same calls.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as official from "@openrouter/sdk";
import { OpenRouterCore as OfficialCore } from "@openrouter/sdk/core.js";
import { creditsGetCredits as officialGetCredits } from "@openrouter/sdk/funcs/creditsGetCredits.js";
import type { RetryConfig as OfficialRetryConfig } from "@openrouter/sdk/lib/retries.js";
import type { RequestOptions as OfficialRequestOptions } from "@openrouter/sdk/lib/sdks.js";
import type { GetCreditsResponse } from "@openrouter/sdk/models/operations";
import type * as Ours from "../../pkg/types/openrouter.d.ts";
import { Engine } from "../e2e/engine.ts";
import { eachFormat, Project } from "./install.ts";

/** What the official client's users have written stays true to the types. */
export type Retries = Ours.RetryConfig extends OfficialRetryConfig ? true : never;
export const retries: Ours.RetryConfig = {} as OfficialRetryConfig;
export const response: GetCreditsResponse = {} as Ours.GetCreditsResponse;
type Kept = "timeoutMs" | "retries" | "retryCodes" | "serverURL" | "signal" | "headers" | "mode";
export const options: Ours.RequestOptions = {} as Pick<OfficialRequestOptions, Kept>;

const ONCE = { strategy: "none" } as const;
/** Two tries at most, at once. */
const SOON = {
  strategy: "backoff",
  backoff: { initialInterval: 1, maxInterval: 1, exponent: 1, maxElapsedTime: 5_000 },
} as const;

describe("edge-credits/openrouter", () => {
  let engine: Engine;
  let project: Project;
  let key: string;
  let own: string;
  let serverURL: string;

  before(async () => {
    engine = await Engine.start();
    serverURL = `${engine.url}/api/v1`;
    key = (await engine.project("shop")).live;
    await engine.customer(key, "anna", 100.5);
    const body = { amount: 25.75 };
    await engine.send("POST", "/v1/customers/anna/consume", { key, body });
    own = (await engine.customerKey(key, "anna")).key;
    project = new Project();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  eachFormat(
    "openrouter",
    () => project,
    ({ get }) => {
      test("getCredits answers as the official client does, alone and as a method", async () => {
        const { OpenRouter, OpenRouterCore, creditsGetCredits } = await get();
        const expected = { data: { totalCredits: 100.5, totalUsage: 25.75 } };
        for (const base of [serverURL, `${serverURL}/`, engine.url]) {
          const client = new OpenRouter({ apiKey: async () => own, serverURL: base });
          assert.deepEqual(await client.credits.getCredits(), expected);
        }
        const core = new OpenRouterCore({ apiKey: own, serverURL });
        assert.deepEqual(await creditsGetCredits(core), { ok: true, value: expected });
        const theirs = await officialGetCredits(new OfficialCore({ apiKey: own, serverURL }));
        assert.deepEqual({ ...theirs.value?.data }, expected.data);
        const elsewhere = new OpenRouter({ apiKey: own, serverURL: "http://127.0.0.1:1" });
        const { credits } = elsewhere;
        assert.deepEqual(await credits.getCredits(undefined, { serverURL }), expected);
      });

      test("refusals are of the official client's classes, with its fields", async () => {
        const ours = await get();
        const { body } = await engine.send("POST", "/v1/keys", {
          key,
          body: { kind: "customer", customer_id: "anna", scopes: ["consume"] },
        });
        for (const [apiKey, name] of [
          ["", "UnauthorizedResponseError"],
          ["sk-or-v1-wrong", "UnauthorizedResponseError"],
          [body.key, "ForbiddenResponseError"],
          [key, "OpenRouterDefaultError"],
        ]) {
          const options = { apiKey, serverURL, retryConfig: ONCE };
          const result = await ours.creditsGetCredits(new ours.OpenRouterCore(options));
          assert.equal(result.ok, false);
          const { error } = result;
          assert.ok(error instanceof ours[name], error);
          assert.ok(
            error instanceof ours.OpenRouterError && error instanceof ours.CreditEngineError,
          );
          const thrown = await new ours.OpenRouter(options).credits
            .getCredits()
            .catch((error: Error) => error);
          assert.ok(thrown instanceof ours[name]);
          assert.match(thrown.stack, /openrouter\.test\.ts/);
          const theirs = await officialGetCredits(new OfficialCore(options));
          assert.ok(!theirs.ok);
          // biome-ignore lint/suspicious/noExplicitAny: fields of several classes
          const expected = theirs.error as any;
          assert.equal(expected.name, name);
          assert.deepEqual(
            [error.name, error.statusCode, error.body, error.contentType, error.rawResponse.status],
            [name, expected.statusCode, expected.body, expected.contentType, expected.statusCode],
          );
          assert.equal(error.headers.get("content-type"), "application/json");
          assert.deepEqual(error.error, expected.error && { ...expected.error });
          assert.deepEqual(error.data$?.error, error.error);
          if (error.error) assert.equal(error.message, expected.message);
          const shown = [error.stack, JSON.stringify(error), String(error)].join();
          assert.ok(apiKey === "" || !shown.includes(apiKey.slice(8, 30)), shown);
        }
      });

      test("retries as RetryConfig says: by default on 5XX and lost connections, or not", async () => {
        const ours = await get();
        const attempt = async (sdk: object, call: object, failures: unknown[]) => {
          let tries = 0;
          const flaky = async (url: string, init: RequestInit) => {
            const failure = failures[tries];
            tries += 1;
            if (failure === undefined) return fetch(url, init);
            if (failure instanceof Error) throw failure;
            return Response.json({ error: { code: 1, message: "no" } }, failure as ResponseInit);
          };
          const core = new ours.OpenRouterCore({ apiKey: own, serverURL, fetch: flaky, ...sdk });
          const result = await ours.creditsGetCredits(core, undefined, call);
          return [result.ok ? "ok" : result.error.name, tries];
        };
        const [down, lost] = [{ status: 503 }, new TypeError("fetch failed")];
        assert.deepEqual(
          await attempt({}, {}, [{ status: 500, headers: { "Retry-After": "1" } }]),
          ["ok", 2],
        );
        const soon = { retries: SOON };
        assert.deepEqual(await attempt({}, soon, [down, { status: 599 }, down]), ["ok", 4]);
        assert.deepEqual(await attempt({ retryConfig: SOON }, {}, [down]), ["ok", 2]);
        assert.deepEqual(await attempt({ retryConfig: SOON }, { retries: ONCE }, [down]), [
          "OpenRouterDefaultError",
          1,
        ]);
        assert.deepEqual(await attempt({}, { retries: ONCE }, [{ status: 500 }]), [
          "InternalServerResponseError",
          1,
        ]);
        assert.deepEqual(await attempt({}, soon, [{ status: 429 }]), ["OpenRouterDefaultError", 1]);
        const codes = { retryCodes: ["429"] };
        assert.deepEqual(await attempt({}, { ...soon, ...codes }, [{ status: 429 }]), ["ok", 2]);
        assert.deepEqual(await attempt({}, { ...soon, ...codes }, [down]), [
          "OpenRouterDefaultError",
          1,
        ]);
        assert.deepEqual(await attempt({}, soon, [lost]), ["ConnectionError", 1]);
        const stubborn = { retries: { ...SOON, retryConnectionErrors: true } };
        assert.deepEqual(await attempt({}, stubborn, [lost, lost]), ["ok", 3]);
        const brief = { ...SOON, backoff: { ...SOON.backoff, maxElapsedTime: -1 } };
        assert.deepEqual(await attempt({}, { retries: brief }, [down]), [
          "OpenRouterDefaultError",
          1,
        ]);
      });

      test("waits grow by the exponent, and none is above maxInterval", async (context) => {
        const ours = await get();
        // No jitter: a wait is then exactly what the strategy says.
        context.mock.method(Math, "random", () => 0);
        const waits = async (initialInterval: number, maxInterval: number) => {
          const at: number[] = [];
          const down = async () => {
            at.push(performance.now());
            return new Response("", { status: at.length < 4 ? 503 : 404 });
          };
          const backoff = { initialInterval, maxInterval, exponent: 3, maxElapsedTime: 9_000 };
          const core = new ours.OpenRouterCore({ apiKey: own, serverURL, fetch: down });
          const retries = { strategy: "backoff", backoff };
          await ours.creditsGetCredits(core, undefined, { retries });
          return at.slice(1).map((time, index) => time - (at[index] ?? 0));
        };
        const grown = await waits(20, 1_000);
        // A timer may go off within the millisecond before.
        const isLongEnough = [20, 60, 180].map((least, index) => (grown[index] ?? 0) > least - 2);
        assert.deepEqual(isLongEnough, [true, true, true], `${grown}`);
        const capped = await waits(3_600_000, 10);
        assert.ok(capped.length === 3 && Math.max(...capped) < 5_000, `${capped}`);
      });

      test("fetchOptions reach fetch; a deadline and a signal end a call", async () => {
        const ours = await get();
        const seen: RequestInit[] = [];
        const watching = (url: string, init: RequestInit) => {
          seen.push(init);
          return fetch(url, init);
        };
        const client = new ours.OpenRouter({
          apiKey: own,
          serverURL,
          fetch: watching,
          appTitle: "App",
        });
        await client.credits.getCredits(
          { httpReferer: "https://app.example" },
          { fetchOptions: { keepalive: true, headers: new Headers({ "X-Mine": "1" }) } },
        );
        const headers = new Headers(seen[0]?.headers);
        assert.equal(seen[0]?.keepalive, true);
        assert.equal(headers.get("X-Mine"), "1");
        assert.equal(headers.get("HTTP-Referer"), "https://app.example");
        assert.equal(headers.get("X-OpenRouter-Title"), "App");
        const silent = {
          apiKey: own,
          serverURL,
          httpClient: { request: () => new Promise(() => {}) },
        };
        const core = new ours.OpenRouterCore(silent);
        const late = await ours.creditsGetCredits(core, undefined, { timeoutMs: 20 });
        assert.ok(late.error instanceof ours.RequestTimeoutError);
        const signal = AbortSignal.timeout(20);
        for (const options of [{ signal }, { fetchOptions: { signal } }]) {
          const stopped = await ours.creditsGetCredits(core, undefined, options);
          assert.ok(stopped.error instanceof ours.RequestAbortedError);
          assert.ok(stopped.error instanceof ours.HTTPClientError);
        }
      });

      test("what cannot be is told as the official client would", async () => {
        const ours = await get();
        const call = async (sdk: object, request?: object) => {
          const core = new ours.OpenRouterCore({ apiKey: own, serverURL, ...sdk });
          return (await ours.creditsGetCredits(core, request)).error;
        };
        assert.ok((await call({}, { appTitle: 7 })) instanceof ours.SDKValidationError);
        const odd = { fetch: async () => Response.json({ data: { total_credits: "100" } }) };
        const invalid = await call(odd);
        assert.ok(invalid instanceof ours.ResponseValidationError);
        assert.deepEqual(invalid.rawValue, { data: { total_credits: "100" } });
        const keyless = await call({ apiKey: async () => "" });
        assert.ok(keyless instanceof ours.InvalidRequestError);
      });

      test("the official client's example runs with another import", async () => {
        const { OpenRouter } = await get();
        for (const Client of [official.OpenRouter, OpenRouter]) {
          const openRouter = new Client({ apiKey: own, serverURL });
          const result = await openRouter.credits.getCredits();
          assert.equal(result.data.totalCredits - result.data.totalUsage, 74.75);
        }
      });
    },
  );
});
