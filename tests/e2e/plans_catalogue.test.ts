import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Answer, Engine, type Json } from "./engine.ts";

let engine: Engine;
let key: string;
before(async () => {
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
});
after(() => engine.end());

const TIERS = [
  {
    id: "free",
    name: null,
    allocation: 0,
    period: "day",
    rollover: null,
    overage_mode: null,
    rate_limit: null,
  },
  {
    id: "pro",
    name: "Pro",
    allocation: 5000.000001,
    period: "month",
    rollover: { max: 0.5, periods: 120 },
    overage_mode: "auto_purchase",
    rate_limit: { requests: 1_000_000, window_seconds: 86_400 },
  },
  {
    id: "team",
    name: "Team",
    allocation: 9_000_000_000,
    period: "year",
    rollover: { max: 0, periods: 1 },
    overage_mode: "block",
    rate_limit: { requests: 1, window_seconds: 1 },
  },
];
const PACKS = [
  {
    id: "small",
    name: "500 credits",
    credits: 500,
    price_cents: 900,
    currency: "usd",
    stripe_price_id: "price_1N",
  },
  {
    id: "gift",
    name: "A gift",
    credits: 0.000001,
    price_cents: 0,
    currency: "jpy",
    stripe_price_id: null,
  },
];
const DEFAULTS = {
  default_tier: null,
  overage_mode: "block",
  overage_limit: 0,
  auto_purchase_limit: 3,
  ai_provider_priority: null,
  credit_name: "credits",
  low_balance_threshold: null,
  spend_limits: [],
  webhook_url: null,
};

const put = (list: string, body: Json, by = key): Promise<Answer> =>
  engine.send("PUT", `/v1/${list}`, { key: by, body });
const patch = (body: Json, by = key): Promise<Answer> =>
  engine.send("PATCH", "/v1/settings", { key: by, body });
const get = async (list: string, by = key): Promise<Json> =>
  (await engine.send("GET", `/v1/${list}`, { key: by })).body;

test("tiers and packs that are put are what is read, in their order", async () => {
  assert.deepEqual([await get("tiers"), await get("packs")], [[], []]);
  const bare = TIERS.map((tier) =>
    Object.fromEntries(Object.entries(tier).filter(([, value]) => value !== null)),
  );
  assert.deepEqual((await put("tiers", bare)).body, TIERS);
  assert.deepEqual((await put("packs", PACKS)).body, PACKS);
  assert.deepEqual([await get("tiers"), await get("packs")], [TIERS, PACKS]);
  assert.deepEqual((await put("tiers", TIERS)).body, TIERS, "an answer can be put again as it is");
});

test("settings are answered whole: what is absent stays, what is null is the default", async () => {
  const { live } = await engine.project("settings");
  assert.deepEqual(await get("settings", live), DEFAULTS);
  const first = {
    overage_mode: "allow",
    overage_limit: 12.5,
    credit_name: "pearls",
    spend_limits: [{ per: "day", amount: 0 }],
  };
  const expected = {
    ...DEFAULTS,
    ...first,
    spend_limits: [{ per: "day", amount: 0, feature: null }],
  };
  assert.deepEqual((await patch(first, live)).body, expected);
  const second = {
    overage_mode: null,
    auto_purchase_limit: 0,
    ai_provider_priority: "anthropic",
    low_balance_threshold: 0.1,
    spend_limits: [
      { per: "period", amount: 100, feature: "chat" },
      { per: "day", amount: 10, feature: "chat" },
      { per: "day", amount: 50, feature: null },
    ],
  };
  const after = { ...expected, ...second, overage_mode: "block" };
  assert.deepEqual((await patch(second, live)).body, after);
  assert.deepEqual((await patch({}, live)).body, after, "nothing to change is no mistake");
  assert.deepEqual(await get("settings", live), after);
  const nothing = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, null]));
  assert.deepEqual((await patch(nothing, live)).body, DEFAULTS);
});

test("of changes at once to different settings none is lost", async () => {
  const { live } = await engine.project("races");
  const changes = [
    { overage_mode: "allow" },
    { overage_limit: 1 },
    { auto_purchase_limit: 2 },
    { ai_provider_priority: "openai" },
    { credit_name: "coins" },
    { low_balance_threshold: 3 },
    { spend_limits: [{ per: "period", amount: 4, feature: null }] },
  ];
  const answers = await Promise.all(changes.map((change) => patch(change, live)));
  for (const { status } of answers) assert.equal(status, 200);
  assert.deepEqual(await get("settings", live), Object.assign({}, DEFAULTS, ...changes));
});

