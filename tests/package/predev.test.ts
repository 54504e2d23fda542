// `edge-credits/predev` from the tarball, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { eachFormat, Project } from "./install.ts";

describe("edge-credits/predev", () => {
  let engine: Engine;
  let project: Project;
  let key: string;
  let own: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    await engine.customer(key, "anna", 450);
    own = (await engine.customerKey(key, "anna")).key;
    project = new Project();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  eachFormat(
    "predev",
    () => project,
    ({ get }) => {
      test("getCreditsBalance gives what the holder of the key can spend", async () => {
        const { getCreditsBalance } = await get();
        const options = { baseUrl: engine.url };
        const expected = { success: true, creditsRemaining: 450 };
        assert.deepEqual(await getCreditsBalance(own, options), expected);
        const named = await getCreditsBalance(key, { ...options, customerId: "anna" });
        assert.deepEqual(named, expected);
      });

      test("refusals are real errors, in pre.dev's words, without the key", async () => {
        const { getCreditsBalance, AuthenticationError, CreditEngineError } = await get();
        const options = { baseUrl: engine.url };
        const forged = `${own.slice(0, -4)}AAAA`;
        const refused = await getCreditsBalance(forged, options).catch((error: Error) => error);
        assert.ok(refused instanceof AuthenticationError);
        assert.deepEqual([refused.status, refused.name], [401, "AuthenticationError"]);
        assert.deepEqual(refused.details, { error: "Unauthorized", message: refused.message });
        const shown = [refused.stack, JSON.stringify(refused), String(refused)].join();
        assert.ok(!shown.includes(forged.slice(8, 30)), shown);
        const nobody = await getCreditsBalance(key, options).catch((error: Error) => error);
        assert.ok(nobody instanceof CreditEngineError);
        assert.deepEqual(
          [nobody.status, nobody.message],
          [400, "Unable to determine user or organization from API key"],
        );
      });

      test("tries again under a deadline, and can be aborted", async () => {
        const { getCreditsBalance, AbortError, TimeoutError } = await get();
        let tries = 0;
        const flaky = (url: string, init: RequestInit) => {
          tries += 1;
          return tries < 3 ? new Response("", { status: 503 }) : fetch(url, init);
        };
        const balance = await getCreditsBalance(own, { baseUrl: engine.url, fetch: flaky });
        assert.deepEqual([balance.creditsRemaining, tries], [450, 3]);
        const silent = { fetch: () => new Promise(() => {}) };
        const late = getCreditsBalance(own, { ...silent, timeoutMs: 20 });
        await assert.rejects(late, (error) => error instanceof TimeoutError);
        const stopped = getCreditsBalance(own, { ...silent, signal: AbortSignal.timeout(20) });
        await assert.rejects(stopped, (error) => error instanceof AbortError);
      });
    },
  );
});
