import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  assert.equal((await put("costs", COSTS)).status, 200);
  assert.equal((await put("models", MODELS)).status, 200);
});
after(() => engine.end());

const cost = (service: string, action: string, credits: number, description?: string): Json => ({
  service,
  action,
  credits,
  description: description ?? null,
});
const COSTS = [
  cost("ai", "summarize", 0.1, "One page"),
  cost("ai", "translate", 0.2),
  cost("img", "free", 0),
  cost("img", "huge", 9_000_000_000),
];
const MODELS = [
  {
    model: "large",
    input_per_million: 3,
    output_per_million: 15,
    cached_input_per_million: 0.3,
    minimum: null,
  },
  {
    model: "small",
    input_per_million: 0.1,
    output_per_million: 0.7,
    cached_input_per_million: null,
    minimum: 0.01,
  },
  {
    model: "free",
    input_per_million: 0,
    output_per_million: 0,
    cached_input_per_million: null,
    minimum: null,
  },
];

const put = (list: string, body: Json): Promise<Answer> =>
  engine.send("PUT", `/v1/${list}`, { key, body });
const get = async (list: string): Promise<Json> =>
  (await engine.send("GET", `/v1/${list}`, { key })).body;
const consume = (id: string, body: Json): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/consume`, { key, body });
const check = (id: string, body: Json): Promise<Answer> =>
  engine.send("POST", `/v1/customers/${id}/check`, { key, body });
const tokens = (input: number, output: number, cached = 0): Json => ({
  input_tokens: input,
  output_tokens: output,
  cached_input_tokens: cached,
});

test("what is put is what is read, in its order", async () => {
  assert.deepEqual(await get("costs"), COSTS);
  assert.deepEqual(await get("models"), MODELS);
  const again = await put("models", await get("models"));
  assert.deepEqual(again.body, MODELS, "an answer can be put again as it is");
});

test("0.1 and 0.2 are 0.3", async () => {
  await engine.customer(key, "exact", 0.3);
  await consume("exact", { service: "ai", action: "summarize" });
  await consume("exact", { service: "ai", action: "translate" });
  const { body } = await engine.send("GET", "/v1/customers/exact/balance", { key });
  assert.equal(body.balance, 0);
  await engine.customer(key, "exact", 0.1);
  await engine.customer(key, "exact", 0.2);
  const three = await consume("exact", { service: "ai", action: "summarize", quantity: 3 });
  assert.deepEqual([three.body.amount, three.body.balance], [0.3, 0]);
});

test("ten thousand times a millionth is a hundredth", async () => {
  await engine.customer(key, "tiny", 0.01);
  const items = Array.from({ length: 1000 }, () => ({ amount: 0.000001 }));
  for (let times = 0; times < 10; times += 1) {
    const body = { items, atomic: true };
    await engine.send("POST", "/v1/customers/tiny/consume-batch", { key, body });
  }
  assert.deepEqual((await engine.audit(key, "tiny")).live_balance, 0);
});

test("a quote equals the charge, and the charge keeps what was priced", async () => {
  await engine.customer(key, "quoted", 1000);
  const priced: [Json, number][] = [
    [{ service: "ai", action: "summarize", quantity: 7 }, 0.7],
    [{ service: "ai", action: "translate" }, 0.2],
    // 600·3 + 400·0.3 + 200·15 = 4920 credits per million
    [{ model: "large", tokens: tokens(1000, 200, 400) }, 0.00492],
    [{ model: "large", tokens: { output_tokens: 1 } }, 0.000015],
    // 0.0000003 credits: up to the next millionth, once
    [{ model: "large", tokens: tokens(1, 0, 1) }, 0.000001],
    // 100000·0.1 + 1·0.7 per million = 0.0100007: up
    [{ model: "small", tokens: tokens(100_000, 1) }, 0.010001],
    [{ model: "small", tokens: tokens(1, 1) }, 0.01],
    [{ model: "small", tokens: tokens(1_000_000, 0, 1_000_000) }, 0.1],
  ];
  for (const [body, price] of priced) {
    const quote = (await check("quoted", body)).body;
    const charge = (await consume("quoted", body)).body;
    assert.deepEqual([quote.required, charge.amount], [price, price], JSON.stringify(body));
    const { body: kept } = await engine.send("GET", `/v1/transactions/${charge.transaction_id}`, {
      key,
    });
    const { amount, service, action, model } = kept;
    const named = [body.service ?? null, body.action ?? null, body.model ?? null];
    assert.deepEqual([amount, service, action, model], [-price, ...named]);
  }
});

test("what the catalogue does not name has no price", async () => {
  await engine.customer(key, "unknown", 10);
  const before = await engine.audit(key, "unknown");
  for (const body of [
    { service: "ai", action: "dream" },
    { service: "AI", action: "summarize" },
    { model: "none", tokens: tokens(1, 1) },
  ]) {
    for (const answer of [await consume("unknown", body), await check("unknown", body)])
      assert.deepEqual([answer.status, answer.body.code], [400, "unknown_price"]);
  }
  const body = { user_id: "unknown", model: "none", provisional_tokens: tokens(1, 1) };
  const started = await engine.send("POST", "/v1/usage-transactions", { key, body });
  assert.deepEqual([started.status, started.body.code], [400, "unknown_price"]);
  assert.deepEqual(await engine.audit(key, "unknown"), before);
});

test("a price of nothing is nothing to charge, one beyond all credits is no amount", async () => {
  await engine.customer(key, "edges", 10);
  for (const body of [
    { service: "img", action: "free" },
    { model: "free", tokens: tokens(5, 5) },
    { model: "large", tokens: {} },
    { service: "img", action: "huge", quantity: 2 },
    { model: "large", tokens: tokens(1_000_000_000_000, 1_000_000_000_000) },
  ]) {
    const { status, body: problem } = await consume("edges", body);
    const expected = body.model === "large" && "input_tokens" in body.tokens ? 402 : 400;
    assert.equal(status, expected, JSON.stringify(body));
    if (status === 400) assert.equal(problem.code, "invalid_amount");
  }
});

test("an edit of prices holds at once, and a replay keeps the price that was charged", async () => {
  await engine.customer(key, "edited", 10);
  const body = { service: "ai", action: "summarize", idempotency_key: "k" };
  const first = await consume("edited", body);
  await put("costs", [cost("ai", "summarize", 5), ...COSTS.slice(1)]);
  assert.equal((await check("edited", { service: "ai", action: "summarize" })).body.required, 5);
  const again = await consume("edited", body);
  assert.deepEqual(again.body, { ...first.body, replayed: true });
  await put("costs", []);
  const gone = await consume("edited", { service: "ai", action: "summarize" });
  assert.equal(gone.body.code, "unknown_price");
  await put("costs", COSTS);
});

test("the price of a model is frozen when the hold is made", async () => {
  await engine.customer(key, "frozen", 100);
  const hold = { user_id: "frozen", model: "large", provisional_tokens: tokens(1_000_000, 0) };
  const held = await engine.send("POST", "/v1/usage-transactions", { key, body: hold });
  assert.equal(held.body.credits_used, 3);
  const amount = { user_id: "frozen", model: "large", amount: 1 };
  const byAmount = await engine.send("POST", "/v1/usage-transactions", { key, body: amount });
  await put("models", [{ ...MODELS[0], input_per_million: 50, cached_input_per_million: 50 }]);
  const finish = (started: Answer, finalized_tokens: Json): Promise<Answer> => {
    const path = `/v1/usage-transactions/${started.body.transaction_id}/complete`;
    return engine.send("POST", path, { key, body: { success: true, finalized_tokens } });
  };
  const done = await finish(held, tokens(1_000_000, 100_000, 500_000));
  // 0.5·3 + 0.5·0.3 + 0.1·15
  assert.deepEqual([done.body.credits_used, done.body.balance_adjustment], [3.15, -0.15]);
  assert.equal((await finish(byAmount, tokens(200_000, 0))).body.credits_used, 0.6);
  await put("models", MODELS);
});

test("a failure charges the finalized tokens, and tokens need a model", async () => {
  await engine.customer(key, "failed", 10);
  const start = (body: Json): Promise<Answer> =>
    engine.send("POST", "/v1/usage-transactions", { key, body: { user_id: "failed", ...body } });
  const complete = (started: Answer, body: Json): Promise<Answer> =>
    engine.send("POST", `/v1/usage-transactions/${started.body.transaction_id}/complete`, {
      key,
      body,
    });
  const held = await start({ model: "large", provisional_tokens: tokens(1_000_000, 0) });
  const done = await complete(held, { success: false, finalized_tokens: tokens(100_000, 0) });
  assert.deepEqual([done.body.credits_used, done.body.balance], [0.3, 9.7]);
  const plain = await start({ amount: 1 });
  const wrong = await complete(plain, { success: true, finalized_tokens: tokens(1, 1) });
  assert.deepEqual([wrong.status, wrong.body.field], [400, "finalized_tokens"]);
});

test("no two rows name the same thing, and a list has at most 1000", async () => {
  const twice = [
    await put("costs", [COSTS[0], COSTS[1], { ...COSTS[0], credits: 9 }]),
    await put("models", [MODELS[0], MODELS[0]]),
    await put(
      "costs",
      Array.from({ length: 1001 }, (_, n) => cost("s", `${n}`, 1)).map(
        ({ service, action, credits }) => ({ service, action, credits }),
      ),
    ),
  ];
  for (const { status, body } of twice)
    assert.deepEqual([status, body.code], [400, "invalid_field"]);
  assert.deepEqual([twice[0]?.body.field, twice[1]?.body.field], ["body[2]", "body[1]"]);
  assert.deepEqual([await get("costs"), await get("models")], [COSTS, MODELS]);
});

test("live and test have catalogues of their own", async () => {
  const other = await engine.project("other");
  await engine.send("PUT", "/v1/costs", { key: other.live, body: [cost("a", "b", 1)] });
  const lists = await Promise.all(
    [other.live, other.test, key].map((key) => engine.send("GET", "/v1/costs", { key })),
  );
  assert.deepEqual(
    lists.map(({ body }) => body.length),
    [1, 0, COSTS.length],
  );
});
