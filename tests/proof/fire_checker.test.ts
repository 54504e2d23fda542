import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./fire/checker.ts";
import type { Ask, Credit, History, Json, Operation, Row } from "./fire/history.ts";
import { describe, shrink } from "./fire/shrink.ts";

const ALONE = { mayDouble: false };
const EPOCH = Date.UTC(2026, 0, 1);

/** An operation from one millisecond to another. */
function asked(mark: string, from: number, to: number, ask: Ask, status: number, body: Json) {
  const operation: Operation = {
    mark,
    isKeyed: true,
    customer: "bob",
    ask,
    tries: [EPOCH + from],
    returned: EPOCH + to,
    answer: { status, body },
  };
  return operation;
}

function row(seq: number, ms: number, kind: string, amount: number, balance: number): Row {
  const numbers = { amount: amount * 1e6, balance: balance * 1e6 };
  return { seq, at: EPOCH + ms, kind, ...numbers, key: null, about: null, words: null };
}

const topup = (amount: number, more: Partial<Credit> = {}): Credit => ({
  kind: "credit",
  type: "topup",
  amount: amount * 1e6,
  expires: null,
  priority: null,
  refundOf: null,
  ...more,
});
const consume = (amount: number): Ask => ({ kind: "consume", amount: amount * 1e6 });
const consumed = (seq: number, amount: number, balance: number) => ({
  success: true,
  seq,
  amount,
  balance,
  replayed: false,
});
const poor = (requested: number, balance: number, available = balance) => ({
  code: "insufficient_credits",
  requested,
  balance,
  available,
  shortfall: requested - available,
});

/**
 * Ten credits, of which callers charge 4, 4 and hold 1.5; one is refused, one asks again; a
 * batch meets its limit; a hold runs out by the clock.
 */
function honest(): History {
  const grant = { source: "topup", amount: 10, priority: 40, expires_at: null };
  const operations = [
    asked("a", 0, 10, topup(10), 200, { seq: 2, balance: 10, amount: 10, replayed: false }),
    asked("b", 20, 60, consume(4), 200, consumed(3, 4, 6)),
    // While `c` is under way: before or after it.
    asked("r1", 25, 50, { kind: "balance" }, 200, {
      balance: 6,
      available: 6,
      held: 0,
      breakdown: [{ ...grant, remaining: 6 }],
    }),
    asked("c", 30, 70, consume(4), 200, consumed(4, 4, 2)),
    asked("d", 80, 90, consume(3), 402, poor(3, 2)),
    asked("e", 100, 110, { kind: "reserve", amount: 1.5e6, lifeMs: 1000 }, 200, {
      seq: 5,
      continue: true,
      balance: 2,
      credits_used: 1.5,
      expires_at: "2026-01-01T00:00:01.105Z",
      replayed: false,
    }),
    asked("f", 120, 130, { kind: "batch", atomic: false, amounts: [0.25e6, 1e6, 0.25e6] }, 200, {
      results: [
        { status: 200, ...consumed(6, 0.25, 1.75) },
        { status: 402, success: false, error: poor(1, 1.75, 0.25) },
        { status: 200, ...consumed(7, 0.25, 1.5) },
      ],
      balance: 1.5,
      succeeded: 2,
      failed: 1,
    }),
    asked("r2", 1300, 1310, { kind: "audit" }, 200, {
      entries: 8,
      journal_balance: 1.5,
      live_balance: 1.5,
      consistent: true,
    }),
    asked("g", 1320, 1330, consume(1.5), 200, consumed(9, 1.5, 0)),
  ];
  const again = {
    ...asked("h", 1340, 1350, { kind: "again", of: operations[1] as Operation }, 200, null),
  };
  again.answer = { status: 200, body: { ...consumed(3, 4, 6), replayed: true } };
  const rows = [
    row(1, 5, "customer_opened", 0, 0),
    { ...row(2, 5, "topup", 10, 10), key: "k:a", words: "a" },
    { ...row(3, 40, "consumption", -4, 6), key: "k:b", words: "b" },
    { ...row(4, 45, "consumption", -4, 2), key: "k:c", words: "c" },
    { ...row(5, 105, "hold", 0, 2), key: "k:e", words: "e" },
    { ...row(6, 125, "consumption", -0.25, 1.75), key: "b0:f", words: "f.0" },
    { ...row(7, 125, "consumption", -0.25, 1.5), key: "b2:f", words: "f.2" },
    { ...row(8, 1105, "hold_expired", 0, 1.5), about: 5 },
    { ...row(9, 1325, "consumption", -1.5, 0), key: "k:g", words: "g" },
  ];
  return { customer: "bob", operations: [...operations, again], rows };
}

