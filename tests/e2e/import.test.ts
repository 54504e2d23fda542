import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Bad, KINDS, type Kind, NO_JSON } from "./bad-values.ts";
import { type Answer, Engine, type Json, NDJSON } from "./engine.ts";
import { assertSound, balance, until } from "./watch.ts";

/** Several parts of a body, and more than one object makes calls at once. */
const ROWS = 600;
const MAX_LINE_BYTES = 8_192;

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
});
after(() => engine.end());

const headers = { "Content-Type": NDJSON };

async function send(raw: string | Uint8Array, by = key): Promise<Answer> {
  return engine.send("POST", "/v1/import", { key: by, raw, headers });
}

/** What an import told: its errors and its summary. */
async function imported(raw: string | Uint8Array): Promise<{ errors: Json[]; summary: Json }> {
  const { status, headers, body } = await send(raw);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(headers.get("Content-Type"), NDJSON);
  const summary = body.at(-1);
  assert.equal(summary.type, "summary");
  return { errors: body.filter(({ type }: Json) => type === "error"), summary };
}

const counts = ({ summary }: { summary: Json }): number[] => [
  summary.imported,
  summary.replayed,
  summary.failed,
];
const row = (id: string, customer_id: string, amount: number, more: Json = {}): string =>
  JSON.stringify({ id, customer_id, amount, ...more });
const lines = (...rows: string[]): string => `${rows.join("\n")}\n`;

async function entries(customer: string): Promise<number> {
  const path = `/v1/customers/${customer}/transactions`;
  return (await engine.send("GET", path, { key })).body.pagination.total;
}

test("an opening balance is all that its row says", async () => {
  const metadata = { old_id: 7, note: "ümläut \u{1f600}" };
  const full = {
    type: "adjustment",
    source: "purchased",
    product: "pack",
    priority: 5,
    effective_at: "2026-01-01T00:00:00.000Z",
    expires_at: "2999-01-01T00:00:00.000Z",
    description: "carried over",
    metadata,
  };
  const told = await imported(lines(row("1", "anna", 12.345678, full), row("2", "ben", 5)));
  assert.deepEqual([told.errors, counts(told)], [[], [2, 0, 0]]);
  assert.deepEqual(
    [told.summary.lines, told.summary.complete, told.summary.next_line],
    [2, true, null],
  );
  const path = "/v1/customers/anna/balance?include=breakdown";
  const { body } = await engine.send("GET", path, { key });
  const { source, product, priority, effective_at, expires_at, remaining } = body.breakdown[0];
  assert.deepEqual(
    { source, product, priority, expires_at, remaining },
    { ...pick(full), remaining: 12.345678 },
  );
  assert.ok(effective_at);
  const { body: listed } = await engine.send("GET", "/v1/customers/anna/transactions", { key });
  const [{ type, description, metadata: kept, idempotency_key }] = listed.data;
  assert.deepEqual(
    [type, description, kept, idempotency_key],
    ["adjustment", "carried over", metadata, null],
  );
  const ben = await engine.send("GET", "/v1/customers/ben/transactions", { key });
  assert.deepEqual([ben.body.data[0].type, ben.body.data[0].amount], ["topup", 5]);
  const customers = await engine.send("GET", "/v1/customers", { key });
  assert.deepEqual(customers.body.data.map(({ id }: Json) => id).sort(), ["anna", "ben"]);
});

const pick = ({ source, product, priority, expires_at }: Json): Json => ({
  source,
  product,
  priority,
  expires_at,
});

test("a row that was done is a replay, with other content it is refused", async () => {
  const file = lines(row("1", "carl", 10), row("2", "carl", 3.5));
  assert.deepEqual(counts(await imported(file)), [2, 0, 0]);
  assert.deepEqual(counts(await imported(file)), [0, 2, 0]);
  const reordered = '{"customer_id":"carl","amount":10.0,"id":"1"}\n';
  assert.deepEqual(counts(await imported(reordered)), [0, 1, 0]);
  const changed = await imported(lines(row("1", "carl", 11), row("3", "carl", 1)));
  assert.deepEqual(counts(changed), [1, 0, 1]);
  const [{ detail, ...error }] = changed.errors;
  assert.deepEqual(error, {
    type: "error",
    line: 1,
    id: "1",
    customer_id: "carl",
    code: "idempotency_key_reused",
  });
  assert.ok(detail);
  // A caller's own key of the same letters is another one.
  const body = { amount: 1, type: "topup", idempotency_key: "import:1" };
  const own = await engine.send("POST", "/v1/customers/carl/credits", { key, body });
  assert.deepEqual([own.status, own.body.replayed], [200, false]);
  assert.equal(await balance(engine, key, "carl"), 15.5);
  await assertSound(engine, key, "carl");
});

