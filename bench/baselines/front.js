// What stands before the object in both hand-written baselines: routing, the key, the
// body, the answer. The baselines differ only in how the object commits, so this is
// shared. It holds to edge-credits' contract where it is measured and leaves out the rest.
//
// Written to be fast: a key is verified once per isolate, ids of objects are kept, and the
// object's own string is the answer (a string crosses RPC cheaper than a structure).

const ROUTE = /^https?:\/\/[^/]+\/v1\/customers\/([^/?]+)\/(consume|balance|credits|audit)(?:\?|$)/;
const KEY = /^Bearer (bl_([A-Za-z0-9-]{1,64})\.([A-Za-z0-9_-]{43}))$/;
const MICROS_PER_CREDIT = 1_000_000;
// Up to here every millionth has a double of its own, so none is lost in JSON.
const MAX_CREDITS = 1_000_000_000;
const MAX_REMEMBERED = 10_000;

const JSON_ANSWER = { headers: { "content-type": "application/json" } };
const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  404: "Not Found",
  405: "Method Not Allowed",
};

const encoder = new TextEncoder();
const projectsByKey = new Map();
const objectIds = new Map();
let signingKey;

export default {
  async fetch(request, env) {
    const route = ROUTE.exec(request.url);
    if (!route) return withoutRoute(request);
    const [, customer, action] = route;
    const authorization = request.headers.get("authorization");
    const project = projectsByKey.get(authorization) ?? (await verify(authorization, env));
    if (!project) return problem(401, "invalid_key", "the key is missing or not one of ours");

    const object = env.ACCOUNT.get(objectId(env, `${project}/${customer}`));
    switch (`${request.method} ${action}`) {
      case "POST consume":
        return change(request, object, -1);
      case "POST credits":
        return change(request, object, 1);
      case "GET balance":
        return balance(object, customer);
      case "GET audit":
        return Response.json(await object.audit());
      default:
        return problem(405, "method_not_allowed", `${request.method} is not for ${action}`);
    }
  },
};

async function change(request, object, sign) {
  let body;
  try {
    body = await request.json();
  } catch {
    return problem(400, "invalid_json", "the body is not JSON");
  }
  const micros = toMicros(body?.amount);
  if (micros === null) {
    return problem(400, "invalid_amount", "amount is a positive number of at most 6 decimals");
  }
  const type = sign < 0 ? "consumption" : "topup";
  const payload = JSON.stringify({
    type,
    description: body.description,
    metadata: body.metadata,
  });
  const outcome = await object.change(sign * micros, payload);
  return typeof outcome === "string"
    ? new Response(outcome, JSON_ANSWER)
    : insufficient(outcome, micros);
}

async function balance(object, customer) {
  const credits = (await object.balance()) / MICROS_PER_CREDIT;
  const id = JSON.stringify(decodeURIComponent(customer));
  return new Response(
    `{"customer_id":${id},"balance":${credits},"available":${credits},` +
      `"as_of":"${new Date().toISOString()}"}`,
    JSON_ANSWER,
  );
}

/** Exact, or null: the double of a decimal with 6 digits is micros / 1e6 and no other. */
function toMicros(credits) {
  if (typeof credits !== "number" || !(credits > 0 && credits <= MAX_CREDITS)) return null;
  const micros = Math.round(credits * MICROS_PER_CREDIT);
  return micros > 0 && micros / MICROS_PER_CREDIT === credits ? micros : null;
}

/** WebCrypto's verify compares in constant time. */
async function verify(authorization, env) {
  const [, , project, tag] = KEY.exec(authorization ?? "") ?? [];
  if (!project) return null;
  signingKey ??= await crypto.subtle.importKey(
    "raw",
    encoder.encode(env.KEY_SECRET),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const bytes = Uint8Array.from(atob(tag.replaceAll("-", "+").replaceAll("_", "/")), (c) =>
    c.charCodeAt(0),
  );
  if (!(await crypto.subtle.verify("HMAC", signingKey, bytes, encoder.encode(project))))
    return null;
  remember(projectsByKey, authorization, project);
  return project;
}

function objectId(env, name) {
  let id = objectIds.get(name);
  if (!id) {
    id = env.ACCOUNT.idFromName(name);
    remember(objectIds, name, id);
  }
  return id;
}

function remember(map, key, value) {
  if (map.size >= MAX_REMEMBERED) map.clear();
  map.set(key, value);
}

function withoutRoute(request) {
  return new URL(request.url).pathname === "/healthz"
    ? new Response("ok")
    : problem(404, "not_found", "there is no such route");
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
