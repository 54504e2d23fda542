// Requests into the engine's text, and its text into responses.

import openapi from "../../api/openapi.json";
import type { Task } from "./index";

const MAX_BODY_BYTES = 64 * 1024;
const NO_BODY = new Uint8Array(0);
const METHODS_WITHOUT_BODY = new Set(["GET", "HEAD", "OPTIONS"]);
/** Statuses whose responses must not have a body (Fetch, "null body status"). */
const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

let requestPrefix = "";
let requestCount = 0;

/** An id that no other request has: random per isolate, then counted. */
export function newRequestId(): string {
  // Randomness is only to be had within a request.
  if (requestPrefix === "") requestPrefix = crypto.randomUUID().replaceAll("-", "").slice(0, 20);
  requestCount += 1;
  return `req_${requestPrefix}${requestCount.toString(36)}`;
}

/** The lines that `Incoming::from_head` reads. */
export function readHead(request: Request, requestId: string): string {
  const { headers, method, url } = request;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const target = start < 0 ? "/" : url.slice(start);
  const authorization = headers.get("Authorization") ?? "";
  const idempotencyKey = headers.get("Idempotency-Key") ?? "";
  const contentType = headers.get("Content-Type") ?? "";
  const customerId = headers.get("X-Customer-Id") ?? "";
  return `${method}\n${target}\n${authorization}\n${idempotencyKey}\n${contentType}\n${customerId}\n${requestId}`;
}

/** The request's body; `undefined` if it is too large. The gate's is never read. */
export async function readBody(request: Request): Promise<Uint8Array | undefined> {
  if (request.body === null || METHODS_WITHOUT_BODY.has(request.method)) return NO_BODY;
  if (isGated(request.url)) return NO_BODY;
  const length = request.headers.get("Content-Length");
  if (length !== null) {
    if (Number(length) > MAX_BODY_BYTES) return undefined;
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

function isGated(url: string): boolean {
  return url.startsWith("/gate/", url.indexOf("/", url.indexOf("//") + 2));
}

/** The response of an `A` step: see `Answer::to_text`. */
export function respond(step: string, task: Task): Response {
  const head = step.indexOf("\n\n");
  const status = Number(step.slice(1, 4));
  const kind = step[4];
  const headers = kind === "o" ? originHeaders(task) : new Headers();
  headers.set("X-Request-Id", task.requestId);
  if (head > 5) {
    for (const line of step.slice(6, head).split("\n")) {
      const colon = line.indexOf(":");
      headers.set(line.slice(0, colon), line.slice(colon + 1));
    }
  }
  if (kind === "o") {
    const body = NULL_BODY_STATUSES.has(status) ? null : (task.origin?.body ?? null);
    return new Response(body, { status, headers });
  }
  headers.set("Content-Type", kind === "p" ? "application/problem+json" : "application/json");
  headers.set("Cache-Control", "no-store");
  const body = kind === "d" ? JSON.stringify(openapi) : step.slice(head + 2);
  return new Response(task.request.method === "HEAD" ? null : body, { status, headers });
}

function originHeaders(task: Task): Headers {
  return new Headers(task.origin?.headers);
}
