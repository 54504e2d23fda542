// The HTTP front of those baselines whose credits are in a database: a Node server with a
// client that keeps its connections. Beside it are an adapter for each database
// (redis/adapter.mjs, postgres/adapter.mjs). The same rules and answers as ./front.js.
//
//     node store-front.mjs <adapter> <port of the database>

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const ROUTE = /^\/v1\/customers\/([^/?]+)\/(consume|balance|credits|audit)$/;
const KEY = /^Bearer (bl_([A-Za-z0-9-]{1,64})\.([A-Za-z0-9_-]{43}))$/;
const MICROS_PER_CREDIT = 1_000_000;
const MAX_CREDITS = 1_000_000_000;
const MAX_REMEMBERED = 10_000;
const JSON_TYPE = { "content-type": "application/json" };
const PROBLEM_TYPE = { "content-type": "application/problem+json" };

const [adapterName, storePort] = process.argv.slice(2);
const { connect } = await import(`./${adapterName}/adapter.mjs`);
const store = await connect(Number(storePort));
const projectsByKey = new Map();

const server = createServer((request, response) => {
  if (request.method === "POST") {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => answer(request, response, text));
  } else {
    answer(request, response, "");
  }
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ port: server.address().port }));
});

async function answer(request, response, text) {
  try {
    await route(request, response, text);
  } catch (error) {
    console.error(error);
    problem(response, 500, "internal", "something went wrong");
  }
}

async function route(request, response, text) {
  const [, customer, action] = ROUTE.exec(request.url) ?? [];
  if (!customer) {
    if (request.url === "/healthz") return void response.writeHead(200).end("ok");
    return problem(response, 404, "not_found", "there is no such route");
  }
  const { authorization } = request.headers;
  const project = projectsByKey.get(authorization) ?? verify(authorization);
  if (!project) return problem(response, 401, "invalid_key", "the key is missing or not ours");
  const account = `${project}/${decodeURIComponent(customer)}`;
  if (request.method === "POST" && action === "consume") return change(response, account, -1, text);
  if (request.method === "POST" && action === "credits") return change(response, account, 1, text);
  if (request.method !== "GET") return problem(response, 405, "method_not_allowed", "not by this");
  if (action === "audit") return send(response, JSON.stringify(await audit(account)));
  const credits = (await store.balance(account)) / MICROS_PER_CREDIT;
  send(response, `{"balance":${credits},"available":${credits}}`);
}

async function change(response, account, sign, text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return problem(response, 400, "invalid_json", "the body is not JSON");
  }
  const micros = toMicros(body?.amount);
  if (micros === null) {
    return problem(response, 400, "invalid_amount", "a positive number of at most 6 decimals");
  }
  const type = sign < 0 ? "consumption" : "topup";
  const { description, metadata } = body;
  const payload = JSON.stringify({ type, description, metadata });
  const { isDone, balance, seq } = await store.change(account, sign * micros, payload);
  if (!isDone) return insufficient(response, balance, micros);
  send(
    response,
    `{"success":true,"balance":${balance / MICROS_PER_CREDIT},` +
      `"amount":${micros / MICROS_PER_CREDIT},"transaction_id":"txn_${seq}"}`,
  );
}

async function audit(account) {
  const { journal, live, entries, consumptions } = await store.audit(account);
  return {
    journal_balance: journal / MICROS_PER_CREDIT,
    live_balance: live / MICROS_PER_CREDIT,
    entries,
    consumptions,
    consistent: journal === live,
  };
}

/** Exact, or null: the double of a decimal with 6 digits is micros / 1e6 and no other. */
function toMicros(credits) {
  if (typeof credits !== "number" || !(credits > 0 && credits <= MAX_CREDITS)) return null;
  const micros = Math.round(credits * MICROS_PER_CREDIT);
  return micros > 0 && micros / MICROS_PER_CREDIT === credits ? micros : null;
}

function verify(authorization) {
  const [, , project, tag] = KEY.exec(authorization ?? "") ?? [];
  if (!project) return null;
  const expected = createHmac("sha256", process.env.KEY_SECRET).update(project).digest();
  const given = Buffer.from(tag, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  if (projectsByKey.size >= MAX_REMEMBERED) projectsByKey.clear();
  projectsByKey.set(authorization, project);
  return project;
}

function send(response, text) {
  response.writeHead(200, JSON_TYPE).end(text);
}

function insufficient(response, balance, requested) {
  problem(response, 402, "insufficient_credits", "the balance does not cover the amount", {
    balance: balance / MICROS_PER_CREDIT,
    requested: requested / MICROS_PER_CREDIT,
    shortfall: (requested - balance) / MICROS_PER_CREDIT,
  });
}

function problem(response, status, code, detail, more) {
  const body = JSON.stringify({ type: "about:blank", status, detail, code, ...more });
  response.writeHead(status, PROBLEM_TYPE).end(body);
}
