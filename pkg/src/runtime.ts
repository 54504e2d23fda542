// Where this runs. All runtimes are served alike in this release, without state; what is
// detected is told as `engine.runtime`.

import type { Runtime } from "../types/index.d.ts";
import { environment } from "./options.ts";

const BY_VARIABLE: [string, Runtime][] = [
  ["CLOUDFLARE_WORKER", "cloudflare"],
  ["VERCEL", "vercel"],
  ["NETLIFY", "netlify"],
  ["AWS_LAMBDA_FUNCTION_NAME", "aws-lambda"],
];

export function detectRuntime(): Runtime {
  // Netlify and Vercel run on Lambda, so the more particular comes first.
  if (globalThis.navigator?.userAgent === "Cloudflare-Workers") return "cloudflare";
  return BY_VARIABLE.find(([name]) => environment(name))?.[1] ?? "other";
}
