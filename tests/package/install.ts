// The package as a user gets it: packed into a tarball and unpacked into a project's
// node_modules. No test here ever imports from the source folder.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe } from "node:test";
import { pathToFileURL } from "node:url";
import { PACKAGE_DIR } from "../../scripts/package.mjs";
import { RUNTIMES_DIR } from "../../scripts/setup-runtimes.mjs";
import { toolEnv } from "../../scripts/toolchain.mjs";

// biome-ignore lint/suspicious/noExplicitAny: the package's types are tested by themselves, against its d.ts
export type Package = any;

export class Project {
  readonly dir: string;
  /** The tarball that it was installed from. */
  readonly tarball: string;

  /** A folder with the package installed from its tarball, as `npm install <tarball>` leaves it. */
  constructor(parent = tmpdir()) {
    this.dir = mkdtempSync(join(parent, "edge-credits-project-"));
    const pack = ["pack", "--ignore-scripts", "--json", "--pack-destination", this.dir];
    const options = { cwd: PACKAGE_DIR, env: toolEnv(), encoding: "utf8" } as const;
    const [{ filename }] = JSON.parse(execFileSync("npm", pack, options));
    const target = join(this.dir, "node_modules", "edge-credits");
    mkdirSync(target, { recursive: true });
    this.tarball = join(this.dir, filename);
    execFileSync("tar", ["xzf", this.tarball, "-C", target, "--strip-components=1"]);
    writeFileSync(join(this.dir, "package.json"), '{"name":"user","private":true}');
  }

  /** Installs packages that the tests have, by a link. */
  link(...names: string[]): void {
    for (const name of names) {
      const path = join(this.dir, "node_modules", name);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(join(RUNTIMES_DIR, "node_modules", name), path);
    }
  }

  /** Writes a file of the user's. */
  write(name: string, text: string): string {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Imports the package or one of its subpaths as an ES module of this project would. */
  async import(name = "edge-credits"): Promise<Package> {
    const path = this.write(`import-${name.replaceAll("/", "-")}.mjs`, `export * from "${name}";`);
    return import(pathToFileURL(path).href);
  }

  /** Requires the package as a CommonJS file of this project would. */
  require(name = "edge-credits"): Package {
    return createRequire(join(this.dir, "any.cjs"))(name);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * Runs tests twice: on a subpath as an ES module imports it, and on its CommonJS build, which is
 * asked for by its path, since a Node that can require an ES module would take that one.
 */
export function eachFormat(
  entry: string,
  project: () => Project,
  tests: (format: { name: string; get: () => Promise<Package> }) => void,
): void {
  const dist = `./node_modules/edge-credits/dist/${entry}.cjs`;
  const formats = {
    esm: () => project().import(`edge-credits/${entry}`),
    cjs: async () => project().require(dist),
  };
  for (const [name, get] of Object.entries(formats)) {
    describe(name, () => tests({ name, get }));
  }
}
