import assert from "node:assert/strict";
import { request as sendRaw } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";
import { Origin, setRules } from "./origin.ts";
import { assertSound, balance, journal } from "./watch.ts";

let origin: Origin;
let engine: Engine;
let live: string;
let customer: string;
let own: { id: string; key: string };
let count = 0;

before(async () => {
  origin = await Origin.start();
  engine = await Engine.start({ originAddress: origin.address });
  ({ live } = await engine.project("shop"));
  await setRules(engine, live, [
    { method: "POST", path: "/chat", amount: 3, mode: "consume", refund_on: ["5xx", "network"] },
    { method: "*", path: "/job/*", amount: 10, mode: "reserve", refund_on: ["5xx", "network"] },
    { method: "GET", path: "/kept", amount: 2, mode: "consume", refund_on: [] },
    { method: "POST", path: "/kept", amount: 2, mode: "reserve", refund_on: [] },
    { method: "*", path: "/first", amount: 1, mode: "consume", refund_on: [] },
    { method: "*", path: "/first", amount: 50, mode: "consume", refund_on: [] },
    { method: "*", path: "/free", amount: 0, mode: "consume", refund_on: [] },
    { method: "GET", path: "/open/*", amount: 0.5, mode: "consume", refund_on: [] },
    { method: "HEAD", path: "/open/*", amount: 0.5, mode: "consume", refund_on: [] },
    { method: "GET", path: "/secret", amount: 20, mode: "consume", refund_on: [] },
    { method: "GET", path: "/*", amount: 1, mode: "consume", refund_on: [] },
  ]);
});
after(async () => {
  await engine.end();
  await origin.end();
});
beforeEach(async () => {
  count += 1;
  customer = `customer ${count}`;
  await engine.customer(live, customer, 100);
  own = await engine.customerKey(live, customer);
  origin.seen.length = 0;
  origin.answers(200);
});

function pass(method: string, path: string, more: Json = {}): Promise<Answer> {
  return engine.send(method, `/gate${path}`, { key: own.key, ...more });
}

const left = () => balance(engine, live, customer);
const kinds = () => journal(engine, customer).map((row) => row.kind);

function credits(answer: Answer): (string | null)[] {
  return ["X-Credits-Cost", "X-Credits-Remaining"].map((name) => answer.headers.get(name));
}

test("a consume rule charges first, forwards, and says what it cost", async () => {
  origin.answers(201, { "X-Own": "kept", "Set-Cookie": ["a=1", "b=2"] }, "made");
  const answer = await pass("POST", "/chat?x=1&y=%20", { body: { hi: 1 } });
  assert.deepEqual([answer.status, answer.body], [201, "made"]);
  assert.deepEqual([answer.headers.get("X-Own"), ...credits(answer)], ["kept", "3", "97"]);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual([origin.last.method, origin.last.url], ["POST", "/chat?x=1&y=%20"]);
  assert.equal(await left(), 97);
});

test("too few credits for a reserve rule: the 402 counts what other holds have set aside", async () => {
  const body = { user_id: customer, amount: 95 };
  const other = await engine.send("POST", "/v1/usage-transactions", { key: live, body });
  assert.equal(other.body.continue, true);
  const answer = await pass("POST", "/job/a");
  const { code, balance, available, requested, shortfall } = answer.body;
  assert.deepEqual([answer.status, code], [402, "insufficient_credits"]);
  assert.deepEqual([balance, available, requested, shortfall], [100, 5, 10, 5]);
  assert.equal(origin.seen.length, 0);
});

test("a reserve rule holds, forwards, and charges what the origin says: less, more, or nothing said", async () => {
  for (const [said, cost, remaining] of [
    ["2.5", "2.5", 97.5],
    ["25", "25", 72.5],
    ["0", "0", 72.5],
    [undefined, "10", 62.5],
    ["gratis", "10", 52.5],
    ["-4", "10", 42.5],
  ] as const) {
    origin.handler = (_, response) => {
      assert.equal(kinds().at(-1), "hold", "the hold is there before the origin is called");
      response.writeHead(200, said === undefined ? {} : { "X-Credits-Cost": said }).end();
    };
    const answer = await pass("GET", "/job/1");
    assert.deepEqual([answer.status, ...credits(answer)], [200, cost, String(remaining)], said);
    assert.equal(await left(), remaining);
  }
  assert.equal(await balance(engine, live, customer, "held"), 0);
});

