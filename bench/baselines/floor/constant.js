// How fast may an answer be that no object has a part in? Each of these Workers does one thing
// more than the one before it: the refusal of a route for which there is no gate rule, as the
// contract has it, bit by bit. Before the first comes ../empty/worker.js.

import { echo } from "./echo.js";
import { newRequestId } from "./request-id.js";

/** What any route must know of a request is read. */
export const read = {
  fetch(request) {
    return new Response(headOf(request) ? "ok" : "");
  },
};

/** The answer says what is wrong, by its status, type and body. */
export const problem = {
  fetch(request) {
    const head = headOf(request);
    if (isHealthz(head)) return new Response("ok");
    return new Response(problemOf(head), {
      status: 404,
      headers: { "Content-Type": "application/problem+json" },
    });
  },
};

/** It has an id, and is not kept by any cache. */
export const headers = {
  fetch(request) {
    const head = headOf(request);
    return isHealthz(head) ? new Response("ok") : respond(problemOf(head));
  },
};

/** What it depends on may have to be waited for. */
export const waiting = {
  async fetch(request) {
    const head = headOf(request);
    return isHealthz(head) ? new Response("ok") : respond(await decide(head));
  },
};

/** It is decided in wasm: a text goes in, a text comes out. */
export const wasm = {
  async fetch(request) {
    const head = headOf(request);
    return isHealthz(head) ? new Response("ok") : respond(await decide(echo(head)));
  },
};

async function decide(head) {
  return problemOf(head);
}

function headOf(request) {
  const { method, url, headers } = request;
  const target = url.slice(url.indexOf("/", "http://".length));
  return `${method} ${target}\n${headers.get("Authorization")}\n${headers.get("X-Customer-Id")}`;
}

function isHealthz(head) {
  return head.startsWith("GET /healthz\n");
}

function problemOf(head) {
  const asked = head.slice(0, head.indexOf("\n"));
  return (
    '{"type":"about:blank","title":"No gate rule matches","status":404,' +
    `"detail":${JSON.stringify(`no gate rule matches ${asked}`)},"code":"no_gate_rule"}`
  );
}

function respond(body) {
  return new Response(body, {
    status: 404,
    headers: {
      "Content-Type": "application/problem+json",
      "X-Request-Id": newRequestId(),
      "Cache-Control": "no-store",
    },
  });
}
