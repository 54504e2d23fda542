// `edge-credits/hono` from the tarball in real Hono apps, in memory and on Node's HTTP, against a
// real engine.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { until } from "../e2e/watch.ts";
import { eachFormat, type Package } from "./install.ts";
import { creditsOf, Shop } from "./shop.ts";

describe("edge-credits/hono", () => {
  let shop: Shop;
  let hono: Package;
  let streaming: Package;
  let exceptions: Package;
  let node: Package;

  before(async () => {
    shop = await Shop.open();
    shop.project.link("hono", "@hono/node-server");
    hono = await shop.project.import("hono");
    streaming = await shop.project.import("hono/streaming");
    exceptions = await shop.project.import("hono/http-exception");
    node = await shop.project.import("@hono/node-server");
  });
  after(() => shop?.close());

  eachFormat(
    "hono",
    () => shop.project,
    ({ name, get }) => {
      /** An app with the middleware for a customer of its own, and what was reported. */
      async function appFor(customer: string, credits: number, options: object = {}) {
        const id = `${name}-${customer}`;
        await shop.engine.customer(shop.key, id, credits);
        const reported: Package[] = [];
        const onError = (error: unknown) => reported.push(error);
        const adapter = await get();
        const app = new hono.Hono();
        app.use("/paid/*", async (c: Package, next: Package) => {
          c.set("user", id);
          await next();
        });
        const all = { engine: shop.client(), customer: (c: Package) => c.get("user"), cost: 2 };
        app.use("/paid/*", adapter.credits({ ...all, onError, ...options }));
        return { id, app, reported, setCost: adapter.setCost };
      }

      test("charges first, tells cost and rest, and leaves the answer as it is", async () => {
        const cost = (c: Package) =>
          c.req.query("big") ? 5 : { service: "images", action: "generate" };
        const { id, app, reported } = await appFor("pay", 10, { cost });
        app.post("/paid/draw", async (c: Package) => {
          c.header("Set-Cookie", "a=1", { append: true });
          c.header("Set-Cookie", "b=2", { append: true });
          return c.text(`${await c.req.text()} ${(await shop.stateOf(id))[0]}`, 201);
        });
        app.get("/free", (c: Package) => c.text("free"));
        const answer = await app.request("/paid/draw", { method: "POST", body: "hello" });
        assert.deepEqual([answer.status, await answer.text()], [201, "hello 9.7"]);
        assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
        assert.deepEqual(creditsOf(answer), ["0.3", "9.7"]);
        const big = await app.request("/paid/draw?big=1", { method: "POST" });
        assert.deepEqual(creditsOf(big), ["5", "4.7"]);
        assert.deepEqual(creditsOf(await app.request("/free")), [null, null]);
        assert.deepEqual([await shop.stateOf(id), reported], [[4.7, 0], []]);
      });

      test("answers 402 as a problem, and the handler never runs", async () => {
        let runs = 0;
        const handler = (c: Package) => {
          runs += 1;
          return c.text("ran");
        };
        for (const mode of ["consume", "reserve"]) {
          const { id, app } = await appFor(`poor-${mode}`, 1.5, { mode });
          app.get("/paid/draw", handler);
          const answer = await app.request("/paid/draw");
          assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
          const { status, code, balance, requested } = await answer.json();
          assert.deepEqual([answer.status, status, code], [402, 402, "insufficient_credits"]);
          assert.deepEqual([balance, requested], [1.5, 2]);
          assert.deepEqual(await shop.stateOf(id), [1.5, 0]);
        }
        const onInsufficient = (problem: Package, c: Package) => c.json({ no: problem.code }, 303);
        const { app } = await appFor("page", 1, { onInsufficient });
        app.get("/paid/draw", handler);
        const page = await app.request("/paid/draw");
        assert.deepEqual([page.status, await page.json()], [303, { no: "insufficient_credits" }]);
        assert.equal(runs, 0);
      });

      test("reverses the charge of what throws or answers from 500 on", async () => {
        const { id, app, reported } = await appFor("fail", 10);
        const { HTTPException } = exceptions;
        app.get("/paid/throw", () => {
          throw new Error("broken");
        });
        app.get("/paid/odd", () => Promise.reject("no error"));
        app.get("/paid/answer/:status", (c: Package) => c.text("x", Number(c.req.param("status"))));
        app.get("/paid/exception/:status", (c: Package) => {
          throw new HTTPException(Number(c.req.param("status")), { message: "said" });
        });
        app.onError((error: Package, c: Package) =>
          error instanceof HTTPException ? error.getResponse() : c.text("caught", 418),
        );
        const refunded = async (path: string, status: number) => {
          const answer = await app.request(path);
          assert.deepEqual([answer.status, creditsOf(answer)], [status, ["0", null]], path);
          assert.deepEqual(await shop.stateOf(id), [10, 0]);
        };
        // Whatever is made of it: the work was not done.
        await refunded("/paid/throw", 418);
        await refunded("/paid/answer/500", 500);
        await refunded("/paid/exception/503", 503);
        await assert.rejects(app.request("/paid/odd"), (thrown) => thrown === "no error");
        assert.deepEqual(await shop.stateOf(id), [10, 0]);
        // Thrown in order to be answered, as the same that is returned.
        assert.deepEqual(creditsOf(await app.request("/paid/exception/404")), ["2", "8"]);
        assert.deepEqual(creditsOf(await app.request("/paid/answer/404")), ["2", "6"]);
        assert.deepEqual([await shop.stateOf(id), reported], [[6, 0], []]);
      });

      test("an app that forgets to answer is not charged", async () => {
        const { id, app } = await appFor("silent", 10);
        app.get("/paid/silent", async () => {});
        app.onError((error: Error, c: Package) => c.text(error.message, 500));
        const answer = await app.request("/paid/silent");
        assert.match(await answer.text(), /Context is not finalized/);
        assert.deepEqual(await shop.stateOf(id), [10, 0]);
      });

      test("reserve holds, and settles when the streamed answer ends or breaks", async () => {
        const { id, app, reported, setCost } = await appFor("stream", 10, { mode: "reserve" });
        let go: (text?: string) => void = () => {};
        app.get("/paid/stream", (c: Package) =>
          streaming.stream(c, async (out: Package) => {
            await out.write("a");
            const cost = await new Promise<string | undefined>((resolve) => {
              go = resolve;
            });
            if (cost !== undefined) setCost(c, cost);
            await out.write("b");
          }),
        );
        app.get("/paid/break", (c: Package) => {
          if (c.req.query("cost")) setCost(c, c.req.query("cost"));
          const pull = (controller: ReadableStreamDefaultController) =>
            controller.error(new Error("cut"));
          return c.body(new ReadableStream({ pull }));
        });
        for (const cost of [undefined, "0.5", "3", "0"]) {
          const [balance] = await shop.stateOf(id);
          const answer = await app.request("/paid/stream");
          assert.deepEqual(creditsOf(answer), ["2", String(balance - 2)]);
          const reader = answer.body.getReader();
          assert.equal(String.fromCharCode(...(await reader.read()).value), "a");
          assert.deepEqual(await shop.stateOf(id), [balance, 2]);
          go(cost);
          while (!(await reader.read()).done);
          assert.deepEqual(await shop.stateOf(id), [balance - Number(cost ?? 2), 0]);
        }

        const [balance] = await shop.stateOf(id);
        await assert.rejects((await app.request("/paid/break")).text(), /cut/);
        assert.deepEqual(await shop.stateOf(id), [balance, 0]);
        await assert.rejects((await app.request("/paid/break?cost=0.5")).text(), /cut/);
        assert.deepEqual(await shop.stateOf(id), [balance - 0.5, 0]);
        await (await app.request("/paid/stream")).body.cancel();
        assert.deepEqual(await shop.stateOf(id), [balance - 2.5, 0]);
        assert.deepEqual(reported, []);
      });

      test("reserve charges what the answer says, also where no body is sent", async () => {
        const { id, app, setCost } = await appFor("said", 10, { mode: "reserve" });
        app.get("/paid/header", (c: Package) => c.text("x", 200, { "X-Credits-Cost": "0.250" }));
        app.get("/paid/said", (c: Package) => {
          setCost(c, 0.5);
          return c.text("x");
        });
        const header = await app.request("/paid/header");
        assert.deepEqual([creditsOf(header), await header.text()], [["0.25", "9.75"], "x"]);
        assert.deepEqual(await shop.stateOf(id), [9.75, 0]);
        assert.equal((await app.request("/paid/said", { method: "HEAD" })).status, 200);
        assert.deepEqual(await shop.stateOf(id), [9.25, 0]);
      });

      test("settling outlives the answer where the runtime lets it", async () => {
        const { id, app } = await appFor("wait", 10, { mode: "reserve" });
        app.get("/paid/text", (c: Package) => c.text("done"));
        const waited: Promise<unknown>[] = [];
        const context = {
          isContext: true,
          waitUntil(promise: Promise<unknown>) {
            assert.ok(this.isContext);
            waited.push(promise);
          },
        };
        const answer = await app.request("/paid/text", {}, {}, context);
        assert.equal(waited.length, 1);
        assert.equal(await answer.text(), "done");
        await Promise.all(waited);
        assert.deepEqual(await shop.stateOf(id), [8, 0]);
      });

      test("a request's own key is charged once; free is what is skipped", async () => {
        const { id, app } = await appFor("key", 10, {
          idempotencyKey: (c: Package) => c.req.header("Idempotency-Key"),
          skip: (c: Package) => c.req.query("free") !== undefined,
        });
        app.get("/paid/draw", (c: Package) => c.text("ran"));
        for (const key of ["1", "1", "2"]) {
          const headers = { "Idempotency-Key": `hono-${name}-${key}` };
          assert.equal((await app.request("/paid/draw", { headers })).status, 200);
        }
        assert.deepEqual(creditsOf(await app.request("/paid/draw?free")), [null, null]);
        assert.deepEqual(await shop.stateOf(id), [6, 0]);
      });

      test("denies with 503 while the engine cannot be asked, and 401 to a nobody", async () => {
        const down = await appFor("down", 10, { engine: shop.unreachable() });
        down.app.get("/paid/draw", (c: Package) => c.text("ran"));
        assert.equal((await down.app.request("/paid/draw")).status, 503);
        const open = await appFor("open", 10, {
          engine: shop.unreachable(),
          onUnavailable: "allow",
        });
        open.app.get("/paid/draw", (c: Package) => c.text("ran"));
        assert.equal(await (await open.app.request("/paid/draw")).text(), "ran");
        assert.ok(down.reported.length > 0 && open.reported.length > 0);
        const nobody = await appFor("nobody", 1, { customer: () => undefined });
        assert.equal((await nobody.app.request("/paid/draw")).status, 401);
        const { credits } = await get();
        assert.throws(() => credits({ mode: "hold" }), { code: "configuration" });
      });

      test("on Node's HTTP: answers, failures, and readers who leave", async () => {
        const { id, app, reported } = await appFor("http", 10, { mode: "reserve" });
        app.get("/paid/text", (c: Package) => c.text("hello"));
        app.get("/paid/throw", () => {
          throw new Error("broken");
        });
        app.onError((_: unknown, c: Package) => c.text("failed", 500));
        app.get("/paid/endless", (c: Package) => {
          const pull = (controller: ReadableStreamDefaultController) =>
            controller.enqueue(new Uint8Array(8));
          return c.body(new ReadableStream({ pull }));
        });
        const server: Server = node.serve({ fetch: app.fetch, port: 0 });
        try {
          if (!server.listening) await once(server, "listening");
          const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          const answer = await fetch(`${url}/paid/text`);
          assert.deepEqual([creditsOf(answer), await answer.text()], [["2", "8"], "hello"]);
          const failed = await fetch(`${url}/paid/throw`);
          assert.deepEqual([failed.status, creditsOf(failed)], [500, ["0", null]]);
          assert.equal(await failed.text(), "failed");
          assert.deepEqual(await shop.stateOf(id), [8, 0]);
          const endless = await fetch(`${url}/paid/endless`);
          await endless.body?.cancel();
          const settled = async () => (await shop.stateOf(id))[1] === 0;
          await until("what the reader left is settled", settled);
          assert.deepEqual([await shop.stateOf(id), reported], [[6, 0], []]);
        } finally {
          server.close();
        }
      });
    },
  );
});
