// What tools that look for mistakes in packages say of the tarball: nothing.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import { NODE } from "../../scripts/toolchain.mjs";
import { Project } from "./install.ts";

const TIMEOUT_MS = 120_000;
const WAYS = ["node10", "node16-cjs", "node16-esm", "bundler"];
const BIN = join(RUNTIMES_DIR, "node_modules", ".bin");

describe("the packed tarball", () => {
  let project: Project;
  before(() => {
    project = new Project();
  });
  after(() => project?.remove());

  async function run(tool: string, args: string[]): Promise<string> {
    const options = { cwd: project.dir, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 };
    const command = [join(BIN, tool), project.tarball, ...args];
    const said = await promisify(execFile)(NODE, command, options).then(
      ({ stdout }) => stdout,
      // Its exit code says that it found something; what it found is in what it printed.
      (error) => error.stdout || error.message,
    );
    // Where CI is set in the environment, tools colour what they print to a pipe too.
    return stripVTControlCharacters(said);
  }

  test("publint has nothing to say", async () => {
    const said = await run("publint", ["--strict"]);
    assert.equal(said.trim().split("\n").at(-1), "All good!", said);
  });

  test("arethetypeswrong has nothing to say, of every entry and way of resolving it", async () => {
    const said = await run("attw", ["--format", "json"]);
    const { analysis } = JSON.parse(said);
    assert.deepEqual(analysis.problems, []);
    const manifest = join(project.dir, "node_modules", "edge-credits", "package.json");
    const { exports } = JSON.parse(readFileSync(manifest, "utf8"));
    assert.deepEqual(Object.keys(analysis.entrypoints).sort(), Object.keys(exports).sort());
    for (const [entry, { resolutions }] of Object.entries<{ resolutions: object }>(
      analysis.entrypoints,
    ))
      assert.deepEqual(Object.keys(resolutions), WAYS, entry);
  });
});
