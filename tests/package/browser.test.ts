// The packed package in a real browser: as plain modules, and as each bundler bundles it without
// configuration. The engine has another origin than the pages, and allows theirs.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { Engine } from "../e2e/engine.ts";
import { Browser, type Opened, Pages } from "./browser.ts";
import { Project } from "./install.ts";
import { IMPORTS, layScenario, load, SUBPATHS, settingFor } from "./program.ts";
import { expected } from "./scenario.mjs";

const PROGRAM = `${IMPORTS}
globalThis.program = { packages, everything };`;

/** What a page's or a worker's program gives. */
interface Scope {
  // biome-ignore lint/suspicious/noExplicitAny: the package's types are tested by themselves
  program: { packages: any; everything: (...all: any[]) => Promise<unknown> };
}

const page = (script: string, head = "") =>
  `<!doctype html><title>Shop</title><link rel="icon" href="data:,">${head}${script}`;

/** A browser reports each answer that is a refusal; the calls get two of the one, one of the other. */
const REFUSALS = [
  "Failed to load resource: the server responded with a status of 402 (Payment Required)",
  "Failed to load resource: the server responded with a status of 402 (Payment Required)",
  "Failed to load resource: the server responded with a status of 404 (Not Found)",
];

describe("a browser", () => {
  let project: Project;
  let pages: Pages;
  // biome-ignore lint/suspicious/noExplicitAny: Vite is there only once the tests are set up
  let vite: any;
  // biome-ignore lint/suspicious/noExplicitAny: Vite is there only once the tests are set up
  let devServer: any;
  let browser: Browser;
  let engine: Engine;
  let key: string;

  before(async () => {
    project = new Project();
    layScenario(project);
    project.write("page.js", PROGRAM);
    project.write("index.html", page('<script type="module" src="/page.js"></script>'));
    mkdirSync(join(project.dir, "built"));
    pages = await Pages.start(project.dir);
    vite = load("vite");
    devServer = await vite.createServer({ root: project.dir, server: { port: 0 } });
    await devServer.listen();
    const origins = [pages.origin, new URL(viteUrl()).origin];
    engine = await Engine.start({ env: { CORS_ORIGINS: origins.join() } });
    key = (await engine.project("shop")).live;
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.end();
    await devServer?.close();
    await pages?.end();
    await engine?.end();
    project?.remove();
  });

  const viteUrl = (): string => devServer.resolvedUrls.local[0];

  async function makesAllCalls(url: string, name: string): Promise<Opened> {
    const opened = await browser.open(url);
    await opened.page.waitForFunction(() => "program" in globalThis);
    const found = await opened.page.evaluate(
      (setting) => {
        const { everything, packages } = (globalThis as unknown as Scope).program;
        return everything(packages, setting);
      },
      await settingFor(engine, key, name),
    );
    assert.deepEqual(found, expected("other"));
    assert.deepEqual(opened.complaints, REFUSALS);
    return opened;
  }

  /** Bundles the program for a page of one classic script, as esbuild does when told nothing. */
  async function bundled(): Promise<string> {
    const outfile = join(project.dir, "built", "esbuild.js");
    const options = { entryPoints: [join(project.dir, "page.js")], outfile, bundle: true };
    const { warnings } = await build({ ...options, logLevel: "silent" });
    assert.deepEqual(warnings, []);
    project.write("esbuild.html", page('<script src="/built/esbuild.js"></script>'));
    return `${pages.origin}/esbuild.html`;
  }

  test("plain modules with an import map", async () => {
    const dist = "/node_modules/edge-credits/dist";
    const subpaths = SUBPATHS.map((name) => [`edge-credits/${name}`, `${dist}/${name}.js`]);
    const imports = { "edge-credits": `${dist}/index.js`, ...Object.fromEntries(subpaths) };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    project.write("plain.html", page('<script type="module" src="/page.js"></script>', map));
    await makesAllCalls(`${pages.origin}/plain.html`, "plain");
  });

  test("a bundle by esbuild", async () => {
    await makesAllCalls(await bundled(), "esbuild");
  });

  test("a bundle by webpack", async () => {
    const output = { path: join(project.dir, "built"), filename: "webpack.js" };
    const options = { mode: "production", context: project.dir, entry: "./page.js", output };
    // biome-ignore lint/suspicious/noExplicitAny: webpack is there only once the tests are set up
    const stats: any = await new Promise((resolve, reject) => {
      // biome-ignore lint/suspicious/noExplicitAny: as above
      load("webpack")(options, (error: unknown, stats: any) =>
        error ? reject(error) : resolve(stats),
      );
    });
    assert.equal(stats.hasWarnings() || stats.hasErrors(), false, stats.toString());
    project.write("webpack.html", page('<script src="/built/webpack.js"></script>'));
    await makesAllCalls(`${pages.origin}/webpack.html`, "webpack");
  });

  test("a bundle by Vite", async () => {
    const complaints: string[] = [];
    const complain = (text: string) => complaints.push(text);
    const customLogger = {
      ...vite.createLogger("silent"),
      warn: complain,
      warnOnce: complain,
      error: complain,
    };
    const options = { root: project.dir, customLogger, base: "/built/vite/" };
    await vite.build({ ...options, build: { outDir: "built/vite" } });
    assert.deepEqual(complaints, []);
    await makesAllCalls(`${pages.origin}/built/vite/index.html`, "vite");
  });

  test("Vite's development server", async () => {
    await makesAllCalls(viteUrl(), "vite-dev");
  });

  test("a worker of a page", async () => {
    const { page } = await browser.open(await bundled());
    project.write(
      "worker.js",
      `importScripts("/built/esbuild.js");
      onmessage = async ({ data }) => {
        const { packages, everything } = program;
        let refused;
        try { new packages.main.CreditEngine(data); } catch (error) { refused = error.code; }
        postMessage({ refused, ...await everything(packages, data) });
      };`,
    );
    const found = await page.evaluate(
      (setting) =>
        new Promise((resolve, reject) => {
          // biome-ignore lint/suspicious/noExplicitAny: Node, which this file is compiled for, has none
          const worker = new (globalThis as any).Worker("/worker.js");
          worker.onmessage = ({ data }: { data: unknown }) => resolve(data);
          worker.onerror = ({ message }: { message: string }) => reject(new Error(message));
          worker.postMessage(setting);
        }),
      await settingFor(engine, key, "worker"),
    );
    assert.deepEqual(found, { refused: "secret_key_in_browser", ...expected("other") });
  });

  test("a project's key is refused, a customer's is taken", async () => {
    const { page, complaints } = await browser.open(await bundled());
    const setting = await settingFor(engine, key, "keys");
    const found = await page.evaluate(async ({ apiKey, ownKey, baseUrl = "", owner }) => {
      const { CreditEngine, ConfigurationError } = (globalThis as unknown as Scope).program.packages
        .main;
      let refused: unknown[] = [];
      try {
        new CreditEngine({ apiKey, baseUrl });
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        refused = [
          error instanceof ConfigurationError,
          code,
          message.includes(apiKey.slice(8, 30)),
        ];
      }
      const late = new CreditEngine({ apiKey: () => apiKey, baseUrl });
      const lateCode = await late.getBalance(owner).catch(({ code }: { code: string }) => code);
      const { balance } = await new CreditEngine({ apiKey: ownKey, baseUrl }).getBalance(owner);
      return { refused, lateCode, balance };
    }, setting);
    const refused = [true, "secret_key_in_browser", false];
    assert.deepEqual(found, { refused, lateCode: "secret_key_in_browser", balance: 5 });
    assert.deepEqual(complaints, []);
  });

  test("a page of an origin that the engine does not allow gets a ConnectionError", async () => {
    const url = (await bundled()).replace("127.0.0.1", "localhost");
    const { page } = await browser.open(url);
    const setting = await settingFor(engine, key, "elsewhere");
    const found = await page.evaluate(async ({ ownKey: apiKey, baseUrl, owner }) => {
      const { main } = (globalThis as unknown as Scope).program.packages;
      const engine = new main.CreditEngine({ apiKey, baseUrl, maxRetries: 0 });
      const error = await engine.getBalance(owner).catch((error: unknown) => error);
      return [error instanceof main.ConnectionError, error.name, error.code];
    }, setting);
    assert.deepEqual(found, [true, "ConnectionError", "connection_failed"]);
  });

  test("a content security policy must allow wasm, and the error says so", async () => {
    const url = await bundled();
    const policy = `script-src 'self'; connect-src 'self' ${engine.url}`;
    try {
      pages.policy = policy;
      const { page } = await browser.open(url);
      const { ownKey: apiKey, baseUrl } = await settingFor(engine, key, "policy");
      const found = await page.evaluate(
        (options) => {
          const { main } = (globalThis as unknown as Scope).program.packages;
          try {
            return new main.CreditEngine(options);
          } catch (error) {
            return [error instanceof main.ConfigurationError, String(error)];
          }
        },
        { apiKey, baseUrl },
      );
      assert.match(String(found), /^true,ConfigurationError: .*'wasm-unsafe-eval'/);
      pages.policy = policy.replace("'self'", "'self' 'wasm-unsafe-eval'");
      await makesAllCalls(url, "policy-with-wasm");
    } finally {
      pages.policy = undefined;
    }
  });
});
