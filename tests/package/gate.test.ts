// `edge-credits/gate` from the tarball, with `CreditEngine` from the tarball, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { eachFormat, type Package, Project } from "./install.ts";

const PROBLEM = "urn:edge-credits:problem:";
const COSTS = [{ service: "images", action: "generate", credits: 0.3 }];

describe("edge-credits/gate", () => {
  let engine: Engine;
  let project: Project;
  let key: string;
  let index: Package;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    assert.equal((await engine.send("PUT", "/v1/costs", { key, body: COSTS })).status, 200);
    project = new Project();
    index = await project.import();
  });
  after(async () => {
    project?.remove();
    await engine?.end();
  });

  const client = (more: object = {}) =>
    new index.CreditEngine({ apiKey: key, baseUrl: engine.url, ...more });
  /** Balance and what of it is held. */
  const stateOf = async (id: string) => {
    const { body } = await engine.send("GET", `/v1/customers/${id}/balance`, { key });
    return [body.balance, body.held];
  };
  const typesOf = async (id: string) => {
    const { data } = await client().getTransactions(id);
    return data.map((row: Package) => [row.type, row.amount]).reverse();
  };
  const request = (headers: Record<string, string> = {}) =>
    new Request("https://app.test/draw", { headers });
  const creditsOf = ({ headers }: Response) => [
    headers.get("X-Credits-Cost"),
    headers.get("X-Credits-Remaining"),
  ];
  const unreachable = () => {
    const fetch = () => Promise.reject(new TypeError("fetch failed"));
    return client({ fetch, maxRetries: 0 });
  };

  eachFormat(
    "gate",
    () => project,
    ({ name, get }) => {
      /** A gated handler for a customer of its own, and what was reported. */
      async function gate(customer: string, credits: number, handler: Package, options: object) {
        const id = `${name}-${customer}`;
        await engine.customer(key, id, credits);
        const reported: Package[] = [];
        const onError = (error: unknown) => reported.push(error);
        const { withCredits, setCost } = await get();
        const all = { engine: client(), customer: () => id, cost: 2, onError, ...options };
        return { id, reported, setCost, run: withCredits(handler, all) };
      }

      test("charges first, tells cost and rest, and hands everything on", async () => {
        const handler = async (got: Request, env: object) => {
          const body = `${await got.text()} ${JSON.stringify(env)}`;
          return new Response(body, { status: 201, headers: { "X-Own": "1" } });
        };
        const cost = (got: Request) =>
          got.headers.has("X-Big") ? 5 : { service: "images", action: "generate" };
        const { id, run, reported } = await gate("pay", 10, handler, { cost });
        const small = new Request("https://app.test", { method: "POST", body: "hello" });
        const answer = await run(small, { name: "env" });
        assert.deepEqual([answer.status, answer.headers.get("X-Own")], [201, "1"]);
        assert.equal(await answer.text(), 'hello {"name":"env"}');
        assert.deepEqual(creditsOf(answer), ["0.3", "9.7"]);
        assert.deepEqual(creditsOf(await run(request({ "X-Big": "1" }), {})), ["5", "4.7"]);
        assert.deepEqual([await stateOf(id), reported], [[4.7, 0], []]);
      });

      test("answers 402 as a problem, and the handler never runs", async () => {
        let runs = 0;
        const handler = () => {
          runs += 1;
          return new Response("ran");
        };
        for (const mode of ["consume", "reserve"]) {
          const { id, run } = await gate(`poor-${mode}`, 1.5, handler, { mode });
          const answer = await run(request());
          const { headers } = answer;
          assert.deepEqual(
            [answer.status, headers.get("Content-Type")],
            [402, "application/problem+json"],
          );
          const { type, title, status, code, balance, requested } = await answer.json();
          assert.deepEqual(
            [type, title, status, code, balance, requested],
            [
              `${PROBLEM}insufficient_credits`,
              "Not enough credits",
              402,
              "insufficient_credits",
              1.5,
              2,
            ],
          );
          assert.deepEqual(await stateOf(id), [1.5, 0]);
        }
        const onInsufficient = (problem: Package, got: Request) =>
          new Response(`${problem.code} ${new URL(got.url).pathname}`, { status: 303 });
        const { run } = await gate("page", 1, handler, { onInsufficient });
        const page = await run(request());
        assert.deepEqual([page.status, await page.text()], [303, "insufficient_credits /draw"]);
        assert.equal(runs, 0);
      });

      test("reverses the charge of a handler that throws or answers from 500 on", async () => {
        const failure = new Error("broken");
        const handler = (got: Request) => {
          const status = Number(got.headers.get("X-Status"));
          if (status === 0) throw failure;
          return new Response(String(status), { status });
        };
        const { id, run, reported } = await gate("fail", 10, handler, {});
        await assert.rejects(run(request()), failure);
        const failed = await run(request({ "X-Status": "500" }));
        assert.deepEqual([failed.status, await failed.text()], [500, "500"]);
        assert.deepEqual(creditsOf(failed), ["0", null]);
        assert.equal((await run(request({ "X-Status": "404" }))).status, 404);
        assert.deepEqual(await typesOf(id), [
          ["topup", 10],
          ["consumption", -2],
          ["refund", 2],
          ["consumption", -2],
          ["refund", 2],
          ["consumption", -2],
        ]);
        assert.deepEqual(reported, []);
      });

      test("reserve holds, and settles when the streamed answer ends", async () => {
        let stream = new TransformStream<Uint8Array, Uint8Array>();
        const handler = () => new Response(stream.readable);
        const { id, run, reported, setCost } = await gate("stream", 10, handler, {
          mode: "reserve",
        });
        const send = async (writer: WritableStreamDefaultWriter, text: string) =>
          writer.write(new TextEncoder().encode(text));
        for (const cost of [undefined, 0.5, 3, 0]) {
          stream = new TransformStream();
          const before = await stateOf(id);
          const asked = request();
          const answer = await run(asked);
          assert.deepEqual(creditsOf(answer), ["2", String(before[0] - 2)]);
          const text = answer.text();
          const writer = stream.writable.getWriter();
          await send(writer, "a");
          assert.deepEqual(await stateOf(id), [before[0], 2]);
          await send(writer, "b");
          if (cost !== undefined) setCost(asked, cost);
          await writer.close();
          assert.equal(await text, "ab");
          assert.deepEqual(await stateOf(id), [before[0] - (cost ?? 2), 0]);
        }
        assert.deepEqual(reported, []);
      });

      test("reserve releases when it breaks, fails or throws, and settles what was said", async () => {
        const broken = new Error("cut");
        const answering = (source: object) => () => new Response(new ReadableStream(source));
        const breaking = answering({
          pull(controller: ReadableStreamDefaultController) {
            controller.error(broken);
          },
        });
        const mode = "reserve";
        const { id, run, setCost } = await gate("break", 10, breaking, { mode });
        await assert.rejects((await run(request())).text(), broken);
        assert.deepEqual(await stateOf(id), [10, 0]);
        const asked = request();
        const answer = await run(asked);
        setCost(asked, 0.7);
        await assert.rejects(answer.text(), broken);
        assert.deepEqual(await stateOf(id), [9.3, 0]);

        const endless = answering({
          pull(controller: ReadableStreamDefaultController) {
            controller.enqueue(new Uint8Array(8));
          },
        });
        const left = await gate("left", 10, endless, { mode });
        await (await left.run(request())).body.cancel();
        assert.deepEqual(await stateOf(left.id), [8, 0]);

        const thrown = await gate("thrown", 10, () => Promise.reject(broken), { mode });
        await assert.rejects(thrown.run(request()), broken);
        assert.deepEqual(await stateOf(thrown.id), [10, 0]);
        const failing = () => new Response("no", { status: 503 });
        const failed = await gate("failed", 10, failing, { mode });
        assert.equal((await failed.run(request())).status, 503);
        assert.deepEqual(await stateOf(failed.id), [10, 0]);
      });

      test("reserve charges what the answer's header says, by action, without a body too", async () => {
        const headers = { "X-Credits-Cost": "0.1" };
        const handler = () => new Response(null, { status: 204, headers });
        const cost = { service: "images", action: "generate", quantity: 5 };
        const { id, run } = await gate("header", 10, handler, { mode: "reserve", cost });
        assert.deepEqual(creditsOf(await run(request())), ["0.1", "9.9"]);
        assert.deepEqual(await stateOf(id), [9.9, 0]);
      });

      test("reserve settles at once where no body is sent, by what any copy was told", async () => {
        const handler = () => new Response("never read");
        const { id, run } = await gate("head", 10, handler, { mode: "reserve" });
        const asked = new Request("https://app.test", { method: "HEAD" });
        const hono = project.require("./node_modules/edge-credits/dist/hono.cjs");
        hono.setCost(asked, 0.5);
        assert.deepEqual(creditsOf(await run(asked)), ["0.5", "9.5"]);
        assert.deepEqual(await stateOf(id), [9.5, 0]);
      });

      test("settling outlives the answer where the runtime lets it", async () => {
        const handler = () => new Response("done");
        const { id, run } = await gate("wait", 10, handler, { mode: "reserve" });
        const waited: Promise<unknown>[] = [];
        const context = { waitUntil: (promise: Promise<unknown>) => waited.push(promise) };
        const answer = await run(request(), {}, context);
        assert.equal(waited.length, 1);
        assert.equal(await answer.text(), "done");
        await Promise.all(waited);
        assert.deepEqual(await stateOf(id), [8, 0]);
      });

      test("a request's own key is charged once, and anew after it was reversed", async () => {
        for (const mode of ["consume", "reserve"]) {
          let status = 500;
          const handler = () => new Response("x", { status });
          const idempotencyKey = (got: Request) => `${mode}-${got.headers.get("X-Key")}`;
          const options = { mode, idempotencyKey };
          const { id, run } = await gate(`key-${mode}`, 10, handler, options);
          const ask = async (name: string) => (await run(request({ "X-Key": name }))).text();
          await ask(`${name}-1`);
          await ask(`${name}-1`);
          assert.deepEqual(await stateOf(id), [10, 0]);
          status = 200;
          for (let count = 0; count < 3; count += 1) await ask(`${name}-1`);
          assert.deepEqual(await stateOf(id), [8, 0]);
          // What was served stays charged, also if a repeat of it fails.
          status = 500;
          await ask(`${name}-1`);
          assert.deepEqual(await stateOf(id), [8, 0]);
        }
      });

      test("passes for free what is skipped or costs nothing; a nobody is a 401", async () => {
        const handler = () => new Response("free");
        const { id, run } = await gate("free", 1, handler, {
          skip: (got: Request) => got.headers.has("X-Skip"),
          cost: 0,
        });
        for (const headers of [{ "X-Skip": "1" }, {}]) {
          const answer = await run(request(headers as Record<string, string>));
          assert.deepEqual([await answer.text(), creditsOf(answer)], ["free", [null, null]]);
        }
        assert.deepEqual(await stateOf(id), [1, 0]);
        const nobody = await gate("nobody", 1, handler, { customer: () => undefined });
        const answer = await nobody.run(request());
        assert.deepEqual([answer.status, (await answer.json()).code], [401, "no_customer"]);
      });

      test("denies with 503 while the engine cannot be asked, or lets pass if told to", async () => {
        let runs = 0;
        const handler = () => {
          runs += 1;
          return new Response("ran");
        };
        const silent = { engine: unreachable() };
        const denied = await gate("down", 10, handler, silent);
        const answer = await denied.run(request());
        assert.deepEqual(
          [answer.status, (await answer.json()).code, runs],
          [503, "credits_unavailable", 0],
        );
        assert.ok(denied.reported[0] instanceof index.ConnectionError);
        const options = { ...silent, onUnavailable: "allow" };
        const allowed = await gate("open", 10, handler, options);
        assert.equal(await (await allowed.run(request())).text(), "ran");
        assert.equal(allowed.reported.length, 1);
        assert.deepEqual(await stateOf(allowed.id), [10, 0]);
      });

      test("takes back a charge that arrived although its answer was lost", async () => {
        let isLost = true;
        const losing = async (url: string, init: RequestInit) => {
          const answer = await fetch(url, init);
          if (!isLost) return answer;
          isLost = false;
          throw new TypeError("fetch failed");
        };
        const lossy = client({ fetch: losing, maxRetries: 0 });
        const waited: Promise<unknown>[] = [];
        const context = { waitUntil: (promise: Promise<unknown>) => waited.push(promise) };
        const { id, run } = await gate("lost", 10, () => new Response(""), { engine: lossy });
        assert.equal((await run(request(), {}, context)).status, 503);
        await Promise.all(waited);
        assert.deepEqual(await typesOf(id), [
          ["topup", 10],
          ["consumption", -2],
          ["refund", 2],
        ]);
      });

      test("a mistake in the setup is a 500 that says nothing, never a free pass", async () => {
        const handler = () => new Response("ran");
        const wrong = client({ apiKey: "ce_live_wrong" });
        const options = { engine: wrong, onUnavailable: "allow" };
        const { run, reported } = await gate("wrong", 10, handler, options);
        const answer = await run(request());
        assert.deepEqual([answer.status, (await answer.json()).code], [500, "internal"]);
        assert.ok(reported[0] instanceof index.AuthenticationError);
        const { withCredits } = await get();
        assert.throws(() => withCredits(handler, { mode: "hold" }), { code: "configuration" });
      });
    },
  );
});
