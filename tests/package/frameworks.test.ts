// The types of the adapters are their own, and fit those of the real frameworks: what an app would
// write compiles in strict mode, what is wrong does not.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { NODE, TSC } from "../../scripts/toolchain.mjs";
import { Project } from "./install.ts";

const TIMEOUT_MS = 120_000;
const ENGINE = `import { CreditEngine } from "edge-credits";
const engine = new CreditEngine({ apiKey: "ce_test_x" });
`;

const HONO = `${ENGINE}
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { hc } from "hono/client";
import { credits, setCost } from "edge-credits/hono";

type AppEnv = { Variables: { user: string }; Bindings: { PRICE: string } };
const app = new Hono<AppEnv>();
app.use(credits({ engine, customer: (c) => c.get("user"), cost: (c) => c.env.PRICE }));
app.use("/a/*", credits({ engine, customer: (c) => c.req.header("X-User"), cost: 1 }));
app.post(
  "/b/:id",
  credits({
    engine,
    customer: (c) => c.req.param("id"),
    cost: { service: "images", action: "generate" },
    mode: "reserve",
    idempotencyKey: (c) => c.req.header("Idempotency-Key"),
    skip: async (c) => c.req.path === "/b/free",
    onInsufficient: (problem, c) => c.json({ missing: problem.detail }, 402),
    onUnavailable: "allow",
    onError: (error) => console.error(error),
  }),
  (c) => {
    setCost(c, "0.5");
    return c.text(c.req.param("id"));
  },
);
export const shared: MiddlewareHandler<AppEnv> = credits<Context<AppEnv>>({
  engine,
  customer: (c) => c.get("user"),
  cost: 1,
});

// What the client of an app knows of its routes is still known.
const typed = new Hono().get("/t", credits({ engine, customer: () => "a", cost: 1 }), (c) =>
  c.json({ count: 1 }),
);
const value = await (await hc<typeof typed>("http://app.test").t.$get()).json();
export const count: number = value.count;
// @ts-expect-error it is a number
export const text: string = value.count;

// @ts-expect-error a context has no such method
app.use(credits({ engine, customer: (c) => c.nobody(), cost: 1 }));
// @ts-expect-error somebody has to pay
app.use(credits({ engine, cost: 1 }));
// @ts-expect-error there is no such mode
app.use(credits({ engine, customer: () => "a", cost: 1, mode: "hold" }));
// @ts-expect-error not a context
setCost(new Request("http://app.test"), 1);
`;

const EXPRESS = `${ENGINE}
import express, { type Request, type RequestHandler, type Response } from "express";
import { credits, setCost } from "edge-credits/express";

const app = express();
app.use(express.json(), credits({ engine, customer: (req) => req.get("X-User"), cost: 1 }));
app.post(
  "/b/:id",
  credits({
    engine,
    customer: (req) => req.params.id,
    cost: (req, res) => (res.locals.isCheap ? "0.5" : 1),
    mode: "reserve",
    idempotencyKey: (req) => req.get("Idempotency-Key"),
    skip: (req) => req.method === "HEAD",
    onInsufficient: (problem, _req, res) => res.status(402).json({ missing: problem.detail }),
  }),
  async (req, res) => {
    setCost(req, 0.5);
    res.json({ id: req.params.id });
  },
);
export const shared: RequestHandler = credits<Request, Response>({
  engine,
  customer: (req) => req.ip,
  cost: 1,
});
express.Router().get("/x", shared, (_req, res) => res.send("x"));

// @ts-expect-error a request has no such method
app.use(credits({ engine, customer: (req) => req.nobody(), cost: 1 }));
// @ts-expect-error somebody has to pay
app.use(credits({ engine, cost: 1 }));
`;

const NEXT = `${ENGINE}
import { after, type NextMiddleware, type NextProxy, type NextRequest, NextResponse } from "next/server";
import { creditsMiddleware, setCost, withCredits } from "edge-credits/next";

type Route = (request: NextRequest, context: { params: Promise<{ id: string }> }) => Promise<Response>;
export const POST: Route = withCredits(
  async (request: NextRequest, { params }: { params: Promise<{ id: string }> }) => {
    setCost(request, "0.5");
    return NextResponse.json({ id: (await params).id });
  },
  {
    engine,
    customer: (request) => request.cookies.get("user")?.value,
    cost: async (_request, { params }) => ((await params).id === "dear" ? 5 : 1),
    mode: "reserve",
    after,
    onInsufficient: (problem) => NextResponse.json({ missing: problem.detail }, { status: 402 }),
  },
);
export const GET: (request: NextRequest) => Promise<Response> = withCredits(
  async () => Response.json({}),
  { engine, customer: () => "a", cost: 1 },
);

export const proxy: NextProxy = creditsMiddleware({
  engine,
  customer: (request) => request.cookies.get("user")?.value ?? request.headers.get("X-User"),
  cost: (request) => (request.nextUrl.pathname === "/dear" ? 5 : 1),
  skip: (request) => request.method === "HEAD",
});
const own: NextMiddleware = () => NextResponse.next();
export const middleware: NextMiddleware = creditsMiddleware<NextRequest>({
  engine,
  customer: (request) => request.nextUrl.searchParams.get("user"),
  cost: 1,
  next: (request) => NextResponse.rewrite(new URL("/paid", request.url)),
  onInsufficient: (_problem, request) => NextResponse.redirect(new URL("/buy", request.url)),
});
export const around = (request: NextRequest, event: Parameters<NextMiddleware>[1]) =>
  creditsMiddleware<NextRequest>({
    engine,
    customer: () => "a",
    cost: 1,
    next: () => own(request, event),
  })(request, event);

// @ts-expect-error a middleware cannot hold
creditsMiddleware({ engine, customer: () => "a", cost: 1, mode: "reserve" });
// @ts-expect-error a request has no such method
creditsMiddleware({ engine, customer: (request) => request.nobody(), cost: 1 });
`;

describe("the adapters' types", () => {
  let project: Project;
  before(() => {
    project = new Project();
    // Types of one Node only: Express's bring theirs.
    project.link("hono", "express", "next", "react", "@types");
  });
  after(() => project?.remove());

  async function compile(name: string, text: string, options: object): Promise<string> {
    const compilerOptions = {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      // The frameworks' own types are theirs.
      skipLibCheck: true,
      target: "es2022",
      types: ["node"],
      ...options,
    };
    const file = project.write(name, text);
    const config = project.write(
      `${name}.json`,
      JSON.stringify({ compilerOptions, files: [file] }),
    );
    const done = promisify(execFile)(NODE, [TSC, "-p", config], { timeout: TIMEOUT_MS });
    return done.then(
      ({ stdout }) => stdout,
      (error) => error.stdout || error.message,
    );
  }

  const nodenext = { module: "nodenext" };
  const bundler = { module: "esnext", moduleResolution: "bundler", jsx: "preserve" };
  const dom = { lib: ["es2022", "dom", "dom.iterable"] };
  const cases: [string, string, string, object][] = [
    ["Hono on Node", "hono.mts", HONO, { ...nodenext, lib: ["es2022"] }],
    ["Hono, bundled", "hono.ts", HONO, { ...bundler, ...dom }],
    ["Express", "express.mts", EXPRESS, { ...nodenext, lib: ["es2022"], esModuleInterop: true }],
    ["Next", "next.ts", NEXT, { ...bundler, ...dom }],
  ];
  for (const [title, name, text, options] of cases)
    test(`fit ${title}`, async () => assert.equal(await compile(name, text, options), ""));
});
