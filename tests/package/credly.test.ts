// `edge-credits/credly` from the tarball, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { eachFormat, type Package, Project } from "./install.ts";

/** A tenth of a credit per input token, a fifth per output token. */
const MODEL = { model: "gpt-4", input_per_million: 100_000, output_per_million: 200_000 };
const TIERS = [
  { id: "free", name: "Free", allocation: 20, period: "month" },
  { id: "pro", name: "Pro", allocation: 500, period: "month" },
];
/** 10 and 100 credits. */
const PROVISIONAL = { input_tokens: 100, output_tokens: 500 };
/** 1 and 10 credits. */
const USED = { input_tokens: 10, output_tokens: 50 };

describe("edge-credits/credly", () => {
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    for (const [path, body] of Object.entries({ "/v1/models": [MODEL], "/v1/tiers": TIERS })) {
      assert.equal((await engine.send("PUT", path, { key, body })).status, 200);
    }
    project = new Project();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  const connect = ({ createClient }: Package, more = {}) =>
    createClient({ apiKey: key, projectId: "shop", baseUrl: engine.url, ...more });
  const balanceOf = async (user: string) =>
    (await engine.send("GET", `/v1/customers/${user}/balance`, { key })).body;

  eachFormat(
    "credly",
    () => project,
    ({ name, get }) => {
      test("Credly's quickstart reserves, then charges what was used", async () => {
        const { createClient } = await get();
        const user_id = `${name}-quick`;
        await engine.customer(key, user_id, 450);
        const credly = createClient({
          apiKey: key,
          projectId: "YOUR_PROJECT_ID",
          baseUrl: engine.url,
        });
        const start = await credly.startUsageTransaction({
          user_id,
          model: "gpt-4",
          provisional_tokens: PROVISIONAL,
        });
        const { transaction_id, message, expires_at, ...rest } = start;
        assert.deepEqual(rest, { continue: true, balance: 450, credits_used: 110 });
        assert.deepEqual([typeof message, Number.isNaN(Date.parse(expires_at))], ["string", false]);
        const completion = { transaction_id, success: true, finalized_tokens: USED };
        const done = { credits_used: 11, balance: 439, balance_adjustment: 99 };
        assert.deepEqual(await credly.completeUsageTransaction(completion), done);
        assert.deepEqual(await credly.completeUsageTransaction(completion), done);
        const { data } = await credly.getTransactions({ user_id, limit: 1 });
        assert.deepEqual([data[0].hold_id, data[0].amount], [transaction_id, -11]);
        assert.deepEqual(await credly.getTransaction(data[0].id), data[0]);
      });

      test("without provisional tokens it only asks whether there is a way to pay", async () => {
        const credly = connect(await get());
        const user_id = `${name}-open`;
        await engine.customer(key, user_id, 5);
        const start = await credly.startUsageTransaction({ user_id, model: "gpt-4" });
        assert.deepEqual([start.continue, start.credits_used], [true, 0]);
        const completion = { transaction_id: start.transaction_id, success: true };
        const tokens = { input_tokens: 20, output_tokens: 5 };
        assert.deepEqual(
          await credly.completeUsageTransaction({ ...completion, finalized_tokens: tokens }),
          { credits_used: 3, balance: 2, balance_adjustment: -3 },
        );
        const refused = await credly.startUsageTransaction({
          user_id,
          model: "gpt-4",
          provisional_tokens: PROVISIONAL,
        });
        const { message, ...rest } = refused;
        assert.deepEqual(rest, {
          continue: false,
          transaction_id: null,
          balance: 2,
          credits_used: 0,
          expires_at: null,
        });
      });

      test("users are made, read, listed, moved to another tier and deleted", async () => {
        const credly = connect(await get());
        const user_id = `${name}-user`;
        const made = await credly.createUser({ user_id, tier_id: "free", metadata: { a: 1 } });
        const { period_start, period_end, created_at, ...rest } = made;
        const expected = { user_id, balance: 20, available: 20, held: 0, metadata: { a: 1 } };
        assert.deepEqual(rest, { ...expected, tier_id: "free" });
        assert.ok(Date.parse(period_start) < Date.parse(period_end), created_at);
        assert.deepEqual(await credly.getUser(user_id), made);
        assert.deepEqual(await credly.getUser({ user_id }), made);
        const users = await credly.getUsers({ limit: 1 });
        assert.deepEqual(users.data, [{ user_id, created_at }]);
        assert.equal(users.pagination.limit, 1);
        const change = { user_id, tier_id: "pro", reset_balance: true };
        const moved = await credly.changeUserTier(change);
        assert.deepEqual([moved.tier_id, moved.balance], ["pro", 500]);
        const { data, pagination } = await credly.getTransactions({ user_id });
        assert.deepEqual(
          data.map((row: { type: string; amount: number }) => [row.type, row.amount]),
          [
            ["allocation", 500],
            ["expiry", -20],
            ["allocation", 20],
          ],
        );
        assert.deepEqual([pagination.total, data[0].user_id], [3, user_id]);
        assert.ok(!("customer_id" in data[0]));
        const only = await credly.getTransactions({ user_id, type: "expiry" });
        assert.deepEqual(only.data, [data[1]]);
        assert.deepEqual(await credly.getTransaction({ transaction_id: data[1].id }), data[1]);
        assert.deepEqual(await credly.deleteUser(user_id), { user_id, deleted: true });
        await assert.rejects(credly.getUser(user_id), { name: "CredlyNotFoundError" });
      });

      test("captureUsage makes the user, reserves, runs, finalizes and completes", async () => {
        const { captureUsage } = connect(await get());
        const user_id = `${name}-capture`;
        const seen: unknown[] = [];
        const captured = await captureUsage({
          user_id,
          tier_id: "pro",
          model: "gpt-4",
          provisional_tokens: PROVISIONAL,
          feature_identifier: "chat",
          async execute(start: { transaction_id: string; credits_used: number }) {
            const { held, available } = await balanceOf(user_id);
            seen.push(start.transaction_id, start.credits_used, held, available);
            return { text: "hello", usage: USED };
          },
          finalizeTokens: (result: { usage: typeof USED }) => result.usage,
        });
        const { transaction_id } = captured;
        assert.deepEqual(seen, [transaction_id, 110, 110, 390]);
        assert.deepEqual(captured, {
          status: "completed",
          result: { text: "hello", usage: USED },
          transaction_id,
          credits_used: 11,
          balance: 489,
          balance_adjustment: 99,
        });
      });

      test("captureUsage tells of its other four ends, and throws if asked to", async () => {
        const exports = await get();
        const { captureUsage, createUser } = connect(exports);
        const user_id = `${name}-ends`;
        await createUser({ user_id, tier_id: "pro" });
        const usage = { user_id, model: "gpt-4", provisional_tokens: PROVISIONAL };
        let runs = 0;
        const execute = () => {
          runs += 1;
          return "done";
        };
        const poor = await captureUsage({ ...usage, user_id: `${name}-poor`, execute });
        assert.deepEqual(poor, {
          status: "insufficient_credits",
          balance: 0,
          message: poor.message,
        });
        assert.equal((await balanceOf(`${name}-poor`)).balance, 0);

        const unpriced = { ...usage, model: "nothing", execute };
        const unstarted = await captureUsage(unpriced);
        assert.deepEqual(Object.keys(unstarted), ["status", "error"]);
        assert.equal(unstarted.status, "start_failed");
        assert.ok(unstarted.error instanceof exports.CredlyBadRequestError);
        assert.equal(runs, 0);

        const mine = new Error("the model is down");
        const broken = {
          ...usage,
          execute() {
            throw mine;
          },
        };
        const failed = await captureUsage(broken);
        const { transaction_id } = failed;
        assert.deepEqual(failed, { status: "execution_failed", transaction_id, error: mine });
        assert.equal((await balanceOf(user_id)).available, 500);

        const lost = {
          ...usage,
          execute,
          finalizeTokens() {
            throw mine;
          },
        };
        const unfinished = await captureUsage(lost);
        assert.deepEqual(unfinished, {
          status: "completion_failed",
          result: "done",
          transaction_id: unfinished.transaction_id,
          error: mine,
        });
        const { completeUsageTransaction } = connect(exports);
        const late = await completeUsageTransaction({
          transaction_id: unfinished.transaction_id,
          success: true,
          finalized_tokens: USED,
        });
        assert.deepEqual(late, { credits_used: 11, balance: 489, balance_adjustment: 99 });

        const rethrowOnError = true;
        await assert.rejects(
          captureUsage({ ...unpriced, rethrowOnError }),
          (error) => error instanceof exports.CredlyApiError,
        );
        await assert.rejects(captureUsage({ ...broken, rethrowOnError }), mine);
        await assert.rejects(captureUsage({ ...lost, rethrowOnError }), mine);
        const still = await captureUsage({
          ...usage,
          provisional_tokens: { input_tokens: 1e6 },
          execute,
          rethrowOnError,
        });
        assert.equal(still.status, "insufficient_credits");
      });

      test("captureUsage charges once, however often answers are lost", async () => {
        const user_id = `${name}-lossy`;
        await engine.customer(key, user_id, 200);
        let calls = 0;
        // Of each call the first answer is lost after the engine has done it.
        const lossy = async (url: string, init: RequestInit) => {
          calls += 1;
          const response = await fetch(url, init);
          if (calls % 2 === 1) throw new TypeError("connection reset");
          return response;
        };
        const { captureUsage } = connect(await get(), { fetch: lossy });
        const captured = await captureUsage({
          user_id,
          model: "gpt-4",
          provisional_tokens: PROVISIONAL,
          execute: () => USED,
          finalizeTokens: (used: typeof USED) => used,
        });
        assert.deepEqual([captured.status, captured.credits_used, calls], ["completed", 11, 4]);
        const { balance, held } = await balanceOf(user_id);
        assert.deepEqual([balance, held], [189, 0]);
      });

      test("each status has its class, with the problem's fields and nothing of the key", async () => {
        const exports = await get();
        const { CredlyApiError, CreditEngineError } = exports;
        const credly = connect(exports);
        const forged = `${key.slice(0, -4)}AAAA`;
        await credly.createUser({ user_id: `${name}-twice` });
        const { body } = await engine.send("POST", "/v1/keys", {
          key,
          body: { kind: "project", scopes: ["read"] },
        });
        const answering = (status: number, headers = {}) =>
          connect(exports, {
            fetch: async () => new Response("<html>", { status, headers }),
            maxRetries: 0,
          });
        for (const [call, className, status, type] of [
          [() => credly.startUsageTransaction({ user_id: "a" }), "BadRequest", 400],
          [() => credly.getUser({ user_id: "" }), "BadRequest", 400, "about:blank"],
          [() => connect(exports, { apiKey: forged }).getUsers(), "Unauthorized", 401],
          [
            () => connect(exports, { apiKey: body.key }).createUser({ user_id: "b" }),
            "Forbidden",
            403,
          ],
          [() => credly.getUser("nobody"), "NotFound", 404],
          [() => credly.createUser({ user_id: `${name}-twice` }), "Conflict", 409],
          [() => answering(429).getUsers(), "RateLimit", 429, "about:blank"],
          [() => answering(500).getUsers(), "Server", 500, "about:blank"],
          [() => answering(503).getUsers(), "Server", 503, "about:blank"],
        ] as const) {
          const error = await call().catch((error: Error) => error);
          const told = `${className} ${error.stack}`;
          assert.ok(error instanceof exports[`Credly${className}Error`], told);
          assert.ok(error instanceof CredlyApiError && error instanceof CreditEngineError, told);
          assert.deepEqual(
            [error.name, error.status, error.message],
            [`Credly${className}Error`, status, error.detail],
          );
          assert.equal(error.type, type ?? `urn:edge-credits:problem:${error.code}`);
          assert.ok(error.title.length > 0 && !error.detail.includes("customer_id"), told);
          assert.match(error.stack, /credly\.test\.ts/);
          const shown = [error.stack, JSON.stringify(error), String(error)].join();
          assert.ok(!shown.includes(forged.slice(8, 30)), shown);
        }
        const other = await answering(422)
          .getUsers()
          .catch((error: Error) => error);
        assert.deepEqual([other.name, other.status], ["CredlyApiError", 422]);
        const silent = connect(exports, { fetch: () => new Promise(() => {}), timeoutMs: 20 });
        await assert.rejects(silent.getUsers(), (error) => error instanceof exports.TimeoutError);
        const signal = AbortSignal.abort();
        const stopped = silent.getUsers({}, { signal });
        await assert.rejects(stopped, (error) => error instanceof exports.AbortError);
      });
    },
  );
});
