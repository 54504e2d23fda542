import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "../e2e/engine.ts";
import { Origin, setRules } from "../e2e/origin.ts";
import { assertSound, balance } from "../e2e/watch.ts";
import { asNumber, asText, millionths } from "./exact.ts";
import { KNOWN, randomText } from "./number_texts.ts";
import { figures, inParallel, randomNumbers, SECONDS, SEED } from "./order.ts";

/** Random texts of a round. */
const TEXTS = SECONDS === undefined ? 40 : 400;
const MAX = 9_000_000_000;

let origin: Origin;
let engine: Engine;
let key: string;
before(async () => {
  origin = await Origin.start();
  engine = await Engine.start({ originAddress: origin.address });
  key = (await engine.project("shop")).live;
});
after(async () => {
  await engine.end();
  await origin.end();
});

const post = (path: string, raw: string | Json): Promise<Answer> =>
  engine.send("POST", path, {
    key,
    ...(typeof raw === "string" ? { raw } : { body: raw }),
  });
const of = (customer: string, what: string): string => `/v1/customers/${customer}/${what}`;

/** A refusal with its code, and the status that goes with the code. */
function refused({ status, body }: Answer, code: string, what: string): void {
  const told = `${what}: ${status} ${JSON.stringify(body).slice(0, 200)}`;
  const expected = { insufficient_credits: 402, already_completed: 409 }[code] ?? 400;
  assert.deepEqual([status, body.code], [expected, code], told);
}

/** A customer's credits by the proof's own sum. */
class Sum {
  readonly customer: string;
  total = 0n;

  constructor(customer: string) {
    this.customer = customer;
  }

  /** Brings it back to the level, by as many adjustments as it takes. */
  async level(): Promise<void> {
    while (this.total !== LEVEL) {
      const missing = LEVEL - this.total;
      const step = missing > LIMIT ? LIMIT : missing;
      // In digits: of amounts as large as this a double is no longer exact.
      const body = `{"amount":${asText(step)},"type":"adjustment"}`;
      const { status, body: told } = await post(of(this.customer, "credits"), body);
      assert.equal(status, 200, JSON.stringify(told));
      this.total += step;
    }
  }

  /** Fails unless the journal says the same. */
  async check(what: string): Promise<void> {
    const { journal_balance, live_balance } = await engine.audit(key, this.customer);
    assert.deepEqual(
      [journal_balance, live_balance],
      [asNumber(this.total), asNumber(this.total)],
      what,
    );
    await assertSound(engine, key, this.customer);
  }
}

const ONE = 1_000_000n;
const LIMIT = 9_000_000_000n * ONE;
/** What each text begins with. */
const LEVEL = 1_000_000n * ONE;

/** What a route makes of an amount: what the balance changes by, or the code that refuses it. */
interface Route {
  what: string;
  path: (customer: string) => string;
  body: (text: string) => string;
  change: (amount: bigint, total: bigint) => bigint | string;
}

const adds = (amount: bigint, total: bigint): bigint | string =>
  amount > 0n && total + amount <= LIMIT ? amount : "invalid_amount";
const takes = (amount: bigint, total: bigint): bigint | string =>
  amount <= total ? -amount : "insufficient_credits";
const positive = (rule: Route["change"]) => (amount: bigint, total: bigint) =>
  amount > 0n ? rule(amount, total) : "invalid_amount";

