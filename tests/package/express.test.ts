// `edge-credits/express` from the tarball, in real Express servers, against a real engine: its ES
// module in Express 5, its CommonJS build in Express 4.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { PassThrough, pipeline } from "node:stream";
import { after, before, describe, test } from "node:test";
import { until } from "../e2e/watch.ts";
import { eachFormat, type Package } from "./install.ts";
import { creditsOf, Shop } from "./shop.ts";

describe("edge-credits/express", () => {
  let shop: Shop;
  const servers: Server[] = [];

  before(async () => {
    shop = await Shop.open();
    shop.project.link("express", "express4");
  });
  after(async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await shop?.close();
  });

  eachFormat(
    "express",
    () => shop.project,
    ({ name, get }) => {
      const isOld = name === "cjs";
      let express: Package;
      before(() => {
        express = shop.project.require(isOld ? "express4" : "express");
      });

      /** A server with the middleware for a customer of its own, and what was reported. */
      async function serverFor(customer: string, credits: number, options: object = {}) {
        const id = `${name}-${customer}`;
        await shop.engine.customer(shop.key, id, credits);
        const reported: Package[] = [];
        const onError = (error: unknown) => reported.push(error);
        const adapter = await get();
        const app = express();
        app.set("env", "test");
        const all = { engine: shop.client(), customer: () => id, cost: 2, onError, ...options };
        app.use("/paid", adapter.credits(all));
        const server: Server = app.listen(0, "127.0.0.1");
        servers.push(server);
        await once(server, "listening");
        const { port } = server.address() as AddressInfo;
        const ask = (path: string, init?: RequestInit) =>
          fetch(`http://127.0.0.1:${port}${path}`, init);
        return { id, app, port, ask, reported, setCost: adapter.setCost };
      }
      const settled = (id: string) =>
        until("nothing is held", async () => {
          const state = await shop.stateOf(id);
          return state[1] === 0 && state;
        });

      test("charges first, tells cost and rest, and leaves the answer as it is", async () => {
        const cost = (req: Package) =>
          req.query.big ? 5 : { service: "images", action: "generate" };
        const { id, app, ask, reported } = await serverFor("pay", 10, { cost });
        app.post("/paid/draw", express.text(), async (req: Package, res: Package) => {
          res.cookie("a", "1").cookie("b", "2");
          res.status(201).send(`${req.body} ${(await shop.stateOf(id))[0]}`);
        });
        app.get("/free", (_: Package, res: Package) => res.send("free"));
        const text = { "Content-Type": "text/plain" };
        const answer = await ask("/paid/draw", { method: "POST", body: "hello", headers: text });
        assert.deepEqual([answer.status, await answer.text()], [201, "hello 9.7"]);
        assert.equal(answer.headers.getSetCookie().length, 2);
        assert.deepEqual(creditsOf(answer), ["0.3", "9.7"]);
        assert.deepEqual(creditsOf(await ask("/paid/draw?big=1", { method: "POST" })), [
          "5",
          "4.7",
        ]);
        assert.deepEqual(creditsOf(await ask("/free")), [null, null]);
        assert.deepEqual([await shop.stateOf(id), reported], [[4.7, 0], []]);
      });

      test("answers 402 as a problem, and the handler never runs", async () => {
        let runs = 0;
        const handler = (_: Package, res: Package) => {
          runs += 1;
          res.send("ran");
        };
        for (const mode of ["consume", "reserve"]) {
          const { id, app, ask } = await serverFor(`poor-${mode}`, 1.5, { mode });
          app.get("/paid/draw", handler);
          const answer = await ask("/paid/draw");
          assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
          const { status, code, balance, requested } = (await answer.json()) as Package;
          assert.deepEqual([answer.status, status, code], [402, 402, "insufficient_credits"]);
          assert.deepEqual([balance, requested], [1.5, 2]);
          assert.deepEqual(await shop.stateOf(id), [1.5, 0]);
        }
        const onInsufficient = (problem: Package, req: Package, res: Package) =>
          res.status(303).json({ no: problem.code, path: req.path });
        const { app, ask } = await serverFor("page", 1, { onInsufficient });
        app.get("/paid/draw", handler);
        const page = await ask("/paid/draw", { redirect: "manual" });
        assert.deepEqual(
          [page.status, await page.json()],
          [303, { no: "insufficient_credits", path: "/draw" }],
        );
        assert.equal(runs, 0);
      });

      for (const mode of ["consume", "reserve"]) {
        test(`${mode}: gives back what an answer of 500 cost`, async () => {
          const { id, app, ask, reported } = await serverFor(`fail-${mode}`, 10, { mode });
          app.get("/paid/throw", () => {
            throw new Error("broken");
          });
          app.get("/paid/reject", async () => Promise.reject(new Error("broken")));
          app.get("/paid/next/:status", (req: Package, _: Package, next: Package) =>
            next(Object.assign(new Error("no"), { status: Number(req.params.status) })),
          );
          app.get("/paid/send/:status", (req: Package, res: Package) =>
            res.status(Number(req.params.status)).send("x"),
          );
          app.get("/paid/parts", (_: Package, res: Package) => {
            res.writeHead(502);
            res.write("in ");
            res.end("parts");
          });
          // A promise that a handler's caller does not look at is lost in Express 4.
          const promised = isOld ? [] : ["reject"];
          for (const path of ["throw", "next/503", "send/500", ...promised]) {
            const answer = await ask(`/paid/${path}`);
            assert.ok(answer.status >= 500, path);
            assert.deepEqual(creditsOf(answer), ["0", null], path);
            assert.deepEqual(await shop.stateOf(id), [10, 0], path);
          }
          const parts = await ask("/paid/parts");
          assert.deepEqual([await parts.text(), creditsOf(parts)], ["in parts", [null, null]]);
          assert.deepEqual(await shop.stateOf(id), [10, 0]);
          // The caller's own mistakes cost.
          assert.deepEqual(creditsOf(await ask("/paid/next/404")), ["2", "8"]);
          assert.deepEqual(creditsOf(await ask("/paid/send/404")), ["2", "6"]);
          assert.deepEqual(creditsOf(await ask("/paid/nowhere")), ["2", "4"]);
          assert.deepEqual([await shop.stateOf(id), reported], [[4, 0], []]);
        });
      }

      test("reserve settles what was said before the answer is shown", async () => {
        const { id, app, ask, setCost } = await serverFor("said", 10, { mode: "reserve" });
        app.get("/paid/header", (_: Package, res: Package) =>
          res.set("X-Credits-Cost", "0.25").send("x"),
        );
        app.get("/paid/said", (req: Package, res: Package) => {
          setCost(req, "0.5");
          res.json({ said: true });
        });
        app.get("/paid/whole", (_: Package, res: Package) => res.status(204).end());
        assert.deepEqual(creditsOf(await ask("/paid/header")), ["0.25", "9.75"]);
        assert.deepEqual(await shop.stateOf(id), [9.75, 0]);
        const said = await ask("/paid/said");
        assert.deepEqual([creditsOf(said), await said.json()], [["0.5", "9.25"], { said: true }]);
        assert.deepEqual(await shop.stateOf(id), [9.25, 0]);
        assert.deepEqual(creditsOf(await ask("/paid/said", { method: "HEAD" })), ["0.5", "8.75"]);
        assert.deepEqual(creditsOf(await ask("/paid/whole")), ["2", "6.75"]);
        assert.deepEqual(await shop.stateOf(id), [6.75, 0]);
      });

      test("reserve settles a stream before its end is shown", async () => {
        const { id, app, ask, setCost, reported } = await serverFor("stream", 10, {
          mode: "reserve",
        });
        let source = new PassThrough();
        let asked: Package;
        app.get("/paid/stream", (req: Package, res: Package) => {
          asked = req;
          source.pipe(res);
        });
        for (const cost of [undefined, 0.5, 3, 0]) {
          source = new PassThrough();
          source.write("a");
          const [balance] = await shop.stateOf(id);
          const answer = await ask("/paid/stream");
          assert.deepEqual(creditsOf(answer), ["2", String(balance - 2)]);
          assert.deepEqual(await shop.stateOf(id), [balance, 2]);
          if (cost !== undefined) setCost(asked, cost);
          source.end("b");
          assert.equal(await answer.text(), "ab");
          assert.deepEqual(await shop.stateOf(id), [balance - (cost ?? 2), 0]);
        }
        assert.deepEqual(reported, []);
      });

      test("reserve releases what the server breaks off, and settles what was said", async () => {
        const { id, app, ask, setCost } = await serverFor("break", 10, { mode: "reserve" });
        const begin = (handler: Package) => (req: Package, res: Package, next: Package) => {
          if (req.query.cost) setCost(req, req.query.cost);
          // The head has arrived before what follows.
          res.write("a", () => handler(res, next));
        };
        app.get(
          "/paid/destroy",
          begin((res: Package) => res.destroy(new Error("cut"))),
        );
        app.get(
          "/paid/next",
          begin((_: Package, next: Package) => next(new Error("cut"))),
        );
        const failing = (res: Package) => {
          const source = new PassThrough();
          pipeline(source, res, () => {});
          source.destroy(new Error("cut"));
        };
        app.get("/paid/pipeline", begin(failing));
        for (const path of ["destroy", "next", "pipeline"]) {
          await assert.rejects(async () => (await ask(`/paid/${path}`)).text(), path);
          assert.deepEqual(await settled(id), [10, 0], path);
        }
        await assert.rejects(async () => (await ask("/paid/next?cost=0.5")).text());
        assert.deepEqual(await settled(id), [9.5, 0]);
        app.get("/paid/nothing", (req: Package) => req.socket.destroy());
        await assert.rejects(ask("/paid/nothing"));
        assert.deepEqual(await settled(id), [9.5, 0]);
      });

      test("consume gives back what was broken off before anything was answered", async () => {
        const { id, app, ask } = await serverFor("cut", 10);
        app.get("/paid/nothing", (_: Package, res: Package) => res.destroy(new Error("cut")));
        await assert.rejects(ask("/paid/nothing"));
        const isBack = async () => (await shop.stateOf(id))[0] === 10;
        await until("the charge is given back", isBack);
        assert.equal((await shop.typesOf(id)).at(-1)?.[0], "refund");
      });

      test("a reader who leaves pays", async () => {
        const { id, app, port, ask } = await serverFor("left", 10, { mode: "reserve" });
        app.get("/paid/endless", (_: Package, res: Package) => {
          const more = () => res.destroyed || res.write(Buffer.alloc(65_536), more);
          more();
        });
        let began = () => {};
        app.get("/paid/slow", () => began());
        const answer = await ask("/paid/endless");
        await answer.body?.cancel();
        assert.deepEqual(await settled(id), [8, 0]);
        const isAtWork = new Promise<void>((resolve) => {
          began = resolve;
        });
        const socket = connect(port, "127.0.0.1");
        socket.write("GET /paid/slow HTTP/1.1\r\nHost: x\r\n\r\n");
        await isAtWork;
        socket.destroy();
        assert.deepEqual(await settled(id), [6, 0]);
      });

      test("work fails after its reader left: the charge is given back all the same", async () => {
        const { id, app, port } = await serverFor("late", 10);
        let began = () => {};
        app.get("/paid/slow", async (_: Package, res: Package) => {
          began();
          await once(res, "close");
          res.status(500).send("too late");
        });
        const isAtWork = new Promise<void>((resolve) => {
          began = resolve;
        });
        const socket = connect(port, "127.0.0.1");
        socket.write("GET /paid/slow HTTP/1.1\r\nHost: x\r\n\r\n");
        await isAtWork;
        assert.deepEqual(await shop.stateOf(id), [8, 0]);
        socket.destroy();
        const isBack = async () => (await shop.stateOf(id))[0] === 10;
        await until("the charge is given back", isBack);
      });

      test("who left before it was paid is neither served nor charged", async () => {
        let isAsked = () => {};
        let goOn = () => {};
        const asked = new Promise<void>((resolve) => {
          isAsked = resolve;
        });
        const gone = new Promise<void>((resolve) => {
          goOn = resolve;
        });
        const slow = async (url: string, init: RequestInit) => {
          isAsked();
          await gone;
          return fetch(url, init);
        };
        const engine = shop.client({ fetch: slow });
        const { id, app, port } = await serverFor("gone", 10, { engine });
        let runs = 0;
        app.use((_: Package, res: Package, next: Package) => {
          runs += 1;
          next();
          res.end();
        });
        const socket = connect(port, "127.0.0.1");
        const [server] = servers.slice(-1);
        const [[serverSide]] = await Promise.all([
          once(server as Server, "connection"),
          (async () => socket.write("GET /paid/x HTTP/1.1\r\nHost: x\r\n\r\n"))(),
        ]);
        await asked;
        const closed = once(serverSide, "close");
        socket.destroy();
        await closed;
        goOn();
        const types = () => shop.typesOf(id);
        await until("the charge is given back", async () => (await types()).length === 3);
        assert.deepEqual(
          (await types()).map(([type]) => type),
          ["topup", "consumption", "refund"],
        );
        assert.equal(runs, 0);
      });

      test("an answer that waits for its settlement looks sent", async () => {
        const { id, app, ask } = await serverFor("sent", 10, { mode: "reserve" });
        const seen: unknown[] = [];
        app.get("/paid/twice", (_: Package, res: Package, next: Package) => {
          res.status(200).send("once");
          seen.push(res.headersSent, res.writableEnded);
          res.statusCode = 418;
          res.end("twice");
          next();
        });
        const answer = await ask("/paid/twice");
        assert.deepEqual([answer.status, await answer.text()], [200, "once"]);
        assert.deepEqual(seen, [true, true]);
        assert.deepEqual(await shop.stateOf(id), [8, 0]);
      });

      test("what cannot be written ends the connection, and is no unhandled rejection", async () => {
        const { id, app, ask } = await serverFor("unwritable", 10, { mode: "reserve" });
        app.get("/paid/number", (_: Package, res: Package) => res.end(17));
        await assert.rejects(ask("/paid/number"));
        assert.deepEqual(await settled(id), [8, 0]);
      });

      test("a connection serves one request after the other", async () => {
        const { id, app, ask, reported } = await serverFor("alive", 100, { mode: "reserve" });
        app.get("/paid/draw", (_: Package, res: Package) => res.send("ran"));
        for (let count = 0; count < 15; count += 1) await (await ask("/paid/draw")).text();
        assert.deepEqual([await shop.stateOf(id), reported], [[70, 0], []]);
      });

      test("a request's own key is charged once; free is what is skipped", async () => {
        const { id, app, ask } = await serverFor("key", 10, {
          idempotencyKey: (req: Package) => req.get("Idempotency-Key"),
          skip: (req: Package) => req.query.free !== undefined,
        });
        app.get("/paid/draw", (_: Package, res: Package) => res.send("ran"));
        for (const key of ["1", "1", "2"]) {
          const headers = { "Idempotency-Key": `express-${name}-${key}` };
          assert.equal((await ask("/paid/draw", { headers })).status, 200);
        }
        assert.deepEqual(creditsOf(await ask("/paid/draw?free")), [null, null]);
        assert.deepEqual(await shop.stateOf(id), [6, 0]);
      });

      test("denies with 503 while the engine cannot be asked; a mistake is Express's", async () => {
        const handler = (_: Package, res: Package) => res.send("ran");
        const engine = shop.unreachable();
        const down = await serverFor("down", 10, { engine });
        down.app.get("/paid/draw", handler);
        assert.equal((await down.ask("/paid/draw")).status, 503);
        const open = await serverFor("open", 10, { engine, onUnavailable: "allow" });
        open.app.get("/paid/draw", handler);
        assert.equal(await (await open.ask("/paid/draw")).text(), "ran");
        assert.ok(down.reported.length > 0 && open.reported.length > 0);
        const customer = async () => {
          throw Object.assign(new Error("who?"), { status: 418 });
        };
        const lost = await serverFor("lost", 10, { customer });
        assert.equal((await lost.ask("/paid/draw")).status, 418);
        const { credits } = await get();
        assert.throws(() => credits({ mode: "hold" }), { code: "configuration" });
      });
    },
  );
});
