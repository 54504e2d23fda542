// Periods over months and years, by an engine whose clock is set ahead. All dates are far
// from the machine's, so that it matters nowhere when the tests are run.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { clockAt, Engine } from "./engine.ts";
import { Shop } from "./plans.ts";
import { assertSound, journal, until } from "./watch.ts";

const DAY_MS = 86_400_000;
/** An alarm that is due now rings within this, also on a busy machine. */
const LATEST_MS = 30_000;

const MONTHLY = { id: "monthly", allocation: 10, period: "month" };
const ROLLING = { ...MONTHLY, id: "rolling", rollover: { max: 5, periods: 2 } };
const YEARLY = { id: "yearly", allocation: 12, period: "year" };
const WEEKLY = { id: "weekly", allocation: 1, period: "week" };
const DAILY = { id: "daily", allocation: 3, period: "day" };

const BEGIN = "2043-12-31T10:30:00Z";
let engine: Engine;
let shop: Shop;
/** The machine's clock when the engine's was at `BEGIN`. */
let begun: number;
before(async () => {
  begun = Date.now();
  engine = await Engine.start({ env: clockAt(BEGIN) });
  shop = await Shop.open(engine, "shop", [MONTHLY, ROLLING, YEARLY, WEEKLY, DAILY]);
});
after(() => engine.end());

test("a period that ends while nobody calls is followed by the next", async () => {
  const anchor = Date.parse(BEGIN) + Date.now() - begun - DAY_MS + 4_000;
  const made = await shop.create("sleeper", {
    tier_id: "daily",
    anchor: new Date(anchor).toISOString(),
  });
  assert.equal(Date.parse(made.period_end), anchor + DAY_MS);
  // From here on only the file is looked at.
  const rows = await until(
    "the journal has a second allocation",
    () => {
      const rows = journal(engine, "sleeper");
      return rows.filter((row) => row.kind === "allocation").length === 2 ? rows : undefined;
    },
    LATEST_MS,
  );
  assert.deepEqual(
    rows.slice(-2).map(({ kind, amount, at }) => [kind, amount, at]),
    [
      ["expiry", -3, anchor + DAY_MS],
      ["allocation", 3, anchor + DAY_MS],
    ],
  );
});

test("who sleeps for months comes back as if it had been awake, to the day of each month", async () => {
  const anchor = "2043-12-31T10:00:00Z";
  for (const id of ["awake", "asleep"]) {
    await shop.create(id, { tier_id: "rolling", anchor });
    await shop.consume(id, 4);
  }
  assert.equal((await shop.customer("awake")).period_end, "2044-01-31T10:00:00.000Z");
  // The end of each running period as it is seen just before it and just after.
  for (const [instant, end] of [
    ["2044-01-31T09:59:30Z", "2044-01-31T10:00:00.000Z"],
    ["2044-01-31T10:00:00Z", "2044-02-29T10:00:00.000Z"],
    ["2044-02-29T09:59:30Z", "2044-02-29T10:00:00.000Z"],
    ["2044-02-29T10:00:00Z", "2044-03-31T10:00:00.000Z"],
    ["2044-03-31T10:00:00Z", "2044-04-30T10:00:00.000Z"],
    ["2044-04-30T10:00:00Z", "2044-05-31T10:00:00.000Z"],
  ] as const) {
    await engine.travel(instant);
    assert.equal((await shop.customer("awake")).period_end, end, instant);
  }
  const first = (await shop.times("awake")).slice(0, 2);
  const expected = [
    ["allocation", 10, 10, first[0]?.[1]],
    ["consumption", -4, 6, first[1]?.[1]],
    ["expiry", -6, 0, "2044-01-31T10:00:00.000Z"],
    ["rollover", 5, 5, "2044-01-31T10:00:00.000Z"],
    ["allocation", 10, 15, "2044-01-31T10:00:00.000Z"],
    ["expiry", -10, 5, "2044-02-29T10:00:00.000Z"],
    ["rollover", 5, 10, "2044-02-29T10:00:00.000Z"],
    ["allocation", 10, 20, "2044-02-29T10:00:00.000Z"],
    // What rolled over on 31 January has lived for two periods.
    ["expiry", -10, 10, "2044-03-31T10:00:00.000Z"],
    ["expiry", -5, 5, "2044-03-31T10:00:00.000Z"],
    ["rollover", 5, 10, "2044-03-31T10:00:00.000Z"],
    ["allocation", 10, 20, "2044-03-31T10:00:00.000Z"],
    ["expiry", -10, 10, "2044-04-30T10:00:00.000Z"],
    ["expiry", -5, 5, "2044-04-30T10:00:00.000Z"],
    ["rollover", 5, 10, "2044-04-30T10:00:00.000Z"],
    ["allocation", 10, 20, "2044-04-30T10:00:00.000Z"],
  ];
  const seen = async (id: string) =>
    (await shop.transactions(id)).map((row) => [
      row.type,
      row.amount,
      row.balance_after,
      row.created_at,
    ]);
  assert.deepEqual(await seen("awake"), expected);
  const slept = await seen("asleep");
  assert.deepEqual(slept.slice(2), expected.slice(2));
  assert.deepEqual(await shop.grants("asleep"), await shop.grants("awake"));
  await assertSound(engine, shop.key, "asleep");
  await assertSound(engine, shop.key, "awake");
});

