// How fast may a consumption be refused? The group-committing baseline, changed step by step, as
// in ./consume.mjs.

import {
  BODY,
  BODY_THROUGH_WASM,
  DEADLINE,
  IMPORT_ECHO,
  IMPORT_ECHO_IN_OBJECT,
  IMPORT_REQUEST_ID,
  THROUGH_WASM,
} from "./edits.mjs";

/** @type {import("./edits.mjs").Step[]} */
export const STEPS = [
  BODY,
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
  const refusal =
    \`{"type":"urn:edge-credits:problem:insufficient_credits","title":"Not enough credits",\` +
      \`"status":402,"detail":"\${requested} credits are needed and \${balance} are available",\` +
      \`"code":"insufficient_credits","balance":\${balance},"available":\${balance},\` +
      \`"requested":\${requested},"shortfall":\${shortfall}}\`;
  return new Response(refusal, {
    status: 402,
    headers: { "Content-Type": "application/problem+json", "X-Request-Id": newRequestId() },
  });`,
      ],
      IMPORT_REQUEST_ID,
    ],
  },
  DEADLINE,
  {
    name: "wasm",
    adds: THROUGH_WASM,
    edits: [
      BODY_THROUGH_WASM,
      ["front.js", "  return new Response(refusal, {", "  return new Response(echo(refusal), {"],
      IMPORT_ECHO,
      [
        "group-commit/worker.js",
        "          slot.outcome = outcome;",
        `          slot.outcome = outcome;
          echo(String(outcome));`,
      ],
      IMPORT_ECHO_IN_OBJECT,
    ],
  },
];
