// One request of the harness itself, outside of any measurement.

const TIMEOUT_MS = 30_000;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} type the content type
 * @property {any} body
 */

/**
 * @param {string} url
 * @param {{ key?: string, body?: unknown, expect?: number[] }} options a body makes it a
 *   POST; `expect`: the statuses that are no error
 * @returns {Promise<Answer>}
 */
export async function call(url, { key, body, expect = [200] } = {}) {
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(url, {
    method,
    headers: {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await answer.text();
  if (!expect.includes(answer.status)) {
    throw new Error(`${method} ${new URL(url).pathname}: status ${answer.status}: ${text}`);
  }
  const type = answer.headers.get("content-type") ?? "";
  return { status: answer.status, type, body: type.includes("json") ? JSON.parse(text) : text };
}
