import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { Engine, type Json } from "./engine.ts";
import { assertSigned, Receiver, subscribe } from "./receiver.ts";
import { until } from "./watch.ts";

/** The first pause after a failure is about 5 seconds, the shipping about 2. */
const PATIENCE_MS = 30_000;

let engine: Engine;
let receiver: Receiver;
before(async () => {
  engine = await Engine.start();
  receiver = await Receiver.start();
});
afterEach(() => {
  receiver.answers(200);
});
after(async () => {
  await engine.end();
  await receiver.end();
});

const arrived = (customer: string, count: number): Promise<boolean> =>
  until(
    `${count} events of ${customer} arrive`,
    () => receiver.of(customer).length >= count,
    PATIENCE_MS,
  );

async function events(key: string, query = ""): Promise<Json[]> {
  const listed = await engine.send("GET", `/v1/events?limit=100${query}`, { key });
  assert.equal(listed.status, 200, JSON.stringify(listed.body));
  return listed.body.data;
}

/** Waits until none of a customer's events is pending; all of them, newest first. */
async function settled(key: string, customer: string, count: number): Promise<Json[]> {
  const done = async (): Promise<Json[] | undefined> => {
    const list = await events(key, `&customer_id=${customer}`);
    const isDone = list.every((event) => event.delivery.status !== "pending");
    return isDone && list.length >= count ? list : undefined;
  };
  return until(`${count} events of ${customer} are done with`, done, PATIENCE_MS);
}

