// A headless Chromium, and a server for the pages that it opens.

import { createReadStream, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { findBrowser } from "../../scripts/setup-runtimes.mjs";
import { load } from "./program.ts";

type Playwright = typeof import("../runtimes/node_modules/playwright-core/index.js");
type Context = Awaited<ReturnType<Playwright["chromium"]["launchPersistentContext"]>>;
export type Page = Awaited<ReturnType<Context["newPage"]>>;

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

/** A page, and what its console was told that is a warning or an error. */
export interface Opened {
  page: Page;
  complaints: string[];
}

export class Browser {
  readonly #profile: string;
  readonly #context: Context;

  private constructor(profile: string, context: Context) {
    this.#profile = profile;
    this.#context = context;
  }

  static async start(): Promise<Browser> {
    const { chromium }: Playwright = load("playwright-core");
    const profile = mkdtempSync(join(tmpdir(), "edge-credits-browser-"));
    const executablePath = findBrowser() ?? "chromium";
    const options = { executablePath, args: ARGS, headless: true };
    return new Browser(profile, await chromium.launchPersistentContext(profile, options));
  }

  async open(url: string): Promise<Opened> {
    const page = await this.#context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["warning", "error"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, complaints };
  }

  async end(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

/** Serves the files of a folder as they are. */
export class Pages {
  /** The content security policy of every answer from now on. */
  policy: string | undefined;
  readonly #server: Server;

  private constructor(folder: string) {
    this.#server = createServer(({ url = "/" }, outgoing) => {
      const { pathname } = new URL(url, "http://pages");
      const path = join(folder, pathname);
      if (!existsSync(path)) return outgoing.writeHead(404).end();
      outgoing.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
      if (this.policy) outgoing.setHeader("Content-Security-Policy", this.policy);
      createReadStream(path).pipe(outgoing);
    });
  }

  static async start(folder: string): Promise<Pages> {
    const pages = new Pages(folder);
    await new Promise<void>((resolve) => pages.#server.listen(0, "127.0.0.1", resolve));
    return pages;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