function find(history: History, mark: string): Operation {
  const operation = history.operations.find((one) => one.mark === mark);
  assert.ok(operation);
  return operation;
}

function body(history: History, mark: string): Json {
  return find(history, mark).answer?.body;
}

test("an honest history has no fault", () => {
  assert.deepEqual(check(honest(), ALONE), []);
});

test("an answer that never came may stand for anything", () => {
  const history = honest();
  for (const mark of ["c", "g"])
    Object.assign(find(history, mark), { answer: null, returned: Infinity });
  assert.deepEqual(check(history, ALONE), []);
  // One that was never done is as good.
  history.operations.push({ ...find(history, "g"), mark: "never" });
  assert.deepEqual(check(history, ALONE), []);
});

/** A fault, how it comes about, and the rules of which one must tell. */
const PLANTED: [string, string[], (history: History) => void][] = [
  ["an acknowledged charge that is lost", ["lost"], (h) => h.rows.splice(8, 1)],
  [
    "an acknowledged charge that is lost with its number",
    ["lost"],
    (h) => {
      Object.assign(h.rows[8] as Row, { key: "k:other", words: "other" });
    },
  ],
  [
    "a retry that was charged again",
    ["doubled"],
    (h) => h.rows.push({ ...row(10, 1326, "consumption", 0, 0), key: "k:g2", words: "g" }),
  ],
  [
    "a charge without a key that was done twice",
    ["doubled"],
    (h) => {
      for (const one of h.rows) if (one.seq === 3) one.key = null;
      h.rows.push({ ...row(10, 1326, "consumption", -4, -4), words: "b" });
    },
  ],
  [
    "a batch's item that was lost",
    ["lost"],
    (h) => {
      Object.assign(h.rows[6] as Row, { key: null, words: null });
    },
  ],
  [
    "a charge that nobody asked for",
    ["invented"],
    (h) => h.rows.push({ ...row(10, 1326, "consumption", -1, -1), key: "k:x", words: "x" }),
  ],
  [
    "credits from nowhere",
    ["not due", "invented"],
    (h) => h.rows.push(row(10, 1326, "allocation", 5, 5)),
  ],
  [
    "a refused charge that was made",
    ["refused"],
    (h) => {
      h.rows.splice(4, 0, { ...row(5, 85, "consumption", -3, -1), key: "k:d", words: "d" });
    },
  ],
  [
    "a running balance that is off",
    ["books"],
    (h) => {
      for (const one of h.rows) if (one.seq >= 4) one.balance += 1;
    },
  ],
  [
    "a charge of more than was asked",
    ["books"],
    (h) => {
      Object.assign(h.rows[2] as Row, { amount: -5e6, balance: 5e6 });
    },
  ],
  [
    "a charge beyond the credits",
    ["overdrawn"],
    (h) => {
      h.operations.push(asked("z", 1340, 1350, consume(1), 200, consumed(10, 1, -1)));
      h.rows.push({ ...row(10, 1345, "consumption", -1, -1), key: "k:z", words: "z" });
    },
  ],
  [
    "an answer with a wrong balance",
    ["answer"],
    (h) => {
      body(h, "b").balance = 7;
    },
  ],
  [
    "an answer with another's number",
    ["answer"],
    (h) => {
      body(h, "c").seq = 3;
    },
  ],
  [
    "a stale read",
    ["stale"],
    (h) => {
      Object.assign(body(h, "r2"), { entries: 7 });
      find(h, "r2").tries = [EPOCH + 1335];
      find(h, "r2").returned = EPOCH + 1338;
    },
  ],
  [
    "a read of what is not yet asked for",
    ["early"],
    (h) => {
      Object.assign(body(h, "r1"), { balance: 2, available: 2 });
      body(h, "r1").breakdown[0].remaining = 2;
      find(h, "r1").returned = EPOCH + 28;
    },
  ],
  [
    "two reads of which the later one sees less",
    ["stale"],
    (h) => {
      h.operations.push({
        ...find(h, "r1"),
        mark: "r0",
        tries: [EPOCH + 48],
        returned: EPOCH + 49,
      });
      const earlier = structuredClone(find(h, "r1"));
      earlier.answer = { status: 200, body: { ...body(h, "r1"), balance: 2, available: 2 } };
      earlier.answer.body.breakdown = [{ ...body(h, "r1").breakdown[0], remaining: 2 }];
      h.operations.push({ ...earlier, mark: "r00", tries: [EPOCH + 46], returned: EPOCH + 47 });
    },
  ],
  [
    "a read of no state at all",
    ["unexplained"],
    (h) => {
      body(h, "r1").balance = 5;
    },
  ],
  [
    "a breakdown that burned the wrong grant",
    ["unexplained"],
    (h) => {
      body(h, "r1").breakdown[0].priority = 10;
    },
  ],
  [
    "a read of expired credits as held",
    ["stale"],
    (h) => {
      h.operations.push(
        asked("u", 1300, 1305, { kind: "usage", hold: 5 }, 200, {
          state: "pending",
          held: 1.5,
          credits_used: 0,
          late: false,
        }),
      );
    },
  ],
  [
    "charges in another order than they were made in",
    ["order"],
    (h) => {
      find(h, "c").tries = [EPOCH + 5];
      find(h, "c").returned = EPOCH + 15;
    },
  ],
  [
    "an entry dated after its answer",
    ["clock"],
    (h) => {
      for (const one of h.rows) if (one.seq === 9) one.at += 500;
    },
  ],
  [
    "a refusal without a reason",
    ["unexplained"],
    (h) => {
      Object.assign(find(h, "d"), { answer: { status: 402, body: poor(2, 2) }, ask: consume(2) });
    },
  ],
  [
    "a refusal for a reason of the past",
    ["stale"],
    (h) => {
      h.operations.push(
        asked("i", 90, 95, { kind: "check", amount: 7e6 }, 200, {
          allowed: false,
          balance: 6,
          available: 6,
          required: 7,
          shortfall: 1,
        }),
      );
    },
  ],
  [
    "a batch that refused what it could pay",
    ["books"],
    (h) => {
      find(h, "f").ask = { kind: "batch", atomic: false, amounts: [0.25e6, 0.2e6, 0.25e6] };
    },
  ],
  [
    "a batch's item that is told again with another balance",
    ["answer"],
    (h) => {
      const { results } = body(h, "f");
      Object.assign(results[0], { replayed: true, balance: 2 });
      results[2].replayed = true;
      find(h, "f").tries = [EPOCH + 120, EPOCH + 127];
    },
  ],
  [
    "a batch of all or none that was torn",
    ["overdrawn"],
    (h) => {
      find(h, "f").ask = { kind: "batch", atomic: true, amounts: [0.25e6, 1e6, 0.25e6] };
    },
  ],
  [
    "another's charge amid a batch",
    ["torn", "answer"],
    (h) => {
      Object.assign(h.rows[6] as Row, { key: "k:j", words: "j" });
      h.operations.push(asked("j", 120, 130, consume(0.25), 200, consumed(7, 0.25, 1.5)));
    },
  ],
  [
    "a hold that outlives its time",
    ["overdue"],
    (h) => {
      h.rows.splice(7, 1);
      Object.assign(h.rows[7] as Row, { seq: 8 });
    },
  ],
  [
    "a hold that ended too early",
    ["not due"],
    (h) => {
      for (const one of h.rows) if (one.seq === 8) one.at -= 100;
    },
  ],
  [
    "a repeat with another answer",
    ["replay"],
    (h) => {
      body(h, "h").balance = 5;
    },
  ],
  [
    "a first try that was taken for a repeat",
    ["replay"],
    (h) => {
      body(h, "b").replayed = true;
    },
  ],
];

for (const [name, rules, plant] of PLANTED) {
  test(`planted and found: ${name}`, () => {
    const history = honest();
    plant(history);
    const faults = check(history, ALONE);
    const found = faults.find(({ rule }) => rules.includes(rule));
    assert.ok(found, `${JSON.stringify(faults.map(({ rule, what }) => [rule, what]))}`);
    const small = shrink(history, found, ALONE);
    assert.ok(small.operations.length <= 3, describe(history, found, ALONE));
  });
}
