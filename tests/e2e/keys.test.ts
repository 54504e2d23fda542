import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, type Answer, Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await engine.customer(key, "anna", 100);
});
after(() => engine.end());

const make = async (body: Json): Promise<Json> => {
  const made = await engine.send("POST", "/v1/keys", { key, body });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  return made.body;
};
const read = (key: string): Promise<Answer> =>
  engine.send("GET", "/v1/customers/anna/balance", { key });
const is = ({ status, body }: Answer, expected: number, code: string): void =>
  assert.deepEqual([status, body.code], [expected, code]);
const HOUR_MS = 3_600_000;
/** More than an engine needs to start. */
const MARGIN_MS = 120_000;
const instant = (ms: number): string => new Date(ms).toISOString();

test("without a key it is 401 missing_key, with a wrong one invalid_key", async () => {
  is(await engine.send("GET", "/v1/customers"), 401, "missing_key");
  const changed = key.slice(0, -1) + (key.endsWith("a") ? "b" : "a");
  const wrong = ["x", "ce_live_", changed, key.replace("live", "test"), key.replace("ce_", "ck_")];
  for (const token of [...wrong, ADMIN_TOKEN, `${key}x`, ""].filter(Boolean))
    is(await read(token), 401, "invalid_key");
  const headers = { Authorization: `Basic ${key}` };
  is(await engine.send("GET", "/v1/customers", { headers }), 401, "invalid_key");
  const lower = { Authorization: `bearer ${key}` };
  assert.equal((await engine.send("GET", "/v1/customers", { headers: lower })).status, 200);
});

test("the operator token makes projects and nothing else; no API key makes projects", async () => {
  is(
    await engine.send("POST", "/v1/projects", { key, body: { id: "x" } }),
    403,
    "insufficient_scope",
  );
  is(await engine.send("GET", "/v1/projects", { key: "operator-token" }), 401, "invalid_key");
  is(await engine.send("GET", "/v1/customers", { key: ADMIN_TOKEN }), 401, "invalid_key");
  const listed = await engine.send("GET", "/v1/projects", { key: ADMIN_TOKEN });
  assert.equal(listed.body.data[0].id, "shop");
});

test("a key that nobody limits may read and consume", async () => {
  for (const body of [{ kind: "project" }, { kind: "customer", customer_id: "anna" }])
    assert.deepEqual((await make(body)).scopes, ["read", "consume"]);
});

test("nobody makes a key that may do more than their own, nor by rotating one", async () => {
  const admin = (await make({ kind: "project", scopes: ["admin"] })).key;
  const create = (body: Json): Promise<Answer> =>
    engine.send("POST", "/v1/keys", { key: admin, body });
  is(await create({ kind: "project", scopes: ["admin", "write"] }), 400, "invalid_field");
  is(await create({ kind: "customer", customer_id: "anna" }), 400, "invalid_field");
  const other = await make({ kind: "project", scopes: ["read", "write", "admin"] });
  const rotated = await engine.send("POST", `/v1/keys/${other.id}/rotate`, { key: admin });
  is(rotated, 403, "insufficient_scope");
  assert.equal((await read(other.key)).status, 200, "and it lives on");
  const customer = { kind: "customer", customer_id: "anna", scopes: ["write"] };
  is(await engine.send("POST", "/v1/keys", { key, body: customer }), 400, "invalid_field");
});

test("a customer key reads its own balance and consumes, and may do nothing else", async () => {
  const own = (await engine.customerKey(key, "anna")).key;
  assert.match(own, /^ck_live_/);
  assert.equal((await read(own)).status, 200);
  const consume = { key: own, body: { amount: 1 } };
  assert.equal((await engine.send("POST", "/v1/customers/anna/consume", consume)).status, 200);
  assert.equal((await engine.send("POST", "/v1/customers/anna/check", consume)).body.allowed, true);
  const others: [string, string, Json?][] = [
    ["GET", "/v1/customers"],
    ["GET", "/v1/customers/anna"],
    ["GET", "/v1/customers/anna/transactions"],
    ["POST", "/v1/customers/anna/credits", { amount: 1, type: "topup" }],
    ["DELETE", "/v1/customers/anna"],
    ["GET", "/v1/keys"],
    ["PUT", "/v1/costs", []],
  ];
  for (const [method, path, body] of others)
    is(await engine.send(method, path, { key: own, body }), 403, "insufficient_scope");
});

