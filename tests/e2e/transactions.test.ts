import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Engine, type Json } from "./engine.ts";

const COUNT = 25;
let engine: Engine;
let key: string;
/** When the tenth of anna's charges had been made. */
let tenth: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await engine.customer(key, "anna", 1000);
  for (let n = 1; n <= COUNT; n += 1) {
    const body = { amount: n, feature: `f${n}` };
    const { body: made } = await engine.send("POST", "/v1/customers/anna/consume", { key, body });
    if (n % 10 === 0) {
      const refund = { amount: 1, type: "refund", refund_of: made.transaction_id };
      await engine.send("POST", "/v1/customers/anna/credits", { key, body: refund });
    }
    if (n === 10) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      tenth = new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const body = { amount: -3, type: "adjustment" };
  await engine.send("POST", "/v1/customers/anna/credits", { key, body });
});
after(() => engine.end());

const TOTAL = 1 + COUNT + 2 + 1;
const list = async (query: Record<string, string | number> = {}, id = "anna"): Promise<Json> => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) search.set(name, `${value}`);
  const { status, body } = await engine.send("GET", `/v1/customers/${id}/transactions?${search}`, {
    key,
  });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const seqs = (page: Json): number[] => page.data.map(({ seq }: Json) => seq);
/** `first`, then one less each time. */
const down = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first - index);

test("transactions come newest first, twenty at a time", async () => {
  const page = await list();
  assert.deepEqual(seqs(page), down(TOTAL, 20));
  const { next_cursor, ...rest } = page.pagination;
  assert.deepEqual(rest, { limit: 20, offset: 0, total: TOTAL, has_more: true });
  assert.equal(typeof next_cursor, "string");
});

test("each balance follows from the one before", async () => {
  const { data } = await list({ limit: 100 });
  let balance = 0;
  for (const entry of data.reverse()) {
    balance += entry.amount;
    assert.equal(entry.balance_after, balance, JSON.stringify(entry));
  }
  assert.equal((await engine.audit(key, "anna")).journal_balance, balance);
});

test("a cursor walks the whole list once, also while it grows", async () => {
  await engine.customer(key, "grows", 100);
  const consume = (): Promise<unknown> =>
    engine.send("POST", "/v1/customers/grows/consume", { key, body: { amount: 1 } });
  for (let n = 0; n < 9; n += 1) await consume();
  const seen: number[] = [];
  let cursor: string | null = null;
  do {
    const page: Json = await list({ limit: 3, ...(cursor !== null && { cursor }) }, "grows");
    seen.push(...seqs(page));
    assert.equal(page.pagination.has_more, page.pagination.next_cursor !== null);
    cursor = page.pagination.next_cursor;
    await consume();
  } while (cursor !== null);
  assert.deepEqual(seen, down(10, 10));
});

test("an offset passes over entries, and its page leads on by cursor", async () => {
  const page = await list({ limit: 5, offset: 7 });
  assert.deepEqual(seqs(page), down(TOTAL - 7, 5));
  assert.deepEqual([page.pagination.offset, page.pagination.total], [7, TOTAL]);
  const next = await list({ limit: 5, cursor: page.pagination.next_cursor });
  assert.deepEqual(seqs(next), down(TOTAL - 12, 5));
  const last = await list({ limit: 10, offset: TOTAL - 4 });
  assert.deepEqual(seqs(last), down(4, 4));
  assert.deepEqual([last.pagination.has_more, last.pagination.next_cursor], [false, null]);
  const beyond = await list({ offset: TOTAL });
  assert.deepEqual([beyond.data, beyond.pagination.total], [[], TOTAL]);
  assert.deepEqual((await list({ offset: Number.MAX_SAFE_INTEGER })).data, []);
});

