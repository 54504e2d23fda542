// `edge-credits/next` from the tarball in a real Next.js app, built and started as in production:
// a route on Node, one on the edge runtime, each with the package's own wasm, and a `proxy`.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { NODE, ROOT } from "../../scripts/toolchain.mjs";
import { until } from "../e2e/watch.ts";
import { type Package, Project } from "./install.ts";
import { creditsOf, Shop } from "./shop.ts";

const BUILD_DEADLINE_MS = 240_000;
const START_DEADLINE_MS = 60_000;
/** Where linked packages may be: Next takes no file from outside of it. */
const PARENT = join(ROOT, "build");
const CONFIG = `export default {
  turbopack: { root: ${JSON.stringify(ROOT)} },
  outputFileTracingRoot: ${JSON.stringify(ROOT)},
};`;

const WORK = `
import { CreditEngine } from "edge-credits";
import { setCost, withCredits } from "edge-credits/next";
import { notFound, redirect } from "next/navigation";
import { after } from "next/server";

const engine = new CreditEngine({
  apiKey: process.env.CREDITS_KEY,
  baseUrl: process.env.CREDITS_URL,
});
let runs = 0;

async function work(request, { params }) {
  const { deed } = await params;
  runs += 1;
  if (deed === "throw") throw new Error("broken");
  if (deed === "fail") return new Response("no", { status: 500 });
  if (deed === "redirect") redirect("/elsewhere");
  if (deed === "missing") notFound();
  if (deed === "ok") return Response.json({ runs, runtime: process.env.NEXT_RUNTIME });
  let count = 0;
  const pull = async (controller) => {
    count += 1;
    if (deed === "endless" || count === 1) {
      return controller.enqueue(new TextEncoder().encode("part "));
    }
    if (deed === "break") throw new Error("cut");
    setCost(request, "0.5");
    controller.close();
  };
  return new Response(new ReadableStream({ pull }));
}

const options = {
  engine,
  customer: (request) => request.headers.get("X-User"),
  cost: async (request, { params }) => ((await params).deed === "dear" ? 1000 : 2),
  idempotencyKey: (request) => request.headers.get("Idempotency-Key"),
};
export const consume = withCredits(work, options);
export const reserve = withCredits(work, { ...options, mode: "reserve" });
export const later = withCredits(work, { ...options, mode: "reserve", after });
`;
const ROUTE = `
import { consume, later, reserve } from "../../../work.js";
export const POST = consume;
export const GET = reserve;
export const PUT = later;
`;
const PROXY = `
import { CreditEngine } from "edge-credits";
import { creditsMiddleware } from "edge-credits/next";
import { NextResponse } from "next/server";

const engine = new CreditEngine({
  apiKey: process.env.CREDITS_KEY,
  baseUrl: process.env.CREDITS_URL,
});

export const proxy = creditsMiddleware({
  engine,
  customer: (request) => request.cookies.get("user")?.value,
  cost: 2,
  next(request) {
    const { pathname } = request.nextUrl;
    if (pathname === "/gated/throw") throw new Error("broken");
    if (pathname === "/gated/away") return NextResponse.redirect(new URL("/else", request.url));
    if (pathname !== "/gated/told") return undefined;
    const headers = new Headers({ "X-Told": "by the proxy" });
    const response = NextResponse.next({ request: { headers } });
    response.cookies.set("seen", "1");
    return response;
  },
});
export const config = { matcher: "/gated/:path*" };
`;
const GATED = `
export async function GET(request, { params }) {
  const { deed } = await params;
  if (deed === "fail") return new Response("no", { status: 500 });
  return Response.json({ told: request.headers.get("X-Told") });
}
`;
const FILES = {
  "next.config.mjs": CONFIG,
  "work.js": WORK,
  "proxy.js": PROXY,
  "app/layout.js": "export default ({ children }) => <html><body>{children}</body></html>;",
  "app/node/[deed]/route.js": ROUTE,
  "app/edge/[deed]/route.js": `${ROUTE}export const runtime = "edge";`,
  "app/gated/[deed]/route.js": GATED,
};

