// Runs the wasm tests of the client for Rust apps against a real engine: in Node, or with the
// argument `browser` in a headless Chromium.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capture, runMain } from "../../scripts/process.mjs";
import { findBrowser, findDriver } from "../../scripts/setup-runtimes.mjs";
import { ROOT, WASM_TARGET, WASM_TEST_RUNNER } from "../../scripts/toolchain.mjs";
import { Engine } from "../e2e/engine.ts";
import { Stage } from "./stage.ts";

const CARGO = ["test", "--test", "fetch_client", "--features", "fetch", "--target", WASM_TARGET];
/** The name under which the browser finds the stage: `tests/fetch_client/engine.rs` knows it. */
const HOST = "stage.test";

async function main(): Promise<void> {
  const engine = await Engine.start({ env: { CORS_ORIGINS: "*" } });
  const stage = await Stage.start(engine.url, await knowledge(engine));
  const dir = mkdtempSync(join(tmpdir(), "edge-credits-wasm-"));
  try {
    const env = process.argv[2] === "browser" ? inBrowser(stage.port, dir) : inNode(stage.port);
    const runner = { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: WASM_TEST_RUNNER };
    const { code } = await capture("cargo", CARGO, {
      cwd: ROOT,
      env: { ...runner, ...env },
      show: true,
    });
    process.exitCode = code;
  } finally {
    rmSync(dir, { recursive: true, force: true });
    await stage.end();
    await engine.end();
  }
}

/** Keys and prices for the tests. */
async function knowledge(engine: Engine): Promise<object> {
  const { live } = await engine.project("shop");
  await engine.customer(live, "holder", 10);
  const { key } = await engine.customerKey(live, "holder");
  const costs = [{ service: "images", action: "generate", credits: 0.3 }];
  const models = [{ model: "gpt", input_per_million: 2.5, output_per_million: 10, minimum: 0.01 }];
  for (const [path, body] of Object.entries({ "/v1/costs": costs, "/v1/models": models })) {
    const { status } = await engine.send("PUT", path, { key: live, body });
    if (status !== 200) throw new Error(`no prices: ${status}`);
  }
  return { project_key: live, customer_key: key };
}

function inNode(port: number): Record<string, string> {
  return {
    WASM_BINDGEN_USE_NODE_EXPERIMENTAL: "1",
    STAGE_URL: `http://127.0.0.1:${port}`,
  };
}

function inBrowser(port: number, dir: string): Record<string, string> {
  const capabilities = {
    "goog:chromeOptions": {
      binary: findBrowser(),
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--user-data-dir=${join(dir, "profile")}`,
        // A page has no environment to read the port from.
        `--host-resolver-rules=MAP ${HOST} 127.0.0.1:${port}`,
      ],
    },
  };
  const file = join(dir, "webdriver.json");
  writeFileSync(file, JSON.stringify(capabilities));
  return {
    WASM_BINDGEN_USE_BROWSER: "1",
    WASM_BINDGEN_TEST_WEBDRIVER_JSON: file,
    CHROMEDRIVER: findDriver() ?? "chromedriver",
  };
}

await runMain(main);
