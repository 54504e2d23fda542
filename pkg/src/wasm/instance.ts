// How the wasm becomes functions: the same for every loader, which differ only in where the
// module comes from. `build/package/bindgen` is what wasm-bindgen wrote.

import * as glue from "../../../build/package/bindgen/edge_credits_bg.js";

/** The functions of `src/client/face.rs`. */
export type Core = typeof glue;

interface Exports {
  __wbindgen_start(): void;
}

/** Makes an instance. Synchronous: no runtime that takes this module needs to be waited for. */
export function instantiate(module: WebAssembly.Module): Core {
  const imports = { "./edge_credits_bg.js": glue as unknown as WebAssembly.ModuleImports };
  const { exports } = new WebAssembly.Instance(module, imports);
  glue.__wbg_set_wasm(exports);
  (exports as unknown as Exports).__wbindgen_start();
  return glue;
}
