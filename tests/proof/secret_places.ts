// Where a secret could have got to: answers, requests to others, files.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../e2e/engine.ts";
import type { World } from "./access_world.ts";
import { MARK } from "./secret_run.ts";
import type { SecretSearch } from "./secret_search.ts";

/** The routes that show a secret, once and on purpose. */
const SHOWING = new Set([
  "POST /v1/projects",
  "POST /v1/keys",
  "POST /v1/keys/{}/rotate",
  "PATCH /v1/settings",
]);
/** Lines of the log that the run must have provoked. */
const LINES = [
  "KV did not answer",
  "KV did not take",
  "the origin could not be reached",
  "Stripe answered 500",
  "Stripe did not answer",
];

/** What an answer shows. */
function shownBy({ body }: Answer): string[] {
  const shown = [body?.key, body?.live_key, body?.test_key, body?.webhook_secret];
  return shown.filter((secret) => typeof secret === "string");
}

/** Takes in every key and secret that was ever made, and every signature that was sent. */
export function learnSecrets(world: World, search: SecretSearch): void {
  for (const { path, sent, answer } of world.exchanges) {
    for (const secret of shownBy(answer)) search.add(`a secret of ${path}`, secret);
    const signature = sent.headers?.["Stripe-Signature"]?.match(/v1=(\w{60,})/)?.[1];
    if (signature) search.add("a Stripe-Signature", signature);
  }
}

/** Fails if a secret is in an answer; gives how many answers there were. */
export function searchAnswers(world: World, search: SecretSearch): number {
  for (const { method, path, answer } of world.exchanges) {
    const isShowing = SHOWING.has(`${method} ${path.replace(/key_\w+/, "{}")}`);
    const shown = shownBy(answer);
    assert.ok(shown.length === 0 || isShowing, `${method} ${path} showed a secret`);
    // What it is there to show, and nothing else.
    let text = JSON.stringify([answer.body, [...answer.headers]]);
    for (const secret of shown) text = text.replace(secret, "");
    assert.deepEqual(search.in(Buffer.from(text)), [], `in an answer of ${method} ${path}`);
  }
  return world.exchanges.length;
}

/** Fails if a secret went to KV, Stripe's forms, the gated service or a receiver of events. */
export function searchAround(world: World, search: SecretSearch): number {
  const { kv, origin, receiver, stripe } = world;
  const around = {
    "KV's values": [...kv.values],
    "KV's calls": kv.calls,
    "the gated service": origin.seen.map(({ url, rawHeaders }) => [url, rawHeaders]),
    "the receiver of events": receiver.attempts.map(({ headers, text }) => [headers, text]),
    "Stripe's requests": stripe.calls,
  };
  for (const [place, seen] of Object.entries(around)) {
    assert.ok(seen.length > 0, `${place} has nothing to search`);
    assert.deepEqual(search.in(Buffer.from(JSON.stringify(seen))), [], `at ${place}`);
  }
  return kv.calls.length + origin.seen.length + receiver.attempts.length + stripe.calls.length;
}

interface Searched {
  files: number;
  megabytes: number;
  /** Of the log. */
  lines: number;
}

/** Fails if a secret is in a file of an engine that does not run: its log, its storage. */
export function searchFiles(world: World, search: SecretSearch): Searched {
  const entries = readdirSync(world.engine.dataDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  let bytes = 0;
  let marks = 0;
  let log = "";
  for (const { parentPath, name } of files) {
    const content = readFileSync(join(parentPath, name));
    assert.deepEqual(search.in(content), [], `in the file ${name}`);
    bytes += content.length;
    if (content.includes(MARK)) marks += 1;
    if (name === "workerd.log") log = content.toString();
  }
  // What was logged and stored is there to be found, so the search is not in vain.
  for (const line of LINES) assert.ok(log.includes(line), `the log has no line: ${line}`);
  assert.ok(marks > 0, "what was stored is in no file");
  const lines = log.split("\n").length - 1;
  return { files: files.length, megabytes: Math.round(bytes / 1e6), lines };
}