test("a key is refused from its expiry on", async () => {
  const expiry = Date.now() + HOUR_MS;
  const expires_at = instant(expiry);
  const keys = [
    await make({ kind: "project", expires_at }),
    await make({ kind: "customer", customer_id: "anna", expires_at }),
  ];
  await engine.travel(instant(expiry - MARGIN_MS));
  for (const { key } of keys) assert.equal((await read(key)).status, 200);
  await engine.travel(expires_at);
  for (const { key } of keys) is(await read(key), 401, "invalid_key");
  const past = { kind: "project", expires_at: "2020-01-01T00:00:00Z" };
  is(await engine.send("POST", "/v1/keys", { key, body: past }), 400, "invalid_field");
});

test("a revoked key is refused at once", async () => {
  for (const made of [await make({ kind: "project" }), await engine.customerKey(key, "anna")]) {
    assert.equal((await read(made.key)).status, 200);
    const revoked = await engine.send("DELETE", `/v1/keys/${made.id}`, { key });
    assert.deepEqual(revoked.body, { id: made.id, revoked: true });
    is(await read(made.key), 401, "invalid_key");
    is(
      await engine.send("POST", "/v1/customers/anna/consume", {
        key: made.key,
        body: { amount: 1 },
      }),
      401,
      "invalid_key",
    );
    const again = await engine.send("DELETE", `/v1/keys/${made.id}`, { key });
    assert.equal(again.status, 200, "once more changes nothing");
  }
  is(await engine.send("DELETE", "/v1/keys/key_unknown", { key }), 404, "not_found");
});

test("a revoked customer key stays revoked when its customer comes back", async () => {
  await engine.customer(key, "phoenix", 1);
  const own = await engine.customerKey(key, "phoenix");
  await engine.send("DELETE", `/v1/keys/${own.id}`, { key });
  await engine.send("DELETE", "/v1/customers/phoenix", { key });
  await engine.customer(key, "phoenix", 1);
  const balance = await engine.send("GET", "/v1/customers/phoenix/balance", { key: own.key });
  is(balance, 401, "invalid_key");
});

test("a rotated key lives on for the overlap, and no longer", async () => {
  for (const old of [
    await make({ kind: "project", name: "worker" }),
    await engine.customerKey(key, "anna"),
  ]) {
    const path = `/v1/keys/${old.id}/rotate`;
    const rotated = await engine.send("POST", path, { key, body: { overlap_seconds: 3600 } });
    const { key: fresh, id, rotated_from, old_key_expires_at, ...rest } = rotated.body;
    assert.deepEqual(
      [rotated_from, id === old.id, rest.scopes],
      [old.id, false, ["read", "consume"]],
    );
    await engine.travel(instant(Date.parse(old_key_expires_at) - MARGIN_MS));
    for (const token of [old.key, fresh]) assert.equal((await read(token)).status, 200);
    await engine.travel(old_key_expires_at);
    is(await read(old.key), 401, "invalid_key");
    assert.equal((await read(fresh)).status, 200);
    is(await engine.send("POST", path, { key }), 404, "not_found");
  }
  const old = await make({ kind: "project", name: "n", scopes: ["read"] });
  const { body } = await engine.send("POST", `/v1/keys/${old.id}/rotate`, { key });
  is(await read(old.key), 401, "invalid_key");
  assert.deepEqual([body.name, body.scopes], ["n", ["read"]]);
});

test("keys are listed without their secrets", async () => {
  const { live } = await engine.project("listed");
  const body = { kind: "customer", customer_id: "c", name: "web", scopes: ["read"] };
  const made = (await engine.send("POST", "/v1/keys", { key: live, body })).body;
  await engine.send("DELETE", `/v1/keys/${made.id}`, { key: live });
  const list = await engine.send("GET", "/v1/keys?limit=10", { key: live });
  assert.equal(list.body.pagination.total, 2);
  const { revoked_at, ...entry } = list.body.data.find(({ id }: Json) => id === made.id);
  const { key: secret, revoked_at: _, ...description } = made;
  assert.deepEqual(entry, description);
  assert.ok(Date.parse(revoked_at) >= Date.parse(made.created_at));
  const text = JSON.stringify(list.body);
  assert.ok(!text.includes(secret) && !text.includes(live));
});
