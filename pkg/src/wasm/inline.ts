// The loader for Node, Deno, Bun, browsers and bundlers: the wasm is in the JavaScript, so there
// is no file to find, nothing to configure and nothing to await.

import hex from "../../../build/package/edge_credits.wasm.hex";
import { ConfigurationError } from "../errors.ts";
import { type Core, instantiate } from "./instance.ts";

export function loadCore(): Core {
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(bytes());
  } catch (cause) {
    throw new ConfigurationError(
      "this runtime does not compile WebAssembly from bytes. On Cloudflare Workers and on " +
        'Vercel\'s edge let the bundler use the conditions "workerd" and "edge-light"; in a ' +
        "browser the content security policy must allow 'wasm-unsafe-eval'.",
      { cause },
    );
  }
  return instantiate(module);
}

// Hexadecimal, not base64: compressed for transport it is a sixth smaller, since it keeps the
// bytes apart.
function bytes(): Uint8Array<ArrayBuffer> {
  const digit = (at: number) => {
    const code = hex.charCodeAt(at);
    return code > 57 ? code - 87 : code - 48;
  };
  return Uint8Array.from(
    { length: hex.length / 2 },
    (_, at) => digit(2 * at) * 16 + digit(2 * at + 1),
  );
}
