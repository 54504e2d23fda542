import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
});
after(() => engine.end());

const create = (body: Json, headers?: Record<string, string>): Promise<Answer> =>
  engine.send("POST", "/v1/customers", { key, body, ...(headers && { headers }) });
const read = (id: string): Promise<Answer> =>
  engine.send("GET", `/v1/customers/${encodeURIComponent(id)}`, { key });

test("a customer is created once; again is 409 already_exists", async () => {
  const made = await create({ id: "anna", metadata: { plan: "pro", seats: 3 } });
  assert.equal(made.status, 200);
  const { created_at, seq, replayed, ...rest } = made.body;
  const nothing = { balance: 0, available: 0, held: 0 };
  const noTier = { tier_id: null, period_start: null, period_end: null };
  assert.deepEqual(rest, {
    id: "anna",
    ...nothing,
    ...noTier,
    metadata: { plan: "pro", seats: 3 },
  });
  assert.deepEqual([seq, replayed], [1, false]);
  assert.deepEqual((await read("anna")).body, { ...rest, created_at });
  const again = await create({ id: "anna" });
  assert.deepEqual([again.status, again.body.code], [409, "already_exists"]);
});

test("any 1 to 256 bytes of printable UTF-8 are a customer's id", async () => {
  for (const id of ["a b/c?d#e%f", "ünï-☃-💶", "x".repeat(256), "é".repeat(128), "\"'\\"]) {
    await engine.customer(key, id, 5);
    const balance = await engine.send("GET", `/v1/customers/${encodeURIComponent(id)}/balance`, {
      key,
    });
    assert.deepEqual(
      [balance.status, balance.body.customer_id, balance.body.balance],
      [200, id, 5],
    );
  }
});

test("a first credit creates the customer by itself", async () => {
  assert.equal((await read("by-credit")).status, 404);
  await engine.customer(key, "by-credit", 12);
  const { status, body } = await read("by-credit");
  assert.deepEqual([status, body.balance, body.metadata], [200, 12, null]);
  const again = await create({ id: "by-credit" });
  assert.equal(again.body.code, "already_exists");
});

test("a consume for an unknown customer is a 402 that creates nothing", async () => {
  const path = "/v1/customers/nobody";
  const consumed = await engine.send("POST", `${path}/consume`, { key, body: { amount: 1 } });
  assert.equal(consumed.status, 402);
  const { code, balance, available, requested, shortfall } = consumed.body;
  assert.equal(code, "insufficient_credits");
  assert.deepEqual([balance, available, requested, shortfall], [0, 0, 1, 1]);
  assert.equal((await read("nobody")).status, 404);
  const less = { amount: -1, type: "adjustment" };
  const deducted = await engine.send("POST", `${path}/credits`, { key, body: less });
  assert.equal(deducted.status, 402);
  assert.equal((await read("nobody")).status, 404);
});

test("reading an unknown customer is a 404", async () => {
  for (const what of ["", "/balance", "/balance?consistency=cached", "/transactions", "/audit"]) {
    const { status, body } = await engine.send("GET", `/v1/customers/stranger${what}`, { key });
    assert.deepEqual([status, body.code], [404, "not_found"], what);
  }
  const check = await engine.send("POST", "/v1/customers/stranger/check", {
    key,
    body: { amount: 1 },
  });
  assert.deepEqual([check.status, check.body.code], [404, "not_found"]);
});

test("metadata is replaced as a whole, and null removes it", async () => {
  await create({ id: "meta", metadata: { a: 1 } });
  const patch = (metadata: Json): Promise<Answer> =>
    engine.send("PATCH", "/v1/customers/meta", { key, body: { metadata } });
  const changed = await patch({ b: [1, { c: null }], "": "ü" });
  assert.deepEqual(changed.body.metadata, { b: [1, { c: null }], "": "ü" });
  assert.deepEqual([changed.body.replayed, changed.body.seq], [false, 2]);
  assert.deepEqual((await read("meta")).body.metadata, { b: [1, { c: null }], "": "ü" });
  assert.equal((await patch(null)).body.metadata, null);
  assert.equal((await read("meta")).body.metadata, null);
  const unknown = await engine.send("PATCH", "/v1/customers/none", { key, body: { metadata: {} } });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "not_found"]);
});

