// What stands before the object in both hand-written baselines: routing, the key, the
// body, the answer, the gate. The baselines differ only in how the object commits, so this
// is shared. It holds to edge-credits' contract where it is measured and leaves out the rest.
//
// Written to be fast: ids of objects are kept, and the object's own string is the answer (a
// string crosses RPC cheaper than a structure).

import { projectOf, remember, verify } from "./keys.js";

const CUSTOMER =
  /^https?:\/\/[^/]+\/v1\/customers\/([^/?]+)\/(consume|balance|credits|audit)(?:\?|$)/;
const USAGE = /^https?:\/\/[^/]+\/v1\/usage-transactions(?:\/txn_([^/.]+)\.(\d{1,15})\/complete)?$/;
const GATE = /^https?:\/\/[^/]+\/gate(\/[^?]*)(.*)/;
const MICROS_PER_CREDIT = 1_000_000;
// Up to here every millionth has a double of its own, so none is lost in JSON.
const MAX_CREDITS = 1_000_000_000;
/** What a gated route costs, in millionths. */
const GATE_RULES = { "GET /hello": 1000, "GET /fail": 1000 };

const JSON_ANSWER = { headers: { "content-type": "application/json" } };
const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
};
const COMPLETION_PROBLEMS = {
  402: ["insufficient_credits", "the balance does not cover what is beyond the hold"],
  404: ["not_found", "there is no such hold"],
  409: ["already_completed", "the hold was completed by another amount"],
};

const objectIds = new Map();

export default {
  async fetch(request, env, ctx) {
    const { url } = request;
    const route = CUSTOMER.exec(url) ?? USAGE.exec(url) ?? GATE.exec(url);
    if (!route) return withoutKey(url);
    const authorization = request.headers.get("authorization");
    const project = projectOf(authorization) ?? (await verify(authorization, env));
    if (!project) return problem(401, "invalid_key", "the key is missing or not one of ours");
    const [, first, second] = route;
    if (first?.startsWith("/")) return gate(request, env, ctx, project, route);
    if (!first) return reserve(request, env, project);
    const object = accountOf(env, project, first);
    switch (second) {
      case "consume":
        return request.method === "POST" ? change(request, object, -1) : notAllowed();
      case "credits":
        return request.method === "POST" ? change(request, object, 1) : notAllowed();
      case "balance":
        return request.method === "GET" ? balance(object, first) : notAllowed();
      case "audit":
        return Response.json(await object.audit());
      default:
        return complete(request, object, Number(second));
    }
  },
};

async function change(request, object, sign) {
  const body = await readBody(request);
  const micros = toMicros(body?.amount);
  if (micros === null) return badAmount(body);
  const type = sign < 0 ? "consumption" : "topup";
  const payload = JSON.stringify({
    type,
    description: body.description,
    metadata: body.metadata,
  });
  const outcome = await object.run("change", sign * micros, payload);
  return typeof outcome === "string"
    ? new Response(outcome, JSON_ANSWER)
    : insufficient(outcome, micros);
}

async function balance(object, customer) {
  const credits = await object.balance();
  const id = JSON.stringify(decodeURIComponent(customer));
  return new Response(
    `{"customer_id":${id},${credits},"as_of":"${new Date().toISOString()}"}`,
    JSON_ANSWER,
  );
}

async function reserve(request, env, project) {
  const body = await readBody(request);
  const micros = toMicros(body?.amount);
  if (micros === null || typeof body.user_id !== "string") return badAmount(body);
  const customer = encodeURIComponent(body.user_id);
  const object = accountOf(env, project, customer);
  return new Response(await object.run("reserve", micros, customer), JSON_ANSWER);
}

async function complete(request, object, seq) {
  const body = await readBody(request);
  const used = body?.success === false ? 0 : toMicros(body?.amount);
  if (used === null) return badAmount(body);
  const outcome = await object.run("complete", seq, used);
  return typeof outcome === "string"
    ? new Response(outcome, JSON_ANSWER)
    : problem(outcome, ...COMPLETION_PROBLEMS[outcome]);
}

/** Charges, forwards, and gives back what was charged if the origin fails. */
async function gate(request, env, ctx, project, [, path, query]) {
  const micros = GATE_RULES[`${request.method} ${path}`];
  if (!micros) return problem(404, "no_gate_rule", "no rule is for this route");
  const customer = encodeURIComponent(request.headers.get("x-customer-id") ?? "");
  const object = accountOf(env, project, customer);
  const charged = await object.run("change", -micros, '{"type":"consumption"}');
  if (typeof charged !== "string") return insufficient(charged, micros);
  // A caller that hangs up must not lose the refund.
  const outgoing = new Request(`http://origin${path}${query}`, request);
  outgoing.headers.set("x-customer-id", customer);
  const forwarded = forward(outgoing, env, object, micros, charged);
  ctx.waitUntil(forwarded);
  return forwarded;
}

async function forward(outgoing, env, object, micros, charged) {
  const { balance, transaction_id } = JSON.parse(charged);
  outgoing.headers.delete("authorization");
  outgoing.headers.set("x-credits-transaction", transaction_id);
  let answer;
  try {
    answer = await env.ORIGIN.fetch(outgoing);
  } catch {
    answer = problem(502, "origin_unreachable", "the origin did not answer");
  }
  const failed = answer.status >= 500;
  if (failed) await object.run("change", micros, '{"type":"refund"}');
  const response = new Response(answer.body, answer);
  const remaining = balance + (failed ? micros / MICROS_PER_CREDIT : 0);
  response.headers.set("x-credits-cost", String(failed ? 0 : micros / MICROS_PER_CREDIT));
  response.headers.set("x-credits-remaining", String(remaining));
  return response;
}

/** Undefined if it is not JSON. */
async function readBody(request) {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
}

/** Exact, or null: the double of a decimal with 6 digits is micros / 1e6 and no other. */
function toMicros(credits) {
  if (typeof credits !== "number" || !(credits > 0 && credits <= MAX_CREDITS)) return null;
  const micros = Math.round(credits * MICROS_PER_CREDIT);
  return micros > 0 && micros / MICROS_PER_CREDIT === credits ? micros : null;
}

function accountOf(env, project, customer) {
  const name = `${project}/${customer}`;
  let id = objectIds.get(name);
  if (!id) {
    id = env.ACCOUNT.idFromName(name);
    remember(objectIds, name, id);
  }
  return env.ACCOUNT.get(id);
}

function withoutKey(url) {
  return new URL(url).pathname === "/healthz"
    ? new Response("ok")
    : problem(404, "not_found", "there is no such route");
}

function notAllowed() {
  return problem(405, "method_not_allowed", "not by this method");
}

function badAmount(body) {
  return body === undefined
    ? problem(400, "invalid_json", "the body is not JSON")
    : problem(400, "invalid_amount", "amount is a positive number of at most 6 decimals");
}

function insufficient(balanceMicros, requestedMicros) {
  return problem(402, "insufficient_credits", "the balance does not cover the amount", {
    balance: balanceMicros / MICROS_PER_CREDIT,
    requested: requestedMicros / MICROS_PER_CREDIT,
    shortfall: (requestedMicros - balanceMicros) / MICROS_PER_CREDIT,
  });
}

function problem(status, code, detail, more) {
  const body = { type: "about:blank", title: TITLES[status], status, detail, code, ...more };
  return Response.json(body, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}
