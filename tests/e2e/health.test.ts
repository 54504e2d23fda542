import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, Engine } from "./engine.ts";

let engine: Engine;
before(async () => {
  engine = await Engine.start();
});
after(() => engine.end());

test("the engine is healthy, and every answer carries a request id of its own", async () => {
  const first = await engine.send("GET", "/healthz");
  const second = await engine.send("GET", "/healthz");
  assert.deepEqual([first.status, first.body.status], [200, "ok"]);
  const ids = [first, second].map((answer) => answer.headers.get("X-Request-Id") ?? "");
  assert.ok(ids.every((id) => /^req_[0-9a-z]+$/.test(id)) && ids[0] !== ids[1]);
});

test("a project has one pair of first keys, shown once", async () => {
  await engine.project("shop");
  const again = await engine.send("POST", "/v1/projects", {
    key: ADMIN_TOKEN,
    body: { id: "shop" },
  });
  assert.deepEqual([again.status, again.body.code], [409, "already_exists"]);
  const list = await engine.send("GET", "/v1/projects", { key: ADMIN_TOKEN });
  assert.deepEqual(
    list.body.data.map((project: { id: string }) => project.id),
    ["shop"],
  );
});
