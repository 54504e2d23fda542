import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IN_ROWS, PASSED_ON, ROWS, type Row, SIGNED } from "./bad-input.ts";
import { KINDS, type Kind, NO_IDS, NO_JSON, PARAMETERS } from "./bad-values.ts";
import { ADMIN_TOKEN, type Answer, Engine, type Json, type Sent } from "./engine.ts";
import { StripeServer } from "./stripe_server.ts";
import { isVendorError, vendorOf } from "./vendors.ts";

const MAX_BODY_BYTES = 65_536;

let engine: Engine;
let stripe: StripeServer;
let key: string;
/** A key of the customer anna. */
let own: string;
/** What stands for the parameters of a path. */
let parameters: Record<string, string>;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: stripe.env });
  key = (await engine.project("shop")).live;
  await engine.customer(key, "anna", 100);
  const basic = [{ id: "basic", allocation: 0, period: "month" }];
  await engine.send("PUT", "/v1/tiers", { key, body: basic });
  const start = { user_id: "anna", amount: 5 };
  const held = await engine.send("POST", "/v1/usage-transactions", { key, body: start });
  const made = await engine.send("POST", "/v1/keys", { key, body: { kind: "project" } });
  own = (await engine.customerKey(key, "anna")).key;
  parameters = {
    customer_id: "anna",
    transaction_id: held.body.transaction_id,
    key_id: made.body.id,
  };
});
after(async () => {
  await engine.end();
  await stripe.end();
});

const withBody = (): { method: string; path: string; operation: Json }[] =>
  engine.contract.operations.filter(
    ({ path, operation }) => operation.requestBody && ![PASSED_ON, IN_ROWS, SIGNED].includes(path),
  );

/** An answer, and whose shape it has if it is an error. */
interface Asked extends Answer {
  vendor?: ReturnType<typeof vendorOf>;
}

async function send(
  route: string,
  sent: Sent,
  instead: Record<string, string> = {},
): Promise<Asked> {
  const [method = "", template = ""] = route.split(" ");
  const values = { ...parameters, ...instead };
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
  const vendor = vendorOf(path);
  const by = vendor ? own : key;
  const answer = await engine.send(method, path, {
    key: template.startsWith("/v1/projects") ? ADMIN_TOKEN : by,
    ...sent,
  });
  return { ...answer, vendor };
}

/** All that a route could have changed by mistake. */
async function everything(): Promise<Json> {
  const read = (path: string, by = key): Promise<Answer> => engine.send("GET", path, { key: by });
  const catalogue = ["costs", "models", "gate-rules", "tiers", "packs", "settings"];
  const lists = ["customers", "keys", "customers/anna", "customers/anna/settings", ...catalogue];
  const answers = await Promise.all([
    read("/v1/projects", ADMIN_TOKEN),
    read(`/v1/usage-transactions/${parameters.transaction_id}`),
    ...lists.map((list) => read(`/v1/${list}`)),
  ]);
  return { audit: await engine.audit(key, "anna"), bodies: answers.map(({ body }) => body) };
}

/** Runs cases that must change nothing. */
async function unchanged(cases: () => Promise<void>): Promise<void> {
  const before = await everything();
  await cases();
  assert.deepEqual(await everything(), before, "nothing was changed");
}

/** That the answer is this problem; `Engine.send` has checked its form. */
function is(answer: Asked, status: number, code: string, what: string): void {
  const { body, headers, vendor } = answer;
  if (vendor) {
    assert.equal(answer.status, status, `${what}: ${JSON.stringify(body)}`);
    assert.ok(isVendorError(vendor, answer), `${what}: ${JSON.stringify(body)}`);
    if (vendor === "HiveForge") assert.equal(body.code, code, what);
    return;
  }
  assert.deepEqual([answer.status, body.code], [status, code], `${what}: ${JSON.stringify(body)}`);
  assert.equal(headers.get("Content-Type"), "application/problem+json", what);
  assert.ok(body.title && body.detail, what);
}

/** The row's good body with some fields as other JSON texts; `undefined` leaves one out. */
function bodyOf(row: Row, changes: Record<string, string | undefined> = {}): string {
  const texts: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(row.good)) texts[name] = JSON.stringify(value);
  const fields = Object.entries({ ...texts, ...changes }).filter(([, text]) => text !== undefined);
  return inPlace(
    row,
    `{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`,
  );
}

