import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Answer, Json } from "../e2e/engine.ts";
import { event, sign, WEBHOOK_SECRETS } from "../e2e/stripe_events.ts";
import { isVendorError, vendorOf } from "../e2e/vendors.ts";
import { until } from "../e2e/watch.ts";
import { type Caller, callers, outcome, waysInto } from "./access_callers.ts";
import { CATALOGUE, type Outcome, ROWS, type Row, type Things } from "./access_rows.ts";
import { SECRETS, World } from "./access_world.ts";
import { grafted, PREFIX_LENGTH } from "./forged_keys.ts";
import { figures, inParallel, randomNumbers, SECONDS, SEED } from "./order.ts";
import { learnSecrets, searchAnswers, searchAround, searchFiles } from "./secret_places.ts";
import { GIVEN, misuse, moveInAndOut, passAndFail, sell } from "./secret_run.ts";
import { SecretSearch, spellings } from "./secret_search.ts";

const FORGERIES = 300;
const SHARE = 4;
/** Keys that are tried wherever they do not belong. */
const MISUSED = 12;
/** What can be done but once. */
const CONSUMING = /^DELETE |\/(rotate|extend|complete|tier)$/;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

let world: World;
let live: string;
let test_: string;
let other: string;
let things: Things;
let everybody: Caller[];
before(async () => {
  world = await World.start();
  ({ live, test: test_ } = await world.project("shop"));
  ({ live: other } = await world.project("neighbour"));
  for (const [list, rows] of Object.entries(CATALOGUE))
    await world.call("PUT", `/v1/${list}`, live, rows);
  await world.call("PATCH", "/v1/settings", live, { webhook_url: world.receiver.url });
  things = await world.things(live, "anna");
  await world.call("POST", "/v1/customers/bystander/credits", live, {
    amount: 1_000,
    type: "topup",
  });
  await until("the events are delivered", async () => {
    const { data } = await world.call("GET", "/v1/events", live);
    return data.length === 2 && data.every((event: Json) => event.delivery.status === "delivered");
  });
  everybody = await callers(world, { live, test: test_, other, things, bystander: "bystander" });
});
after(() => world.end());

/** Calls a row as somebody; without a way, by `Authorization`. */
function call(
  row: Row,
  about: Things,
  key: string | undefined,
  { method, headers }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [verb = ""] = row.route.split(" ");
  const sent = {
    ...(row.body && { body: row.body(about) }),
    ...(row.raw && { raw: row.raw(about) }),
    headers: { ...row.headers?.(about), ...headers },
  };
  return world.engine.send(
    method ?? verb,
    row.path(about),
    method ? { key, headers: sent.headers } : { key, ...sent },
  );
}

/** All of the tested world that somebody could have changed. */
async function everything(): Promise<Json> {
  const lists = ["customers", "keys", "events", "settings", ...Object.keys(CATALOGUE)];
  const anna = "/v1/customers/anna";
  const paths = [
    ...lists.map(
      (list) => `/v1/${list}${["customers", "keys", "events"].includes(list) ? "?limit=100" : ""}`,
    ),
    ...["", "/settings", "/audit", "/transactions", "/balance?include=breakdown"].map(
      (p) => anna + p,
    ),
    `/v1/usage-transactions/${things.hold_id}`,
  ];
  const bodies: Record<string, Json> = {};
  await Promise.all(
    paths.map(async (path) => {
      bodies[path] = await world.call("GET", path, live);
    }),
  );
  for (const name of Object.keys(bodies)) delete bodies[name].as_of;
  const projects = await world.call("GET", "/v1/projects", SECRETS.ADMIN_TOKEN);
  return { ...bodies, projects };
}

function assertOutcome(answer: Answer, [status, code]: Outcome, row: Row, what: string): void {
  const told = `${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`;
  assert.equal(answer.status, status, told);
  if (code === undefined) return;
  const vendor = vendorOf(row.path(things));
  if (vendor === undefined) assert.equal(answer.body.code, code, told);
  else assert.ok(isVendorError(vendor, answer), told);
  if (vendor === "HiveForge")
    assert.equal(answer.body.code, status === 401 ? "invalid_credentials" : code, told);
}