test("the default tier is a tier of the project, whoever comes first", async () => {
  const { live } = await engine.project("default");
  const refused = await patch({ default_tier: "pro", credit_name: "lost" }, live);
  assert.deepEqual([refused.status, refused.body.field], [400, "default_tier"]);
  assert.deepEqual(await get("settings", live), DEFAULTS, "nothing of it holds");
  await put("tiers", TIERS, live);
  assert.equal((await patch({ default_tier: "pro" }, live)).body.default_tier, "pro");
  const removed = await put("tiers", TIERS.slice(2), live);
  assert.deepEqual([removed.status, removed.body.code], [400, "invalid_field"]);
  assert.deepEqual(await get("tiers", live), TIERS);
  assert.equal((await put("tiers", TIERS.slice(1), live)).status, 200);
  for (let round = 0; round < 10; round += 1) {
    await patch({ default_tier: null }, live);
    await put("tiers", TIERS, live);
    const [set, emptied] = await Promise.all([
      patch({ default_tier: "team" }, live),
      put("tiers", [], live),
    ]);
    assert.deepEqual([set.status, emptied.status].sort(), [200, 400], `round ${round}`);
    const ids = (await get("tiers", live)).map(({ id }: Json) => id);
    const { default_tier } = await get("settings", live);
    assert.ok(default_tier === null || ids.includes(default_tier), `${default_tier} of ${ids}`);
  }
});

test("no two rows have one id, and a list has at most 100", async () => {
  const many = (row: Json): Json =>
    Array.from({ length: 101 }, (_, index) => ({ ...row, id: `${index}` }));
  const wrong = [
    await put("tiers", [TIERS[0], TIERS[1], { ...TIERS[2], id: "free" }]),
    await put("packs", [PACKS[0], PACKS[0]]),
    await put("tiers", many(TIERS[0])),
    await put("packs", many(PACKS[1])),
  ];
  for (const { status, body } of wrong)
    assert.deepEqual([status, body.code], [400, "invalid_field"]);
  const fields = wrong.map(({ body }) => body.field);
  assert.deepEqual(fields, ["body[2]", "body[1]", "body", "body"]);
  assert.deepEqual([await get("tiers"), await get("packs")], [TIERS, PACKS]);
});

test("who sets where events go is told what signs them, and nobody else is", async () => {
  const { live, test } = await engine.project("hooks");
  const secrets = [];
  for (const url of ["https://example.com/hooks?a=b", "http://localhost:3000/"]) {
    const { body } = await patch({ webhook_url: url }, live);
    assert.equal(body.webhook_url, url);
    secrets.push(body.webhook_secret);
  }
  assert.match(secrets[0], /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(secrets[1], secrets[0]);
  const other = (await patch({ webhook_url: "https://example.com" }, test)).body.webhook_secret;
  assert.notEqual(other, secrets[0]);
  for (const answer of [
    await patch({ overage_limit: 1 }, live),
    await patch({ webhook_url: null }, live),
    await engine.send("GET", "/v1/settings", { key: live }),
  ])
    assert.ok(!("webhook_secret" in answer.body));
});

test("who may read may not write, and a customer's key may neither", async () => {
  const made = await engine.send("POST", "/v1/keys", {
    key,
    body: { kind: "project", scopes: ["read", "write", "consume"] },
  });
  const reader = made.body.key;
  const own = (await engine.customerKey(key, "anna")).key;
  const bodies: [string, string, Json][] = [
    ["PUT", "tiers", []],
    ["PUT", "packs", []],
    ["PATCH", "settings", {}],
  ];
  for (const [method, list, body] of bodies) {
    assert.equal((await engine.send("GET", `/v1/${list}`, { key: reader })).status, 200);
    for (const by of [reader, own]) {
      const { status, body: problem } = await engine.send(method, `/v1/${list}`, { key: by, body });
      assert.deepEqual([status, problem.code], [403, "insufficient_scope"], `${method} ${list}`);
    }
    assert.equal((await engine.send("GET", `/v1/${list}`, { key: own })).status, 403);
  }
  assert.deepEqual(await get("tiers"), TIERS);
});

test("live and test have terms of their own, and both outlive a power cut", async () => {
  const project = await engine.project("worlds");
  await put("tiers", TIERS, project.live);
  await patch({ default_tier: "free", credit_name: "live ones" }, project.live);
  await put("packs", PACKS, project.test);
  await engine.kill();
  await engine.restart();
  const seen = await Promise.all(
    [project.live, project.test].map(async (by) => [
      (await get("tiers", by)).length,
      (await get("packs", by)).length,
      (await get("settings", by)).credit_name,
    ]),
  );
  assert.deepEqual(seen, [
    [3, 0, "live ones"],
    [0, 2, "credits"],
  ]);
});
