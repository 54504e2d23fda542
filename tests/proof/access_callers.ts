// Everybody who might call, and what the contract says that each of them gets from a row.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { vendorOf } from "../e2e/vendors.ts";
import type { Outcome, Row, Scope, Things } from "./access_rows.ts";
import { SECRETS, type World } from "./access_world.ts";
import { grafted, PREFIX_LENGTH, partsOf, signedBy, widened, withTagOf } from "./forged_keys.ts";

export const SCOPES: Scope[] = ["read", "consume", "write", "admin"];
const OWN_SCOPES: Scope[] = ["read", "consume"];

/** What stands behind a caller's key. */
type Standing =
  | { is: "nobody" }
  /** No key of this engine, or not for what it is used. */
  | { is: "false" }
  | { is: "operator" }
  /** It was a key, and says itself or is known to be no longer. */
  | { is: "ended"; by: "itself" | "record" | "ledger" }
  /** A project key, of the tested project and mode or not. */
  | { is: "project"; scopes: Scope[]; here: boolean }
  /** A customer key: of the customer that is called about, of another, of another world. */
  | { is: "customer"; scopes: Scope[]; whose: "own" | "other" | "elsewhere" };

export interface Caller {
  kind: string;
  key: string | undefined;
  standing: Standing;
}

const MISSING = [401, "missing_key"] as const;
const INVALID = [401, "invalid_key"] as const;
const LACKING = [403, "insufficient_scope"] as const;
const NOT_FOUND = [404, "not_found"] as const;

/** What a caller gets from a row; `undefined` if the row takes the call. */
export function outcome(row: Row, { standing }: Caller): Outcome | undefined {
  if (row.by === "anybody") return undefined;
  // No key stands for Stripe's signature.
  if (row.by === "signature") return row.elsewhere;
  if (standing.is === "nobody") return MISSING;
  if (standing.is === "false") return INVALID;
  if (row.by === "operator") {
    // No API key is the operator's: nobody is asked whether it still lives.
    return standing.is === "operator" ? undefined : LACKING;
  }
  const { project, own } = row.by;
  switch (standing.is) {
    case "operator":
      return INVALID;
    case "ended":
      // A customer's ledger knows which of its keys have ended. Where a customer key may
      // nothing, that is said without asking.
      return standing.by === "ledger" && own === undefined ? LACKING : INVALID;
    case "project":
      if (!standing.scopes.includes(project)) return LACKING;
      return standing.here ? undefined : row.elsewhere;
    case "customer":
      if (own === undefined || !standing.scopes.includes(own)) return LACKING;
      if (standing.whose === "elsewhere") return row.elsewhere;
      return standing.whose === "own" ? undefined : (row.toOther ?? NOT_FOUND);
  }
}

/** Another way in which a route takes a key, and what comes of a caller there. */
export interface Way {
  name: string;
  headers: (key: string, things: Things) => Record<string, string>;
  outcome: (row: Row, caller: Caller) => Outcome | undefined;
}

/** The ways into a route besides `Authorization: Bearer`. */
export function waysInto({ route }: Row): Way[] {
  const vendor = vendorOf(route.split(" ")[1] ?? "");
  if (vendor === "pre.dev")
    return [{ name: "X-API-Key", headers: (key) => ({ "X-API-Key": key }), outcome }];
  if (vendor !== "HiveForge") return [];
  const headers = (key: string, { customer_id }: Things): Record<string, string> => ({
    "X-Deployment-ID": customer_id,
    "X-Deployment-Secret": key,
  });
  return [{ name: "X-Deployment-Secret", headers, outcome: asDeployment }];
}

/** Only keys of the customer that is named are a deployment's secret. */
function asDeployment(row: Row, caller: Caller): Outcome | undefined {
  const { standing } = caller;
  const isOfCustomer =
    (standing.is === "customer" && standing.whose !== "other") ||
    (standing.is === "ended" && standing.by === "ledger");
  return isOfCustomer ? outcome(row, caller) : INVALID;
}

const flipped = (text: string, at: number): string => {
  const index = at < 0 ? text.length + at : at;
  const other = text[index] === "a" ? "b" : "a";
  return text.slice(0, index) + other + text.slice(index + 1);
};