test("the table has a row for every route of the document, and no other", () => {
  const documented = world.engine.contract.operations.map(
    ({ method, path }) => `${method} ${path}`,
  );
  assert.deepEqual(ROWS.map(({ route }) => route).sort(), documented.sort());
  assert.equal(new Set(documented).size, documented.length);
});

test("every route × every kind of key: the right refusal, and nothing is changed", async () => {
  const before = await everything();
  const names = [...Object.values(things), "of-the-shop"].filter((name) => name !== "anna");
  let refusals = 0;
  const check = (row: Row, caller: Caller, answer: Answer, expected: Outcome, way = ""): void => {
    assertOutcome(answer, expected, row, `${row.route} by ${caller.kind} ${way}`);
    refusals += 1;
    // To whom it is nothing, nothing of it is told.
    const text = JSON.stringify([answer.body, [...answer.headers]]);
    const isElsewhere = expected === row.elsewhere && row.by !== "anybody";
    if (!isElsewhere) return;
    // A list that is put is answered with itself.
    const told = row.route.startsWith("PUT ") ? [] : names.filter((name) => text.includes(name));
    assert.deepEqual(told, [], `${row.route} told ${caller.kind}: ${text.slice(0, 300)}`);
  };
  await inParallel(everybody.length, everybody.length, async (n) => {
    const caller = everybody[n] as Caller;
    for (const [index, row] of ROWS.entries()) {
      if (!isTried(caller, n + index)) continue;
      const expected = outcome(row, caller);
      if (expected !== undefined) {
        check(row, caller, await call(row, things, caller.key), expected);
        if (row.route.startsWith("GET ") && expected[0] >= 400 && isHeadTried(n + index)) {
          const head = await call(row, things, caller.key, { method: "HEAD" });
          assert.equal(head.status, expected[0], `HEAD, ${row.route} by ${caller.kind}`);
          refusals += 1;
        }
      }
      for (const way of waysInto(row)) {
        if (caller.key === undefined) continue;
        const there = way.outcome(row, caller);
        if (there === undefined) continue;
        const headers = way.headers(caller.key, things);
        check(
          row,
          caller,
          await call(row, things, undefined, { headers }),
          there,
          `as ${way.name}`,
        );
      }
    }
  });
  assert.deepEqual(await everything(), before, "nothing was changed");
  figures(
    `${ROWS.length} routes x ${everybody.length} callers, ${kinds()} kinds: ${refusals} refusals ` +
      "as written by hand, nothing changed",
  );
});

/**
 * In the short form false keys, and keys of one scope, have a share of the routes each; every
 * other caller has all.
 */
function isTried({ standing }: Caller, turn: number): boolean {
  if (SECONDS !== undefined) return true;
  if (standing.is === "false") return isTurn(turn);
  const isOfOneScope = standing.is === "project" && standing.scopes.length === 1;
  return !isOfOneScope || isTurn(turn);
}

const isHeadTried = (turn: number): boolean => SECONDS !== undefined || isTurn(turn);
const isTurn = (turn: number): boolean => (turn + SEED) % SHARE === 0;

/** Kinds of callers, of which some are tried in many spellings. */
const kinds = (): number => new Set(everybody.map(({ kind }) => kind.split(":")[0])).size;

test("ids of others: no refund of a stranger's charge, no completing of a stranger's hold", async () => {
  const before = await everything();
  const strangers = ["key of another project", "key of the other mode", "key of another customer"];
  for (const kind of strangers) {
    const key = everybody.find((caller) => caller.kind === kind)?.key;
    const isCustomer = kind.endsWith("customer");
    const refund = { amount: 1, type: "refund", refund_of: things.transaction_id };
    const credits = "/v1/customers/stranger/credits";
    const refused = await world.engine.send("POST", credits, { key, body: refund });
    if (isCustomer)
      assert.deepEqual([refused.status, refused.body.code], [403, "insufficient_scope"]);
    else assert.deepEqual([refused.status, refused.body.field], [400, "refund_of"]);
    for (const [below, body] of [
      ["extend", { expires_in: 60 }],
      ["complete", { success: true, amount: 0 }],
    ] as const) {
      // A grant's id, and a charge's where a hold is wanted, lead nowhere either.
      for (const id of [
        things.hold_id,
        things.transaction_id,
        `grant_${things.hold_id.slice(4)}`,
      ]) {
        const path = `/v1/usage-transactions/${id}/${below}`;
        const { status, body: told } = await world.engine.send("POST", path, { key, body });
        assert.deepEqual([status, told.code], [404, "not_found"], `${kind}: ${path}`);
      }
    }
  }
  assert.deepEqual(await everything(), before, "nothing was changed");
});

