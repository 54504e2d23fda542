import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Engine, type Json } from "../e2e/engine.ts";
import { WEBHOOK_ENV } from "../e2e/stripe_events.ts";
import { assertSound, balance } from "../e2e/watch.ts";
import { figures, inParallel, SECONDS } from "./order.ts";
import { Dawdler, exchange, head, type RawAnswer } from "./raw_http.ts";

const KIB = 1024;
const MAX_BODY_BYTES = 64 * KIB;
const MAX_EVENT_BYTES = 256 * KIB;
/** So much of a body that is too large is surely read. */
const DRAINED_BYTES = 1_000_000;
const DAWDLERS = 100;
const DAWDLING_MS = SECONDS === undefined ? 3_000 : Math.min(SECONDS * 300, 120_000);
/** What the slowest caller may wait more than where nobody dawdles: both take milliseconds. */
const HELD_UP_MS = 2_000;
const FUNDS = 1_000;
const JSON_TYPE = "Content-Type: application/json";

let engine: Engine;
let key: string;
let bearer: string;
let cases = 0;
before(async () => {
  engine = await Engine.start({ env: WEBHOOK_ENV });
  key = (await engine.project("shop")).live;
  bearer = `Authorization: Bearer ${key}`;
  await engine.customer(key, "anna", FUNDS);
});
after(async () => {
  figures(`${cases} requests beyond a limit: each a 4xx, nothing changed`);
  await engine.end();
});

/** What the engine has said; the runtime has its own word for a caller who is gone. */
function log(): string[] {
  const lines = readFileSync(join(engine.dataDir, "workerd.log"), "utf8").split("\n");
  return lines.filter((line) => !line.includes("Uncaught exception"));
}

/** A consume of one credit in bytes: what each of the cases spoils in one way. */
function consume(headers: string[], body: string): string {
  return head("POST", "/v1/customers/anna/consume", [bearer, JSON_TYPE, ...headers]) + body;
}

const ONE = '{"amount":1}';
const ONE_LENGTH = `Content-Length: ${ONE.length}`;

/** That a request is refused for what it is, by the engine if it names a code. */
async function refused(what: string, answer: Promise<RawAnswer>, status: number[], code?: string) {
  const { status: told, problem } = await answer;
  cases += 1;
  assert.ok(status.includes(told), `${what}: ${told} ${JSON.stringify(problem)}`);
  if (problem !== undefined) assert.equal(problem.code, code, what);
}

/** Runs cases that must change nothing, log nothing, and leave the engine well. */
async function harmless(run: () => Promise<void>): Promise<void> {
  const before = await engine.audit(key, "anna");
  const logged = log();
  await run();
  assert.deepEqual(await engine.audit(key, "anna"), before, "nothing was changed");
  assert.equal((await engine.send("GET", "/healthz")).status, 200);
  assert.deepEqual(log(), logged, "nothing to worry anybody with");
}

test("what is sent here in bytes is a good request until it is spoilt", async () => {
  const answer = await exchange(engine.url, consume([ONE_LENGTH], ONE));
  assert.deepEqual([answer.status, answer.type], [200, "application/json"]);
  assert.equal(await balance(engine, key, "anna"), FUNDS - 1);
  const many = Array.from({ length: 100 }, (_, n) => `X-Header-${n}: ${"v".repeat(50)}`);
  assert.equal((await exchange(engine.url, consume([ONE_LENGTH, ...many], ONE))).status, 200);
});

