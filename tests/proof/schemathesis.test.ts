// Another's eyes on our OpenAPI document: Schemathesis makes requests of it, good and bad ones,
// and holds each answer of the real engine against it. Long runs only: it is written in Python.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SCHEMATHESIS } from "../../scripts/setup-python.mjs";
import { ADMIN_TOKEN, Engine } from "../e2e/engine.ts";
import { WEBHOOK_ENV } from "../e2e/stripe_events.ts";
import { StripeServer } from "../e2e/stripe_server.ts";
import { figures, SECONDS, SEED } from "./order.ts";
import { furnish } from "./shop.ts";

const HOOKS = fileURLToPath(new URL("./schemathesis/", import.meta.url));
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "every_error_is_a_problem",
];
/** What cannot be tried by whoever has no origin behind the gate. */
const NOT_OURS = "^/gate/";

let stripe: StripeServer;
let engine: Engine;
let folder: string;
before(async () => {
  stripe = await StripeServer.start();
  engine = await Engine.start({ env: { ...stripe.env, ...WEBHOOK_ENV } });
  folder = mkdtempSync(join(tmpdir(), "schemathesis-"));
});
after(async () => {
  await engine.end();
  await stripe.end();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs it with one key: how many requests it made. Fails with what it found. */
function tryWith(key: string, share: number): Promise<number> {
  const seconds = Math.max(5, Math.floor((SECONDS ?? 30) * share));
  const args = [
    ["run", `${engine.url}/openapi.json`],
    ["--header", `Authorization: Bearer ${key}`],
    ["--checks", CHECKS.join(",")],
    ["--exclude-path-regex", NOT_OURS],
    ["--max-time", `${seconds}`, "--seed", `${SEED}`],
    ["--request-timeout", "20", "--continue-on-failure", "--no-color"],
    ["--suppress-health-check", "all", "--warnings", "off"],
  ].flat();
  const env = { ...process.env, PYTHONPATH: HOOKS, SCHEMATHESIS_HOOKS: "hooks" };
  const child = spawn(SCHEMATHESIS, args, { cwd: folder, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const made = Number(output.match(/requests made: (\d+)/)?.[1] ?? 0);
      if (code === 0 && made > 0) resolve(made);
      else reject(new Error(`PROOF_SEED=${SEED}\n${output}`));
    });
  });
}

test("Schemathesis finds no answer that the document does not promise", async () => {
  const { live, test: test_ } = await engine.project("shop");
  await furnish(engine, live);
  const own = await engine.customerKey(test_, "anna");
  const keys: [string, number][] = [
    [live, 0.7],
    [own.key, 0.15],
    [ADMIN_TOKEN, 0.15],
  ];
  let made = 0;
  for (const [key, share] of keys) made += await tryWith(key, share);
  const health = await engine.send("GET", "/healthz");
  assert.equal(health.status, 200);
  figures(`Schemathesis: ${made} requests, every answer as documented, no 5xx`);
});