test("rows of one customer are done in the order of the file", async () => {
  const adjustment = { type: "adjustment" };
  const told = await imported(
    lines(
      row("a", "dora", -1, adjustment),
      row("b", "dora", 5),
      row("c", "emil", 1),
      row("d", "dora", -5, adjustment),
      row("e", "dora", -1, adjustment),
      row("f", "dora", 2),
    ),
  );
  const refused = told.errors.map(({ line, id, code }) => [line, id, code]);
  assert.deepEqual(refused, [
    [1, "a", "insufficient_credits"],
    [5, "e", "insufficient_credits"],
  ]);
  assert.equal(await balance(engine, key, "dora"), 2);
});

test("a bad row is told with its line and code, and stops nothing else", async () => {
  const good = row("good", "fred", 1);
  const fields: Record<string, Kind> = {
    id: "name",
    customer_id: "name",
    amount: "amount above zero",
    type: "word",
    source: "word",
    product: "name",
    priority: "priority",
    effective_at: "time",
    expires_at: "time",
    description: "text",
    metadata: "metadata",
  };
  const schema = engine.contract.document.components.schemas.ImportRow;
  assert.deepEqual(Object.keys(fields).sort(), Object.keys(schema.properties).sort());
  const bad: Bad[] = [];
  for (const [name, kind] of Object.entries(fields))
    for (const [text, code] of KINDS[kind]) {
      const values = { id: '"x"', customer_id: '"fred"', amount: "1", [name]: text };
      const members = Object.entries(values).map(([name, text]) => `"${name}":${text}`);
      bad.push([`{${members.join(",")}}`, code]);
    }
  for (const name of ["id", "customer_id"]) {
    const values: Json = { id: "x", customer_id: "fred", amount: 1 };
    delete values[name];
    bad.push([JSON.stringify(values), "missing_field"]);
  }
  for (const name of ["idempotency_key", "refund_of", "deadline", "Amount", "__proto__"])
    bad.push([`{"id":"x","customer_id":"fred","amount":1,"${name}":"a"}`, "unknown_field"]);
  bad.push(
    ['{"id":"x","id":"x","customer_id":"fred","amount":1}', "invalid_json"],
    [
      '{"id":"x","customer_id":"fred","amount":1,"expires_at":"2020-01-01T00:00:00Z"}',
      "invalid_field",
    ],
    [row("x", "fred", -1), "invalid_amount"],
  );
  for (const text of ["null", "5", '"x"', "[]", `[${good}]`]) bad.push([text, "invalid_json"]);
  for (const text of NO_JSON)
    if (typeof text === "string" && text.trim() !== "") bad.push([text, "invalid_json"]);

  const text = lines(good, ...bad.map(([text]) => text), row("last", "fred", 2));
  const told = await imported(text);
  assert.deepEqual(counts(told), [2, 0, bad.length]);
  assert.deepEqual(
    told.errors.map(({ line, code }) => [line, code]),
    bad.map(([, code], index) => [index + 2, code]),
    JSON.stringify(told.errors.filter((error, index) => error.code !== bad[index]?.[1])),
  );
  assert.equal(await balance(engine, key, "fred"), 3);
  assert.equal(await entries("fred"), 2);
});

test("lines may end as they like, be blank, and begin with a byte order mark", async () => {
  const text = `\ufeff${row("1", "gina", 1)}\r\n\r\n  \t\n${row("2", "gina", 2)}\n\nx\n${row("3", "gina", 4)}`;
  const told = await imported(text);
  assert.deepEqual(counts(told), [3, 0, 1]);
  assert.deepEqual([told.errors[0].line, told.summary.lines], [6, 7]);
  assert.equal(await balance(engine, key, "gina"), 7);
  // Elsewhere the mark is no part of JSON.
  const inside = await imported(`${row("4", "gina", 1)}\n\ufeff${row("5", "gina", 1)}\n`);
  assert.deepEqual(counts(inside), [1, 0, 1]);
  for (const nothing of ["", "\n", "\ufeff\n\n"])
    assert.deepEqual(counts(await imported(nothing)), [0, 0, 0]);
});

test("a line may have 8 KiB, and what is not UTF-8 is refused", async () => {
  const longest = row("1", "hans", 1).padEnd(MAX_LINE_BYTES);
  const file = lines(
    longest,
    `${row("2", "hans", 1)}${" ".repeat(MAX_LINE_BYTES)}`,
    row("3", "hans", 1),
  );
  const told = await imported(file);
  assert.deepEqual(counts(told), [2, 0, 1]);
  assert.deepEqual([told.errors[0].line, told.errors[0].code], [2, "body_too_large"]);
  // Longer than what is kept of a body at a time, with text around it.
  const endless = `${"x".repeat(700_000)}\n`;
  const around = await imported(
    `${row("4", "hans", 1)}\n${endless}${row("5", "hans", 1)}\n${endless}`,
  );
  assert.deepEqual(counts(around), [2, 0, 2]);
  assert.deepEqual(
    around.errors.map(({ line, code }) => [line, code]),
    [
      [2, "body_too_large"],
      [4, "body_too_large"],
    ],
  );
  const bytes = Buffer.concat([
    Buffer.from(
      `${row("6", "hans", 1)}\n{"id":"7","customer_id":"hans","amount":1,"description":"`,
    ),
    Buffer.from([0xff, 0xc3]),
    Buffer.from(`"}\n${row("8", "hans", 1, { description: "é" })}\n`),
  ]);
  const notText = await imported(bytes);
  assert.deepEqual(counts(notText), [2, 0, 1]);
  assert.deepEqual([notText.errors[0].line, notText.errors[0].code], [2, "invalid_json"]);
  assert.equal(await balance(engine, key, "hans"), 6);
});

