import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Engine, type Json } from "./engine.ts";
import { until } from "./watch.ts";

const WRAPPER = fileURLToPath(new URL("./telling.js", import.meta.url));
const CROWD = Array.from({ length: 80 }, (_, index) => `customer-${index}`);
const ROUNDS = 5;
const PATIENCE_MS = 60_000;

let engine: Engine;
before(async () => {
  engine = await Engine.start({ wrapper: WRAPPER });
});
after(() => engine.end());

interface Told {
  messages: number;
  words: number;
  refused: number;
}

async function told(path = "told"): Promise<Told> {
  return (await (await fetch(`${engine.url}/${path}`, { method: "POST" })).json()) as Told;
}

async function shows(key: string, sums: Json): Promise<void> {
  await until(
    `${sums.total_transactions} transactions show`,
    async () => {
      const { body } = await engine.send("GET", "/v1/analytics/summary", { key });
      if (body.total_transactions < sums.total_transactions) return false;
      const seen = Object.keys(sums).map((name) => body[name]);
      assert.deepEqual(seen, Object.values(sums));
      return true;
    },
    PATIENCE_MS,
  );
}

/**
 * Charges each customer again and again until what their ledgers tell is as it should be: whose
 * object left memory meanwhile, or is in the middle of a commit, tells by itself.
 */
async function chargedUntil(project: string, isSo: (told: Told) => boolean): Promise<Told> {
  const key = (await engine.project(project)).live;
  await Promise.all(CROWD.map((customer) => engine.customer(key, customer, 10)));
  const sums = { total_transactions: CROWD.length, total_added: 10 * CROWD.length };
  await shows(key, sums);
  const body = { amount: 0.25 };
  const consume = (customer: string) =>
    engine.send("POST", `/v1/customers/${customer}/consume`, { key, body });
  for (let round = 1; ; round += 1) {
    await told();
    const answers = await Promise.all(CROWD.map(consume));
    assert.ok(answers.every(({ status }) => status === 200));
    const count = (1 + round) * CROWD.length;
    const total_consumed = (round * CROWD.length) / 4;
    await shows(key, { ...sums, total_transactions: count, total_consumed });
    const seen = await told();
    if (isSo(seen) || round === ROUNDS) return seen;
  }
}

test("one ledger tells for all that wait, and each is counted once", async (t) => {
  const isSo = ({ messages, words }: Told) => messages <= words / 2;
  const seen = await chargedUntil("together", isSo);
  t.diagnostic(`${seen.words} in ${seen.messages} messages`);
  assert.ok(seen.words >= CROWD.length && isSo(seen));
});

test("whom nobody could tell for tells by itself", async () => {
  await told("refuse");
  const { messages, words, refused } = await chargedUntil("alone", ({ refused }) => refused > 0);
  assert.ok(refused > 0, "a message of several failed");
  assert.equal(words, messages);
});