const inPlace = (row: Row, object: string): string => row.within?.(object) ?? object;
const short = (text: string): string => text.slice(0, 120);

test("every route with a body has a row in the table, and every row a route", () => {
  const documented = new Set(withBody().map(({ method, path }) => `${method} ${path}`));
  const rows = new Set(ROWS.map(({ route }) => route));
  assert.deepEqual([...rows].sort(), [...documented].sort());
});

test("every field of a documented body is in the table", () => {
  const { schemas } = engine.contract.document.components;
  const resolve = (schema: Json): Json => schemas[schema.$ref?.split("/").at(-1)] ?? schema;
  for (const { method, path, operation } of withBody()) {
    const schema = resolve(operation.requestBody.content["application/json"].schema);
    const variants = schema.oneOf?.[0]?.$ref
      ? schema.oneOf.map(resolve)
      : [resolve(schema.items ?? schema)];
    const names = variants.flatMap((variant: Json) => Object.keys(variant.properties));
    const rows = ROWS.filter(({ route }) => route === `${method} ${path}`);
    const covered = new Set(rows.flatMap((row) => Object.keys(row.fields)));
    const further = JSON.stringify(rows.map(({ also }) => also));
    for (const name of names)
      assert.ok(covered.has(name) || further.includes(`${name}\\`), `${method} ${path}: ${name}`);
  }
});

for (const [index, row] of ROWS.entries()) {
  const { route } = row;
  const refuses = async (raw: string, code: string, field?: string): Promise<void> => {
    const answer = await send(route, { raw });
    is(answer, 400, code, `${route} ${short(raw)}`);
    if (field !== undefined) {
      const place = answer.body.field ?? answer.body.message ?? "";
      assert.ok(place.includes(field), `${short(raw)}: about ${place}, not ${field}`);
    }
  };

  test(`${route} refuses every wrong field, and changes nothing (${index})`, () =>
    unchanged(async () => {
      for (const [name, description] of Object.entries(row.fields)) {
        const isRequired = description.endsWith("!");
        const kind = description.replace("!", "") as Kind;
        for (const [text, code] of KINDS[kind])
          await refuses(bodyOf(row, { [name]: text }), code, name);
        if (!isRequired) continue;
        await refuses(bodyOf(row, { [name]: undefined }), "missing_field", name);
        if (!kind.startsWith("amount"))
          await refuses(bodyOf(row, { [name]: "null" }), "missing_field", name);
      }
      for (const [text, code] of row.also ?? []) await refuses(inPlace(row, text), code);
    }));

  test(`${route} refuses unknown fields, fields twice and what is not JSON (${index})`, () =>
    unchanged(async () => {
      for (const name of ["idempotencykey", "Amount", "amount ", "", "__proto__", "\u0000"])
        await refuses(bodyOf(row, { [name]: "1" }), "unknown_field", name);
      const twice = row.within ? "invalid_field" : "invalid_json";
      const name = Object.keys(row.good)[0] ?? "";
      const text = JSON.stringify(row.good).slice(1);
      const value = JSON.stringify(row.good[name]);
      await refuses(inPlace(row, `{"${name}":${value},${text}`), twice);
      await refuses(
        inPlace(row, `{"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}":${value},${text}`),
        twice,
      );
      await refuses(inPlace(row, '{"\\ud800":1}'), twice);
      for (const raw of NO_JSON) {
        const answer = await send(route, { raw });
        is(answer, 400, "invalid_json", `${route} ${String(raw)}`);
      }
      const isList = row.within?.("") === "[]";
      for (const raw of ["null", "5", '"x"', isList ? "{}" : "[]"])
        await refuses(raw, isList ? "invalid_field" : "invalid_json");
      if (!row.mayBeEmpty) {
        is(await send(route, {}), 400, "invalid_json", "no body");
        is(await send(route, { raw: "" }), 400, "invalid_json", "an empty body");
      }
    }));

  test(`${route} refuses another content type and more than 64 KiB (${index})`, () =>
    unchanged(async () => {
      const raw = bodyOf(row);
      for (const type of [
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "json",
        "*/*",
      ]) {
        const headers = { "Content-Type": type };
        is(await send(route, { raw, headers }), 415, "unsupported_media_type", type);
      }
      const bytes = new TextEncoder().encode(raw);
      is(
        await send(route, { raw: new Blob([bytes]).stream(), headers: { "Content-Type": "" } }),
        415,
        "unsupported_media_type",
        "none",
      );
      for (const size of [MAX_BODY_BYTES + 1, MAX_BODY_BYTES + 1024, 1_000_000]) {
        const large = raw.padEnd(size);
        is(await send(route, { raw: large }), 413, "body_too_large", `${size} bytes`);
        // Of a body without a length no more is read than is needed to refuse it.
        if (size > 2 * MAX_BODY_BYTES) continue;
        const stream = new Blob([large]).stream();
        is(
          await send(route, { raw: stream }),
          413,
          "body_too_large",
          `${size} bytes of unknown length`,
        );
      }
    }));
}

