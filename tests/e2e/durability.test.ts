import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine } from "./engine.ts";
import { assertSound, balance, editStorage, journal, until } from "./watch.ts";

const CLIENTS = 32;
const KILLS = 10;
/** Answers between two kills: the first comes early, so that every kill hits a busy engine. */
const ANSWERS_PER_LIFE = 250;
const FUNDS = 1_000_000;

let engine: Engine;
let live: string;
before(async () => {
  engine = await Engine.start();
  ({ live } = await engine.project("shop"));
});
after(() => engine.end());

/** Resolves when the engine runs; pending between a kill and the restart. */
let running = Promise.resolve();

/** Kills the engine again and again while it is being used, each time after some answers. */
async function killUnderLoad(answers: () => number, isOver: () => boolean): Promise<number> {
  let kills = 0;
  while (kills < KILLS) {
    const goal = answers() + ANSWERS_PER_LIFE;
    await until("the load goes on", () => answers() >= goal || isOver(), 20_000);
    if (isOver()) break;
    running = engine.kill().then(() => engine.restart());
    await running;
    kills += 1;
  }
  return kills;
}

/** Asks under one key until there is an answer, as a client must. */
async function insist(path: string, body: { idempotency_key: string }): Promise<Answer> {
  for (;;) {
    await running;
    try {
      const answer = await engine.send("POST", path, { key: live, body });
      if (answer.status < 500) return answer;
      assert.equal(answer.status, 503, JSON.stringify(answer.body));
    } catch (error) {
      if (!isBrokenOff(error)) throw error;
      // Killed, or not yet known to be: the next try waits for the restart.
      await new Promise(setImmediate);
    }
  }
}

/** Whether the connection broke, which says nothing of what the engine has done. */
function isBrokenOff(error: unknown): boolean {
  return error instanceof TypeError || error instanceof SyntaxError;
}

test("what was answered is there after a restart", async () => {
  const path = "/v1/customers/keeper";
  const costs = [{ service: "ai", action: "ask", credits: 2.5, description: null }];
  await engine.send("PUT", "/v1/costs", { key: live, body: costs });
  await engine.customer(live, "keeper", 100);
  const own = await engine.customerKey(live, "keeper");
  const revoked = await engine.customerKey(live, "keeper");
  await engine.send("DELETE", `/v1/keys/${revoked.id}`, { key: live });
  const body = { service: "ai", action: "ask", idempotency_key: "one" };
  const first = await engine.send("POST", `${path}/consume`, { key: own.key, body });
  const start = { user_id: "keeper", amount: 7 };
  const hold = await engine.send("POST", "/v1/usage-transactions", { key: live, body: start });
  const reads = [
    `${path}/transactions`,
    "/v1/costs",
    "/v1/keys",
    "/v1/customers",
    `/v1/usage-transactions/${hold.body.transaction_id}`,
  ];
  const look = () => Promise.all(reads.map((read) => engine.send("GET", read, { key: live })));
  const earlier = await look();

  await engine.kill();
  await engine.restart();

  const later = await look();
  assert.deepEqual(
    later.map((answer) => [answer.status, answer.body]),
    earlier.map((answer) => [200, answer.body]),
  );
  assert.deepEqual(
    [await balance(engine, live, "keeper"), await balance(engine, live, "keeper", "available")],
    [97.5, 90.5],
  );
  const again = await engine.send("POST", `${path}/consume`, { key: own.key, body });
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  const refused = await engine.send("POST", `${path}/consume`, { key: revoked.key, body });
  assert.deepEqual([refused.status, refused.body.code], [401, "invalid_key"]);
  await assertSound(engine, live, "keeper");
});

test("kill -9 under load loses nothing that was answered, and retries double nothing", async (t) => {
  await engine.customer(live, "busy", FUNDS);
  const answered = new Map<string, Answer>();
  let isOver = false;
  const client = async (id: number) => {
    for (let n = 0; !isOver; n += 1) {
      const key = `${id}-${n}`;
      const body = { amount: 1 + (n % 3) / 4, idempotency_key: key };
      const answer = await insist("/v1/customers/busy/consume", body);
      assert.deepEqual([answer.status, answer.body.amount], [200, body.amount]);
      answered.set(key, answer);
    }
  };
  const killer = killUnderLoad(
    () => answered.size,
    () => isOver,
  ).finally(() => {
    isOver = true;
  });
  await Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
  assert.equal(await killer, KILLS);

  const rows = await assertSound(engine, live, "busy");
  const charges = new Map(rows.map((row) => [row.key?.replace(/^k:/, ""), row]));
  let spent = 0;
  for (const [key, { body }] of answered) {
    const row = charges.get(key);
    assert.ok(row, `answered and lost: ${key}`);
    assert.deepEqual([body.seq, body.amount, body.balance], [row.seq, -row.amount, row.balance]);
    spent += body.amount;
  }
  // Every client retried until it was answered, so nothing else was charged either.
  assert.equal(rows.length, 1 + answered.size);
  assert.equal(await balance(engine, live, "busy"), FUNDS - spent);
  const replays = [...answered.values()].filter((answer) => answer.body.replayed).length;
  t.diagnostic(`${answered.size} charges, ${KILLS} kills, ${replays} answers lost on their way`);
});

test("kill -9 under load without keys: the balance is between what must and what may be", async (t) => {
  await engine.customer(live, "careless", FUNDS);
  const acknowledged: number[] = [];
  let unknown = 0;
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      await running;
      try {
        const sent = { key: live, body: { amount: 1 } };
        const answer = await engine.send("POST", "/v1/customers/careless/consume", sent);
        if (answer.status === 200) acknowledged.push(answer.body.seq);
        else unknown += 1;
      } catch (error) {
        if (!isBrokenOff(error)) throw error;
        unknown += 1;
        await new Promise(setImmediate);
      }
    }
  };
  const killer = killUnderLoad(
    () => acknowledged.length,
    () => isOver,
  ).finally(() => {
    isOver = true;
  });
  await Promise.all([...Array.from({ length: CLIENTS }, client), killer]);

  const rows = await assertSound(engine, live, "careless");
  const charged = new Set(rows.filter((row) => row.amount === -1).map((row) => row.seq));
  assert.equal(new Set(acknowledged).size, acknowledged.length, "two answers for one entry");
  assert.deepEqual(
    acknowledged.filter((seq) => !charged.has(seq)),
    [],
    "answered and lost",
  );
  const left = await balance(engine, live, "careless");
  assert.ok(left <= FUNDS - acknowledged.length && left >= FUNDS - acknowledged.length - unknown);
  t.diagnostic(`${acknowledged.length} answered, ${unknown} not, ${FUNDS - left} charged`);
});

test("a customer that the directory was not told of before a kill gets there by itself", async () => {
  const { live: key } = await engine.project("growing");
  await engine.customer(key, "newcomer", 5);
  await engine.kill();
  // As if the kill had come between the commit and the word to the directory.
  editStorage(engine, "LedgerObject", "UPDATE identity SET listed = 0 WHERE customer = 'newcomer'");
  editStorage(engine, "ProjectObject", "DELETE FROM customers WHERE id = 'newcomer'");
  await engine.restart();

  const list = () => engine.send("GET", "/v1/customers", { key });
  assert.equal((await list()).body.pagination.total, 0);
  // Nobody calls the customer's ledger: its alarm must do it.
  await until("the directory lists it", async () => (await list()).body.pagination.total === 1);
  assert.deepEqual(
    journal(engine, "newcomer").map((row) => row.kind),
    ["topup"],
  );
});
