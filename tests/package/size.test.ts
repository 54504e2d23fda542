// How much a user's users download: the JavaScript and the wasm of the whole CreditEngine.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Project } from "./install.ts";

const MOST_BYTES = 40_000;
const MOST_GATE_BYTES = 4_500;

let project: Project;
before(() => {
  project = new Project();
});
after(() => project?.remove());

function gzipped(bytes: Uint8Array): number {
  return gzipSync(bytes, { level: 9 }).length;
}

test("CreditEngine, bundled for a browser, is at most 40 KB gzip", async (t) => {
  const entry = project.write("entry.js", 'export { CreditEngine } from "edge-credits";');
  const options = { bundle: true, format: "esm", minify: true, write: false } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [entry], platform: "browser" });
  const size = gzipped(outputFiles[0]?.contents ?? new Uint8Array());
  t.diagnostic(`${size} bytes`);
  assert.ok(size > 10_000 && size <= MOST_BYTES, `${size} bytes`);
});

test("on Workers, wasm and JavaScript together are at most 40 KB gzip", (t) => {
  const dist = join(project.dir, "node_modules", "edge-credits", "dist");
  const files = ["index.workerd.js", "client.workerd.js", "edge_credits.wasm"];
  const sizes = files.map((file) => gzipped(readFileSync(join(dist, file))));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  t.diagnostic(`${size} bytes`);
  assert.ok(size <= MOST_BYTES, `${size} bytes`);
});

for (const name of ["gate", "hono", "next", "express"]) {
  test(`edge-credits/${name} is at most 4.5 KB gzip, and brings no wasm`, async (t) => {
    const entry = project.write(`${name}.js`, `export * from "edge-credits/${name}";`);
    const options = { bundle: true, format: "esm", minify: true, write: false } as const;
    const { outputFiles } = await build({ ...options, entryPoints: [entry], platform: "node" });
    const [file] = outputFiles;
    const size = gzipped(file?.contents ?? new Uint8Array());
    t.diagnostic(`${size} bytes`);
    assert.ok(size > 1_000 && size <= MOST_GATE_BYTES, `${size} bytes`);
    assert.doesNotMatch(file?.text ?? "", /WebAssembly/);
  });
}

test("importing it runs nothing and needs no dependency", () => {
  const { dependencies, sideEffects } = JSON.parse(
    readFileSync(join(project.dir, "node_modules", "edge-credits", "package.json"), "utf8"),
  );
  assert.deepEqual([dependencies, sideEffects], [undefined, false]);
});