test("heads beyond all measure: keys, idempotency keys, paths, queries, headers", () =>
  harmless(async () => {
    const path = "/v1/customers/anna/balance";
    const sizes = [1, 8, 64, 256, 2_048].map((size) => size * KIB);
    // 431 and 414 are the runtime's, where the engine is not asked at all.
    for (const size of sizes) {
      const long = "a".repeat(size);
      // Who goes on sending may find the connection closed before it hears why.
      const unheard = size > DRAINED_BYTES ? [0] : [];
      for (const text of [`ce_live_${long}`, `ck_live_${long}`, `${key}${long}`, `${long}`]) {
        const sent = head("GET", path, [`Authorization: Bearer ${text}`]);
        await refused(
          `a key of ${size}`,
          exchange(engine.url, sent),
          [401, 431, ...unheard],
          "invalid_key",
        );
      }
      const basic = head("GET", path, [`Authorization: ${long}`]);
      await refused(
        `a scheme of ${size}`,
        exchange(engine.url, basic),
        [401, 431, ...unheard],
        "invalid_key",
      );
      const named = consume([ONE_LENGTH, `Idempotency-Key: ${long}`], ONE);
      await refused(
        `a key of ${size}`,
        exchange(engine.url, named),
        [400, 431, ...unheard],
        "invalid_field",
      );
      const typed = consume([ONE_LENGTH], ONE).replace("/json", `/json${long}`);
      await refused(
        `a type of ${size}`,
        exchange(engine.url, typed),
        [415, 431, ...unheard],
        "unsupported_media_type",
      );
      const inPath = head("GET", `/v1/customers/${long}/balance`, [bearer]);
      await refused(
        `a path of ${size}`,
        exchange(engine.url, inPath),
        [400, 414, 431, ...unheard],
        "invalid_field",
      );
      const deep = head("GET", `/v1${"/a".repeat(size / 2)}`, [bearer]);
      await refused(
        `${size / 2} segments`,
        exchange(engine.url, deep),
        [404, 414, 431, ...unheard],
        "not_found",
      );
      for (const query of [`limit=${"1".repeat(size)}`, `customer_id=${long}`]) {
        const inQuery = head("GET", `/v1/events?${query}`, [bearer]);
        await refused(
          query.slice(0, 9),
          exchange(engine.url, inQuery),
          [400, 414, 431, ...unheard],
          "invalid_field",
        );
      }
      const pairs = head("GET", `/v1/events?${"a=1&".repeat(size / 4)}`, [bearer]);
      await refused(
        "many parameters",
        exchange(engine.url, pairs),
        [400, 414, 431, ...unheard],
        "unknown_field",
      );
    }
    const many = Array.from({ length: 50_000 }, (_, n) => `X-${n}: v`);
    await refused(
      "50,000 headers",
      exchange(engine.url, head("GET", path, [bearer, ...many])),
      [431],
    );
    for (const limit of ["1000000000", "1e9", "-1", "9".repeat(400), "NaN", "%00"])
      for (const list of ["customers", "keys", "events", "customers/anna/transactions"]) {
        const sent = head("GET", `/v1/${list}?limit=${limit}`, [bearer]);
        await refused(`limit=${limit}`, exchange(engine.url, sent), [400], "invalid_field");
      }
  }));

test("bytes that no header or path has", () =>
  harmless(async () => {
    const bytes = ["\x00", "\x01", "\x7f", "\xff\xfe", "\xc3\xa9", "\r", "a\tb", "\u00a0"];
    for (const text of bytes) {
      // What the runtime lets through is a key as any other, or none: never a charge under
      // a key that the caller did not mean. So the charge itself is made impossible.
      const broke = '{"amount":5000}';
      const sent = consume([`Content-Length: ${broke.length}`, `Idempotency-Key: ${text}`], broke);
      const { status, problem } = await exchange(engine.url, sent);
      const isPlain = problem?.code === "insufficient_credits" || problem?.code === "invalid_field";
      assert.ok(isPlain || (status === 400 && !problem), `${JSON.stringify(text)}: ${status}`);
      const asKey = head("GET", "/v1/customers", [`Authorization: Bearer ${text}${key}`]);
      await refused("a key with bytes", exchange(engine.url, asKey), [400, 401], "invalid_key");
      const asPath = head("GET", `/v1/customers/${text}/balance`, [bearer]);
      const told = await exchange(engine.url, asPath);
      assert.ok(told.status >= 400 && told.status < 500, `${JSON.stringify(text)}: ${told.status}`);
      cases += 2;
    }
    const twice = head("GET", "/v1/customers", [bearer, "Authorization: Bearer x"]);
    await refused("two keys", exchange(engine.url, twice), [401], "invalid_key");
    for (const line of ["GARBAGE", "\x16\x03\x01\x02", "GET /v1/customers", "GET / HTTP/9.9"])
      await refused(line, exchange(engine.url, `${line}\r\n\r\n`), [400, 404, 501, 505]);
  }));

