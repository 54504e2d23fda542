// How fast may a balance be read? The group-committing baseline, changed step by step, as in
// ./consume.mjs.

import { DEFINE_WITHIN, IMPORT_ECHO, IMPORT_REQUEST_ID, THROUGH_WASM } from "./edits.mjs";

/** @type {import("./edits.mjs").Step[]} */
export const STEPS = [
  {
    name: "answer",
    adds: "the whole answer, with an id of the request, kept by no cache",
    edits: [
      [
        "front.js",
        `"as_of":"\${new Date().toISOString()}"}\`,
    JSON_ANSWER,
  );`,
        `"held":0,"credit_name":"credits","as_of":"\${new Date().toISOString()}"}\`,
    {
      headers: {
        "Content-Type": "application/json",
        "X-Request-Id": newRequestId(),
        "Cache-Control": "no-store",
      },
    },
  );`,
      ],
      IMPORT_REQUEST_ID,
    ],
  },
  {
    name: "deadline",
    adds: "an object that does not answer is not waited for",
    edits: [
      [
        "front.js",
        "  const credits = await object.balance();",
        "  const credits = await within(10_000, object.balance());",
      ],
      DEFINE_WITHIN,
    ],
  },
  {
    name: "wasm",
    adds: THROUGH_WASM,
    edits: [
      [
        "front.js",
        "balance(object, first)",
        `balance(object, echo(\`\${url}\\n\${authorization}\\n\${first}\`).split("\\n")[2])`,
      ],
      [
        "front.js",
        "  const credits = await within(10_000, object.balance());",
        "  const credits = echo(await within(10_000, object.balance()));",
      ],
      IMPORT_ECHO,
      [
        "account.js",
        "  balance() {",
        "  balance() {\n    return echo(this.#balanceText());\n  }\n\n  #balanceText() {",
      ],
      [
        "account.js",
        'import { DurableObject } from "cloudflare:workers";',
        `import { DurableObject } from "cloudflare:workers";
import { echo } from "./floor/echo.js";`,
      ],
    ],
  },
];
