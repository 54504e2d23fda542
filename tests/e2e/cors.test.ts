import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine } from "./engine.ts";
import { Origin, setRules } from "./origin.ts";

const SHOP = "https://shop.example";
const DESK = "https://desk.example:8443";
const PATH = "/v1/customers/al/balance";

let closed: Engine;
let open: Engine;
let anyone: Engine;
let live: string;
let origin: Origin;
before(async () => {
  origin = await Origin.start();
  closed = await Engine.start();
  const env = { CORS_ORIGINS: `${SHOP}, ${DESK}` };
  open = await Engine.start({ env, originAddress: origin.address });
  anyone = await Engine.start({ env: { CORS_ORIGINS: "*" } });
  ({ live } = await open.project("shop"));
  await open.customer(live, "al", 10);
});
after(async () => {
  await Promise.all([closed.end(), open.end(), anyone.end()]);
  await origin.end();
});

function preflight(engine: Engine, from: string, path = PATH) {
  const headers = {
    Origin: from,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, idempotency-key",
  };
  return engine.send("OPTIONS", path, { headers });
}

/** The names of all headers that tell a browser something of other origins. */
function told(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}

test("without configuration no browser is told anything", async () => {
  const asked = await preflight(closed, SHOP);
  assert.ok(asked.status >= 400 && asked.status < 500, String(asked.status));
  const { headers } = await closed.send("GET", "/healthz", { headers: { Origin: SHOP } });
  assert.deepEqual([told(asked.headers), told(headers)], [[], []]);
});

test("a preflight from an allowed origin needs no key and is answered with what it asks for", async () => {
  for (const [from, path] of [
    [SHOP, PATH],
    [DESK, PATH],
    [SHOP, "/gate/chat"],
  ] as const) {
    const asked = await preflight(open, from, path);
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get("Access-Control-Allow-Origin"), from);
    assert.match(asked.headers.get("Access-Control-Allow-Methods") ?? "", /\bPOST\b/);
    const allowed = asked.headers.get("Access-Control-Allow-Headers");
    assert.equal(allowed, "authorization, idempotency-key");
    assert.match(asked.headers.get("Vary") ?? "", /\bOrigin\b/);
    assert.equal(asked.headers.get("Access-Control-Allow-Credentials"), null);
  }
});

test("another origin is told nothing, however similar its name", async () => {
  for (const from of [
    "https://evil.example",
    `${SHOP}.evil.example`,
    `${SHOP}:8443`,
    SHOP.replace("https", "http"),
    SHOP.toUpperCase(),
    "null",
    "",
    ",",
  ]) {
    const asked = await preflight(open, from);
    assert.ok(asked.status >= 400 && asked.status < 500, `${from}: ${asked.status}`);
    const answer = await open.send("GET", PATH, { key: live, headers: { Origin: from } });
    assert.equal(answer.status, 200);
    assert.deepEqual([told(answer.headers), told(asked.headers)], [[], []], from);
  }
});

test("answers to an allowed origin can be read, errors too, and no cache mixes them up", async () => {
  const headers = { Origin: SHOP };
  const read = await open.send("GET", PATH, { key: live, headers });
  const refused = await open.send("GET", PATH, { headers });
  const missing = await open.send("GET", "/nowhere", { headers });
  assert.deepEqual([read.status, refused.status, missing.status], [200, 401, 404]);
  for (const answer of [read, refused, missing]) {
    assert.equal(answer.headers.get("Access-Control-Allow-Origin"), SHOP);
    assert.match(answer.headers.get("Access-Control-Expose-Headers") ?? "", /X-Request-Id/);
    assert.match(answer.headers.get("Vary") ?? "", /\bOrigin\b/);
  }
  const plain = await open.send("GET", PATH, { key: live });
  assert.deepEqual([told(plain.headers), plain.headers.get("Vary")], [[], "Origin"]);
});

test("an OPTIONS request that is no preflight is an ordinary request", async () => {
  const answer = await open.send("OPTIONS", PATH, { headers: { Origin: SHOP } });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("Access-Control-Allow-Origin"), SHOP);
});

test("a gated answer can be read by an allowed origin, whatever the gated service says", async () => {
  await setRules(open, live, [{ method: "GET", path: "/chat", amount: 1, mode: "consume" }]);
  origin.answers(200, { "Access-Control-Allow-Origin": "https://other.example", Vary: "Accept" });
  const headers = { Origin: DESK, "X-Customer-Id": "al" };
  const answer = await open.send("GET", "/gate/chat", { key: live, headers });
  assert.deepEqual([answer.status, answer.body], [200, "done"]);
  assert.equal(answer.headers.get("Access-Control-Allow-Origin"), DESK);
  assert.match(answer.headers.get("Access-Control-Expose-Headers") ?? "", /X-Credits-Remaining/);
  assert.equal(answer.headers.get("Vary"), "Accept, Origin");
});

test("a * allows every origin", async () => {
  const asked = await preflight(anyone, "https://anywhere.example");
  assert.equal(asked.status, 204);
  const allowed = asked.headers.get("Access-Control-Allow-Origin") ?? "";
  assert.ok(["*", "https://anywhere.example"].includes(allowed));
});
