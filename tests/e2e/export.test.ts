import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Engine, type Json, NDJSON } from "./engine.ts";
import { balance, editStorage, journal, until } from "./watch.ts";

/** More than a few pages of any size. */
const CHARGES = 3_000;
const BATCH = 1_000;

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await engine.customer(key, "busy", 10_000);
  for (let made = 0; made < CHARGES; made += BATCH) {
    const items = Array.from({ length: BATCH }, (_, n) => ({ amount: 1.25, feature: `f${n % 7}` }));
    const body = { items, atomic: true };
    const answer = await engine.send("POST", "/v1/customers/busy/consume-batch", { key, body });
    assert.equal(answer.body.succeeded, BATCH);
  }
});
after(() => engine.end());

const path = (id: string): string => `/v1/customers/${id}/export`;

async function exported(id: string): Promise<Json[]> {
  const { status, headers, body } = await engine.send("GET", path(id), { key });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(headers.get("Content-Type"), NDJSON);
  assert.equal(headers.get("X-Journal-Entries"), `${body.length}`);
  return body;
}

/** What a list of transactions shows of a line. */
function withoutTheJournalsOwn(line: Json): Json {
  const { internal, stored_key, fingerprint, about, notices, hash, event, ...rest } = line;
  return rest;
}

/** The export of a customer as it arrives. */
async function open(id: string): Promise<Response> {
  const headers = { Authorization: `Bearer ${key}` };
  return fetch(`${engine.url}${path(id)}`, { headers, signal: AbortSignal.timeout(20_000) });
}

test("an export has every entry, oldest first, and all that is listed of each transaction", async () => {
  const post = (route: string, body: Json): Promise<Json> =>
    engine.send("POST", route, { key, body }).then(({ body }) => body);
  const metadata = { quoted: 'a "b" \\ \u00e9\n', nested: [1, { c: null }] };
  const opened = { id: "anna", metadata };
  await post("/v1/customers", opened);
  const credits = { amount: 100.5, type: "topup", idempotency_key: "pay-1", metadata };
  await post("/v1/customers/anna/credits", credits);
  const charge = await post("/v1/customers/anna/consume", { amount: 0.1, feature: "chat" });
  await post("/v1/customers/anna/credits", {
    amount: 0.1,
    type: "refund",
    refund_of: charge.transaction_id,
  });
  const hold = await post("/v1/usage-transactions", { user_id: "anna", amount: 5 });
  await post(`/v1/usage-transactions/${hold.transaction_id}/extend`, { expires_in: 60 });
  await post(`/v1/usage-transactions/${hold.transaction_id}/complete`, {
    success: true,
    amount: 2,
  });

  const lines = await exported("anna");
  assert.deepEqual(
    lines.map(({ seq, type, amount, internal }) => [seq, type, amount, internal]),
    [
      [1, "customer_opened", 0, true],
      [2, "topup", 100.5, false],
      [3, "consumption", -0.1, false],
      [4, "refund", 0.1, false],
      [5, "hold", 0, true],
      [6, "hold_extended", 0, true],
      [7, "consumption", -2, false],
    ],
  );
  const listed = await engine.send("GET", "/v1/customers/anna/transactions", { key });
  const transactions = lines.filter(({ internal }) => !internal);
  assert.deepEqual(transactions.map(withoutTheJournalsOwn), listed.body.data.reverse());
  const [first, topup, , refund, , extended, settled] = lines;
  assert.deepEqual(JSON.parse(first.event.opened.metadata), metadata);
  assert.deepEqual([topup.idempotency_key, topup.stored_key], ["pay-1", "k:pay-1"]);
  assert.match(topup.fingerprint, /^[0-9a-f]{32}$/);
  assert.deepEqual([refund.about, settled.about, topup.notices[0]], [3, 5, 4]);
  assert.deepEqual([refund.refund_of, refund.hold_id], [charge.transaction_id, null]);
  for (const line of [extended, settled])
    assert.deepEqual([line.hold_id, line.refund_of], [hold.transaction_id, null]);
  assert.equal(await balance(engine, key, "anna"), 98.5);
});

