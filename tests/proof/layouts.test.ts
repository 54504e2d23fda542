// Journals that earlier versions wrote: the engine of today reads them, goes on with them, and
// vouches for them.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { clockAt, Engine, type Json } from "../e2e/engine.ts";
import { balance } from "../e2e/watch.ts";
import { follow, readFile } from "./chain.ts";
import { figures } from "./order.ts";
import { replaceBy } from "./sqlite_text.ts";

const CUSTOMER = "anna";
const FIXTURES = fileURLToPath(new URL("./fixtures", import.meta.url));
/** After all that falls due in the fixtures. */
const LATER = "2031-01-01T00:00:00.000Z";

const names = readdirSync(FIXTURES)
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

/** The file of the only ledger there is. */
function ledgerOf(engine: Engine): string {
  const dir = join(engine.dataDir, "workerd", "storage", "edge-credits-LedgerObject");
  const [name, ...others] = readdirSync(dir).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  assert.ok(name && others.length === 0);
  return join(dir, name);
}

for (const name of names) {
  test(`a journal of the layout ${name} is read, goes on, and is sound`, async (t) => {
    const engine = await Engine.start({ env: clockAt(LATER) });
    t.after(() => engine.end());
    const expected = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), "utf8"));
    const { live: key } = await engine.project("shop");
    const send = (method: string, path: string, body?: Json) =>
      engine.send(method, `/v1/${path}`, { key, body });
    const own = `customers/${CUSTOMER}`;
    await engine.customer(key, CUSTOMER, 1);
    await engine.kill();
    const path = ledgerOf(engine);
    replaceBy(path, readFileSync(join(FIXTURES, `${name}.sql`), "utf8"));
    const before = readFile(path)?.rows ?? [];
    assert.equal(before.length, expected.entries);
    await engine.restart();

    // What was answered then is answered now.
    assert.equal(await balance(engine, key, CUSTOMER), expected.balance);
    const topups = await send("GET", `${own}/transactions?limit=20&type=topup`);
    const latest = await send("GET", `${own}/transactions?limit=20`);
    const shown = [...topups.body.data, ...latest.body.data].map(withoutIds);
    assert.deepEqual(shown, expected.transactions.map(withoutIds));
    // What fell due since then has been done.
    assert.equal(await balance(engine, key, CUSTOMER, "held"), 0);

    // A key of then is known; a charge of now goes on from there.
    const again = { amount: 2.5, feature: "chat", idempotency_key: "once" };
    const replayed = await send("POST", `${own}/consume`, again);
    assert.deepEqual([replayed.status, replayed.body.replayed], [200, true]);
    const charged = await send("POST", `${own}/consume`, { amount: 1 });
    assert.equal(charged.body.balance, expected.balance - 1);

    const { body: audit } = await send("GET", `${own}/audit`);
    assert.deepEqual([audit.consistent, audit.faults], [true, []], JSON.stringify(audit));
    const isChained = before[0]?.hash !== undefined;
    assert.equal(audit.chain.from, isChained ? 1 : expected.entries + 1);
    const exported = await send("GET", `${own}/export`);
    assert.equal(exported.body.length, audit.entries);

    await engine.kill();
    const journal = readFile(path);
    assert.ok(journal);
    assert.deepEqual(follow(journal.owner, journal.rows, audit.chain.from), {
      head: audit.chain.head,
      wrong: undefined,
    });
    // What was written then is as it was, but for the columns that came since.
    for (const [index, row] of before.entries())
      assert.deepEqual({ ...journal.rows[index], ...row }, { ...journal.rows[index] });
    await engine.restart();
    assert.equal(await balance(engine, key, CUSTOMER), expected.balance - 1);
  });
}

/** Ids name the object, which is another one here. */
function withoutIds({ id, hold_id, refund_of, ...rest }: Json): Json {
  return { ...rest, isRefund: refund_of !== null, isOfHold: hold_id !== null };
}

test("every layout has a fixture", () => {
  assert.ok(names.length >= 3, names.join(", "));
  figures(`${names.length} layouts read, continued and audited: ${names.join(", ")}`);
});
