// `edge-credits/hiveforge` from the tarball, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { eachFormat, Project } from "./install.ts";

const PACK = { id: "small", name: "500 credits", credits: 500, price_cents: 900, currency: "usd" };
const COST = { service: "ai", action: "standard", credits: 2.5 };
const TIER = { id: "pro", name: "Pro", allocation: 100, period: "month" };

describe("edge-credits/hiveforge", () => {
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    const lists = { "/v1/tiers": [TIER], "/v1/packs": [PACK], "/v1/costs": [COST] };
    for (const [path, body] of Object.entries(lists)) {
      assert.equal((await engine.send("PUT", path, { key, body })).status, 200);
    }
    project = new Project();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  /** A customer on the tier with 50 credits more; three actions are charged, 7.5 in all. */
  async function customer(id: string): Promise<string> {
    await engine.send("POST", "/v1/customers", { key, body: { id, tier_id: "pro" } });
    await engine.customer(key, id, 50);
    const body = { service: "ai", action: "standard", quantity: 3 };
    await engine.send("POST", `/v1/customers/${id}/consume`, { key, body });
    return (await engine.customerKey(key, id)).key;
  }

  eachFormat(
    "hiveforge",
    () => project,
    ({ name, get }) => {
      test("all calls answer as HiveForge's documentation says", async () => {
        const { HiveForgeClient } = await get();
        const deploymentSecret = await customer(name);
        const hiveforge = new HiveForgeClient({
          deploymentId: name,
          deploymentSecret,
          baseUrl: engine.url,
        });
        assert.equal(await hiveforge.initialize(), undefined);
        const balance = await hiveforge.credits.getBalance();
        const expected = {
          periodBalance: 92.5,
          purchasedBalance: 50,
          totalAvailable: 142.5,
          monthlyAllocation: 100,
          periodEnd: balance.periodEnd,
          overageMode: "block",
          aiProviderPriority: "openai",
        };
        assert.deepEqual(balance, expected);
        const daysLeft = (Date.parse(balance.periodEnd) - Date.now()) / 86_400_000;
        assert.ok(daysLeft > 27 && daysLeft <= 31, balance.periodEnd);
        const usage = await hiveforge.credits.getUsage();
        assert.equal(usage.endDate, balance.periodEnd);
        assert.equal(usage.totalUsed, 7.5);
        assert.deepEqual(usage.usage, [
          { service: "ai", action: "standard", credits: 7.5, count: 1 },
        ]);
        assert.deepEqual(await hiveforge.credits.getPacks(), [
          { id: "small", name: "500 credits", credits: 500, priceCents: 900, currency: "usd" },
        ]);
        assert.deepEqual(await hiveforge.credits.getCosts(), [
          { service: "ai", action: "standard", credits: 2.5, description: null },
        ]);
        const provider = await hiveforge.credits.setAIProviderPriority("anthropic");
        assert.deepEqual(provider, { ...expected, aiProviderPriority: "anthropic" });
        const allowed = await hiveforge.credits.setOverageMode("allow");
        assert.deepEqual(allowed, { ...provider, overageMode: "allow" });
        assert.deepEqual(await hiveforge.credits.getBalance(), allowed);
      });

      test("usage is of the days that were asked for", async () => {
        const { HiveForgeClient } = await get();
        const id = `${name}-days`;
        const deploymentSecret = await customer(id);
        const { credits } = new HiveForgeClient({
          deploymentId: id,
          deploymentSecret,
          baseUrl: engine.url,
        });
        const day = await credits.getUsage("2020-02-28", "2020-02-29");
        assert.deepEqual(day, {
          startDate: "2020-02-28T00:00:00.000Z",
          endDate: "2020-03-01T00:00:00.000Z",
          totalUsed: 0,
          usage: [],
        });
        const times = await credits.getUsage(new Date(0), new Date(Date.UTC(2100, 0)));
        assert.deepEqual([times.startDate, times.totalUsed], ["1970-01-01T00:00:00.000Z", 7.5]);
      });

      test("a refusal is a HiveForgeError with its code, and shows nothing of the secret", async () => {
        const { HiveForgeClient, HiveForgeError, CreditEngineError, ConfigurationError } =
          await get();
        const deploymentSecret = await customer(`${name}-wrong`);
        const options = { deploymentId: "somebody", deploymentSecret, baseUrl: engine.url };
        const hiveforge = new HiveForgeClient(options);
        const error = await hiveforge.initialize().catch((error: Error) => error);
        assert.ok(error instanceof HiveForgeError && error instanceof CreditEngineError);
        assert.deepEqual(
          [error.name, error.code, error.status, error.message],
          [
            "HiveForgeError",
            "invalid_credentials",
            401,
            "X-Deployment-Secret is not a key of the customer in X-Deployment-ID",
          ],
        );
        assert.match(error.stack, /^HiveForgeError: .*\n.*hiveforge\.test\.ts/);
        const shown = [error.stack, JSON.stringify(error), String(error)].join();
        assert.ok(!shown.includes(deploymentSecret.slice(8, 30)), shown);
        for (const wrong of [
          { ...options, deploymentSecret: undefined },
          { ...options, deploymentSecret: "" },
          { ...options, deploymentSecret: `${deploymentSecret}\n` },
          { ...options, deploymentId: "" },
          { ...options, deploymentId: "a\nb" },
        ]) {
          assert.throws(
            () => new HiveForgeClient(wrong),
            (error: Error) => {
              assert.ok(error instanceof ConfigurationError);
              assert.match(error.message, /^deployment(Id|Secret) /);
              return !`${error.stack}`.includes(deploymentSecret.slice(8, 30));
            },
          );
        }
        const refused = await hiveforge.credits.setOverageMode("never").catch((e: Error) => e);
        assert.ok(refused instanceof HiveForgeError);
      });

      test("no answer is a HiveForgeError without a status", async () => {
        const { HiveForgeClient, HiveForgeError } = await get();
        const { credits } = new HiveForgeClient({
          deploymentId: "a",
          deploymentSecret: "ck_live_none",
          fetch: () => new Promise(() => {}),
          timeoutMs: 20,
        });
        const error = await credits.getBalance().catch((error: Error) => error);
        assert.ok(error instanceof HiveForgeError);
        assert.deepEqual([error.code, error.status], ["timeout", undefined]);
      });
    },
  );
});
