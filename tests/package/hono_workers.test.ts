// `edge-credits/hono` in a Worker, on workerd, with the package's own wasm, against a real engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../e2e/watch.ts";
import { creditsOf, Shop } from "./shop.ts";
import { bundle, UserWorker } from "./worker.ts";

const WORKER = `
import { CreditEngine } from "edge-credits";
import { credits, setCost } from "edge-credits/hono";
import { Hono } from "hono";

const app = new Hono();
app.use((c, next) => {
  const engine = new CreditEngine({ apiKey: c.env.KEY, baseUrl: c.env.URL });
  const mode = c.req.header("X-Mode");
  return credits({ engine, customer: () => "anna", cost: 2, mode })(c, next);
});
app.get("/throw", () => {
  throw new Error("broken");
});
app.onError((error, c) => c.text("failed", 500));
app.get("/:end", (c) => {
  const { readable, writable } = new TransformStream();
  const write = async () => {
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode("part "));
    if (c.req.param("end") === "break") return writer.abort(new Error("cut"));
    setCost(c, "0.5");
    await writer.close();
  };
  write().catch(() => {});
  return c.body(readable);
});
export default app;
`;

describe("edge-credits/hono on workerd", () => {
  let shop: Shop;
  let worker: UserWorker;

  before(async () => {
    shop = await Shop.open();
    shop.project.link("hono");
    await shop.engine.customer(shop.key, "anna", 10);
    await bundle(shop.project, WORKER);
    const variables = { KEY: shop.key, URL: shop.engine.url };
    worker = await UserWorker.start(shop.project, { variables });
  });
  after(async () => {
    worker?.end();
    await shop?.close();
  });

  const ask = (path: string, mode: string) =>
    fetch(`${worker.url}${path}`, { headers: { "X-Mode": mode } });
  const settled = () =>
    until("nothing is held", async () => {
      const [balance, held] = await shop.stateOf("anna");
      return held === 0 && [balance];
    });

  test("charges, and reverses what failed", async () => {
    const answer = await ask("/end", "consume");
    assert.deepEqual([creditsOf(answer), await answer.text()], [["2", "8"], "part "]);
    const failed = await ask("/throw", "consume");
    assert.deepEqual([failed.status, creditsOf(failed)], [500, ["0", null]]);
    assert.deepEqual(await settled(), [8]);
  });

  test("settles a stream after its end, releases one that breaks, and refuses", async () => {
    const answer = await ask("/end", "reserve");
    assert.deepEqual([creditsOf(answer), await answer.text()], [["2", "6"], "part "]);
    assert.deepEqual(await settled(), [7.5]);
    await assert.rejects(async () => (await ask("/break", "reserve")).text());
    assert.deepEqual(await settled(), [7.5]);
    assert.equal((await ask("/throw", "reserve")).status, 500);
    assert.deepEqual(await settled(), [7.5]);
    for (let count = 0; count < 3; count += 1) await (await ask("/end", "consume")).text();
    for (const mode of ["consume", "reserve"]) assert.equal((await ask("/end", mode)).status, 402);
    assert.deepEqual(await settled(), [1.5]);
  });
});