test("a path parameter that cannot be an id is refused, and so is one of nothing", () =>
  unchanged(async () => {
    for (const { method, path } of engine.contract.operations) {
      const name = path.match(/\{(\w+)\}/)?.[1];
      if (name === undefined || path === PASSED_ON) continue;
      const route = `${method} ${path}`;
      const row = ROWS.find((row) => row.route === route && !row.within);
      const sent = row ? { raw: bodyOf(row) } : {};
      for (const id of NO_IDS) {
        // `/v1/customers/` and `/v1/customers//balance` name a customer without letters.
        const answer = await send(route, sent, { [name]: id });
        const isCustomer = name === "customer_id";
        is(
          answer,
          isCustomer ? 400 : 404,
          isCustomer ? "invalid_field" : "not_found",
          `${route} ${short(id)}`,
        );
      }
    }
  }));

test("a query parameter that is wrong, unknown or there twice is refused", () =>
  unchanged(async () => {
    for (const { method, path, operation } of engine.contract.operations) {
      const resolve = ({ $ref, ...rest }: Json): Json =>
        $ref ? engine.contract.document.components.parameters[$ref.split("/").at(-1)] : rest;
      const query = (operation.parameters ?? []).map(resolve).filter((p: Json) => p.in === "query");
      const refuses = async (text: string, code = "invalid_field"): Promise<void> =>
        is(await send(`${method} ${path}?${text}`, {}), 400, code, `${path}?${text}`);
      for (const { name } of query) {
        const bad = PARAMETERS[name];
        assert.ok(bad, `${path}: no bad values for ${name}`);
        for (const value of bad) await refuses(`${name}=${value}`);
        await refuses(`${name}=1&${name}=1`);
      }
      if (query.length === 0) continue;
      await refuses("nope=1", "unknown_field");
      await refuses("Limit=1", "unknown_field");
      const names = query.map(({ name }: Json) => name);
      if (names.includes("cursor") && names.includes("offset")) await refuses("cursor=1&offset=1");
    }
  }));

test("an Idempotency-Key is 1 to 256 bytes", () =>
  unchanged(async () => {
    for (const { method, path, operation } of engine.contract.operations) {
      const refs = (operation.parameters ?? []).map(({ $ref }: Json) => $ref?.split("/").at(-1));
      const isUsed = ["IdempotencyKey", "IdempotencyKeyHeader", "BatchIdempotencyKey"].some(
        (name) => refs.includes(name),
      );
      if (!isUsed) continue;
      const route = `${method} ${path}`;
      const row = ROWS.find((row) => row.route === route && !row.within);
      const headers = { "Idempotency-Key": "x".repeat(257) };
      const answer = await send(route, { ...(row && { raw: bodyOf(row) }), headers });
      is(answer, 400, "invalid_field", route);
    }
  }));

// Last, since these change what the tests above compare.
test("the table's good bodies are taken, so each case was refused for what it says", async () => {
  for (const row of ROWS) {
    const { status, body } = await send(row.route, { raw: bodyOf(row) });
    assert.equal(status, 200, `${row.route}: ${JSON.stringify(body)}`);
  }
  const largest = '{"amount":1}'.padEnd(MAX_BODY_BYTES);
  const check = "POST /v1/customers/{customer_id}/check";
  for (const raw of [largest, new Blob([largest]).stream()]) {
    const headers = { "Content-Type": "Application/JSON ; charset=utf-8" };
    assert.equal((await send(check, { raw, headers })).status, 200, "exactly 64 KiB");
  }
});
