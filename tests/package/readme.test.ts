// The examples of pkg/README.md: each `ts` block is a program. It compiles in strict mode against
// the packed types, and run against a real engine it prints what its comments say.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import { NODE, ROOT, TSC } from "../../scripts/toolchain.mjs";
import { Engine } from "../e2e/engine.ts";
import { StripeServer } from "../e2e/stripe_server.ts";
import { Project } from "./install.ts";

const TIMEOUT_MS = 60_000;
const README = readFileSync(join(ROOT, "pkg", "README.md"), "utf8");
// What follows speaks to users of other clients, and has a test and a customer of its own.
const [OWN_PART = ""] = README.split("## Coming from another client");
const EXAMPLES = [...OWN_PART.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ""]) => text);
const LISTS = {
  "/v1/costs": [{ service: "images", action: "generate", credits: 0.3 }],
  "/v1/models": [{ model: "small-1", input_per_million: 15, output_per_million: 60 }],
  "/v1/packs": [{ id: "small", name: "500", credits: 500, price_cents: 900, currency: "usd" }],
};

describe("pkg/README.md", () => {
  let stripe: StripeServer;
  let engine: Engine;
  let project: Project;
  let key: string;

  before(async () => {
    stripe = await StripeServer.start();
    engine = await Engine.start({ env: stripe.env });
    key = (await engine.project("shop")).test;
    for (const [path, body] of Object.entries(LISTS)) {
      assert.equal((await engine.send("PUT", path, { key, body })).status, 200);
    }
    project = new Project();
    project.link("hono", "express", "@types");
    for (const [index, text] of EXAMPLES.entries()) project.write(`example-${index}.mts`, text);
  });
  after(async () => {
    project?.remove();
    await engine?.end();
    await stripe?.end();
  });

  /** Compiles files of the project; gives what the compiler has to say. */
  async function compile(files: string[], options: object): Promise<string> {
    const strict = { strict: true, noEmit: true, exactOptionalPropertyTypes: true };
    const compilerOptions = { target: "es2022", module: "nodenext", ...strict, ...options };
    project.write("tsconfig.json", JSON.stringify({ compilerOptions, files }));
    const command = [TSC, "-p", project.dir];
    const done = promisify(execFile)(NODE, command, { timeout: TIMEOUT_MS });
    return done.then(
      ({ stdout }) => stdout,
      (error) => error.stdout || error.message,
    );
  }

  test("its examples compile in strict mode", async () => {
    const files = EXAMPLES.map((_, index) => `example-${index}.mts`);
    assert.ok(files.length >= 6);
    const options = { lib: ["es2022"], types: ["node"], skipLibCheck: true };
    assert.equal(await compile(files, options), "");
  });

  for (const [index, text] of EXAMPLES.entries()) {
    const title = text.match(/"(\w+)", /)?.[1] ?? "";
    test(`example ${index + 1} (${title}) prints what it says`, async () => {
      const expected = [...text.matchAll(/; \/\/ (.+)$/gm)].map(([, comment]) => comment);
      const env = { ...process.env, CREDITS_URL: engine.url, CREDITS_KEY: key };
      const file = `example-${index}.mts`;
      const options = { cwd: project.dir, env, timeout: TIMEOUT_MS };
      const run = promisify(execFile)(NODE, ["--no-warnings", file], options);
      const { stdout, stderr } = await run;
      assert.equal(stderr, "");
      assert.deepEqual(stdout.split("\n"), [...expected, ""]);
    });
  }
});

test("the runtimes table of pkg/README.md names the versions that the tests use", () => {
  const [, section = ""] = README.split("## Runtimes");
  const used = [ROOT, RUNTIMES_DIR].map((dir) => {
    return JSON.parse(readFileSync(join(dir, "package.json"), "utf8")).devDependencies;
  });
  const versions: Record<string, string> = Object.assign({}, ...used);
  const runtimes = "workerd wrangler edge-runtime deno bun esbuild webpack vite".split(" ");
  for (const name of [...runtimes, "hono", "next", "express", "express4"]) {
    const [, major, minor] = /(\d+)\.(\d+)/.exec(versions[name]?.split("@").at(-1) ?? "") ?? [];
    const said = `${name.replace("4", "")} ${major}.${minor}`;
    assert.ok(section.toLowerCase().includes(said), said);
  }
});