/** Keys that were never made, most of them nearly one that was. */
export function falseKeys(good: string, weak: string, own: string): [string, string][] {
  return [
    ["no key at all", "x"],
    ["a prefix", "ce_live_"],
    ["a prefix of no kind", good.replace("ce_live_", "ce_prod_")],
    ["letters that no key has", `ce_live_${"-".repeat(60)}`],
    ["one letter more", `${good}0`],
    ["one letter less", good.slice(0, -1)],
    ["another last letter", flipped(good, -1)],
    ["another first letter of the tag", flipped(good, -21)],
    ["another letter of the payload", flipped(good, PREFIX_LENGTH + 30)],
    ["the prefix of the other mode", good.replace("ce_live_", "ce_test_")],
    ["the prefix of a customer key", good.replace("ce_live_", "ck_live_")],
    ["a customer key as a project key", own.replace("ck_live_", "ce_live_")],
    ["small letters", good.toLowerCase()],
    ["scopes widened under their tag", widened(weak)],
    ["the tag of another key", grafted(good, own)],
    ["no tag", withTagOf(0, good)],
    ["half a tag", withTagOf(8, good)],
    ["a tag of 15 bytes", withTagOf(15, good)],
    ["signed by another secret", signedBy("guess", good)],
    ["signed by the operator token", signedBy(SECRETS.ADMIN_TOKEN, good)],
    ["signed by nothing", signedBy("", good)],
    ["the operator token cut", SECRETS.ADMIN_TOKEN.slice(0, -1)],
    ["the operator token and more", `${SECRETS.ADMIN_TOKEN}x`],
    ["the secret itself", SECRETS.KEY_SECRET],
  ];
}

interface Tested {
  /** Keys with all scopes: of the tested project, its other mode, and another project. */
  live: string;
  test: string;
  other: string;
  things: Things;
  /** A customer that may lose credits meanwhile. */
  bystander: string;
}

/** All who call with something that is or was a key, and everybody else. */
export async function callers(world: World, tested: Tested): Promise<Caller[]> {
  const { live, things } = tested;
  const { customer_id } = things;
  const project = (scopes: Scope[], more = {}) =>
    world.makeKey(live, { kind: "project", scopes, ...more });
  const customer = (scopes: Scope[], more = {}, by = live, id = customer_id) =>
    world.makeKey(by, { kind: "customer", customer_id: id, scopes, ...more });

  const found: Caller[] = [];
  const add = (kind: string, key: string | undefined, standing: Standing) =>
    found.push({ kind, key, standing });
  const ended = (kind: string, key: string, by: "itself" | "record" | "ledger") =>
    add(kind, key, { is: "ended", by });

  add("none", undefined, { is: "nobody" });
  add("operator token", SECRETS.ADMIN_TOKEN, { is: "operator" });
  const weak = (await project(["read"])).key;
  const own = (await customer(OWN_SCOPES)).key;
  for (const [what, key] of falseKeys(live, weak, own)) add(`false: ${what}`, key, { is: "false" });
  // That the forger knows its trade: with the right secret the same is a key.
  assert.equal(signedBy(SECRETS.KEY_SECRET, live), live);
  assert.equal(partsOf(live).tag.length, 16);
  add("project key, by the previous secret", signedBy(SECRETS.KEY_SECRET_PREVIOUS, live), {
    is: "project",
    scopes: SCOPES,
    here: true,
  });

  add("key of another project", tested.other, { is: "project", scopes: SCOPES, here: false });
  add("key of the other mode", tested.test, { is: "project", scopes: SCOPES, here: false });
  for (const scope of SCOPES) {
    add(`project key: ${scope}`, (await project([scope])).key, {
      is: "project",
      scopes: [scope],
      here: true,
    });
    const others = SCOPES.filter((one) => one !== scope);
    add(`project key: all but ${scope}`, (await project(others)).key, {
      is: "project",
      scopes: others,
      here: true,
    });
  }
  for (const scope of OWN_SCOPES)
    add(`customer key: ${scope}`, (await customer([scope])).key, {
      is: "customer",
      scopes: [scope],
      whose: "own",
    });

  const strangers: [string, string, string][] = [
    ["key of another customer", live, tested.bystander],
    ["key of the customer's namesake in another project", tested.other, customer_id],
    ["key of the customer's namesake in the other mode", tested.test, customer_id],
  ];
  for (const [kind, by, id] of strangers) {
    const { key } = await customer(OWN_SCOPES, {}, by, id);
    add(kind, key, {
      is: "customer",
      scopes: OWN_SCOPES,
      whose: by === live ? "other" : "elsewhere",
    });
  }

  const expires_at = new Date(Date.now() + 3_000).toISOString();
  const short = [await project(SCOPES, { expires_at }), await customer(OWN_SCOPES, { expires_at })];
  for (const [make, by] of [
    [() => project(SCOPES), "record"],
    [() => customer(OWN_SCOPES), "ledger"],
  ] as const) {
    const what = by === "record" ? "project key" : "customer key";
    const revoked = await make();
    await world.call("DELETE", `/v1/keys/${revoked.id}`, live);
    ended(`${what}: revoked`, revoked.key, by);
    const rotated = await make();
    const fresh = await world.call("POST", `/v1/keys/${rotated.id}/rotate`, live);
    ended(`${what}: rotated`, rotated.key, by);
    add(
      `${what}: the one after`,
      fresh.key,
      by === "record"
        ? { is: "project", scopes: SCOPES, here: true }
        : { is: "customer", scopes: OWN_SCOPES, whose: "own" },
    );
  }
  await pause(Date.parse(expires_at) - Date.now() + 20);
  ended("project key: expired", short[0]?.key ?? "", "itself");
  ended("customer key: expired", short[1]?.key ?? "", "itself");
  return found;
}
