// Requests of every operation, good ones and bad ones: no 5xx, every answer as the document says,
// every error problem+json or that vendor's, and the books are sound afterwards.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, type Answer, Engine } from "../e2e/engine.ts";
import { Origin } from "../e2e/origin.ts";
import { WEBHOOK_ENV } from "../e2e/stripe_events.ts";
import { StripeServer } from "../e2e/stripe_server.ts";
import { isVendorError, vendorOf } from "../e2e/vendors.ts";
import { type Case, Generator } from "./generator.ts";
import { figures, inParallel, randomNumbers, SECONDS, SEED } from "./order.ts";
import { furnish, type Shop, stock } from "./shop.ts";

const CASES = 1_500;
const PARALLEL = 8;
const RESTOCKED_EVERY = 100;
/** Nothing of these may be in the log: the engine's own word that something broke. */
const BROKEN = /the engine aborted|storage:|dropped from memory|did not answer|broken off/;

let stripe: StripeServer;
let origin: Origin;
let engine: Engine;
let shop: Shop;
let keys: string[];
before(async () => {
  stripe = await StripeServer.start();
  origin = await Origin.start();
  const env = { ...stripe.env, ...WEBHOOK_ENV };
  engine = await Engine.start({ env, originAddress: origin.address });
  const { live, test: test_ } = await engine.project("shop");
  shop = await furnish(engine, live);
  const own = await engine.customerKey(live, "anna");
  keys = [live, live, live, live, live, live, test_, own.key, ADMIN_TOKEN, "ce_live_x"];
});
after(async () => {
  await engine.end();
  await origin.end();
  await stripe.end();
});

/** Sends a case; fails unless the answer is one that a caller may get. */
async function send({ method, path, headers, raw }: Case, key: string): Promise<Answer> {
  const sent = { key, headers, ...(raw === undefined ? {} : { raw }) };
  const answer = await engine.send(method, path, sent);
  const { status } = answer;
  assert.ok(status < 500, `${status} ${JSON.stringify(answer.body)}`);
  if (status < 400 || method === "HEAD") return answer;
  const vendor = vendorOf(path.split("?", 1)[0] ?? "");
  const isProblem = answer.headers.get("Content-Type") === "application/problem+json";
  assert.ok(vendor ? isVendorError(vendor, answer) : isProblem, JSON.stringify(answer.body));
  return answer;
}

async function failureOf(made: Case, key: string): Promise<Error | undefined> {
  try {
    await send(made, key);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** The same case with all left out that its failure does without. */
async function smallest(made: Case, key: string): Promise<Case> {
  let best = made;
  const tries: Case[] = [{ ...made, path: made.path.split("?", 1)[0] ?? "" }];
  const { raw: _, ...bare } = made;
  tries.push(bare);
  for (const name of Object.keys(made.headers)) {
    const { [name]: _, ...headers } = made.headers;
    tries.push({ ...made, headers });
  }
  try {
    const body = JSON.parse(String(made.raw));
    for (const name of Object.keys(body)) {
      const { [name]: _, ...rest } = body;
      tries.push({ ...made, raw: JSON.stringify(rest) });
    }
  } catch {
    // Not JSON: it stays as it is.
  }
  for (const smaller of tries) if (await failureOf(smaller, key)) best = smaller;
  return best;
}

test("requests made of the OpenAPI document are answered as it says", async () => {
  const dice = randomNumbers(SEED);
  const generator = new Generator(engine.contract, shop, dice);
  const statuses = new Map<number, number>();
  const served = new Map<string, number>();
  let count = 0;
  const end = Date.now() + (SECONDS ?? 0) * 1_000;
  const again = () => count < CASES || Date.now() < end;
  await inParallel(PARALLEL, PARALLEL, async () => {
    while (again()) {
      count += 1;
      // Much is replaced by what is tried: without prices and packs little could be served.
      if (count % RESTOCKED_EVERY === 0) await stock(engine, keys[0] as string);
      const made = generator.case();
      const key = made.operation.includes("/v1/projects") ? ADMIN_TOKEN : generator.of(keys);
      try {
        const { status } = await send(made, key);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const isServed = status < 300 ? 1 : 0;
        served.set(made.operation, (served.get(made.operation) ?? 0) + isServed);
      } catch (error) {
        const least = await smallest(made, key);
        const reason = (await failureOf(least, key)) ?? (error as Error);
        throw new Error(
          `PROOF_SEED=${SEED}, as ${key.slice(0, 8)}: ${JSON.stringify(least)}\n${reason.message}`,
        );
      }
    }
  });

  // The generator must get somewhere: an operation that is only ever refused is not tried.
  const refused = engine.contract.operations
    .map(({ method, path }) => `${method} ${path}`)
    .filter((operation) => (served.get(operation) ?? 0) === 0);
  const log = readFileSync(join(engine.dataDir, "workerd.log"), "utf8");
  assert.doesNotMatch(log, BROKEN);
  for (const customer of shop.customers) {
    const path = `/v1/customers/${customer}/audit`;
    const audit = await engine.send("GET", path, { key: keys[0] });
    assert.ok(audit.status === 404 || audit.body.consistent, JSON.stringify(audit.body));
  }
  const told = [...statuses].sort().map(([status, times]) => `${status}: ${times}`);
  console.log(`answers ${told.join(", ")}; never served: ${refused.join(", ") || "none"}`);
  const operations = engine.contract.operations.length;
  figures(
    `${count} requests of ${operations} operations (${operations - refused.length} served), ` +
      "no 5xx, every answer as documented",
  );
});