test("it takes a project key that may write, and NDJSON", async () => {
  const made = await engine.send("POST", "/v1/keys", {
    key,
    body: { kind: "project", scopes: ["read", "consume"] },
  });
  const own = await engine.customerKey(key, "fred");
  for (const by of [made.body.key, own.key]) {
    const { status, body } = await send(row("1", "ida", 1), by);
    assert.deepEqual([status, body.code], [403, "insufficient_scope"]);
  }
  for (const type of ["application/json", "text/plain", "application/x-ndjsonp"])
    for (const raw of [row("1", "ida", 1), "x".repeat(3_000_000)]) {
      const headers = { "Content-Type": type };
      const { status, body } = await engine.send("POST", "/v1/import", { key, raw, headers });
      assert.deepEqual([status, body.code], [415, "unsupported_media_type"], type);
    }
  const unknown = await engine.send("GET", "/v1/customers/ida", { key });
  assert.equal(unknown.status, 404);
  const test = (await engine.project("elsewhere")).test;
  assert.deepEqual((await send(row("1", "anna", 3), test)).body.at(-1).imported, 1);
  assert.equal(await balance(engine, test, "anna"), 3);
});

test("of more than a thousand bad rows the rest is counted", async () => {
  const told = await imported("x\n".repeat(1_200));
  assert.equal(told.errors.length, 1_000);
  assert.deepEqual([told.summary.failed, told.summary.unreported], [1_200, 200]);
});

test("a file of more than 100,000 rows stops there and says where to go on", async () => {
  const told = await imported(`${"\n".repeat(7)}${"x\n".repeat(100_001)}`);
  const { complete, next_line, lines, failed } = told.summary;
  assert.deepEqual([complete, next_line, lines, failed], [false, 100_008, 100_007, 100_000]);
  assert.equal((await imported("x\n".repeat(100_000))).summary.complete, true);
});

// Last: it kills the engine.
test("an import that is killed again and again is finished by sending it again", async () => {
  const amount = (n: number): number => (n % 7) + 0.25;
  // Each customer has three rows, far from each other.
  const customer = (n: number): string => `customer-${n % (ROWS / 3)}`;
  const rows = Array.from({ length: ROWS }, (_, n) => row(`row-${n}`, customer(n), amount(n)));
  const file = lines(...rows.map((text) => text.padEnd(1_000)));
  for (const kill of [1, 2]) {
    const response = await fetch(`${engine.url}/v1/import`, {
      method: "POST",
      headers: { ...headers, Authorization: `Bearer ${key}` },
      body: file,
    });
    let told = "";
    const reading = (async () => {
      const pieces = (response.body as ReadableStream<Uint8Array>).pipeThrough(
        new TextDecoderStream() as never,
      ) as unknown as AsyncIterable<string>;
      for await (const piece of pieces) told += piece;
    })();
    const progress = (): number => told.split('"progress"').length - 1;
    await until(`some rows are done (${kill})`, () => progress() >= kill, 60_000);
    assert.ok(!told.includes('"summary"'), "it was over before it could be killed");
    const broken = assert.rejects(reading, TypeError);
    await engine.kill();
    await broken;
    await engine.restart();
  }
  const told = await imported(file);
  assert.deepEqual(told.errors, []);
  assert.equal(told.summary.imported + told.summary.replayed, ROWS);
  assert.ok(told.summary.replayed > 0);
  for (let n = 0; n < ROWS / 3; n += 1) {
    const sum = amount(n) + amount(n + ROWS / 3) + amount(n + (2 * ROWS) / 3);
    const { live_balance, entries } = await engine.audit(key, customer(n));
    assert.deepEqual([live_balance, entries], [sum, 3], customer(n));
  }
  const { body } = await engine.send("GET", "/v1/customers?limit=1", { key });
  await until("every customer is in the directory", async () => {
    const listed = await engine.send("GET", "/v1/customers?limit=1", { key });
    return listed.body.pagination.total >= ROWS / 3 && body;
  });
});

test("a control character in a description stays there, in an import and in a charge", async () => {
  const description = "one\u001etwo\n\u001e\u0000";
  const rows = [..."abc"].map((id) => row(id, `control ${id}`, 1, { description }));
  const told = await imported(lines(...rows));
  assert.deepEqual([told.errors, counts(told)], [[], [3, 0, 0]]);
  const body = { amount: 1, description };
  assert.equal(
    (await engine.send("POST", "/v1/customers/control b/consume", { key, body })).status,
    200,
  );
  const { body: listed } = await engine.send("GET", "/v1/customers/control b/transactions", {
    key,
  });
  const kept = listed.data.map((one: Json) => one.description);
  assert.deepEqual(kept, [description, description]);
});
