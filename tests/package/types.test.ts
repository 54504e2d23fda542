// The types of the packed tarball, as each kind of project's compiler reads them: what may be
// written compiles, what may not does not, and the types hold without help from skipLibCheck, the
// DOM's or Node's types, or a lib that is newer than es2022.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { NODE, ROOT, TSC } from "../../scripts/toolchain.mjs";
import { Project } from "./install.ts";

const TIMEOUT_MS = 60_000;
const USE = join(ROOT, "tests", "package", "use");
const README = readFileSync(join(ROOT, "pkg", "README.md"), "utf8");
// Those that need nothing but this package.
const EXAMPLES = [...README.matchAll(/^```ts\n(.*?)^```$/gms)]
  .map(([, text = ""]) => text)
  .filter((text) => !/ from "(?!edge-credits)/.test(text));

const STRICT = {
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: "es2022",
  lib: ["es2022"],
  types: [],
};
/** How projects find packages, and how their files then end. */
const PROJECTS = {
  "node16, ES modules": { ending: "mts", options: { module: "node16" } },
  "node16, CommonJS": { ending: "cts", options: { module: "node16" } },
  bundler: { ending: "ts", options: { module: "esnext", moduleResolution: "bundler" } },
  "bundler, the newest lib and the DOM": {
    ending: "ts",
    options: { module: "esnext", moduleResolution: "bundler", lib: ["esnext", "dom"] },
  },
  "node10, CommonJS": { ending: "ts", options: { module: "commonjs", moduleResolution: "node10" } },
};

describe("the packed types", () => {
  let project: Project;
  before(() => {
    project = new Project();
    symlinkSync(join(ROOT, "node_modules", "@types"), join(project.dir, "node_modules", "@types"));
  });
  after(() => project?.remove());

  /** Compiles files of the project; gives what the compiler has to say. */
  async function compile(texts: Record<string, string>, options: object): Promise<string> {
    for (const [name, text] of Object.entries(texts)) project.write(name, text);
    const config = { compilerOptions: { ...STRICT, ...options }, files: Object.keys(texts) };
    project.write("tsconfig.json", JSON.stringify(config));
    const done = promisify(execFile)(NODE, [TSC, "-p", project.dir], { timeout: TIMEOUT_MS });
    return done.then(
      ({ stdout }) => stdout,
      (error) => error.stdout || error.message,
    );
  }

  /** A file that takes all that an entry has. */
  function everyEntry(): string {
    const manifest = join(project.dir, "node_modules", "edge-credits", "package.json");
    const { exports } = JSON.parse(readFileSync(manifest, "utf8"));
    const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
    assert.ok(entries.length >= 6);
    return entries
      .map((entry, index) => `export * as entry${index} from "edge-credits${entry.slice(1)}";\n`)
      .join("");
  }

  for (const [name, { ending, options }] of Object.entries(PROJECTS)) {
    test(`hold for ${name}`, async () => {
      const texts = { [`every.${ending}`]: everyEntry() };
      for (const file of readdirSync(USE))
        texts[file.replace(/ts$/, ending)] = readFileSync(join(USE, file), "utf8");
      assert.equal(await compile(texts, options), "");
    });
  }

  test("compile the examples of the README in each of them", async () => {
    assert.ok(EXAMPLES.length >= 13);
    for (const { ending, options } of Object.values(PROJECTS)) {
      const texts = EXAMPLES.map((text, index) => {
        // CommonJS takes no await outside of a function, and a function has no exports.
        const [, imports, program] = /^((?:import [^\n]*\n)+)(.*)$/s.exec(text) ?? [];
        const inFunction = `${imports}export async function example() {${program?.replaceAll(/^export /gm, "")}}\n`;
        return [`example${index}.${ending}`, inFunction];
      });
      // Node's own types are not made for a strict check of the lib.
      const withNode = { ...options, types: ["node"], skipLibCheck: true };
      assert.equal(await compile(Object.fromEntries(texts), withNode), "");
    }
  });

  test("say so when what is wrong compiles, or what is right does not", async () => {
    const wrong = `import { CreditEngine } from "edge-credits";
// @ts-expect-error it is right
new CreditEngine({ apiKey: "ce_test_x", mode: "stateless" });
new CreditEngine({ apiKey: "ce_test_x", mode: "persistent" });
`;
    const said = await compile({ "wrong-use.mts": wrong }, { module: "node16" });
    assert.match(said, /\(2,1\): error TS2578[\s\S]*\(4,41\): error TS2322/);
  });
});
