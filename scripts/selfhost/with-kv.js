// The Worker and the store behind CREDITS_KV as one: a Worker of its own for the store would be
// a second isolate, and that is a fourth of what starting takes.

export * from "./index.js";
export { default } from "./index.js";
export { KvStore, kv } from "./kv.js";
