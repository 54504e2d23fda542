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

const batch = (
  id: string,
  items: Json[],
  atomic: boolean,
  headers: Record<string, string> = {},
): Promise<Answer> => {
  const body = { items, atomic };
  return engine.send("POST", `/v1/customers/${id}/consume-batch`, { key, body, headers });
};
const statuses = ({ body }: Answer): number[] => body.results.map(({ status }: Json) => status);
const replays = ({ body }: Answer): boolean[] => body.results.map(({ replayed }: Json) => replayed);

test("each item has its outcome, in order; what one refuses the next may still get", async () => {
  await engine.customer(key, "each", 10);
  const items = [{ amount: 4 }, { amount: 7 }, { amount: 6 }, { amount: 0.000001 }];
  const answer = await batch("each", items, false);
  assert.equal(answer.status, 200);
  assert.deepEqual(statuses(answer), [200, 402, 200, 402]);
  const { results, balance, succeeded, failed } = answer.body;
  assert.deepEqual([balance, succeeded, failed], [0, 2, 2]);
  assert.deepEqual([results[0].balance, results[0].amount, results[0].seq], [6, 4, 2]);
  const { code, requested, shortfall, available } = results[1].error;
  assert.deepEqual([code, requested, available, shortfall], ["insufficient_credits", 7, 6, 1]);
  assert.deepEqual([results[1].success, results[2].balance, results[2].seq], [false, 0, 3]);
});

test("atomic is all or nothing, and names the item that was refused", async () => {
  await engine.customer(key, "all", 10);
  const before = await engine.audit(key, "all");
  const { status, body } = await batch("all", [{ amount: 4 }, { amount: 5 }, { amount: 2 }], true);
  assert.deepEqual([status, body.code, body.item], [402, "insufficient_credits", 2]);
  assert.deepEqual([body.balance, body.requested], [1, 2], "as it stood for this item");
  assert.deepEqual(await engine.audit(key, "all"), before);
  const done = await batch("all", [{ amount: 4 }, { amount: 5 }, { amount: 1 }], true);
  assert.deepEqual([statuses(done), done.body.balance], [[200, 200, 200], 0]);
});

test("an item that is not understood refuses the whole batch", async () => {
  await engine.customer(key, "strict", 10);
  const before = await engine.audit(key, "strict");
  const wrong: [Json, string][] = [
    [{ amount: -1 }, "invalid_amount"],
    [{ amuont: 1 }, "unknown_field"],
    [{}, "missing_field"],
    [{ amount: 1, feature: "" }, "invalid_field"],
    [5, "invalid_field"],
    [{ service: "ai", action: "none" }, "unknown_price"],
  ];
  for (const [item, code] of wrong) {
    for (const atomic of [true, false]) {
      const { status, body } = await batch("strict", [{ amount: 1 }, item], atomic);
      assert.deepEqual([status, body.code], [400, code]);
      const place = body.item === 1 || body.field?.startsWith("items[1]");
      assert.ok(place, JSON.stringify(body));
    }
  }
  assert.deepEqual(await engine.audit(key, "strict"), before);
});

test("each item has a key of its own; a repeat replays it", async () => {
  await engine.customer(key, "keys", 10);
  const items = [
    { amount: 1, idempotency_key: "a" },
    { amount: 2, idempotency_key: "b" },
  ];
  const first = await batch("keys", items, false);
  assert.deepEqual(replays(first), [false, false]);
  assert.equal(first.headers.get("Idempotent-Replayed"), null);
  const again = await batch("keys", items, true);
  assert.deepEqual(replays(again), [true, true]);
  assert.equal(again.headers.get("Idempotent-Replayed"), "true");
  assert.equal(again.body.results[1].transaction_id, first.body.results[1].transaction_id);
  const single = { key, body: { amount: 2, idempotency_key: "b" } };
  const consumed = await engine.send("POST", "/v1/customers/keys/consume", single);
  assert.equal(consumed.body.replayed, true, "an item and a consume are one operation");
  const changed = await batch("keys", [{ amount: 3, idempotency_key: "a" }, { amount: 1 }], false);
  assert.deepEqual(statuses(changed), [422, 200]);
  const atomic = await batch("keys", [{ amount: 1 }, { amount: 3, idempotency_key: "a" }], true);
  assert.deepEqual(
    [atomic.status, atomic.body.code, atomic.body.item],
    [422, "idempotency_key_reused", 1],
  );
  assert.equal((await engine.audit(key, "keys")).journal_balance, 6);
});

