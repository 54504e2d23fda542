// What more than one ladder changes in the group-committing baseline. An edit is a file, what
// stands there (once), and what takes its place.

/** @typedef {[file: string, from: string, to: string]} Edit */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} adds
 * @property {Edit[]} edits
 */

/** What the last step of each adds. */
export const THROUGH_WASM =
  "texts into wasm and out again: twice in the Worker, once in the object";

/** @type {Edit} */
export const IMPORT_REQUEST_ID = [
  "front.js",
  'import { projectOf, remember, verify } from "./keys.js";',
  `import { projectOf, remember, verify } from "./keys.js";
import { newRequestId } from "./floor/request-id.js";`,
];

/** Where ids of requests are imported. @type {Edit} */
export const IMPORT_ECHO = [
  "front.js",
  'import { newRequestId } from "./floor/request-id.js";',
  `import { echo } from "./floor/echo.js";
import { newRequestId } from "./floor/request-id.js";`,
];

/** @type {Edit} */
export const IMPORT_ECHO_IN_OBJECT = [
  "group-commit/worker.js",
  'import { Account as AccountBase } from "../account.js";',
  `import { Account as AccountBase } from "../account.js";
import { echo } from "../floor/echo.js";`,
];

/** After the step `body`. @type {Edit} */
export const BODY_THROUGH_WASM = [
  "front.js",
  "    return JSON.parse(decoder.decode(await request.arrayBuffer()));",
  `    const text = decoder.decode(await request.arrayBuffer());
    const head = \`\${request.method}\\n\${request.url}\\n\${headers.get("Authorization")}\\n\`;
    return JSON.parse(echo(head + text).slice(head.length));`,
];

/** How long is waited for an object. @type {Edit} */
export const DEFINE_WITHIN = [
  "front.js",
  "/** Undefined if it is not JSON. */",
  `function within(deadlineMs, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), deadlineMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Undefined if it is not JSON. */`,
];

/** @type {Step} */
export const BODY = {
  name: "body",
  adds: "the body as bytes, of a known length, type and key",
  edits: [
    [
      "front.js",
      "    return await request.json();",
      `    const { headers } = request;
    if (Number(headers.get("Content-Length")) > 65_536) return undefined;
    if ((headers.get("Idempotency-Key") ?? "").length > 255) return undefined;
    if (!(headers.get("Content-Type") ?? "").startsWith("application/json")) return undefined;
    return JSON.parse(decoder.decode(await request.arrayBuffer()));`,
    ],
    [
      "front.js",
      "const objectIds = new Map();",
      'const objectIds = new Map();\nconst decoder = new TextDecoder("utf-8", { fatal: true });',
    ],
  ],
};

/** Of a change. @type {Step} */
export const DEADLINE = {
  name: "deadline",
  adds: "an object that does not answer is not waited for",
  edits: [
    [
      "front.js",
      '  const outcome = await object.run("change", sign * micros, payload);',
      '  const outcome = await within(10_000, object.run("change", sign * micros, payload));',
    ],
    DEFINE_WITHIN,
  ],
};
