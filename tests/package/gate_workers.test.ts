// `edge-credits/gate` in a Worker, on workerd, with the package's own wasm, against a real engine.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { WORKERD } from "../../scripts/toolchain.mjs";
import { Engine } from "../e2e/engine.ts";
import { until } from "../e2e/watch.ts";
import { Project } from "./install.ts";

const WASM = "edge_credits.wasm";
const WORKER = `
import { CreditEngine } from "edge-credits";
import { withCredits } from "edge-credits/gate";

async function handler(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/throw") throw new Error("broken");
  if (pathname === "/fail") return new Response("no", { status: 500 });
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const write = async () => {
    await writer.write(new TextEncoder().encode("part "));
    if (pathname === "/break") await writer.abort(new Error("cut"));
    else await writer.close();
  };
  write().catch(() => {});
  return new Response(readable);
}

export default {
  fetch(request, env, ctx) {
    const engine = new CreditEngine({ apiKey: env.KEY, baseUrl: env.URL });
    const customer = () => "anna";
    const mode = request.headers.get("X-Mode");
    return withCredits(handler, { engine, customer, cost: 2, mode })(request, env, ctx);
  },
};`;

const configOf = (key: string, url: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ],
);
const mainWorker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "${WASM}", wasm = embed "${WASM}"),
  ],
  bindings = [ (name = "KEY", text = "${key}"), (name = "URL", text = "${url}") ],
  compatibilityDate = "2025-01-01",
);
`;

describe("edge-credits/gate on workerd", () => {
  let engine: Engine;
  let project: Project;
  let worker: ChildProcess | undefined;
  let url: string;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    await engine.customer(key, "anna", 10);
    project = new Project();
    await build({
      entryPoints: [project.write("source.js", WORKER)],
      outfile: join(project.dir, "worker.js"),
      bundle: true,
      format: "esm",
      conditions: ["workerd"],
      external: [`*/${WASM}`],
    });
    const dist = join(project.dir, "node_modules", "edge-credits", "dist");
    copyFileSync(join(dist, WASM), join(project.dir, WASM));
    const config = project.write("config.capnp", configOf(key, engine.url));
    worker = spawn(WORKERD, ["serve", "--control-fd=3", config], {
      cwd: project.dir,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    const [line] = await once(worker.stdio[3] as Readable, "data");
    url = `http://127.0.0.1:${JSON.parse(String(line)).port}`;
  });
  after(async () => {
    worker?.kill("SIGKILL");
    project?.remove();
    await engine?.end();
  });

  const ask = (path: string, mode: string) =>
    fetch(`${url}${path}`, { headers: { "X-Mode": mode } });
  /** Waits until nothing is held; gives the balance. */
  const settled = () =>
    until("nothing is held", async () => {
      const { body } = await engine.send("GET", "/v1/customers/anna/balance", { key });
      return body.held === 0 && [body.balance];
    });

  test("charges, and reverses what failed", async () => {
    const answer = await ask("/", "consume");
    assert.deepEqual(
      [answer.status, answer.headers.get("X-Credits-Remaining"), await answer.text()],
      [200, "8", "part "],
    );
    assert.equal((await ask("/fail", "consume")).status, 500);
    assert.deepEqual(await settled(), [8]);
    await (await ask("/throw", "consume")).text();
    assert.deepEqual(await settled(), [8]);
  });

  test("settles a stream after its end, and releases one that breaks", async () => {
    const answer = await ask("/", "reserve");
    assert.deepEqual([answer.headers.get("X-Credits-Cost"), await answer.text()], ["2", "part "]);
    assert.deepEqual(await settled(), [6]);
    await assert.rejects(async () => (await ask("/break", "reserve")).text());
    assert.deepEqual(await settled(), [6]);
    await (await ask("/throw", "reserve")).text();
    assert.deepEqual(await settled(), [6]);
  });

  test("answers 402 to who has too little", async () => {
    for (let count = 0; count < 3; count += 1) await (await ask("/", "consume")).text();
    for (const mode of ["consume", "reserve"]) assert.equal((await ask("/", mode)).status, 402);
    assert.deepEqual(await settled(), [0]);
  });
});