async function consume(key: string, customer: string, amount: number): Promise<Json> {
  const path = `/v1/customers/${customer}/consume`;
  const answer = await engine.send("POST", path, { key, body: { amount } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

test("events arrive signed, in order, with exact figures", async () => {
  const { live } = await engine.project("signed");
  const secret = await subscribe(engine, live, {
    webhook_url: receiver.url,
    low_balance_threshold: 2,
  });
  await engine.customer(live, "anna", 10.3);
  const low = await consume(live, "anna", 8.4);
  const body = { user_id: "anna", amount: 1.9, expires_in: 1 };
  const hold = await engine.send("POST", "/v1/usage-transactions", { key: live, body });
  await arrived("anna", 4);

  const got = receiver.of("anna");
  for (const attempt of got) {
    assertSigned(attempt, secret);
    assert.equal(attempt.headers["content-type"], "application/json");
  }
  const figures = { customer_id: "anna", balance: 1.9 };
  assert.deepEqual(
    got.map(({ event }) => [event.type, { ...event.data, seq: 0 }]),
    [
      [
        "balance.topped_up",
        { ...got[0]?.event.data, balance: 10.3, available: 10.3, amount: 10.3, seq: 0 },
      ],
      [
        "balance.low",
        { ...figures, available: 1.9, threshold: 2, transaction_id: low.transaction_id, seq: 0 },
      ],
      [
        "balance.exhausted",
        { ...figures, available: 0, transaction_id: hold.body.transaction_id, seq: 0 },
      ],
      [
        "hold.expired",
        {
          ...figures,
          available: 1.9,
          amount: 1.9,
          transaction_id: hold.body.transaction_id,
          seq: 0,
        },
      ],
    ],
  );
  // 0.1 + 0.2 and the like: the text has no digits that nobody asked for.
  assert.match(got[1]?.text ?? "", /"balance":1\.9,"available":1\.9,/);
  const listed = await settled(live, "anna", 4);
  for (const [index, { delivery, ...event }] of listed.toReversed().entries()) {
    assert.deepEqual(event, got[index]?.event);
    assert.deepEqual(
      [delivery.status, delivery.attempts, delivery.last_status, delivery.last_error],
      ["delivered", 1, 200, null],
    );
  }
  const wrong = new Webhook(`whsec_${Buffer.from("another secret").toString("base64")}`);
  const first = got[0];
  assert.ok(first);
  assert.throws(() => wrong.verify(first.text, first.headers as Record<string, string>));
});

test("a period's reset is told", async () => {
  const { live } = await engine.project("periods");
  const tiers = [{ id: "pro", name: "Pro", allocation: 25, period: "month" }];
  await engine.send("PUT", "/v1/tiers", { key: live, body: tiers });
  await subscribe(engine, live, { webhook_url: receiver.url, default_tier: "pro" });
  await consume(live, "petra", 1);
  await arrived("petra", 1);
  const event = receiver.of("petra")[0]?.event;
  assert.deepEqual([event.type, event.data.amount, event.data.available], ["period.reset", 25, 25]);
  assert.ok(event.data.period_start < event.data.next_reset);
});

test("a failed event holds up its own customer's and nobody else's", async () => {
  const { live } = await engine.project("order");
  await subscribe(engine, live, { webhook_url: receiver.url });
  let failures = 1;
  receiver.answer = (response, { event }) => {
    const fails = event.data.customer_id === "ada" && failures > 0;
    if (fails) failures -= 1;
    // Time enough for bert's, also on a slow machine.
    if (fails) response.writeHead(500, { "Retry-After": "10" }).end();
    else response.end();
  };
  await engine.customer(live, "ada", 1);
  await arrived("ada", 1);
  await engine.customer(live, "ada", 2);
  await engine.customer(live, "ada", 3);
  await engine.customer(live, "bert", 1);
  await arrived("bert", 1);
  assert.deepEqual(receiver.types("ada").length, 1, "the rest of ada's waits for the first");
  const waiting = await events(live, "&customer_id=ada");
  const states = waiting.map(({ delivery }) => [
    delivery.attempts,
    delivery.next_attempt_at !== null,
  ]);
  assert.deepEqual(states.at(-1), [1, true]);
  assert.equal(waiting.at(-1).delivery.last_status, 500);

  await settled(live, "ada", 3);
  const seen = receiver.of("ada").map(({ event }) => event.data.amount);
  assert.deepEqual(seen, [1, 1, 2, 3]);
  const [first, again] = receiver.of("ada");
  assert.equal(first?.event.id, again?.event.id, "a repeat has the same id");
  assert.equal(first?.text, again?.text);
  assert.notEqual(first?.headers["webhook-timestamp"], again?.headers["webhook-timestamp"]);
});

test("redirects are not followed, and 410 is not tried again", async () => {
  const { live } = await engine.project("answers");
  await subscribe(engine, live, { webhook_url: receiver.url });
  const elsewhere = await Receiver.start();
  receiver.answer = (response, { event }) =>
    event.data.customer_id === "gone"
      ? response.writeHead(410).end()
      : response.writeHead(307, { Location: elsewhere.url }).end();
  await engine.customer(live, "gone", 1);
  await engine.customer(live, "gone", 2);
  await engine.customer(live, "moved", 1);
  await arrived("moved", 1);
  const gone = await settled(live, "gone", 2);
  assert.deepEqual(
    gone.map(({ delivery }) => [delivery.status, delivery.attempts, delivery.last_status]),
    [
      ["failed", 1, 410],
      ["failed", 1, 410],
    ],
  );
  const state = async () => (await events(live, "&customer_id=moved"))[0].delivery;
  const moved = await until("the answer is noted", async () => {
    const delivery = await state();
    return delivery.last_status === null ? undefined : delivery;
  });
  assert.deepEqual([moved.status, moved.last_status], ["pending", 307]);
  assert.match(moved.last_error, /redirect/);
  assert.equal(elsewhere.attempts.length, 0);
  await elsewhere.end();
});

test("an endpoint that never answers slows no charge", async () => {
  const { live } = await engine.project("hanging");
  await subscribe(engine, live, { webhook_url: receiver.url });
  let hanging = 0;
  receiver.answer = (response) => {
    hanging += 1;
    response.on("close", () => {
      hanging -= 1;
    });
  };
  await engine.customer(live, "hana", 1_000);
  await until("the endpoint hangs", () => hanging === 1, PATIENCE_MS);
  for (let n = 0; n < 100; n += 1) await consume(live, "hana", 1);
  await Promise.all(Array.from({ length: 100 }, () => consume(live, "hana", 1)));
  assert.equal(hanging, 1, "200 charges were answered while it hung");
  const [event] = await events(live);
  assert.deepEqual([event.delivery.status, event.delivery.attempts], ["pending", 1]);
});

test("without an endpoint events are listed, and not sent later", async () => {
  const { live } = await engine.project("silent");
  await engine.customer(live, "sam", 1);
  const [early] = await settled(live, "sam", 1);
  assert.deepEqual([early.delivery.status, early.delivery.attempts], ["no_endpoint", 0]);
  await subscribe(engine, live, { webhook_url: receiver.url });
  await engine.customer(live, "sam", 2);
  const both = await settled(live, "sam", 2);
  assert.deepEqual(
    both.map(({ delivery }) => delivery.status),
    ["delivered", "no_endpoint"],
  );
  assert.deepEqual(
    receiver.of("sam").map(({ event }) => event.data.amount),
    [2],
  );
});

test("the list pages over all customers, filters, and shows nobody else's", async () => {
  const { live, test: testKey } = await engine.project("lists");
  const other = await engine.project("lists-other");
  const customers = Array.from({ length: 7 }, (_, n) => `c${n}`);
  for (const customer of customers) {
    await engine.customer(live, customer, 5);
    await consume(live, customer, 5);
  }
  await until("all are there", async () => (await events(live)).length === 14, PATIENCE_MS);
  const all = await events(live);
  const paged: Json[] = [];
  let cursor = "";
  do {
    const page = await engine.send("GET", `/v1/events?limit=4${cursor}`, { key: live });
    assert.equal(page.body.pagination.total, 14);
    assert.ok(page.body.data.length > 0);
    paged.push(...page.body.data);
    const next = page.body.pagination.next_cursor;
    assert.equal(page.body.pagination.has_more, next !== null);
    cursor = next && `&cursor=${encodeURIComponent(next)}`;
  } while (cursor);
  const ids = (list: Json[]) => list.map(({ id }) => id);
  assert.deepEqual(ids(paged), ids(all));
  const times = all.map(({ timestamp }) => timestamp);
  assert.deepEqual(times, [...times].sort().reverse());
  assert.equal((await events(live, "&type=balance.exhausted")).length, 7);
  const one = await events(live, "&customer_id=c3&type=balance.topped_up");
  assert.deepEqual(
    one.map(({ data }) => [data.customer_id, data.amount]),
    [["c3", 5]],
  );
  const path = `/v1/events/${one[0].id}`;
  assert.deepEqual((await engine.send("GET", path, { key: live })).body.id, one[0].id);
  for (const key of [testKey, other.live]) {
    assert.deepEqual(await events(key), []);
    assert.equal((await engine.send("GET", path, { key })).status, 404);
  }
});
