// Requests into the engine's text, and its text into responses.

import type { Task } from "./index";
import openapi from "./openapi.json.gz";

const MAX_BODY_BYTES = 64 * 1024;
/** Stripe's events are larger than what callers send. */
const MAX_EVENT_BYTES = 256 * 1024;
/** Of a body that is too large and of unknown length, this much is read and thrown away. */
const MAX_DRAINED_BYTES = 4 * 1024 * 1024;
export const NO_BODY = new Uint8Array(0);
/** Stands for a body whose sender broke it off, or whose framing is wrong. */
export const BROKEN = Symbol("broken off");
const IMPORT = "/v1/import";
const METHODS_WITHOUT_BODY = new Set(["GET", "HEAD", "OPTIONS"]);
/** Statuses whose responses must not have a body (Fetch, "null body status"). */
const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** Behind the status of a reply: no flag, no line about a rate limit, and the begin of the body. */
const PLAIN = "-{";
const AFTER_STATUS = "200".length;
/** Whoever gets one of these is told when to come back. */
const STATUSES_WITH_RETRY = ["429", "503"];

/** By an answer's kind; any other is JSON. */
const MEDIA_TYPES: Record<string, string> = {
  p: "application/problem+json",
  n: "application/x-ndjson",
};

let requestPrefix = "";
let requestCount = 0;

/** An id that no other request has: random per isolate, then counted. */
export function newRequestId(): string {
  // Randomness is only to be had within a request.
  if (requestPrefix === "") requestPrefix = crypto.randomUUID().replaceAll("-", "").slice(0, 20);
  requestCount += 1;
  return `req_${requestPrefix}${requestCount.toString(36)}`;
}

/** The lines that `Incoming::from_head` reads; only the headers that a route may need. */
export function readHead(task: Task): string {
  const { target, request } = task;
  const head = readOwnHead(task);
  return target.startsWith("/v1/") ? head : head + readVendorHead(target, request.headers);
}

/**
 * The headers that clients of other vendors send, on the routes that imitate their APIs; and
 * Stripe's signature, on its own.
 */
function readVendorHead(target: string, headers: Headers): string {
  if (isEvent(target)) return `\n\n\n\n${headers.get("Stripe-Signature") ?? ""}`;
  if (!target.startsWith("/credits-balance") && !target.startsWith("/api/")) return "";
  const names = ["X-API-Key", "X-Deployment-ID", "X-Deployment-Secret"];
  return names.map((name) => `\n${headers.get(name) ?? ""}`).join("");
}

/** The path and query of a URL, as sent. */
export function targetOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? "/" : url.slice(start);
}

/** The path of a target. */
export function pathOf(target: string): string {
  return target.split("?", 1)[0] ?? "/";
}

function readOwnHead({ request, method, target, requestId }: Task): string {
  const { headers } = request;
  const authorization = headers.get("Authorization") ?? "";
  if (isGated(target)) {
    return `${method}\n${target}\n${authorization}\n\n\n${headers.get("X-Customer-Id") ?? ""}\n${requestId}`;
  }
  if (METHODS_WITHOUT_BODY.has(method))
    return `${method}\n${target}\n${authorization}\n\n\n\n${requestId}`;
  const idempotencyKey = headers.get("Idempotency-Key") ?? "";
  const contentType = headers.get("Content-Type") ?? "";
  return `${method}\n${target}\n${authorization}\n${idempotencyKey}\n${contentType}\n\n${requestId}`;
}

/**
 * Whether there may be a body to read before the engine is asked. The gate's is never read, an
 * import's on demand.
 */
export function mayHaveBody({ method, target }: Task): boolean {
  return (
    !METHODS_WITHOUT_BODY.has(method) &&
    !isGated(target) &&
    !(method === "POST" && isImport(target))
  );
}

function isImport(target: string): boolean {
  return target.startsWith(IMPORT) && ["", "?"].includes(target.charAt(IMPORT.length));
}

