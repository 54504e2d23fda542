// The loader for Vercel's edge runtime, which compiles what is imported with `?module`.

import module from "./edge_credits.wasm?module";
import { type Core, instantiate } from "./instance.ts";

export function loadCore(): Core {
  return instantiate(module);
}
