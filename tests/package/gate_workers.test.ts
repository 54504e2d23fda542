// `edge-credits/gate` in a Worker, on workerd, with the package's own wasm, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { until } from "../e2e/watch.ts";
import { Project } from "./install.ts";
import { bundle, UserWorker } from "./worker.ts";

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

describe("edge-credits/gate on workerd", () => {
  let engine: Engine;
  let project: Project;
  let worker: UserWorker;
  let key: string;

  before(async () => {
    engine = await Engine.start();
    key = (await engine.project("shop")).live;
    await engine.customer(key, "anna", 10);
    project = new Project();
    await bundle(project, WORKER);
    worker = await UserWorker.start(project, { variables: { KEY: key, URL: engine.url } });
  });
  after(async () => {
    worker?.end();
    project?.remove();
    await engine?.end();
  });

  const ask = (path: string, mode: string) =>
    fetch(`${worker.url}${path}`, { headers: { "X-Mode": mode } });
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