test("a report of Stripe's is believed by its signature alone", async () => {
  const before = await everything();
  const raw = JSON.stringify(event("customer.created", { livemode: true }));
  const now = Math.floor(Date.now() / 1000);
  const good = sign(raw, WEBHOOK_SECRETS.live);
  const lastOther = good.endsWith("0") ? "1" : "0";
  const wrong: [string, string][] = [
    ["", "missing_field"],
    ["t=1", "invalid_field"],
    [good.slice(0, -1) + lastOther, "invalid_field"],
    [good.slice(0, -2), "invalid_field"],
    [good.replace("v1=", "v0="), "invalid_field"],
    [good.replace(/t=\d+/, `t=${now + 1}`), "invalid_field"],
    [sign(raw, "whsec_guess"), "invalid_field"],
    [sign(raw, SECRETS.KEY_SECRET), "invalid_field"],
    [sign(raw, WEBHOOK_SECRETS.test), "invalid_field"],
    [sign(raw, WEBHOOK_SECRETS.live, now - 301), "invalid_field"],
    [sign(`${raw} `, WEBHOOK_SECRETS.live), "invalid_field"],
  ];
  for (const key of [undefined, live, SECRETS.ADMIN_TOKEN]) {
    for (const [signature, code] of wrong) {
      const headers: Record<string, string> = signature ? { "Stripe-Signature": signature } : {};
      const { status, body } = await world.engine.send("POST", "/webhooks/stripe", {
        key,
        raw,
        headers,
      });
      assert.deepEqual([status, body.code], [400, code], signature);
    }
  }
  const headers = { "Stripe-Signature": good };
  const taken = await world.engine.send("POST", "/webhooks/stripe", { raw, headers });
  assert.deepEqual([taken.status, taken.body.outcome], [200, "ignored"]);
  assert.deepEqual(await everything(), before, "nothing was changed");
});

test("no random change of a good key is a key", async () => {
  const random = randomNumbers(SEED);
  const below = (end: number): number => Math.floor(random() * end);
  const good = everybody.flatMap(({ key, standing }) =>
    key !== undefined && (standing.is === "project" || standing.is === "customer") ? [key] : [],
  );
  const pick = (): string => good[below(good.length)] as string;
  const change = (key: string): string => {
    const at = PREFIX_LENGTH + below(key.length - PREFIX_LENGTH);
    const letter = DIGITS.charAt(below(DIGITS.length));
    switch (below(5)) {
      case 0:
        return key.slice(0, at) + letter + key.slice(at + 1);
      case 1:
        return key.slice(0, at) + key.slice(at + 1);
      case 2:
        return key.slice(0, at) + letter + key.slice(at);
      case 3:
        return grafted(key, pick());
      default:
        return key.slice(0, at) + pick().slice(at);
    }
  };
  const end = SECONDS === undefined ? undefined : Date.now() + SECONDS * 500;
  let tried = 0;
  while (end === undefined ? tried < FORGERIES : Date.now() < end) {
    await inParallel(16, FORGERIES, async () => {
      const forged = change(pick());
      if (good.includes(forged)) return;
      const { status, body } = await world.engine.send("GET", "/v1/customers/anna/balance", {
        key: forged,
      });
      assert.deepEqual([status, body.code], [401, "invalid_key"], forged);
      tried += 1;
    });
    world.forget();
  }
  figures(`${tried} random forgeries of good keys: all refused`);
});