test("a clock that goes back an hour changes nothing", async () => {
  await engine.travel("2044-06-10T00:30:00Z");
  const anchor = "2044-06-10T00:00:00Z";
  const made = await shop.create("steady", { tier_id: "daily", anchor });
  await shop.consume("steady", 1);
  await engine.travel("2044-06-09T23:30:00Z");
  const { replayed: _, seq: __, ...asRead } = made;
  assert.deepEqual(await shop.customer("steady"), { ...asRead, balance: 2, available: 2 });
  assert.equal((await shop.consume("steady", 1)).body.balance, 1);
  await engine.travel("2044-06-10T00:30:00Z");
  assert.deepEqual(await shop.history("steady"), [
    ["allocation", 3, 3],
    ["consumption", -1, 2],
    ["consumption", -1, 1],
  ]);
});

test("credits burn by where they came from: prototype, period, rollover, bought", async () => {
  await engine.travel("2044-07-01T00:30:00Z");
  const anchor = "2044-07-01T00:00:00Z";
  await shop.create("burner", { tier_id: "rolling", anchor });
  await shop.credit("burner", 7);
  await engine.travel("2044-08-01T00:30:00Z");
  await shop.credit("burner", 3, { source: "prototype" });
  await shop.credit("burner", 1, { source: "purchased" });
  const steps: [number, [string, number][]][] = [
    [
      0,
      [
        ["prototype", 3],
        ["period", 10],
        ["rollover", 5],
        ["topup", 7],
        ["purchased", 1],
      ],
    ],
    [
      2,
      [
        ["prototype", 1],
        ["period", 10],
        ["rollover", 5],
        ["topup", 7],
        ["purchased", 1],
      ],
    ],
    [
      4,
      [
        ["period", 7],
        ["rollover", 5],
        ["topup", 7],
        ["purchased", 1],
      ],
    ],
    [
      8,
      [
        ["rollover", 4],
        ["topup", 7],
        ["purchased", 1],
      ],
    ],
    [
      6,
      [
        ["topup", 5],
        ["purchased", 1],
      ],
    ],
    [5.5, [["purchased", 0.5]]],
  ];
  for (const [amount, left] of steps) {
    if (amount > 0) assert.equal((await shop.consume("burner", amount)).status, 200);
    assert.deepEqual(await shop.grants("burner"), left, `after ${amount}`);
  }
});

test("years begin on 28 February when there is no 29th, and weeks keep their hour", async () => {
  await engine.travel("2044-09-01T12:00:00Z");
  const leap = await shop.create("leap", { tier_id: "yearly", anchor: "2044-02-29T08:00:00Z" });
  assert.deepEqual(
    [leap.period_start, leap.period_end],
    ["2044-02-29T08:00:00.000Z", "2045-02-28T08:00:00.000Z"],
  );
  const week = await shop.create("week", { tier_id: "weekly", anchor: "2044-08-30T13:00:00Z" });
  assert.deepEqual(
    [week.period_start, week.period_end],
    ["2044-08-30T13:00:00.000Z", "2044-09-06T13:00:00.000Z"],
  );
  await engine.travel("2048-02-29T08:00:00Z");
  const later = await shop.customer("leap");
  assert.deepEqual(
    [later.period_start, later.period_end, later.balance],
    ["2048-02-29T08:00:00.000Z", "2049-02-28T08:00:00.000Z", 12],
  );
  assert.deepEqual(
    (await shop.times("leap")).filter(([type]) => type === "expiry").map(([, at]) => at),
    ["2045-02-28T08:00:00.000Z", "2046-02-28T08:00:00.000Z", "2047-02-28T08:00:00.000Z"].concat(
      "2048-02-29T08:00:00.000Z",
    ),
  );
});

test("a tier that changes while its customer sleeps gives what it gave at each time", async () => {
  await engine.travel("2050-01-10T00:30:00Z");
  const changing = await Shop.open(engine, "changing", [MONTHLY]);
  const anchor = "2050-01-10T00:00:00Z";
  await changing.create("dozer", { tier_id: "monthly", anchor });
  await engine.travel("2050-03-20T00:00:00Z");
  await changing.tiers([{ ...MONTHLY, allocation: 25 }]);
  await engine.travel("2050-05-11T00:00:00Z");
  assert.equal((await changing.customer("dozer")).balance, 25);
  assert.deepEqual(await changing.history("dozer"), [
    ["allocation", 10, 10],
    ["expiry", -10, 0], // 10 February
    ["allocation", 10, 10],
    ["expiry", -10, 0], // 10 March
    ["allocation", 10, 10],
    ["expiry", -10, 0], // 10 April
    ["allocation", 25, 25],
    ["expiry", -25, 0], // 10 May
    ["allocation", 25, 25],
  ]);
});

test("a tier that is removed goes on for those who are on it", async () => {
  await engine.travel("2051-01-10T00:30:00Z");
  const shrinking = await Shop.open(engine, "shrinking", [MONTHLY]);
  const anchor = "2051-01-10T00:00:00Z";
  await shrinking.create("last", { tier_id: "monthly", anchor });
  await shrinking.tiers([]);
  await engine.travel("2051-02-10T00:30:00Z");
  const { tier_id, balance } = await shrinking.customer("last");
  assert.deepEqual([tier_id, balance], ["monthly", 10]);
});

test("a change of tier without reset gives the new allocation from the next period on", async () => {
  await engine.travel("2052-01-31T00:30:00Z");
  const anchor = "2052-01-31T00:00:00Z";
  await shop.create("mover", { tier_id: "rolling", anchor });
  await shop.done("POST", "customers/mover/tier", { tier_id: "yearly" });
  await engine.travel("2052-03-01T00:00:00Z");
  const moved = await shop.customer("mover");
  assert.deepEqual(
    [moved.balance, moved.period_start, moved.period_end],
    [12, "2052-02-29T00:00:00.000Z", "2053-02-28T00:00:00.000Z"],
  );
  assert.deepEqual(await shop.history("mover"), [
    ["allocation", 10, 10],
    ["expiry", -10, 0],
    ["allocation", 12, 12],
  ]);
});
