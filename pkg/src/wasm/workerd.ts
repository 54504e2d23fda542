// The loader for Cloudflare Workers and workerd, which hand an imported `.wasm` over compiled.

import module from "./edge_credits.wasm";
import { type Core, instantiate } from "./instance.ts";

export function loadCore(): Core {
  return instantiate(module);
}