test("the origin learns who pays by which transaction, and never the key", async () => {
  const impostor = {
    "X-Customer-Id": "somebody else",
    "X-Credits-Transaction": "txn_forged",
    "X-Credits-Remaining": "1000000",
    "X-Credits-Cost": "0",
    "X-Deployment-Id": customer,
    "X-Deployment-Secret": own.key,
    "X-Other": "passes",
  };
  for (const path of ["/chat", "/job/2"]) {
    await pass("POST", path, { body: {}, headers: impostor });
    const { headers, rawHeaders } = origin.last;
    assert.ok(!rawHeaders.some((text) => text.includes(own.key) || text.includes("Bearer")));
    assert.deepEqual([headers["x-customer-id"], headers["x-other"]], [customer, "passes"]);
    const forbidden = ["authorization", "x-deployment-id", "x-deployment-secret"];
    assert.deepEqual(
      [...forbidden, "x-credits-remaining", "x-credits-cost"].filter((name) => name in headers),
      [],
    );
    const id = String(headers["x-credits-transaction"]);
    const route = path === "/chat" ? "transactions" : "usage-transactions";
    const transaction = await engine.send("GET", `/v1/${route}/${id}`, { key: live });
    assert.deepEqual([transaction.status, transaction.body.customer_id], [200, customer]);
  }
});

test("a project key names the customer by X-Customer-Id, and must", async () => {
  const key = live;
  const named = await pass("GET", "/first", { key, headers: { "X-Customer-Id": customer } });
  assert.deepEqual([named.status, ...credits(named)], [200, "1", "99"]);
  const unnamed = await pass("GET", "/first", { key });
  assert.deepEqual([unnamed.status, unnamed.body.code], [400, "missing_field"]);
  assert.equal(origin.seen.length, 1);
});

test("without enough credits the origin is never called", async () => {
  await engine.send("POST", `/v1/customers/${encodeURIComponent(customer)}/consume`, {
    key: live,
    body: { amount: 98 },
  });
  for (const [method, path] of [
    ["POST", "/chat"],
    ["GET", "/job/3"],
  ] as const) {
    const refused = await pass(method, path);
    assert.deepEqual([refused.status, refused.body.code], [402, "insufficient_credits"]);
    assert.equal(refused.body.balance, 2);
  }
  assert.equal(origin.seen.length, 0);
  assert.equal(await left(), 2);
});

test("a customer who is unknown, a key that is wrong or revoked: the origin is never called", async () => {
  const headers = { "X-Customer-Id": "nobody" };
  assert.equal((await pass("GET", "/first", { key: live, headers })).status, 402);
  assert.equal((await pass("GET", "/free", { key: live, headers })).status, 404);
  assert.equal((await pass("GET", "/first", { key: `${own.key}x` })).body.code, "invalid_key");
  assert.equal((await pass("GET", "/first", { key: undefined })).body.code, "missing_key");
  assert.equal((await pass("GET", "/first")).status, 200);
  await engine.send("DELETE", `/v1/keys/${own.id}`, { key: live });
  for (const path of ["/first", "/job/4", "/free"]) {
    const revoked = await pass("GET", path);
    assert.deepEqual([path, revoked.status, revoked.body.code], [path, 401, "invalid_key"]);
  }
  assert.equal(origin.seen.length, 1);
});

test("the first rule that matches wins, and without one nothing is charged or called", async () => {
  assert.deepEqual(credits(await pass("GET", "/first")), ["1", "99"]);
  const nothing = await pass("PUT", "/nowhere");
  assert.deepEqual([nothing.status, nothing.body.code], [404, "no_gate_rule"]);
  assert.deepEqual([origin.seen.length, await left()], [1, 99]);
});

test("a free rule charges nothing and forwards", async () => {
  assert.deepEqual(credits(await pass("GET", "/free")), ["0", "100"]);
  assert.deepEqual([origin.last.headers["x-customer-id"], kinds()], [customer, ["topup"]]);
});

/** Sends a target as it is: `fetch` would tidy it up. */
function sendTarget(target: string): Promise<{ status: number; cost: string | undefined }> {
  const { hostname, port } = new URL(engine.url);
  const headers = { Authorization: `Bearer ${own.key}` };
  return new Promise((resolve, reject) => {
    const sent = sendRaw({ hostname, port, path: target, headers, timeout: 5_000 }, (answer) => {
      answer.resume();
      const cost = answer.headers["x-credits-cost"];
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, cost: cost?.toString() }));
    });
    sent.on("error", reject).end();
  });
}

