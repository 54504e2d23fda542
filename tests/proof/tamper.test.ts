// Whatever is changed in a journal's file is found, and where.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "../e2e/engine.ts";
import { cellsOf } from "./cells.ts";
import { follow, readFile, rowOf } from "./chain.ts";
import { live, openShop } from "./life.ts";
import { figures, inParallel, randomNumbers, SECONDS, SEED } from "./order.ts";

const VICTIMS = 100;
const SPARED = 10;
/** Some 200 entries a customer; in a long run snapshots are made meanwhile, and more follow. */
const BATCHES = SECONDS === undefined ? 2 : 5;
const PARALLEL = 16;
/** A long run does it all again while there is time; a round takes about this long. */
const ROUND_SECONDS = 30;
const ROUNDS = SECONDS === undefined ? 1 : Math.max(1, Math.floor(SECONDS / ROUND_SECONDS));

const random = randomNumbers(SEED);
let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  await openShop(engine, key);
});
after(() => engine.end());

const below = (limit: number): number => Math.floor(random() * limit);

function audit(customer: string): Promise<Answer> {
  return engine.send("GET", `/v1/customers/${customer}/audit`, { key });
}

/** The files of ledgers, by their customers. */
function ledgers(): Map<string, string> {
  const dir = join(engine.dataDir, "workerd", "storage", "edge-credits-LedgerObject");
  const found = new Map<string, string>();
  for (const name of readdirSync(dir).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))) {
    const path = join(dir, name);
    const customer = readFile(path)?.owner.customer;
    if (customer !== undefined) found.set(customer, path);
  }
  return found;
}

/** Changes one byte of one row of a ledger's file: which row, and what was done. */
function harm(path: string): { seq: number; what: string } {
  const cells = cellsOf(path, "entries");
  const cell = cells[below(cells.length)];
  assert.ok(cell);
  const lengths = cell.spans.map(([from, to]) => to - from);
  let place = below(lengths.reduce((sum, length) => sum + length, 0));
  const part = lengths.findIndex((length) => {
    if (place < length) return true;
    place -= length;
    return false;
  });
  const at = (cell.spans[part]?.[0] ?? 0) + place;
  const bytes = readFileSync(path);
  const mask = 1 + below(255);
  bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
  writeFileSync(path, bytes);
  for (const more of ["-wal", "-shm"]) rmSync(`${path}${more}`, { force: true });
  const what = `byte ${place} of part ${part} of entry ${cell.rowid}, by 0x${mask.toString(16)}`;
  return { seq: cell.rowid, what };
}

/** What was found wrong in a customer's journal. */
async function found(customer: string): Promise<{ seq: number; fault: string }[]> {
  // Not held against the contract: an altered amount need not be one.
  const headers = { Authorization: `Bearer ${key}` };
  const answer = await fetch(`${engine.url}/v1/customers/${customer}/audit`, { headers });
  const body = (await answer.json()) as Json;
  assert.equal(answer.status, 200, `${customer}: ${JSON.stringify(body)}`);
  assert.equal(body.consistent, body.faults.length === 0, JSON.stringify(body));
  return body.faults;
}

for (let round = 0; round < ROUNDS; round += 1) {
  test(`seed ${SEED}, round ${round}: ${VICTIMS} of ${VICTIMS} changed bytes are found and located`, async () => {
    const names = (word: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${word}-${round}-${n}`);
    const victims = names("victim", VICTIMS);
    const spared = names("spared", SPARED);
    const all = [...victims, ...spared];
    // Each life has a seed of its own, since they are lived at once.
    const seeds = all.map(() => below(2 ** 32));
    await inParallel(PARALLEL, all.length, (n) =>
      live(engine, key, all[n] ?? "", randomNumbers(seeds[n] ?? 0), BATCHES),
    );
    await engine.kill();
    const files = ledgers();
    let entries = 0;
    for (const customer of all) {
      const journal = readFile(files.get(customer) ?? "");
      assert.ok(journal);
      entries += journal.rows.length;
      assert.equal(
        follow(journal.owner, journal.rows).wrong,
        undefined,
        `${customer} began unharmed`,
      );
    }
    const harmed = victims.map((customer) => harm(files.get(customer) ?? ""));
    await engine.restart();

    const kinds: Record<string, number> = {};
    await inParallel(PARALLEL, VICTIMS, async (n) => {
      const [first] = await found(victims[n] ?? "");
      const { seq, what } = harmed[n] ?? { seq: 0, what: "" };
      assert.equal(
        first?.seq,
        seq,
        `seed ${SEED}, ${victims[n]}: ${what}: ${JSON.stringify(first)}`,
      );
      kinds[first?.fault ?? ""] = (kinds[first?.fault ?? ""] ?? 0) + 1;
    });
    for (const customer of spared) assert.deepEqual(await found(customer), []);
    const words = Object.entries(kinds).map(([word, count]) => `${count} ${word}`);
    figures(
      `${entries} entries; ${VICTIMS} of ${VICTIMS} changed bytes found and located (${words.join(", ")}), ` +
        `${SPARED} of ${SPARED} unharmed journals sound`,
    );
  });
}

test("an export and the audit's head are verified without the engine", async () => {
  await live(engine, key, "witness", randomNumbers(SEED), 2);
  const exported = await engine.send("GET", "/v1/customers/witness/export", { key });
  const rows = exported.body.map((line: Json) => rowOf(line));
  const owner = { project: "shop", mode: "live", customer: "witness" };
  const { chain, entries } = (await audit("witness")).body;
  assert.deepEqual(follow(owner, rows), { head: chain.head, wrong: undefined });
  assert.deepEqual([chain.from, entries], [1, rows.length]);

  // The verifier itself finds what is planted.
  for (const change of [{ payload: "{}" }, { amount: 1 }, { notices: "[]" }, { hash: null }]) {
    const seq = 1 + below(rows.length);
    const forged = rows.map((row: Json) => (row.seq === seq ? { ...row, ...change } : row));
    assert.equal(follow(owner, forged, chain.from).wrong, seq, JSON.stringify(change));
  }
  assert.equal(follow({ ...owner, customer: "other" }, rows).wrong, 1);
  assert.equal(follow(owner, rows.toSpliced(3, 1)).wrong, 4);
});
