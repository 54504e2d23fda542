import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";

interface World {
  key: string;
  charge: string;
  hold: string;
  keyId: string;
}

let engine: Engine;
let live: World;
let sandbox: World;
let foreign: World;
before(async () => {
  engine = await Engine.start();
  const shop = await engine.project("shop");
  live = await world(shop.live, 100);
  sandbox = await world(shop.test, 200);
  foreign = await world((await engine.project("other")).live, 300);
});
after(() => engine.end());

/** The same customer in each world: a charge of 10 and a hold of 5. */
async function world(key: string, credits: number): Promise<World> {
  await engine.customer(key, "anna", credits);
  const consumed = await engine.send("POST", "/v1/customers/anna/consume", {
    key,
    body: { amount: 10 },
  });
  const start = { user_id: "anna", amount: 5 };
  const held = await engine.send("POST", "/v1/usage-transactions", { key, body: start });
  const { id } = await engine.customerKey(key, "anna");
  return { key, charge: consumed.body.transaction_id, hold: held.body.transaction_id, keyId: id };
}

const is404 = ({ status, body }: Answer, what = ""): void =>
  assert.deepEqual([status, body.code], [404, "not_found"], what);
const audits = (): Promise<Json[]> =>
  Promise.all([live, sandbox, foreign].map(({ key }) => engine.audit(key, "anna")));

test("one customer id is another customer in live, in test and in each project", async () => {
  const balances = await Promise.all(
    [live, sandbox, foreign].map(({ key }) =>
      engine.send("GET", "/v1/customers/anna/balance", { key }),
    ),
  );
  assert.deepEqual(
    balances.map(({ body }) => [body.balance, body.available]),
    [
      [90, 85],
      [190, 185],
      [290, 285],
    ],
  );
  await engine.customer(live.key, "only-live", 1);
  for (const { key } of [sandbox, foreign]) {
    is404(await engine.send("GET", "/v1/customers/only-live/balance", { key }));
    const { body } = await engine.send("GET", "/v1/customers", { key });
    assert.deepEqual(
      body.data.map(({ id }: Json) => id),
      ["anna"],
    );
  }
});

test("ids of another world or project lead nowhere", async () => {
  const before = await audits();
  for (const [mine, theirs] of [
    [live, sandbox],
    [sandbox, live],
    [live, foreign],
    [foreign, live],
  ] as const) {
    const { key } = mine;
    for (const id of [theirs.charge, theirs.hold]) {
      is404(await engine.send("GET", `/v1/transactions/${id}`, { key }));
      is404(await engine.send("GET", `/v1/usage-transactions/${id}`, { key }));
    }
    const path = `/v1/usage-transactions/${theirs.hold}`;
    is404(await engine.send("POST", `${path}/extend`, { key, body: { expires_in: 60 } }));
    is404(await engine.send("POST", `${path}/complete`, { key, body: { success: true } }));
    is404(await engine.send("DELETE", `/v1/keys/${theirs.keyId}`, { key }));
    is404(await engine.send("POST", `/v1/keys/${theirs.keyId}/rotate`, { key }));
    const refund = { amount: 1, type: "refund", refund_of: theirs.charge };
    const refunded = await engine.send("POST", "/v1/customers/anna/credits", { key, body: refund });
    assert.deepEqual([refunded.status, refunded.body.field], [400, "refund_of"]);
  }
  assert.deepEqual(await audits(), before);
});

test("a customer key sees its own customer only; every other does not exist for it", async () => {
  await engine.customer(live.key, "ben", 50);
  const { key } = await engine.customerKey(live.key, "ben");
  const before = await audits();
  for (const id of ["anna", "nobody"]) {
    const path = `/v1/customers/${id}`;
    is404(await engine.send("GET", `${path}/balance`, { key }), id);
    is404(await engine.send("POST", `${path}/check`, { key, body: { amount: 1 } }), id);
    is404(await engine.send("POST", `${path}/consume`, { key, body: { amount: 1 } }), id);
    const batch = { items: [{ amount: 1 }], atomic: true };
    is404(await engine.send("POST", `${path}/consume-batch`, { key, body: batch }), id);
    const start = { user_id: id, amount: 1 };
    is404(await engine.send("POST", "/v1/usage-transactions", { key, body: start }), id);
  }
  const hold = `/v1/usage-transactions/${live.hold}`;
  is404(await engine.send("GET", hold, { key }));
  is404(await engine.send("POST", `${hold}/extend`, { key, body: { expires_in: 60 } }));
  is404(await engine.send("POST", `${hold}/complete`, { key, body: { success: true } }));
  assert.deepEqual(await audits(), before);
});

test("a refusal says nothing of whether the other customer exists", async () => {
  const { key } = await engine.customerKey(live.key, "carl");
  const answers = await Promise.all(
    ["anna", "nobody"].map((id) => engine.send("GET", `/v1/customers/${id}/balance`, { key })),
  );
  assert.deepEqual(answers[0]?.body, answers[1]?.body);
});

test("a key of one project works in no other, however the ids are put together", async () => {
  // The same letters with the border elsewhere, and with words that the engine uses itself.
  const names = ["a", "a:live", "a/live", "a\u00a0", "live", "a%1Flive"];
  const keys = await Promise.all(names.map(async (name) => (await engine.project(name)).live));
  await Promise.all(keys.map((key, index) => engine.customer(key, "live", index + 1)));
  for (const [index, key] of keys.entries()) {
    const { body } = await engine.send("GET", "/v1/customers/live/balance", { key });
    assert.equal(body.balance, index + 1, names[index]);
    const cached = "/v1/customers/live/balance?consistency=cached";
    assert.equal((await engine.send("GET", cached, { key })).body.balance, index + 1);
  }
});

test("what is no id of the engine leads nowhere", async () => {
  const { key, charge, keyId } = live;
  const body = charge.slice("txn_".length);
  const wrong = [
    "x",
    "txn_",
    `txn_${"0".repeat(60)}`,
    charge.slice(0, -1),
    `${charge}zzzzzzzzzzzzzzzzzzzz`,
    `grant_${body}`,
    body,
    charge.toUpperCase(),
    `${charge}%00`,
    "%ff",
    "%zz",
    "..%2f..",
    `txn_${"z".repeat(47)}`,
    "%20",
  ];
  for (const id of wrong) {
    is404(await engine.send("GET", `/v1/transactions/${id}`, { key }), id);
    is404(await engine.send("GET", `/v1/usage-transactions/${id}`, { key }), id);
    const path = `/v1/usage-transactions/${id}`;
    is404(await engine.send("POST", `${path}/complete`, { key, body: { success: true } }), id);
  }
  is404(
    await engine.send("GET", `/v1/usage-transactions/${charge}`, { key }),
    "a charge is no hold",
  );
  is404(
    await engine.send("GET", `/v1/transactions/${live.hold}`, { key }),
    "a hold moves no credits",
  );
  is404(await engine.send("DELETE", `/v1/keys/${keyId}x`, { key }));
});