test("bodies that are too large, of a wrong length, or framed wrongly", () =>
  harmless(async () => {
    const chunked = "Transfer-Encoding: chunked";
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    for (const size of [MAX_BODY_BYTES + 1, 1_000_000, 8_000_000]) {
      const large = ONE.padEnd(size);
      const known = consume([`Content-Length: ${size}`], large);
      // Who goes on sending may find the connection closed before it hears why.
      const told = size > DRAINED_BYTES ? [413, 0] : [413];
      await refused(`${size} bytes`, exchange(engine.url, known), told, "body_too_large");
      const pieces = large.match(/.{1,50000}/g) ?? [];
      const unknown = consume([chunked], `${pieces.map(chunk).join("")}0\r\n\r\n`);
      await refused(`${size} in chunks`, exchange(engine.url, unknown), told, "body_too_large");
    }
    const promised = consume(["Content-Length: 99999999999999"], ONE);
    await refused(
      "a length without a body",
      exchange(engine.url, promised),
      [413],
      "body_too_large",
    );
    const event = head("POST", "/webhooks/stripe", [`Content-Length: ${MAX_EVENT_BYTES + 1}`]);
    const tooLarge = event + "x".repeat(MAX_EVENT_BYTES + 1);
    await refused("an event", exchange(engine.url, tooLarge), [413], "body_too_large");
    for (const length of ["-1", "1e1", "abc", "12, 13", "0x0c"])
      await refused(
        length,
        exchange(engine.url, consume([`Content-Length: ${length}`], ONE)),
        [400],
      );
    for (const framing of [
      "zz\r\n",
      "-1\r\n",
      "ffffffffffffffffff\r\n",
      `5\r\n${ONE}\r\n0\r\n\r\n`,
    ])
      await refused(
        framing,
        exchange(engine.url, consume([chunked], framing)),
        [400],
        "invalid_json",
      );
    for (const count of [0, 1_001, 5_000]) {
      const items = Array.from({ length: count }, () => ({ amount: 1 }));
      const path = "/v1/customers/anna/consume-batch";
      const { status, body } = await engine.send("POST", path, {
        key,
        body: { items, atomic: false },
      });
      const isTooLong = JSON.stringify({ items }).length > MAX_BODY_BYTES;
      assert.deepEqual(
        [status, body.code],
        isTooLong ? [413, "body_too_large"] : [400, "invalid_field"],
        `${count} items`,
      );
      cases += 1;
    }
  }));

test("metadata is measured as it is written, however deep or wide", () =>
  harmless(async () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    const wide = (count: number): string =>
      `{${Array.from({ length: count }, (_, n) => `"k${n}":${n}`).join(",")}}`;
    const least = `{"a":"${"x".repeat(4 * KIB - 7)}"}`;
    for (const [what, metadata] of [
      ["4097 bytes", least],
      ["4097 bytes of letters of two", `{"a":"${"é".repeat(2 * KIB - 3)}"}`],
      ["60 KB", `{"a":"${"x".repeat(60 * KIB)}"}`],
      ["1,000 deep", nested(1_000)],
      ["10,000 deep", nested(10_000)],
      ["5,000 wide", wide(5_000)],
    ] as const) {
      for (const path of ["consume", "credits"]) {
        const more = path === "credits" ? ',"type":"topup"' : "";
        const raw = `{"amount":1${more},"metadata":${metadata}}`;
        const { status, body } = await engine.send("POST", `/v1/customers/anna/${path}`, {
          key,
          raw,
        });
        const allowed = Buffer.byteLength(raw) > MAX_BODY_BYTES ? [413] : [400];
        assert.ok(allowed.includes(status), `${what}: ${status} ${JSON.stringify(body)}`);
        cases += 1;
      }
    }
    const most = least.replace("x", "");
    const raw = `{"amount":1,"metadata":${most}}`;
    const path = "/v1/customers/measured/credits";
    const kept = await engine.send("POST", path, {
      key,
      raw: raw.replace("{", '{"type":"topup",'),
    });
    assert.equal(kept.status, 200, "4096 bytes are taken");
  }));

