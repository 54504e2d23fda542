// Whole requests: how many instructions the wasm that is shipped executes for one, in the Worker
// and in its objects together, on a real workerd.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WORKER_WASM } from "../../scripts/build.mjs";
import { Engine, type Json } from "../e2e/engine.ts";
import { holdAgainst, median } from "./ceilings.ts";
import { countingInstructions } from "./instructions.ts";

const WRAPPER = fileURLToPath(new URL("./counting.js", import.meta.url));
const WARM_UP = 3;
/** The median of so many: a timer or an alarm may fall into some of them. */
const MEASURED = 15;

let dir: string;
let engine: Engine;
let key: string;
before(async () => {
  dir = mkdtempSync(join(tmpdir(), "edge-credits-counting-"));
  const wasm = join(dir, "engine.wasm");
  writeFileSync(wasm, countingInstructions(readFileSync(WORKER_WASM)));
  engine = await Engine.start({ wrapper: WRAPPER, wasm });
  key = (await engine.project("shop")).live;
  const costs = [{ service: "images", action: "generate", credits: 0.3 }];
  assert.equal((await engine.send("PUT", "/v1/costs", { key, body: costs })).status, 200);
  await engine.customer(key, "anna", 1_000_000);
});
after(async () => {
  await engine?.end();
  rmSync(dir, { recursive: true, force: true });
});

const ANNA = "/v1/customers/anna";

async function send(status: number, path: string, body?: Json, own = key): Promise<Json> {
  const method = body === undefined ? "GET" : "POST";
  const answer = await engine.send(method, path, { key: own, body });
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
}

const consume = (body: Json, status = 200) => send(status, `${ANNA}/consume`, body);

const REQUESTS: Record<string, (number: number) => Promise<unknown>> = {
  health: () => send(200, "/healthz"),
  balance: () => send(200, `${ANNA}/balance`),
  consume: () => consume({ amount: 1 }),
  "consume with a key": (n) => consume({ amount: 1, idempotency_key: `key ${100 + n}` }),
  "consume with a price": () => consume({ service: "images", action: "generate" }),
  "answer a key again": () => consume({ amount: 1, idempotency_key: "key 100" }),
  "refuse a charge": () => consume({ amount: 2_000_000 }, 402),
  "refuse a forged key": () => send(401, `${ANNA}/balance`, undefined, `${key}x`),
  "batch of 100": () => {
    const items = Array.from({ length: 100 }, () => ({ amount: 1 }));
    return send(200, `${ANNA}/consume-batch`, { items, atomic: false });
  },
  "reserve and settle": async () => {
    const held = await send(200, "/v1/usage-transactions", { user_id: "anna", amount: 1 });
    const path = `/v1/usage-transactions/${held.transaction_id}/complete`;
    await send(200, path, { success: true, amount: 0.5 });
  },
};

async function counted(): Promise<number> {
  const response = await fetch(`${engine.url}/counted`);
  return Number(await response.text());
}

test("no request executes more instructions than its ceiling", async (t) => {
  const measured = new Map<string, number>();
  for (const [name, request] of Object.entries(REQUESTS)) {
    const counts: number[] = [];
    for (let n = 0; n < WARM_UP + MEASURED; n += 1) {
      await counted();
      await request(n);
      if (n >= WARM_UP) counts.push(await counted());
    }
    assert.ok(counts.every((count) => count > 0));
    measured.set(name, median(counts));
  }
  holdAgainst("requests.instructions", "instructions", measured, (line) => t.diagnostic(line));
});
