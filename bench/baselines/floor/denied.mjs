// How fast may a consumption be refused? The group-committing baseline, changed step by step, as
// in ./consume.mjs.

import { STEPS as CONSUME } from "./consume.mjs";

/** @param {string} name */
function stepOfConsume(name) {
  const step = CONSUME.find((one) => one.name === name);
  if (!step) throw new Error(`a consumption has no step ${name}`);
  return step;
}

/** @type {import("./consume.mjs").Step[]} */
export const STEPS = [
  stepOfConsume("body"),
  {
    name: "answer",
    adds: "the whole refusal, with an id of the request",
    edits: [
      [
        "front.js",
        `  return problem(402, "insufficient_credits", "the balance does not cover the amount", {
    balance: balanceMicros / MICROS_PER_CREDIT,
    requested: requestedMicros / MICROS_PER_CREDIT,
    shortfall: (requestedMicros - balanceMicros) / MICROS_PER_CREDIT,
  });`,
        `  const balance = balanceMicros / MICROS_PER_CREDIT;
  const requested = requestedMicros / MICROS_PER_CREDIT;
  const shortfall = (requestedMicros - balanceMicros) / MICROS_PER_CREDIT;
  return new Response(
    \`{"type":"urn:edge-credits:problem:insufficient_credits","title":"Not enough credits",\` +
      \`"status":402,"detail":"\${requested} credits are needed and \${balance} are available",\` +
      \`"code":"insufficient_credits","balance":\${balance},"available":\${balance},\` +
      \`"requested":\${requested},"shortfall":\${shortfall}}\`,
    {
      status: 402,
      headers: { "Content-Type": "application/problem+json", "X-Request-Id": newRequestId() },
    },
  );`,
      ],
      [
        "front.js",
        'import { projectOf, remember, verify } from "./keys.js";',
        `import { projectOf, remember, verify } from "./keys.js";
import { newRequestId } from "./floor/request-id.js";`,
      ],
    ],
  },
  stepOfConsume("deadline"),
  {
    name: "wasm",
    adds: "texts into wasm and out again: twice in the Worker, once in the object",
    edits: [
      [
        "front.js",
        "    return JSON.parse(decoder.decode(await request.arrayBuffer()));",
        `    const text = decoder.decode(await request.arrayBuffer());
    const head = \`\${request.method}\\n\${request.url}\\n\${headers.get("Authorization")}\\n\`;
    return JSON.parse(echo(head + text).slice(head.length));`,
      ],
      [
        "front.js",
        `    \`{"type":"urn:edge-credits:problem:insufficient_credits","title":"Not enough credits",\` +
      \`"status":402,"detail":"\${requested} credits are needed and \${balance} are available",\` +
      \`"code":"insufficient_credits","balance":\${balance},"available":\${balance},\` +
      \`"requested":\${requested},"shortfall":\${shortfall}}\`,
`,
        `    echo(
      \`{"type":"urn:edge-credits:problem:insufficient_credits","title":"Not enough credits",\` +
        \`"status":402,"detail":"\${requested} credits are needed and \${balance} are available",\` +
        \`"code":"insufficient_credits","balance":\${balance},"available":\${balance},\` +
        \`"requested":\${requested},"shortfall":\${shortfall}}\`,
    ),
`,
      ],
      [
        "front.js",
        'import { newRequestId } from "./floor/request-id.js";',
        `import { echo } from "./floor/echo.js";
import { newRequestId } from "./floor/request-id.js";`,
      ],
      [
        "group-commit/worker.js",
        "          slot.outcome = outcome;",
        `          slot.outcome = outcome;
          echo(String(outcome));`,
      ],
      [
        "group-commit/worker.js",
        'import { Account as AccountBase } from "../account.js";',
        `import { Account as AccountBase } from "../account.js";
import { echo } from "../floor/echo.js";`,
      ],
    ],
  },
];
