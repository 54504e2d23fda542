// A stand-in for the service behind the gate: a chat endpoint shaped like a language
// model's. `POST /v1/chat` answers JSON, or server-sent events with `{"stream": true}`;
// `{"fail": true}` answers 500, to see the gate give the credits back.

import { createServer } from "node:http";

const MAX_BODY_BYTES = 64 * 1024;
const CHUNK_INTERVAL_MS = 120;
const ANSWER = "Credits were checked before this request reached me.";

/**
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<import("node:http").Server>}
 */
export function startDemoOrigin(port, host = "127.0.0.1") {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
async function answer(request, response) {
  if (request.method !== "POST" || request.url?.split("?")[0] !== "/v1/chat") {
    return sendJson(response, 404, { error: "not found" });
  }
  const body = await readJson(request);
  if (body === null) return sendJson(response, 400, { error: "the body is not a JSON object" });
  if (body.fail === true) return sendJson(response, 500, { error: "failed, as you asked" });
  const paidBy = request.headers["x-customer-id"] ?? null;
  if (body.stream === true) return streamWords(response);
  return sendJson(response, 200, { role: "assistant", content: ANSWER, customer: paidBy });
}

/** @param {import("node:http").ServerResponse} response */
async function streamWords(response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  for (const word of ANSWER.split(" ")) {
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify({ delta: `${word} ` })}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, CHUNK_INTERVAL_MS));
  }
  response.end("data: [DONE]\n\n");
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<Record<string, unknown> | null>}
 */
async function readJson(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) return null;
  }
  try {
    const value = JSON.parse(text === "" ? "{}" : text);
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {unknown} body
 */
function sendJson(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