const ROUTES: Route[] = [
  {
    what: "top-up",
    path: (customer) => of(customer, "credits"),
    body: (text) => `{"amount":${text},"type":"topup"}`,
    change: adds,
  },
  {
    what: "refund without a charge",
    path: (customer) => of(customer, "credits"),
    body: (text) => `{"amount":${text},"type":"refund"}`,
    change: adds,
  },
  {
    what: "adjustment",
    path: (customer) => of(customer, "credits"),
    body: (text) => `{"amount":${text},"type":"adjustment"}`,
    change: (amount, total) => (amount < 0n ? takes(-amount, total) : adds(amount, total)),
  },
  {
    what: "charge",
    path: (customer) => of(customer, "consume"),
    body: (text) => `{"amount":${text}}`,
    change: positive(takes),
  },
  {
    what: "check",
    path: (customer) => of(customer, "check"),
    body: (text) => `{"amount":${text}}`,
    change: positive(() => 0n),
  },
  {
    what: "batch of all or none",
    path: (customer) => of(customer, "consume-batch"),
    body: (text) => `{"atomic":true,"items":[{"amount":1},{"amount":${text}}]}`,
    change: positive((amount, total) => takes(amount + ONE, total)),
  },
];

/** Answers that were held against the oracle. */
let cases = 0;

/** One text on each route. */
async function tryEverywhere(text: string, sum: Sum): Promise<void> {
  const amount = millionths(text);
  const about = (what: string): string => `${what} of ${text.slice(0, 60)}`;
  const take = (answer: Answer, change: bigint | string, what: string): void => {
    cases += 1;
    if (typeof change === "string") {
      refused(answer, change, about(what));
      return;
    }
    assert.equal(answer.status, 200, `${about(what)}: ${JSON.stringify(answer.body)}`);
    sum.total += change;
    assert.equal(answer.body.balance, asNumber(sum.total), about(what));
  };
  for (const { what, path, body, change } of ROUTES) {
    const expected = typeof amount === "bigint" ? change(amount, sum.total) : amount;
    take(await post(path(sum.customer), body(text)), expected, what);
    await sum.level();
  }
  // A hold of it, given up; and one of 1 that is settled by it, into debt if need be.
  const held = await post(
    "/v1/usage-transactions",
    `{"user_id":"${sum.customer}","amount":${text}}`,
  );
  const mayHold = typeof amount === "bigint" ? (amount < 0n ? "invalid_amount" : 0n) : amount;
  take(held, mayHold, "hold");
  assert.equal(held.body.continue, mayHold === 0n ? (amount as bigint) <= sum.total : undefined);
  if (held.body.continue === true) {
    const path = `/v1/usage-transactions/${held.body.transaction_id}/complete`;
    take(await post(path, '{"success":false}'), 0n, "giving up a hold");
  }
  const one = await post("/v1/usage-transactions", { user_id: sum.customer, amount: 1 });
  const path = `/v1/usage-transactions/${one.body.transaction_id}/complete`;
  const settles = (used: bigint): bigint | string =>
    used >= 0n && sum.total - used >= -LIMIT ? -used : "invalid_amount";
  const settled = typeof amount === "bigint" ? settles(amount) : amount;
  take(await post(path, `{"success":true,"amount":${text}}`), settled, "settling a hold");
  if (typeof settled === "string") take(await post(path, '{"success":false}'), 0n, "giving up");
  await sum.level();
}

test("a number is taken for exactly what it says, or refused, on every route that moves credits", async () => {
  const random = randomNumbers(SEED);
  const end = SECONDS === undefined ? undefined : Date.now() + SECONDS * 700;
  let texts = 0;
  do {
    const more = Array.from({ length: TEXTS }, () => randomText(random));
    const list = texts === 0 ? [...KNOWN, ...more] : more;
    const sums = Array.from({ length: 8 }, (_, n) => new Sum(`reader-${texts}-${n}`));
    await inParallel(sums.length, sums.length, async (n) => {
      const sum = sums[n] as Sum;
      await sum.level();
      for (let at = n; at < list.length; at += sums.length)
        await tryEverywhere(list[at] as string, sum);
      await sum.check(`reader ${n}, seed ${SEED}`);
    });
    texts += list.length;
  } while (end !== undefined && Date.now() < end);
  figures(
    `${texts} texts for a number on ${ROUTES.length + 2} routes, ${cases} answers as an exact ` +
      "oracle has them: nothing minted",
  );
});