test("one key twice in a batch is one charge", async () => {
  await engine.customer(key, "double", 10);
  for (const atomic of [true, false]) {
    const item = { amount: 2, idempotency_key: `k-${atomic}` };
    const answer = await batch("double", [item, item], atomic);
    assert.deepEqual(replays(answer), [false, true]);
  }
  assert.equal((await engine.audit(key, "double")).journal_balance, 6);
});

test("the header's key covers each item by its place", async () => {
  await engine.customer(key, "header", 10);
  const headers = { "Idempotency-Key": "night" };
  const items = [{ amount: 1 }, { amount: 1 }, { amount: 1, idempotency_key: "own" }];
  const first = await batch("header", items, false, headers);
  assert.deepEqual([replays(first), first.body.balance], [[false, false, false], 7]);
  const again = await batch("header", items, false, headers);
  assert.deepEqual([replays(again), again.body.balance], [[true, true, true], 7]);
  const consumed = await engine.send("POST", "/v1/customers/header/consume", {
    key,
    body: { amount: 1 },
    headers,
  });
  assert.equal(consumed.body.replayed, false, "a batch's key is not a consume's");
});

test("a partly refused batch replays what was done and tries the rest again", async () => {
  await engine.customer(key, "partly", 3);
  const headers = { "Idempotency-Key": "k" };
  const items = [{ amount: 2 }, { amount: 5 }];
  assert.deepEqual(statuses(await batch("partly", items, false, headers)), [200, 402]);
  await engine.customer(key, "partly", 4);
  const again = await batch("partly", items, false, headers);
  assert.deepEqual([replays(again), again.body.balance], [[true, false], 0]);
  assert.equal(again.headers.get("Idempotent-Replayed"), null);
});

test("an item past its own deadline is refused", async () => {
  await engine.customer(key, "dated", 10);
  const late = { amount: 1, deadline: "2020-01-01T00:00:00Z" };
  const each = await batch("dated", [late, { amount: 1 }], false);
  assert.deepEqual(statuses(each), [409, 200]);
  assert.equal(each.body.results[0].error.code, "deadline_passed");
  const all = await batch("dated", [{ amount: 1 }, late], true);
  assert.deepEqual([all.status, all.body.code, all.body.item], [409, "deadline_passed", 1]);
});

test("a batch has 1 to 1000 items", async () => {
  await engine.customer(key, "large", 1000);
  const items = (count: number): Json[] => Array.from({ length: count }, () => ({ amount: 1 }));
  for (const count of [0, 1001]) {
    const { status, body } = await batch("large", items(count), true);
    assert.deepEqual([status, body.code, body.field], [400, "invalid_field", "items"]);
  }
  const { body } = await batch("large", items(1000), true);
  assert.deepEqual([body.succeeded, body.balance, body.results[999].seq], [1000, 0, 1001]);
  assert.equal((await engine.audit(key, "large")).entries, 1001);
});

test("a batch for an unknown customer charges nothing and creates nothing", async () => {
  assert.deepEqual(statuses(await batch("nobody", [{ amount: 1 }], false)), [402]);
  assert.equal((await batch("nobody", [{ amount: 1 }], true)).status, 402);
  const { status } = await engine.send("GET", "/v1/customers/nobody", { key });
  assert.equal(status, 404);
});
