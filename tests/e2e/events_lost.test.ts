// What must hold when things go away under a delivery: the engine, its secret, the receiver.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "../../scripts/process.mjs";
import { ROOT } from "../../scripts/toolchain.mjs";
import { Engine } from "./engine.ts";
import { assertSigned, Receiver, subscribe } from "./receiver.ts";
import { editStorage, until } from "./watch.ts";

/** A lost attempt is made again after 20 seconds. */
const PATIENCE_MS = 60_000;

let engine: Engine;
let receiver: Receiver;
let live: string;
let secret: string;
before(async () => {
  engine = await Engine.start({ env: { KEY_SECRET: "old secret" } });
  receiver = await Receiver.start();
  ({ live } = await engine.project("shop"));
  secret = await subscribe(engine, live, { webhook_url: receiver.url });
});
after(async () => {
  await engine.end();
  await receiver.end();
});

const isDelivered = async (customer: string, count: number, key = live): Promise<boolean> => {
  const path = `/v1/events?limit=100&customer_id=${customer}`;
  const { data } = (await engine.send("GET", path, { key })).body;
  const delivered = data.filter(
    (event: { delivery: { status: string } }) => event.delivery.status === "delivered",
  );
  return delivered.length >= count;
};

test("kill -9 while an endpoint is being called loses nothing and keeps the order", async () => {
  let isHanging = true;
  receiver.answer = (response) => {
    if (!isHanging) response.end();
  };
  await engine.customer(live, "anna", 1);
  await until("the first is under way", () => receiver.of("anna").length === 1, PATIENCE_MS);
  await engine.customer(live, "anna", 2);
  await engine.kill();
  isHanging = false;
  await engine.restart();
  // What was committed just before the kill is told when the ledger is next used.
  await engine.customer(live, "anna", 3);
  await until("all arrive", () => isDelivered("anna", 3), PATIENCE_MS);
  const amounts = receiver.of("anna").map(({ event }) => event.data.amount);
  assert.deepEqual(amounts, [1, 1, 2, 3]);
  for (const attempt of receiver.of("anna")) assertSigned(attempt, secret);
});

test("an events object that is broken slows no charge, and hears of everything once it is well", async () => {
  const breakStorage = async (sql: string): Promise<void> => {
    await engine.kill();
    editStorage(engine, "EventsObject", sql);
    await engine.restart();
  };
  await engine.customer(live, "ben", 1);
  await until("the first is delivered", () => isDelivered("ben", 1), PATIENCE_MS);
  await breakStorage("DROP TABLE sources; CREATE TABLE sources (nonsense)");
  for (let amount = 2; amount <= 20; amount += 1) await engine.customer(live, "ben", amount);
  const log = join(engine.dataDir, "workerd.log");
  const complains = () =>
    readFileSync(log, "utf8").includes("what a ledger committed was not told");
  await until("the ledger has tried", complains, PATIENCE_MS);
  await engine.customer(live, "ben", 21);

  // It has forgotten what it heard, too: nothing is sent twice all the same.
  await breakStorage("DROP TABLE sources");
  await engine.customer(live, "ben", 22);
  await until("all are delivered", () => isDelivered("ben", 22), PATIENCE_MS);
  const amounts = receiver.of("ben").map(({ event }) => event.data.amount);
  assert.deepEqual(
    amounts,
    Array.from({ length: 22 }, (_, index) => index + 1),
  );
});

test("while the secret is being rotated receivers with either one take events", async () => {
  await engine.kill();
  await engine.restart({ KEY_SECRET: "new secret", KEY_SECRET_PREVIOUS: "old secret" });
  const newSecret = await subscribe(engine, live, { webhook_url: receiver.url });
  assert.notEqual(newSecret, secret);
  await engine.customer(live, "rose", 1);
  await until("it arrives", () => receiver.of("rose").length === 1, PATIENCE_MS);
  const [attempt] = receiver.of("rose");
  assert.ok(attempt);
  assertSigned(attempt, secret);
  assertSigned(attempt, newSecret);
  assert.equal(String(attempt.headers["webhook-signature"]).split(" ").length, 2);
});

test("the receiver of docs/webhooks.md takes an event, once, and refuses a forged one", async (t) => {
  const page = readFileSync(join(ROOT, "docs", "webhooks.md"), "utf8");
  const program = page.match(/```js\n([\s\S]*?)```/)?.[1];
  assert.ok(program);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const key = (await engine.project("docs")).live;
  const its = await subscribe(engine, key, { webhook_url: url });
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: ROOT,
    env: { ...process.env, WEBHOOK_SECRET: its, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const post = (headers: Record<string, string>, body: string): Promise<number | undefined> =>
    fetch(url, { method: "POST", headers, body }).then(
      ({ status }) => status,
      () => undefined,
    );
  await until("it listens", async () => (await post({}, "{}")) === 401);
  await engine.customer(key, "dora", 2.5);
  await until("it is delivered", () => isDelivered("dora", 1, key), PATIENCE_MS);
  assert.equal(output, "balance.topped_up dora 2.5\n");
});
