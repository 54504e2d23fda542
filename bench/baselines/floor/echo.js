// A text into wasm and one out of it, by the same steps as wasm-bindgen's glue: room is asked
// for, the text is copied in, byte by byte while it is ASCII, and what comes back is decoded and
// given free.

import module from "./echo.wasm";

const { malloc, realloc, free, memory, echo: call } = new WebAssembly.Instance(module, {}).exports;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const bytes = new Uint8Array(memory.buffer);

export function echo(text) {
  const [at, length] = call(...put(text));
  try {
    return decoder.decode(bytes.subarray(at, at + length));
  } finally {
    free(at, length, 1);
  }
}

function put(text) {
  const { length } = text;
  let at = malloc(length, 1);
  let done = 0;
  for (; done < length; done += 1) {
    const code = text.charCodeAt(done);
    if (code > 0x7f) break;
    bytes[at + done] = code;
  }
  if (done === length) return [at, length];
  const rest = text.slice(done);
  at = realloc(at, length, done + rest.length * 3, 1);
  return [at, done + encoder.encodeInto(rest, bytes.subarray(at + done)).written];
}
