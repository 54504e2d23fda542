// An app in Rust (`examples/fetch_app.rs`) in a Worker, on workerd, against a real engine: by URL
// and through a service binding. And what the client adds to such an app.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { WASM_OPT_FLAGS } from "../../scripts/package.mjs";
import { run } from "../../scripts/process.mjs";
import {
  NODE,
  ROOT,
  WASM_BINDGEN,
  WASM_OPT,
  WASM_TARGET,
  WORKERD,
} from "../../scripts/toolchain.mjs";
import { Engine } from "../e2e/engine.ts";

const TARGET_DIR = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const PROFILE = "app";
const MOST_BYTES = 64_000;

const WORKER = `
import * as app from "./app_bg.js";
import wasm from "./app_bg.wasm";

const instance = new WebAssembly.Instance(wasm, { "./app_bg.js": app });
app.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

export default {
  async fetch(request, { CREDITS, KEY, URL: url }) {
    const { pathname, searchParams } = new URL(request.url);
    const [customer, key] = [searchParams.get("customer"), searchParams.get("key")];
    try {
      return new Response(
        pathname === "/url"
          ? await app.charge(KEY, url, customer, key)
          : await app.charge_through(CREDITS, KEY, customer, key),
      );
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};`;

const configOf = (key: string, url: string) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "internet", network = (allow = ["private", "public"])),
    (name = "engine", external = (address = "${new URL(url).host}", http = ())),
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ],
);
const mainWorker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "app_bg.js", esModule = embed "app_bg.js"),
    (name = "app_bg.wasm", wasm = embed "app_bg.wasm"),
  ],
  bindings = [
    (name = "KEY", text = "${key}"),
    (name = "URL", text = "${url}"),
    (name = "CREDITS", service = "engine"),
  ],
  compatibilityDate = "2025-01-01",
);
`;

let engine: Engine;
let dir: string;
let worker: ChildProcess | undefined;
let url: string;
let key: string;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "edge-credits-app-"));
  await buildApp();
  engine = await Engine.start();
  key = (await engine.project("shop")).live;
  writeFileSync(join(dir, "worker.js"), WORKER);
  const config = join(dir, "config.capnp");
  writeFileSync(config, configOf(key, engine.url));
  worker = spawn(WORKERD, ["serve", "--control-fd=3", config], {
    cwd: dir,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [line] = await once(worker.stdio[3] as Readable, "data");
  url = `http://127.0.0.1:${JSON.parse(String(line)).port}`;
});
after(async () => {
  worker?.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
  await engine?.end();
});

/** As an app's own build does it. */
async function buildApp(): Promise<void> {
  const build = ["build", "--profile", PROFILE, "--example", "fetch_app", "--features", "fetch"];
  await run("cargo", [...build, "--target", WASM_TARGET], { cwd: ROOT });
  const built = join(TARGET_DIR, WASM_TARGET, PROFILE, "examples", "fetch_app.wasm");
  const bind = ["--target", "bundler", "--out-dir", dir, "--out-name", "app", built];
  await run(WASM_BINDGEN, bind, { cwd: ROOT });
  const wasm = join(dir, "app_bg.wasm");
  await run(NODE, [WASM_OPT, ...WASM_OPT_FLAGS, wasm, "-o", wasm], { cwd: ROOT });
}

for (const way of ["url", "binding"]) {
  test(`an app on workerd charges by ${way}`, async () => {
    const customer = `by-${way}`;
    await engine.customer(key, customer, 1);
    const charge = async (operation: string) => {
      const answer = await fetch(`${url}/${way}?customer=${customer}&key=${operation}`);
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await charge("a"), [200, "0.7 credits are left"]);
    assert.deepEqual(await charge("a"), [200, "0.7 credits are left"]);
    const many = await Promise.all(["b", "c", "d", "e", "b"].map(charge));
    assert.deepEqual(
      many.map(([status]) => status),
      [200, 200, 200, 200, 200],
    );
    assert.deepEqual(await charge("f"), [200, "this costs 0.3 credits, and there are 0.1"]);
    const { entries } = await engine.audit(key, customer);
    assert.equal(entries, 4);
  });
}

test("a small app with the client is at most 64 KB gzip", (t) => {
  const sizes = ["app_bg.wasm", "app_bg.js"].map((file) => readFileSync(join(dir, file)));
  const size = sizes.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0);
  t.diagnostic(`${size} bytes`);
  assert.ok(size > 10_000 && size <= MOST_BYTES, `${size} bytes`);
});

test("none of the npm package's exports come along", () => {
  const types = readFileSync(join(dir, "app_bg.wasm.d.ts"), "utf8");
  assert.match(types, /export const charge:/);
  assert.doesNotMatch(types, /retry_wait_ms|quote_action/);
});
