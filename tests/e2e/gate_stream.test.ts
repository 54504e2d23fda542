import assert from "node:assert/strict";
import { type ClientRequest, type IncomingMessage, request as sendRaw } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { Engine } from "./engine.ts";
import { Origin, setRules } from "./origin.ts";
import { assertSound, balance, until } from "./watch.ts";

const TIMEOUT_MS = 10_000;

let bound: Origin;
let elsewhere: Origin;
let engine: Engine;
let live: string;
let customer: string;
let key: string;
let count = 0;

before(async () => {
  bound = await Origin.start();
  elsewhere = await Origin.start();
  engine = await Engine.start({ originAddress: bound.address });
  ({ live } = await engine.project("shop"));
  const origin = `http://${elsewhere.address}`;
  const refund_on = ["5xx", "network"];
  await setRules(engine, live, [
    { method: "*", path: "/bound/hold", amount: 5, mode: "reserve", refund_on },
    { method: "*", path: "/bound/*", amount: 1, mode: "consume", refund_on },
    { method: "*", path: "/url/*", amount: 1, mode: "consume", origin, refund_on },
    { method: "*", path: "/base/*", amount: 1, mode: "consume", origin: `${origin}/v2`, refund_on },
    {
      method: "*",
      path: "/gone/*",
      amount: 1,
      mode: "consume",
      origin: "http://127.0.0.1:1",
      refund_on,
    },
  ]);
});
after(async () => {
  await engine.end();
  await bound.end();
  await elsewhere.end();
});
beforeEach(async () => {
  count += 1;
  customer = `streamer-${count}`;
  await engine.customer(live, customer, 100);
  ({ key } = await engine.customerKey(live, customer));
  for (const origin of [bound, elsewhere]) {
    origin.seen.length = 0;
    origin.answers(200);
  }
});

/** A request whose body and answer are handled piece by piece. */
function open(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
  const { hostname, port } = new URL(engine.url);
  const sent = sendRaw({
    hostname,
    port,
    method,
    path: `/gate${path}`,
    headers: { Authorization: `Bearer ${key}`, ...headers },
    timeout: TIMEOUT_MS,
  });
  sent.on("timeout", () => sent.destroy(new Error(`no word for ${TIMEOUT_MS} ms`)));
  return sent;
}

function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on("response", resolve).on("error", reject);
  });
}

async function bytesOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

for (const path of ["/bound/events", "/url/events"]) {
  test(`server-sent events arrive one by one (${path})`, async () => {
    // The origin sends an event only after the caller has seen the one before it.
    let next: () => void = () => {};
    const origin = path.startsWith("/bound") ? bound : elsewhere;
    origin.handler = async (_, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      for (let n = 0; n < 5; n += 1) {
        const seen = new Promise<void>((resolve) => {
          next = resolve;
        });
        response.write(`data: ${n}\n\n`);
        await seen;
      }
      response.end();
    };
    const sent = open("GET", path);
    sent.end();
    const answer = await answerOf(sent);
    assert.equal(answer.headers["content-type"], "text/event-stream");
    assert.deepEqual(
      [answer.headers["x-credits-cost"], answer.headers["x-credits-remaining"]],
      ["1", "99"],
    );
    const events: string[] = [];
    for await (const chunk of answer) {
      events.push(String(chunk));
      next();
    }
    assert.deepEqual(
      events,
      [0, 1, 2, 3, 4].map((n) => `data: ${n}\n\n`),
    );
  });
}

test("a request's body reaches the origin piece by piece, and may be larger than the API's", async () => {
  const pieces = 8;
  const size = 64 * 1024;
  let received = 0;
  bound.handler = (request, response) => {
    request.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    request.on("end", () => response.end(String(received)));
  };
  const sent = open("POST", "/bound/upload");
  for (let n = 1; n <= pieces; n += 1) {
    sent.write(Buffer.alloc(size, n));
    // The next piece is sent only when the origin has the one before it.
    await until(`the origin has ${n} pieces`, () => received === n * size, TIMEOUT_MS);
  }
  sent.end();
  assert.equal(String(await bytesOf(await answerOf(sent))), String(pieces * size));
});