test("a path is priced as the origin will read it", async () => {
  for (const path of ["/open/../secret", "/open/%2e%2E/secret", "/./secret", "/x\\..\\secret"]) {
    assert.equal((await sendTarget(`/gate${path}`)).status, 400, path);
  }
  assert.equal(origin.seen.length, 0);
  // Another spelling of the same path has the same price.
  for (const path of ["/secret", "/%73ecret", "/secret#x", "/secret?y"]) {
    assert.deepEqual(await sendTarget(`/gate${path}`), { status: 200, cost: "20" }, path);
  }
  assert.deepEqual(await sendTarget("/gate/open/a%2Fb"), { status: 200, cost: "0.5" });
});

test("redirects, HEAD, 204 and 304 are passed through as they are", async () => {
  origin.answers(302, { Location: "http://127.0.0.1:1/elsewhere" }, "");
  const moved = await pass("GET", "/open/a");
  assert.deepEqual(
    [moved.status, moved.headers.get("Location")],
    [302, "http://127.0.0.1:1/elsewhere"],
  );
  for (const status of [204, 304]) {
    origin.answers(status, { ETag: '"1"' }, "");
    const empty = await pass("GET", "/open/a");
    assert.deepEqual([empty.status, empty.headers.get("ETag"), empty.body], [status, '"1"', ""]);
  }
  origin.answers(200, { "Content-Length": "4" }, "");
  origin.handler = (_, response) => response.writeHead(200, { "Content-Length": "1234" }).end();
  const head = await pass("HEAD", "/open/a");
  assert.deepEqual([head.status, head.headers.get("Content-Length")], [200, "1234"]);
  assert.deepEqual([origin.last.method, origin.seen.length], ["HEAD", 4]);
  assert.equal(await left(), 98);
});

test("a failing origin's charge is reversed in the same request, if the rule says so", async () => {
  origin.answers(503, { "X-Credits-Cost": "7" }, "broken");
  for (const [method, path, cost, remaining] of [
    ["POST", "/chat", "0", "100"],
    ["GET", "/job/5", "0", "100"],
    ["GET", "/kept", "2", "98"],
    ["POST", "/kept", "7", "91"],
  ] as const) {
    const answer = await pass(method, path);
    assert.deepEqual([answer.status, answer.body], [503, "broken"]);
    assert.deepEqual(credits(answer), [cost, remaining], `${method} ${path}`);
    assert.equal(await left(), Number(remaining));
  }
  assert.deepEqual(kinds().slice(1, 3), ["consumption", "refund"]);
  await assertSound(engine, live, customer);
});

test("an origin that hangs up is a 502, and its charge is reversed, if the rule says so", async () => {
  origin.handler = (request) => request.socket.destroy();
  for (const [method, path, cost, remaining] of [
    ["POST", "/chat", "0", "100"],
    ["GET", "/job/6", "0", "100"],
    ["GET", "/kept", "2", "98"],
  ] as const) {
    const answer = await pass(method, path);
    assert.deepEqual([answer.status, answer.body.code], [502, "origin_unreachable"]);
    assert.deepEqual(credits(answer), [cost, remaining], `${method} ${path}`);
    assert.equal(await left(), Number(remaining));
  }
});

test("a client error of the origin is charged: it did the work", async () => {
  origin.answers(422, {}, "no");
  assert.deepEqual(credits(await pass("POST", "/chat")), ["3", "97"]);
  assert.deepEqual(credits(await pass("GET", "/job/7")), ["10", "87"]);
});

test("one Idempotency-Key never buys two calls to the origin for one charge", async () => {
  const headers = { "Idempotency-Key": "again", "X-Request-Id": "req_mine" };
  const answers = [
    await pass("POST", "/chat", { headers }),
    await pass("POST", "/chat", { headers }),
  ];
  assert.deepEqual(answers.map(credits), [
    ["3", "97"],
    ["3", "94"],
  ]);
  assert.equal(origin.seen.length, 2);
  assert.equal(origin.last.headers["idempotency-key"], "again", "the origin may use it");
});