test("a journal of thousands arrives in pieces and adds up to the balance", async () => {
  const response = await open("busy");
  assert.equal(response.headers.get("X-Journal-Entries"), `${CHARGES + 1}`);
  let pieces = 0;
  let rest = "";
  let seq = 0;
  let sum = 0;
  const decoder = new TextDecoder();
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    pieces += 1;
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const entry = JSON.parse(line);
      sum += entry.amount;
      assert.deepEqual([entry.seq, entry.balance_after], [seq + 1, sum]);
      seq = entry.seq;
    }
  }
  assert.equal(rest, "");
  assert.ok(pieces > 3, `${pieces} pieces`);
  assert.equal(seq, CHARGES + 1);
  assert.equal(sum, await balance(engine, key, "busy"));
  // An audit of it takes more than one call to the ledger.
  assert.equal((await engine.audit(key, "busy")).entries, CHARGES + 1);
});

test("what is charged while an export runs is not part of it", async () => {
  const response = await open("busy");
  const last = Number(response.headers.get("X-Journal-Entries"));
  const charge = { key, body: { amount: 1 } };
  const { body } = await engine.send("POST", "/v1/customers/busy/consume", charge);
  assert.equal(body.seq, last + 1);
  const lines = (await response.text()).trimEnd().split("\n");
  assert.equal(lines.length, last);
  assert.equal(JSON.parse(lines.at(-1) ?? "").seq, last);
});

test("a HEAD request says how long the export would be", async () => {
  const { status, headers, body } = await engine.send("HEAD", path("busy"), { key });
  const entries = `${journal(engine, "busy").length}`;
  assert.deepEqual(
    [status, body, headers.get("Content-Type"), headers.get("X-Journal-Entries")],
    [200, "", NDJSON, entries],
  );
});

test("only a project key that may read exports", async () => {
  const own = await engine.customerKey(key, "busy");
  const body = { kind: "project", scopes: ["consume", "write"] };
  const made = await engine.send("POST", "/v1/keys", { key, body });
  for (const refused of [own.key, made.body.key]) {
    const { status, body } = await engine.send("GET", path("busy"), { key: refused });
    assert.deepEqual([status, body.code], [403, "insufficient_scope"]);
  }
});

test("a caller that hangs up ends the export, and nothing else", async () => {
  for (let n = 0; n < 20; n += 1) {
    const response = await open("busy");
    await response.body?.cancel();
  }
  assert.equal((await exported("busy")).length, journal(engine, "busy").length);
  assert.ok(!log().includes("broken off"), log());
});

test("an export that cannot be finished is broken off, not ended", async () => {
  await engine.kill();
  editStorage(engine, "LedgerObject", "UPDATE entries SET payload = '{}' WHERE seq = 2000");
  await engine.restart();
  const response = await open("busy");
  assert.equal(response.status, 200);
  await assert.rejects(response.text(), TypeError);
  await until("the log says so", () => log().includes("an answer was broken off"));
  assert.ok(await balance(engine, key, "busy"), "the ledger itself goes on");
});

test("an unknown customer has no export, a deleted one has", async () => {
  for (const method of ["GET", "HEAD"])
    assert.equal((await engine.send(method, path("nobody"), { key })).status, 404);
  await engine.customer(key, "leaver", 7);
  await engine.send("DELETE", "/v1/customers/leaver", { key });
  const lines = await exported("leaver");
  assert.deepEqual(
    lines.map(({ type, amount }) => [type, amount]),
    [
      ["topup", 7],
      ["adjustment", -7],
    ],
  );
});

function log(): string {
  return readFileSync(join(engine.dataDir, "workerd.log"), "utf8");
}