test("a body with a length keeps it, and bytes stay as they are", async () => {
  const body = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  bound.handler = async (request, response) => response.end(await bytesOf(request));
  const sent = open("PUT", "/bound/bytes", { "Content-Length": "256" });
  sent.end(body);
  assert.deepEqual(await bytesOf(await answerOf(sent)), body);
  assert.equal(bound.last.headers["content-length"], "256");
});

test("a compressed answer arrives as its headers say", async () => {
  const zipped = gzipSync("compressed at the origin");
  bound.handler = (_, response) => {
    response.writeHead(200, { "Content-Encoding": "gzip" }).end(zipped);
  };
  const sent = open("GET", "/bound/zip", { "Accept-Encoding": "gzip" });
  sent.end();
  const answer = await answerOf(sent);
  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.equal(String(gunzipSync(await bytesOf(answer))), "compressed at the origin");
});

test("a rule's URL is called with its own path before the request's", async () => {
  for (const [path, url] of [
    ["/url/a?b=c", "/url/a?b=c"],
    ["/base/a%20b?c", "/v2/base/a%20b?c"],
  ] as const) {
    const answer = await engine.send("GET", `/gate${path}`, { key });
    assert.deepEqual([answer.status, elsewhere.last.url], [200, url]);
    assert.equal(elsewhere.last.headers.host, elsewhere.address);
  }
  assert.equal(bound.seen.length, 0);
});

test("an origin that nobody listens at is a 502 without a charge", async () => {
  const answer = await engine.send("POST", "/gate/gone/x", { key, body: { large: "x" } });
  assert.deepEqual([answer.status, answer.body.code], [502, "origin_unreachable"]);
  assert.equal(answer.headers.get("X-Credits-Remaining"), "100");
  assert.equal(await balance(engine, live, customer), 100);
});

test("a caller that hangs up while the origin works still pays, and its hold is settled", async () => {
  for (const [path, cost] of [
    ["/bound/slow", 1],
    ["/bound/hold", 2.5],
  ] as const) {
    const before = await balance(engine, live, customer);
    let finish: () => void = () => {};
    bound.handler = (_, response) => {
      finish = () => response.writeHead(200, { "X-Credits-Cost": "2.5" }).end("late");
    };
    const calls = bound.seen.length;
    const sent = open("GET", path);
    sent.on("error", () => {});
    sent.end();
    await until("the origin was called", () => bound.seen.length > calls);
    sent.destroy();
    await new Promise((resolve) => sent.on("close", resolve));
    finish();
    await until("it is paid, and nothing is held", async () => {
      const [balanceNow, held] = await Promise.all([
        balance(engine, live, customer),
        balance(engine, live, customer, "held"),
      ]);
      return balanceNow === before - cost && held === 0;
    });
  }
  await assertSound(engine, live, customer);
});

test("a caller that hangs up before the origin fails gets its credits back", async () => {
  for (const path of ["/bound/slow", "/bound/hold"]) {
    let fail: () => void = () => {};
    bound.handler = (_, response) => {
      fail = () => response.writeHead(500).end();
    };
    const calls = bound.seen.length;
    const sent = open("GET", path);
    sent.on("error", () => {});
    sent.end();
    await until("the origin was called", () => bound.seen.length > calls);
    sent.destroy();
    await new Promise((resolve) => sent.on("close", resolve));
    fail();
    // It was charged or held before the origin was called.
    const available = () => balance(engine, live, customer, "available");
    await until("everything is back", async () => (await available()) === 100);
  }
  await assertSound(engine, live, customer);
});

test("callers that hang up in the middle of their body or of the answer stall nobody", async () => {
  bound.handler = (request, response) => {
    request.resume();
    response.writeHead(200);
    response.write("first");
    request.on("end", () => setImmediate(() => response.end("last")));
  };
  const rude = async (n: number) => {
    const sent = open("POST", "/bound/rude", { "Content-Length": "1000" });
    sent.on("error", () => {});
    sent.write("x".repeat(n % 2 === 0 ? 500 : 1000));
    const closed = new Promise((resolve) => sent.on("close", resolve));
    setTimeout(() => sent.destroy(), Math.random() * 10);
    await closed;
  };
  await Promise.all(Array.from({ length: 60 }, (_, n) => rude(n)));
  const polite = await engine.send("POST", "/gate/bound/polite", { key, body: {} });
  assert.deepEqual([polite.status, polite.body], [200, "firstlast"]);
  await assertSound(engine, live, customer);
});
