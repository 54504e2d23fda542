import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ADMIN_TOKEN, type Answer, Engine } from "./engine.ts";
import { Origin, setRules } from "./origin.ts";

const KEY_SECRET = "signing-secret-of-this-test-alone";
const PREVIOUS = "previous-secret-of-this-test-alone";

let origin: Origin;
let engine: Engine;
/** Every text that must not be found, by a name that may. */
const secrets = new Map([
  ["ADMIN_TOKEN", ADMIN_TOKEN],
  ["KEY_SECRET", KEY_SECRET],
  ["KEY_SECRET_PREVIOUS", PREVIOUS],
]);
const answers: Answer[] = [];

before(async () => {
  origin = await Origin.start();
  engine = await Engine.start({
    env: { KEY_SECRET, KEY_SECRET_PREVIOUS: PREVIOUS, CORS_ORIGINS: "*" },
    originAddress: origin.address,
  });
});
after(async () => {
  await engine.end();
  await origin.end();
});

/** Sends a request and keeps its answer to be searched. */
async function send(...request: Parameters<Engine["send"]>): Promise<Answer> {
  const answer = await engine.send(...request);
  answers.push(answer);
  return answer;
}

/** Which secrets are in some bytes, as they are or in another spelling. */
function found(bytes: Buffer): string[] {
  const spellings = (secret: string) => [
    Buffer.from(secret),
    Buffer.from(secret, "utf16le"),
    Buffer.from(Buffer.from(secret).toString("hex")),
    // Without the end, which depends on what follows.
    Buffer.from(Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -1)),
  ];
  return [...secrets]
    .filter(([, secret]) => spellings(secret).some((spelling) => bytes.includes(spelling)))
    .map(([name]) => name);
}

function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Makes keys of every kind and uses them well. */
async function useWell(): Promise<{ live: string; own: string; ownId: string }> {
  const { live, test: other } = await engine.project("shop");
  secrets.set("live key", live).set("test key", other);
  await engine.customer(live, "al", 100);
  const own = await engine.customerKey(live, "al");
  const body = { kind: "project", scopes: ["read"], name: "reader" };
  const reader = await engine.send("POST", "/v1/keys", { key: live, body });
  const rotated = await engine.send("POST", `/v1/keys/${reader.body.id}/rotate`, { key: live });
  secrets.set("customer key", own.key).set("reader", reader.body.key);
  secrets.set("rotated", rotated.body.key);
  await setRules(engine, live, [
    { method: "*", path: "/ok", amount: 1, mode: "consume" },
    { method: "*", path: "/gone", amount: 1, mode: "reserve", origin: "http://127.0.0.1:1" },
  ]);
  for (const key of [live, own.key]) {
    const consume = { amount: 1, idempotency_key: `once-${key === live}`, metadata: { a: 1 } };
    await send("POST", "/v1/customers/al/consume", { key, body: consume });
    const balance = "/v1/customers/al/balance?consistency=cached&include=breakdown";
    await send("GET", balance, { key });
    for (const path of ["/gate/ok?a=b", "/gate/gone"]) {
      await send("POST", path, { key, body: {}, headers: { "X-Customer-Id": "al" } });
    }
  }
  for (const path of ["/v1/keys", "/v1/gate-rules", "/v1/customers/al/transactions"]) {
    await send("GET", path, { key: live });
  }
  await send("GET", "/v1/projects", { key: ADMIN_TOKEN });
  return { live, own: own.key, ownId: own.id };
}

/** Uses every secret where it does not belong. */
async function useBadly(live: string, own: string, ownId: string): Promise<void> {
  await send("DELETE", `/v1/keys/${ownId}`, { key: live });
  const bodies = ["{", `{"amount":"x"}`, `{"amount":1,"unknown":1}`, "[]", `{"amount":1e99}`];
  for (const key of [...secrets.values()]) {
    for (const raw of bodies) await send("POST", "/v1/customers/al/consume", { key, raw });
    for (const [method, path] of [
      ["GET", "/v1/projects"],
      ["GET", "/v1/keys"],
      ["GET", "/v1/customers/other/balance"],
      ["GET", "/gate/../x"],
      ["GET", "/gate/ok"],
      ["POST", "/v1/nowhere"],
      ["PATCH", "/v1/keys"],
      ["GET", "/v1/transactions/txn_x"],
    ] as const) {
      await send(method, path, { key });
    }
    // Nearly right: what a typing error or a cut line makes of it.
    for (const spoiled of [`${key}x`, key.slice(0, -1), `${key.slice(0, -1)}!`]) {
      await send("GET", "/v1/customers/al/balance", { key: spoiled });
    }
    for (const headers of [{ Authorization: `Basic ${key}` }, { Authorization: key }]) {
      await send("GET", "/v1/customers/al/balance", { headers });
    }
  }
  for (let n = 0; n < 3; n += 1) await send("GET", "/gate/ok", { key: own });
}

test("no key, token or secret is in an answer, in the log, in storage or at the gated service", async () => {
  const { live, own, ownId } = await useWell();
  await useBadly(live, own, ownId);
  assert.ok(answers.filter((answer) => answer.status >= 400).length > 100);
  assert.ok(!answers.some((answer) => answer.status === 500));

  for (const { status, headers, body } of answers) {
    const text = JSON.stringify([body, [...headers]]);
    assert.deepEqual(found(Buffer.from(text)), [], `in an answer with status ${status}`);
  }
  for (const { url, rawHeaders } of origin.seen) {
    const text = JSON.stringify([url, rawHeaders]);
    assert.deepEqual(found(Buffer.from(text)), [], "at the gated service");
  }
  assert.ok(origin.seen.length > 0);

  await engine.kill();
  const files = filesUnder(engine.dataDir);
  const log = files.find((file) => file.endsWith("workerd.log"));
  assert.match(readFileSync(log ?? "", "utf8"), /origin could not be reached/);
  // What was stored is there to be found, so the search is not in vain.
  assert.ok(files.some((file) => readFileSync(file).includes("once-true")));
  for (const file of files) assert.deepEqual(found(readFileSync(file)), [], `in ${file}`);
});
