// One request of the harness itself, outside of any measurement.

const TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {Headers} headers
 * @property {string} type the content type
 * @property {any} body
 */

/**
 * @param {string} url
 * @param {{ method?: string, key?: string, headers?: Record<string, string>, body?: unknown,
 *   expect?: number[] }} options `method`: POST if there is a body, else GET; `expect`: the
 *   statuses that are no error
 * @returns {Promise<Answer>}
 */
export async function call(url, { key, headers, body, expect = [200], ...options } = {}) {
  const method = options.method ?? (body === undefined ? "GET" : "POST");
  const answer = await fetch(url, {
    method,
    headers: {
      ...headers,
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
  const read = type.includes("json") ? JSON.parse(text) : text;
  return { status: answer.status, headers: answer.headers, type, body: read };
}

/**
 * Does something for each of many, some at a time.
 * @template T, R
 * @param {T[]} items
 * @param {(item: T) => Promise<R>} act
 * @param {number} [atOnce]
 * @returns {Promise<R[]>}
 */
export async function forEach(items, act, atOnce = 32) {
  /** @type {R[]} */
  const results = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await act(/** @type {T} */ (items[index]));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}
