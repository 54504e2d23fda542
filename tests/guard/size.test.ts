// What an isolate must load before it can answer.

import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { WORKER_JS, WORKER_OPENAPI, WORKER_WASM } from "../../scripts/build.mjs";
import { holdAgainst } from "./ceilings.ts";

test("the Worker is no larger than its ceilings", (t) => {
  const gzipped = (path: string) => gzipSync(readFileSync(path), { level: 9 }).length;
  const measured = new Map([
    ["engine.wasm, gzip", gzipped(WORKER_WASM)],
    ["index.js, gzip", gzipped(WORKER_JS)],
    ["openapi.json.gz", readFileSync(WORKER_OPENAPI).length],
  ]);
  holdAgainst("size", "bytes", measured, (line) => t.diagnostic(line), 1.02);
});
