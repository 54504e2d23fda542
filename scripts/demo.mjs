// Fills a fresh engine with a demo: one project, one customer with credits and a key, one
// gate rule. Made by the public HTTP API only. Every step can be repeated, so a second
// start finds its data and changes nothing.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "./toolchain.mjs";

const PROJECT = "demo";
const CUSTOMER = "alice";

/**
 * @param {{ url: string, dataDir: string, operatorToken: string, originUrl: string }} options
 * @returns {Promise<string>} the customer key
 */
export async function makeDemo({ url, dataDir, operatorToken, originUrl }) {
  const file = join(dataDir, "demo.json");
  /** @type {Record<string, string>} */
  const keys = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  // The engine shows a key once and keeps none, so each is saved as soon as it is there.
  const keep = (/** @type {Record<string, string>} */ found) => {
    Object.assign(keys, found);
    writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  };
  const call = caller(url, dataDir);

  if (!keys.test_key) {
    const body = { id: PROJECT, name: "Demo" };
    const { live_key, test_key } = await call("POST", "/v1/projects", operatorToken, body);
    keep({ live_key, test_key });
  }
  await call("POST", `/v1/customers/${CUSTOMER}/credits`, keys.test_key, {
    amount: 100,
    type: "topup",
    idempotency_key: "demo-opening-balance",
  });
  if (!keys.customer_key) {
    const body = { kind: "customer", customer_id: CUSTOMER, name: "demo" };
    const { key } = await call("POST", "/v1/keys", keys.test_key, body);
    keep({ customer_key: key });
  }
  await call("PUT", "/v1/gate-rules", keys.test_key, [
    {
      method: "POST",
      path: "/v1/chat",
      amount: 2.5,
      mode: "consume",
      origin: originUrl,
      refund_on: ["5xx", "network"],
    },
  ]);
  return String(keys.customer_key);
}

/**
 * Three commands to paste.
 * @param {string} url
 * @param {string} key
 */
export function demoCommands(url, key) {
  const customer = `${url}/v1/customers/${CUSTOMER}`;
  const auth = `-H 'Authorization: Bearer ${key}'`;
  const json = "-H 'Content-Type: application/json'";
  return [
    ["Read the balance", `curl -s ${auth} ${customer}/balance`],
    [
      "Consume 0.3 credits",
      `curl -s ${auth} ${json} -d '{"amount":0.3,"description":"a first call"}' ${customer}/consume`,
    ],
    [
      "Call a service behind the gate, for 2.5 credits",
      `curl -si ${auth} ${json} -d '{"prompt":"hello"}' ${url}/gate/v1/chat`,
    ],
  ];
}

/**
 * @param {string} url
 * @param {string} dataDir
 */
function caller(url, dataDir) {
  return async (
    /** @type {string} */ method,
    /** @type {string} */ path,
    /** @type {string | undefined} */ key,
    /** @type {unknown} */ body,
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw new UserError(explain(response.status, path, dataDir) ?? `${method} ${path}: ${text}`);
  };
}

/**
 * The two ways in which a DATA_DIR falls out of step with its own files.
 * @param {number} status
 * @param {string} path
 * @param {string} dataDir
 */
function explain(status, path, dataDir) {
  const remedy = `Start with another DATA_DIR, or delete ${dataDir} to begin anew.`;
  if (status === 409 && path === "/v1/projects") {
    return (
      `the project "${PROJECT}" exists, but its keys, which are shown only once, are not in ` +
      `${join(dataDir, "demo.json")}. ${remedy}`
    );
  }
  if (status === 401) {
    return (
      `the engine refuses a key of the demo (${path}): was ADMIN_TOKEN or KEY_SECRET changed ` +
      `since the demo was made? ${remedy}`
    );
  }
  return null;
}
