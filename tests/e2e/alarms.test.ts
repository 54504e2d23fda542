import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Engine } from "./engine.ts";
import { assertSound, balance, journal, until } from "./watch.ts";

/** An alarm that is due now rings within this, also on a busy machine. */
const LATEST_MS = 30_000;

let engine: Engine;
let live: string;
before(async () => {
  engine = await Engine.start();
  ({ live } = await engine.project("shop"));
});
after(() => engine.end());

async function hold(customer: string, amount: number, expiresIn: number) {
  const body = { user_id: customer, amount, expires_in: expiresIn };
  const made = await engine.send("POST", "/v1/usage-transactions", { key: live, body });
  assert.deepEqual([made.status, made.body.continue], [200, true]);
  return made.body;
}

/** A grant that ends so many milliseconds from now. */
async function grant(customer: string, amount: number, endsInMs: number): Promise<number> {
  const endsAt = Date.now() + endsInMs;
  const body = { amount, type: "topup", expires_at: new Date(endsAt).toISOString() };
  const path = `/v1/customers/${customer}/credits`;
  const made = await engine.send("POST", path, { key: live, body });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  return endsAt;
}

const kinds = (customer: string) => journal(engine, customer).map((row) => row.kind);

test("a hold that nobody completes ends by itself, with nobody calling", async () => {
  await engine.customer(live, "sleeper", 10);
  const { transaction_id, expires_at } = await hold("sleeper", 4, 2);
  assert.equal(await balance(engine, live, "sleeper", "available"), 6);
  // From here on only the file is looked at.
  const released = await until(
    "the journal has the release",
    () => journal(engine, "sleeper").find((row) => row.kind === "hold_expired"),
    LATEST_MS,
  );
  assert.equal(released.at, Date.parse(expires_at), "dated by when it fell due");
  assert.equal(await balance(engine, live, "sleeper", "available"), 10);
  const state = await engine.send("GET", `/v1/usage-transactions/${transaction_id}`, { key: live });
  assert.equal(state.body.state, "expired");
});

test("a hold that was extended ends at its new time", async () => {
  await engine.customer(live, "extender", 10);
  const { transaction_id } = await hold("extender", 4, 2);
  const path = `/v1/usage-transactions/${transaction_id}/extend`;
  const extended = await engine.send("POST", path, { key: live, body: { expires_in: 4 } });
  const released = await until(
    "the journal has the release",
    () => journal(engine, "extender").find((row) => row.kind === "hold_expired"),
    LATEST_MS,
  );
  assert.equal(released.at, Date.parse(extended.body.expires_at));
});

test("whoever touches a customer first finds the overdue hold released", async () => {
  await engine.customer(live, "lazy", 10);
  const { expires_at } = await hold("lazy", 10, 1);
  await pause(Date.parse(expires_at) - Date.now() + 1);
  // Perhaps before the alarm, perhaps after: the answer is the same.
  const body = { amount: 10 };
  const consumed = await engine.send("POST", "/v1/customers/lazy/consume", { key: live, body });
  assert.deepEqual([consumed.status, consumed.body.balance], [200, 0]);
  assert.deepEqual(kinds("lazy"), ["topup", "hold", "hold_expired", "consumption"]);
});

test("a grant leaves by an expiry transaction when its time comes, with nobody calling", async () => {
  await engine.customer(live, "seasonal", 10);
  const endsAt = await grant("seasonal", 5, 2_000);
  const body = { amount: 2 };
  // The grant that ends soonest burns first, so 3 of it are left to expire.
  await engine.send("POST", "/v1/customers/seasonal/consume", { key: live, body });
  const expired = await until(
    "the journal has the expiry",
    () => journal(engine, "seasonal").find((row) => row.kind === "expiry"),
    LATEST_MS,
  );
  assert.deepEqual([expired.amount, expired.balance, expired.at], [-3, 10, endsAt]);
  const list = await engine.send("GET", "/v1/customers/seasonal/transactions?type=expiry", {
    key: live,
  });
  assert.deepEqual([list.body.data.length, list.body.data[0].amount], [1, -3]);
  await assertSound(engine, live, "seasonal");
});

test("a reader never sees credits that have expired", async () => {
  const endsAt = await grant("reader", 5, 2_000);
  assert.equal(await balance(engine, live, "reader"), 5);
  await pause(endsAt - Date.now() + 1);
  assert.equal(await balance(engine, live, "reader"), 0);
  const consumed = await engine.send("POST", "/v1/customers/reader/consume", {
    key: live,
    body: { amount: 1 },
  });
  assert.equal(consumed.status, 402);
});

test("several things due are done one by one, each at its own time; what is held does not expire", async () => {
  await engine.customer(live, "juggler", 10);
  const second = await grant("juggler", 1, 5_000);
  const first = await grant("juggler", 2, 2_000);
  // It holds one of the two credits that end first.
  const { expires_at } = await hold("juggler", 1, 2);
  const released = Date.parse(expires_at);
  const rows = await until(
    "all are over",
    () => {
      const due = journal(engine, "juggler").slice(4);
      return due.length === 4 ? due : undefined;
    },
    LATEST_MS,
  );
  assert.deepEqual(
    rows.map((row) => [row.at, row.kind, row.amount]),
    [
      [first, "expiry", -1],
      [released, "hold_expired", 0],
      [released, "expiry", -1],
      [second, "expiry", -1],
    ],
  );
  assert.equal(await balance(engine, live, "juggler", "available"), 10);
});

test("what falls due while the engine is down is done when it is up again, with nobody calling", async () => {
  await engine.customer(live, "downtime", 10);
  const { expires_at } = await hold("downtime", 4, 2);
  await engine.kill();
  await pause(Date.parse(expires_at) - Date.now() + 1);
  assert.deepEqual(kinds("downtime"), ["topup", "hold"]);
  await engine.restart();
  await until(
    "the journal has the release",
    () => kinds("downtime").includes("hold_expired"),
    LATEST_MS,
  );
});