/** The request's body; `undefined` if it is too large, or that it was broken off. */
export async function readBody(task: Task): Promise<Uint8Array | undefined | typeof BROKEN> {
  try {
    return await readWholeBody(task);
  } catch {
    return BROKEN;
  }
}

async function readWholeBody({ request, target }: Task): Promise<Uint8Array | undefined> {
  const most = isEvent(target) ? MAX_EVENT_BYTES : MAX_BODY_BYTES;
  const length = request.headers.get("Content-Length");
  if (length !== null) {
    if (Number(length) > most) return undefined;
    return new Uint8Array(await request.arrayBuffer());
  }
  if (request.body === null) return NO_BODY;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    // Read on for a while: a caller who is still sending would not hear the refusal.
    if (size > MAX_DRAINED_BYTES) return undefined;
    if (size <= most) chunks.push(chunk);
  }
  if (size > most) return undefined;
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return body;
}

/** Whether it is Stripe that calls such a path. */
function isEvent(target: string): boolean {
  return target.startsWith("/webhooks/stripe");
}

export function isGated(target: string): boolean {
  return target.startsWith("/gate/");
}

/** Whether a step ends a streamed body as whole: see `AnswerKind::End`. */
export function isEnd(step: string): boolean {
  return step.startsWith("A200e");
}

/**
 * Whether an object's reply tells the front nothing besides, see `Reply::to_text`: its answer is
 * made of status and body alone.
 */
export function isPlainReply(reply: string): boolean {
  return (
    reply.startsWith(PLAIN, AFTER_STATUS) &&
    !STATUSES_WITH_RETRY.some((status) => reply.startsWith(status))
  );
}

/** The response of an `A` or `S` step, see `Answer::to_text`; or of a plain reply. */
export function respond(step: string, task: Task): Response {
  if (isPlainReply(step)) return respondPlainly(step, task);
  const end = step.indexOf("\n\n");
  const status = Number(step.slice(1, 4));
  const kind = step[4];
  if (kind === "o") return respondFromOrigin(status, step.slice(6, end), task);
  const headers = headersOf(kind, task);
  if (end > 5) for (const [name, value] of headerLines(step.slice(6, end))) headers[name] = value;
  if (task.output !== undefined) return new Response(task.output.readable, { status, headers });
  return respondWith(status, headers, kind === "d" ? unpack(openapi) : step.slice(end + 2), task);
}

function respondPlainly(reply: string, task: Task): Response {
  const status = Number(reply.slice(0, AFTER_STATUS));
  const headers = headersOf(status < 400 ? "j" : "p", task);
  return respondWith(status, headers, reply.slice(AFTER_STATUS + 1), task);
}

function headersOf(kind: string | undefined, { requestId, method }: Task): Record<string, string> {
  const headers: Record<string, string> = {
    "Content-Type": MEDIA_TYPES[kind ?? ""] ?? "application/json",
    "X-Request-Id": requestId,
  };
  // Nothing else is ever cached (RFC 9111, section 3).
  if (method === "GET") headers["Cache-Control"] = "no-store";
  return headers;
}

function respondWith(
  status: number,
  headers: Record<string, string>,
  body: string | ReadableStream | undefined,
  { method }: Task,
): Response {
  return new Response(method === "HEAD" ? null : body, { status, headers });
}

function unpack(gzipped: ArrayBuffer): ReadableStream | undefined {
  const { body } = new Response(gzipped);
  return body?.pipeThrough(new DecompressionStream("gzip"));
}

function respondFromOrigin(status: number, lines: string, task: Task): Response {
  const headers = new Headers(task.origin?.headers);
  for (const [name, value] of headerLines(lines)) headers.set(name, value);
  headers.set("X-Request-Id", task.requestId);
  const body = NULL_BODY_STATUSES.has(status) ? null : (task.origin?.body ?? null);
  return new Response(body, { status, headers });
}

function headerLines(lines: string): [string, string][] {
  return lines.split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
}