test("callers who break off leave nothing behind", () =>
  harmless(async () => {
    const beginnings = [
      head("POST", "/v1/customers/anna/consume", [bearer]).slice(0, -2),
      consume(["Content-Length: 100"], ONE),
      consume(["Transfer-Encoding: chunked"], "c\r\n"),
      consume(["Transfer-Encoding: chunked"], `c\r\n${ONE}\r\n`),
    ];
    await inParallel(20, 200, async (n) => {
      const caller = new Dawdler(engine.url, beginnings[n % beginnings.length] ?? "", 1_000);
      await pause(20);
      caller.leave();
      cases += 1;
    });
    await pause(200);
  }));

test(`${DAWDLERS} callers who send a byte now and then hold nobody up`, () =>
  harmless(async () => {
    const beginnings = [
      `POST /v1/customers/anna/consume HTTP/1.1\r\nHost: proof\r\nX-Slow: `,
      consume(["Content-Length: 60000"], '{"amount":1,"description":"'),
      head("POST", "/v1/import", [
        bearer,
        "Content-Type: application/x-ndjson",
        "Content-Length: 60000",
      ]),
      head("POST", "/gate/anything", [bearer, "Content-Length: 60000", "X-Customer-Id: anna"]),
    ];
    const dawdlers = Array.from(
      { length: DAWDLERS },
      (_, n) => new Dawdler(engine.url, beginnings[n % beginnings.length] ?? "", 100),
    );
    await engine.customer(key, "swift", FUNDS * 1_000);
    // At the same time on an engine without dawdlers: a machine that stalls holds up both.
    const quiet = await Engine.start();
    const quietKey = (await quiet.project("shop")).live;
    await quiet.customer(quietKey, "swift", FUNDS * 1_000);
    const [took, tookQuietly]: [number[], number[]] = [[], []];
    const end = Date.now() + DAWDLING_MS;
    try {
      await inParallel(5, 5, async (n) => {
        const isQuiet = n === 0;
        const sent: Json = { key: isQuiet ? quietKey : key, body: { amount: 1 } };
        while (Date.now() < end) {
          const began = performance.now();
          const at = isQuiet ? quiet : engine;
          const { status } = await at.send("POST", "/v1/customers/swift/consume", sent);
          assert.equal(status, 200);
          (isQuiet ? tookQuietly : took).push(performance.now() - began);
        }
      });
    } finally {
      await quiet.end();
    }
    // Those whose head or key is enough to refuse them are gone; who may send, may be slow.
    const waiting = dawdlers.filter((dawdler) => !dawdler.isOver).length;
    for (const dawdler of dawdlers) dawdler.leave();
    const [slowest, slowestQuietly] = [Math.max(...took), Math.max(...tookQuietly)];
    assert.ok(slowest < slowestQuietly + HELD_UP_MS, `somebody waited ${Math.round(slowest)} ms`);
    assert.equal(await balance(engine, key, "swift"), FUNDS * 1_000 - took.length);
    await assertSound(engine, key, "swift");
    figures(
      `${DAWDLERS} dawdling callers, ${waiting} still at it after ${DAWDLING_MS / 1000} s: ` +
        `${took.length} others served, the slowest in ${Math.round(slowest)} ms ` +
        `(${Math.round(slowestQuietly)} ms where nobody dawdled)`,
    );
  }));