describe("edge-credits/next", () => {
  let shop: Shop;
  let server: ChildProcess | undefined;
  let url: string;
  let output = "";

  before(
    async () => {
      mkdirSync(PARENT, { recursive: true });
      shop = await Shop.open(new Project(PARENT));
      const { project, key, engine } = shop;
      project.link("next", "react", "react-dom");
      for (const [name, text] of Object.entries(FILES)) project.write(name, text);
      const next = join(project.dir, "node_modules", "next", "dist", "bin", "next");
      const own = { CREDITS_KEY: key, CREDITS_URL: engine.url, NEXT_TELEMETRY_DISABLED: "1" };
      const env = { ...process.env, ...own, NODE_ENV: "production" as const };
      const options = { cwd: project.dir, env };
      const built = promisify(execFile)(NODE, [next, "build"], {
        ...options,
        timeout: BUILD_DEADLINE_MS,
      });
      await built.catch((error) => assert.fail(`${error.stdout}${error.stderr}`));
      server = spawn(NODE, [next, "start", "--port", "0", "--hostname", "127.0.0.1"], {
        ...options,
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [server.stdout, server.stderr])
        stream?.on("data", (text) => {
          output += text;
        });
      const address = /http:\/\/127\.0\.0\.1:[1-9]\d*/;
      const isReady = () => (/Ready/.test(output) ? address.exec(output)?.[0] : undefined);
      url = await until("Next is ready", isReady, START_DEADLINE_MS);
    },
    { timeout: BUILD_DEADLINE_MS + 2 * START_DEADLINE_MS },
  );
  after(async () => {
    server?.kill("SIGKILL");
    await shop?.close();
  });

  const settled = (id: string) =>
    until("nothing is held", async () => {
      const state = await shop.stateOf(id);
      return state[1] === 0 && state;
    });

  for (const runtime of ["node", "edge"]) {
    describe(`a route handler on ${runtime}`, () => {
      /** A customer of its own, and calls that it pays for. */
      async function customer(name: string, credits: number) {
        const id = `${runtime}-${name}`;
        await shop.engine.customer(shop.key, id, credits);
        const ask = (deed: string, method = "POST", headers: Record<string, string> = {}) =>
          fetch(`${url}/${runtime}/${deed}`, {
            method,
            headers: { "X-User": id, ...headers },
            redirect: "manual",
          });
        return { id, ask };
      }

      test("is charged for, and answers 402 without running", async () => {
        const { id, ask } = await customer("pay", 5);
        const first = await ask("ok");
        const { runs, runtime: found } = (await first.json()) as Package;
        assert.deepEqual(
          [first.status, creditsOf(first), found],
          [200, ["2", "3"], runtime === "node" ? "nodejs" : runtime],
        );
        assert.deepEqual(creditsOf(await ask("ok")), ["2", "1"]);
        for (const method of ["POST", "GET", "PUT"]) {
          const refused = await ask("ok", method);
          assert.equal(refused.headers.get("Content-Type"), "application/problem+json");
          const { status, code, balance, requested } = (await refused.json()) as Package;
          assert.deepEqual([refused.status, status, code], [402, 402, "insufficient_credits"]);
          assert.deepEqual([balance, requested], [1, 2]);
        }
        await shop.engine.customer(shop.key, id, 2);
        const next = (await (await ask("ok")).json()) as Package;
        assert.equal(next.runs, runs + 2);
      });

      test("costs nothing if it fails, and what it answers by throwing costs", async () => {
        const { id, ask } = await customer("fail", 10);
        for (const method of ["POST", "GET", "PUT"]) {
          assert.equal((await ask("throw", method)).status, 500);
          const failed = await ask("fail", method);
          assert.deepEqual([failed.status, creditsOf(failed)], [500, ["0", null]]);
          assert.deepEqual(await shop.stateOf(id), [10, 0]);
        }
        const redirected = await ask("redirect");
        assert.deepEqual([redirected.status, await shop.stateOf(id)], [307, [8, 0]]);
        assert.equal(redirected.headers.get("Location"), "/elsewhere");
        assert.deepEqual(
          [(await ask("missing", "GET")).status, await shop.stateOf(id)],
          [404, [6, 0]],
        );
      });

      test("settles a stream when it ends, breaks, or its reader leaves", async () => {
        const { id, ask } = await customer("stream", 10);
        for (const [method, left] of [
          ["GET", 9.5],
          ["PUT", 9],
        ] as const) {
          const answer = await ask("stream", method);
          assert.deepEqual(creditsOf(answer), ["2", String(left - 1.5)]);
          assert.equal(await answer.text(), "part ");
          assert.deepEqual(await settled(id), [left, 0]);
          await assert.rejects(async () => (await ask("break", method)).text());
          assert.deepEqual(await settled(id), [left, 0]);
        }
        const endless = await ask("endless", "GET");
        await endless.body?.cancel();
        assert.deepEqual(await settled(id), [7, 0]);
        assert.equal((await ask("stream", "HEAD")).status, 200);
        assert.deepEqual(await settled(id), [5, 0]);
      });

      test("is charged for once under a request's own key", async () => {
        const { id, ask } = await customer("key", 10);
        for (const key of ["1", "1", "2"])
          await (await ask("ok", "POST", { "Idempotency-Key": `${runtime}-${key}` })).text();
        assert.deepEqual(await shop.stateOf(id), [6, 0]);
      });
    });
  }

  test("a proxy charges, goes on, and answers 402 by itself", async () => {
    await shop.engine.customer(shop.key, "gated", 7);
    const ask = (deed: string) =>
      fetch(`${url}/gated/${deed}`, { headers: { Cookie: "user=gated" }, redirect: "manual" });
    const answer = await ask("plain");
    assert.deepEqual([creditsOf(answer), await answer.json()], [["2", "5"], { told: null }]);
    const told = await ask("told");
    assert.deepEqual([creditsOf(told), await told.json()], [["2", "3"], { told: "by the proxy" }]);
    assert.deepEqual(told.headers.getSetCookie(), ["seen=1; Path=/"]);
    // What the proxy itself does not do is not charged; what the route does, it cannot see.
    assert.equal((await ask("throw")).status, 500);
    assert.deepEqual(await shop.stateOf("gated"), [3, 0]);
    const failed = await ask("fail");
    assert.deepEqual([failed.status, await shop.stateOf("gated")], [500, [1, 0]]);
    const refused = await ask("plain");
    assert.equal(refused.headers.get("Content-Type"), "application/problem+json");
    assert.deepEqual([refused.status, ((await refused.json()) as Package).balance], [402, 1]);
    await shop.engine.customer(shop.key, "gated", 1);
    const away = await ask("away");
    assert.deepEqual([away.status, creditsOf(away)], [307, ["2", "0"]]);
    assert.equal((await fetch(`${url}/gated/plain`)).status, 401);
  });

  test("the edge runtime got the wasm as a file, which is all that it takes", () => {
    const path = join(shop.project.dir, ".next", "server");
    const files = readdirSync(path, { recursive: true, encoding: "utf8" });
    assert.equal(files.filter((file) => file.endsWith(".wasm")).length, 1);
  });

  test("a middleware that should hold is a mistake, in both formats", async () => {
    const options = { mode: "reserve" };
    const cjs = shop.project.require("./node_modules/edge-credits/dist/next.cjs");
    for (const { creditsMiddleware } of [await shop.project.import("edge-credits/next"), cjs])
      assert.throws(() => creditsMiddleware(options), { code: "configuration" });
  });
});