test("every route takes each key that may: the one scope is enough", async () => {
  const enough = /^(project|customer) key(: (read|consume|write|admin|the one after)|, by .*)$/;
  const calls = ROWS.flatMap((row) =>
    everybody
      .filter(({ kind }) => enough.test(kind) || row.by === "operator")
      .filter((caller) => row.by !== "signature" && outcome(row, caller) === undefined)
      .map((caller) => ({ row, caller })),
  );
  await inParallel(8, calls.length, async (n) => {
    const { row, caller } = calls[n] as (typeof calls)[number];
    const isOwn = caller.standing.is === "customer";
    // Whoever deletes or completes something has it for itself.
    const about = await newThings(row, isOwn, `customer-${n}`);
    const what = `${row.route} by ${caller.kind}`;
    assertOutcome(await call(row, about, caller.key), [200], row, what);
    for (const way of isOwn ? waysInto(row) : []) {
      const headers = way.headers(caller.key ?? "", things);
      assertOutcome(
        await call(row, about, undefined, { headers }),
        [200],
        row,
        `${what}, ${way.name}`,
      );
    }
  });
  assert.deepEqual(new Set(calls.map(({ row }) => row.route)).size, ROWS.length - 1);
  figures(`${calls.length} calls with a key that just may: all taken`);
});

async function newThings(row: Row, isOwn: boolean, customer: string): Promise<Things> {
  const [, path = ""] = row.route.split(" ");
  if (["/v1/projects", "/v1/customers"].includes(path)) return { ...things, customer_id: customer };
  if (!CONSUMING.test(row.route)) return things;
  if (!isOwn) return world.things(live, customer);
  const body = { user_id: "anna", amount: 1 };
  const hold = await world.call("POST", "/v1/usage-transactions", live, body);
  return { ...things, hold_id: hold.transaction_id };
}

test("no secret is told, logged, stored, or sent to anybody, in any spelling", async () => {
  const own = everybody.find(({ kind }) => kind === "customer key: consume")?.key ?? "";
  const bearers = everybody.filter(
    ({ standing }) => standing.is !== "false" && standing.is !== "nobody",
  );
  await sell(world, [live, test_]);
  await passAndFail(world, live, own);
  await moveInAndOut(world, live);
  const some = bearers.slice(0, MISUSED).map(({ key }) => key ?? "");
  await misuse(world, [...Object.values(GIVEN), ...some]);

  const search = new SecretSearch();
  for (const [name, secret] of Object.entries(GIVEN)) search.add(name, secret);
  for (const { key, kind } of bearers) search.add(kind, key ?? "");
  learnSecrets(world, search);
  const answers = searchAnswers(world, search);
  const requests = searchAround(world, search);
  await world.engine.kill();
  const { files, megabytes, lines } = searchFiles(world, search);
  figures(
    `${search.size} secrets in ${spellings("x").size} spellings each: in none of ${answers} ` +
      `answers, ${files} files (${megabytes} MB), ${lines} log lines, ` +
      `${world.kv.values.size} KV values, ${requests} requests to others`,
  );
});

test("the search finds every spelling of a secret, wherever it stands", () => {
  const search = new SecretSearch();
  const secret = "ce_live_0123456789abcdefghijklmnopqrstuvwxyz/+ =";
  search.add("it", secret);
  for (let before = 0; before < 6; before += 1) {
    const noise = "n".repeat(before);
    const text = Buffer.from(`${noise}${secret}${noise}`);
    for (const spelled of [
      text,
      Buffer.from(text.toString(), "utf16le"),
      ...["hex", "base64", "base64url"].map((way) => Buffer.from(text.toString(way as "hex"))),
      Buffer.from(encodeURIComponent(text.toString())),
      Buffer.from(JSON.stringify([JSON.stringify(text.toString())])),
      Buffer.from(`x=1&${new URLSearchParams({ y: text.toString() })}`),
    ])
      assert.ok(search.in(spelled).length > 0, spelled.toString());
  }
  assert.deepEqual(search.in(Buffer.from(secret.slice(0, -1))), []);
});