/** A hold, ready to be completed. */
async function hold(customer: string, amount: number): Promise<string> {
  const { body } = await post("/v1/usage-transactions", { user_id: customer, amount });
  assert.equal(body.continue, true, JSON.stringify(body));
  return `/v1/usage-transactions/${body.transaction_id}/complete`;
}

test("a hold is settled once, by whatever it comes to", async () => {
  const sum = new Sum("settler");
  await sum.level();
  // More than is held, and more than there is.
  for (const [held, used] of [
    [5, 7],
    [5, 999_000],
    [10, 500_000],
  ] as const) {
    const { status, body } = await post(await hold(sum.customer, held), {
      success: true,
      amount: used,
    });
    assert.deepEqual(
      [status, body.credits_used, body.balance_adjustment],
      [200, used, held - used],
    );
    sum.total -= BigInt(used) * ONE;
    await sum.check(`${used} of ${held}`);
    if (sum.total > 0n) continue;
    assert.equal((await post(of(sum.customer, "consume"), { amount: 0.000001 })).status, 402);
    await sum.level();
  }
  // Many at once, the same and other numbers: one counts, its repeats replay, the rest is told.
  for (let round = 0; round < 10; round += 1) {
    const path = await hold(sum.customer, 4);
    const amounts = Array.from({ length: 40 }, (_, n) => 1 + (n % 4));
    const answers = await Promise.all(
      amounts.map((amount) => post(path, { success: true, amount })),
    );
    const done = answers.filter(({ status }) => status === 200);
    const used = new Set(done.map(({ body }) => body.credits_used));
    assert.deepEqual([done.length, used.size], [10, 1]);
    for (const answer of answers.filter(({ status }) => status !== 200))
      refused(answer, "already_completed", "settling again");
    sum.total -= BigInt([...used][0]) * ONE;
    await sum.check(`round ${round}`);
  }
});

test("refunds of a charge never come to more than it, one by one or all at once", async () => {
  const sum = new Sum("refunded");
  await sum.level();
  const charged = async (amount: number): Promise<string> => {
    const { body } = await post(of(sum.customer, "consume"), { amount });
    sum.total -= BigInt(amount * 1e6);
    return body.transaction_id;
  };
  const refund = (refund_of: string, amount: number): Promise<Answer> =>
    post(of(sum.customer, "credits"), { amount, type: "refund", refund_of });
  const charge = await charged(10);
  for (const amount of [10.000001, 11, 9_000_000_000])
    refused(await refund(charge, amount), "invalid_amount", `a refund of ${amount}`);
  await sum.check("nothing was refunded");
  for (let round = 0; round < 10; round += 1) {
    const again = await charged(1);
    const parts = Array.from({ length: 40 }, (_, n) => 0.1 + (n % 3) / 10);
    const answers = await Promise.all(parts.map((part) => refund(again, Number(part.toFixed(1)))));
    let back = 0n;
    for (const answer of answers) {
      if (answer.status === 200) back += BigInt(Math.round(answer.body.amount * 1e6));
      else refused(answer, "invalid_amount", "a refund too many");
    }
    assert.ok(back <= ONE, `${back} millionths came back of one credit`);
    sum.total += back;
    await sum.check(`round ${round}`);
  }
});