test("a page that ends with the list has no more", async () => {
  const exact = await list({ limit: TOTAL });
  assert.deepEqual([exact.data.length, exact.pagination.has_more], [TOTAL, false]);
  const all = await list({ limit: 100 });
  assert.deepEqual([all.data.length, all.pagination.has_more], [TOTAL, false]);
});

test("a type chooses, and total counts what was chosen", async () => {
  const counts: Record<string, number> = {
    consumption: COUNT,
    topup: 1,
    refund: 2,
    adjustment: 1,
    expiry: 0,
    allocation: 0,
    rollover: 0,
    purchase: 0,
  };
  for (const [type, count] of Object.entries(counts)) {
    const { data, pagination } = await list({ type, limit: 100 });
    assert.deepEqual([data.length, pagination.total], [count, count], type);
    assert.ok(data.every((entry: Json) => entry.type === type));
  }
  const page = await list({ type: "consumption", limit: 10 });
  const next = await list({ type: "consumption", limit: 10, cursor: page.pagination.next_cursor });
  const amounts = [...page.data, ...next.data].map(({ amount }: Json) => amount);
  assert.deepEqual(
    amounts,
    down(COUNT, 20).map((n) => -n),
  );
});

test("from is included, to is not", async () => {
  const before = await list({ to: tenth, type: "consumption", limit: 100 });
  const since = await list({ from: tenth, type: "consumption", limit: 100 });
  assert.deepEqual([before.pagination.total, since.pagination.total], [10, 15]);
  const { created_at } = since.data.at(-1);
  const after = await list({ from: created_at, to: created_at });
  assert.equal(after.pagination.total, 0);
  const same = await list({ from: created_at, limit: 100, type: "consumption" });
  assert.equal(same.pagination.total, 15);
  const offset = new Date(Date.parse(tenth) + 3_600_000).toISOString().replace("Z", "+01:00");
  assert.equal((await list({ from: offset, type: "consumption" })).pagination.total, 15);
  assert.equal((await list({ from: "2999-01-01T00:00:00Z" })).pagination.total, 0);
});

test("one transaction is read by its id as the list shows it", async () => {
  const { data } = await list({ limit: 100 });
  for (const entry of data.slice(0, 6)) {
    const { body } = await engine.send("GET", `/v1/transactions/${entry.id}`, { key });
    assert.deepEqual(body, entry);
  }
});

test("what moves no credits is no transaction, but is in the journal", async () => {
  await engine.customer(key, "quiet", 10);
  const start = { user_id: "quiet", amount: 5 };
  const { body } = await engine.send("POST", "/v1/usage-transactions", { key, body: start });
  const path = `/v1/usage-transactions/${body.transaction_id}`;
  await engine.send("POST", `${path}/extend`, { key, body: { expires_in: 100 } });
  await engine.send("PATCH", "/v1/customers/quiet", { key, body: { metadata: {} } });
  assert.equal((await list({}, "quiet")).pagination.total, 1);
  assert.equal((await engine.audit(key, "quiet")).entries, 4);
});

test("lists of keys and customers have the same pages", async () => {
  const { live } = await engine.project("pages");
  for (let n = 0; n < 5; n += 1) {
    await engine.customer(live, `c${n}`, 1);
    await engine.send("POST", "/v1/keys", { key: live, body: { kind: "project" } });
  }
  for (const [path, total] of [
    ["customers", 5],
    ["keys", 6],
  ] as const) {
    const page = async (query: string): Promise<Json> =>
      (await engine.send("GET", `/v1/${path}?limit=4&${query}`, { key: live })).body;
    const first = await page("");
    const { next_cursor, ...rest } = first.pagination;
    assert.deepEqual(rest, { limit: 4, offset: 0, total, has_more: true });
    const second = await page(`cursor=${next_cursor}`);
    const ids = [...first.data, ...second.data].map(({ id }: Json) => id);
    assert.deepEqual([new Set(ids).size, second.pagination.has_more], [total, false]);
    assert.deepEqual((await page("offset=4")).data, second.data);
  }
});