test("a deleted customer is unknown, its credits are written off, and it can come back", async () => {
  await engine.customer(key, "leaver", 30);
  const start = { user_id: "leaver", amount: 10 };
  const hold = await engine.send("POST", "/v1/usage-transactions", { key, body: start });
  const path = "/v1/customers/leaver";
  const deleted = await engine.send("DELETE", path, { key });
  assert.deepEqual(deleted.body, { id: "leaver", deleted: true, replayed: false, seq: 3 });
  assert.equal((await read("leaver")).status, 404);
  const again = await engine.send("DELETE", path, { key });
  assert.deepEqual([again.status, again.body.code], [404, "not_found"]);
  const usage = `/v1/usage-transactions/${hold.body.transaction_id}`;
  assert.equal((await engine.send("GET", usage, { key })).body.state, "expired");
  await engine.customer(key, "leaver", 4);
  assert.equal((await read("leaver")).body.balance, 4);
  assert.equal((await engine.audit(key, "leaver")).journal_balance, 4);
});

test("customers are listed newest first, and leave the list when they are deleted", async () => {
  const { live } = await engine.project("directory");
  for (const id of ["one", "two", "three"]) {
    await engine.customer(live, id, 1);
    // Two that come within a millisecond have no order in time.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const list = async (query = ""): Promise<Json> =>
    (await engine.send("GET", `/v1/customers${query}`, { key: live })).body;
  const ids = (page: Json): string[] => page.data.map(({ id }: { id: string }) => id);
  assert.deepEqual(ids(await list()), ["three", "two", "one"]);
  const first = await list("?limit=2");
  assert.deepEqual(ids(first), ["three", "two"]);
  const { next_cursor, ...rest } = first.pagination;
  assert.deepEqual(rest, { limit: 2, offset: 0, total: 3, has_more: true });
  const second = await list(`?limit=2&cursor=${encodeURIComponent(next_cursor)}`);
  assert.deepEqual(ids(second), ["one"]);
  assert.deepEqual([second.pagination.has_more, second.pagination.next_cursor], [false, null]);
  assert.deepEqual(ids(await list("?limit=1&offset=1")), ["two"]);
  await engine.send("DELETE", "/v1/customers/two", { key: live });
  assert.deepEqual(ids(await list()), ["three", "one"]);
});

test("creating, changing and deleting under one key happen once", async () => {
  const headers = { "Idempotency-Key": "new-customer" };
  const first = await create({ id: "once", metadata: { a: 1 } }, headers);
  await engine.customer(key, "once", 7);
  const again = await create({ metadata: { a: 1 }, id: "once" }, headers);
  assert.equal(again.headers.get("Idempotent-Replayed"), "true");
  assert.deepEqual(again.body, { ...first.body, replayed: true }, "the first answer again");
  const other = await create({ id: "once", metadata: { a: 2 } }, headers);
  assert.deepEqual([other.status, other.body.code], [422, "idempotency_key_reused"]);

  const patch = (body: Json): Promise<Answer> => {
    const headers = { "Idempotency-Key": "change" };
    return engine.send("PATCH", "/v1/customers/once", { key, body, headers });
  };
  const changed = await patch({ metadata: { a: 3 } });
  await engine.send("PATCH", "/v1/customers/once", { key, body: { metadata: { a: 4 } } });
  const repeated = await patch({ metadata: { a: 3 } });
  assert.deepEqual(repeated.body, { ...changed.body, replayed: true });
  assert.deepEqual((await read("once")).body.metadata, { a: 4 });

  const remove = (): Promise<Answer> =>
    engine.send("DELETE", "/v1/customers/once", { key, headers: { "Idempotency-Key": "bye" } });
  const removed = await remove();
  const removedAgain = await remove();
  assert.deepEqual(removedAgain.body, { ...removed.body, replayed: true });
  assert.equal(removedAgain.headers.get("Idempotent-Replayed"), "true");
});

test("a cached balance may be old, a strong one never is", async () => {
  await engine.customer(key, "cached", 10);
  const path = "/v1/customers/cached/balance";
  const balance = async (query: string): Promise<Json> =>
    (await engine.send("GET", `${path}?${query}`, { key })).body;
  assert.equal((await balance("consistency=cached")).balance, 10);
  await engine.customer(key, "cached", 5);
  assert.equal((await balance("consistency=strong")).balance, 15);
  const { balance: old, as_of } = await balance("consistency=cached");
  assert.ok(old === 10 || old === 15, `${old} as of ${as_of}`);
});