test("sums at the end of all amounts are refused, and what is there stays", async () => {
  const sum = new Sum("rich");
  await post(of(sum.customer, "credits"), { amount: MAX, type: "topup" });
  sum.total = LIMIT;
  const grows: Json[] = [
    { amount: 0.000001, type: "topup" },
    { amount: MAX, type: "topup" },
    { amount: 0.000001, type: "adjustment" },
    { amount: 0.000001, type: "refund" },
  ];
  for (const body of grows)
    refused(await post(of(sum.customer, "credits"), body), "invalid_amount", JSON.stringify(body));
  const row = JSON.stringify({ id: "over", customer_id: sum.customer, amount: 1 });
  const headers = { "Content-Type": "application/x-ndjson" };
  const imported = await engine.send("POST", "/v1/import", { key, raw: `${row}\n`, headers });
  assert.deepEqual([imported.body.at(-1).imported, imported.body[0].code], [0, "invalid_amount"]);
  const whole = await post(of(sum.customer, "consume"), { amount: MAX });
  assert.deepEqual([whole.status, whole.body.balance], [200, 0]);
  const items = [{ amount: MAX }, { amount: MAX }];
  refused(
    await post(of(sum.customer, "consume-batch"), { items, atomic: true }),
    "insufficient_credits",
    "twice all there is",
  );
  sum.total = 0n;
  await sum.check("at the top");

  // Into debt by holds that were made before: down to the end, not beyond it.
  await sum.level();
  const [first, second] = [await hold(sum.customer, 1), await hold(sum.customer, 1)];
  const deep = await post(first, { success: true, amount: MAX });
  assert.deepEqual([deep.status, deep.body.balance], [200, -8_999_000_000]);
  sum.total -= LIMIT;
  refused(
    await post(second, { success: true, amount: MAX }),
    "invalid_amount",
    "a debt beyond all",
  );
  refused(
    await post(second, { success: true, amount: 1_000_000.000001 }),
    "invalid_amount",
    "by a millionth",
  );
  assert.equal((await post(second, { success: true, amount: 1_000_000 })).status, 200);
  sum.total = -LIMIT;
  await sum.check("at the bottom");
  await sum.level();
});

test("prices that nobody could pay are refused, whatever they are made of", async () => {
  const sum = new Sum("priced");
  await sum.level();
  const put = async (list: string, rows: Json): Promise<void> => {
    const { status, body } = await engine.send("PUT", `/v1/${list}`, { key, body: rows });
    assert.equal(status, 200, JSON.stringify(body));
  };
  await put("costs", [{ service: "s", action: "dear", credits: MAX }]);
  await put("models", [{ model: "dear", input_per_million: MAX, output_per_million: MAX }]);
  const most = 1_000_000_000_000;
  const tokens = { input_tokens: most, output_tokens: most };
  for (const body of [
    { service: "s", action: "dear", quantity: 2 },
    { service: "s", action: "dear", quantity: 1_000_000_000 },
    { model: "dear", tokens },
    { model: "dear", tokens: { input_tokens: 1_000_001 } },
  ])
    for (const route of ["consume", "check"])
      refused(await post(of(sum.customer, route), body), "invalid_amount", JSON.stringify(body));
  const start = { user_id: sum.customer, model: "dear", provisional_tokens: tokens };
  refused(await post("/v1/usage-transactions", start), "invalid_amount", "a hold");
  const small = { user_id: sum.customer, model: "dear", provisional_tokens: { input_tokens: 1 } };
  const held = await post("/v1/usage-transactions", small);
  const path = `/v1/usage-transactions/${held.body.transaction_id}/complete`;
  refused(await post(path, { success: true, finalized_tokens: tokens }), "invalid_field", "an end");
  assert.equal((await post(path, { success: false })).status, 200);
  await sum.check("nothing was charged");
});

test("what a gated service says that it cost is an amount, or is not heard", async () => {
  const sum = new Sum("gated");
  await sum.level();
  await setRules(engine, key, [
    { method: "GET", path: "/work", amount: 2, mode: "reserve", refund_on: [] },
  ]);
  for (const text of [...KNOWN, ...["1, 2", " 3 ", "$5"]]) {
    if (/[^\x20-\x7e]/.test(text) || text.length > 300) continue;
    origin.answers(200, { "X-Credits-Cost": text });
    const headers = { "X-Customer-Id": sum.customer };
    const { status } = await engine.send("GET", "/gate/work", { key, headers });
    assert.equal(status, 200, text);
    const said = millionths(text.trim());
    // No amount, or none that one can cost: then the hold is charged.
    const cost = typeof said === "string" || said < 0n ? 2n * ONE : said;
    sum.total -= cost;
    assert.equal(await balance(engine, key, sum.customer), asNumber(sum.total), text);
    await sum.level();
  }
  await sum.check("by what was said");
});
