// `npm run reference`: the API reference of the npm package, a page for each entry, made of the
// doc comments in pkg/types. What has no comment, or names what is not there, is an error.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ENTRIES, writeTypes } from "./package.mjs";
import { isProgram, runMain } from "./process.mjs";
import { RUNTIMES_DIR } from "./setup-runtimes.mjs";
import { ROOT, UserError } from "./toolchain.mjs";

export const REFERENCE_DIR = join(ROOT, "docs", "api");
const NOTE = `Made of the doc comments in [pkg/types](../../pkg/types) by \`npm run reference\`. How it is
used, [its README](../../pkg/README.md) shows.`;
/** Types that repeat the parts of somebody else's that are used. */
const REPEATED = new Set([
  "HonoContext",
  "ExpressRequest",
  "ExpressResponse",
  "MiddlewareRequest",
  "FetchOptions",
]);
const WORK = join(ROOT, "build", "reference");
const COMPILER_OPTIONS = {
  target: "es2022",
  module: "nodenext",
  lib: ["es2022"],
  types: [],
  strict: true,
  noEmit: true,
};

/**
 * Writes all pages anew.
 * @param {string} out the folder; what was in it goes
 */
export async function writeReference(out) {
  const installed = createRequire(join(RUNTIMES_DIR, "package.json"));
  if (!existsSync(join(RUNTIMES_DIR, "node_modules", "typedoc")))
    throw new UserError("TypeDoc is not installed: run `npm ci` in tests/runtimes");
  const { Application, ReflectionKind } = await import(
    pathToFileURL(installed.resolve("typedoc")).href
  );
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  writeTypes(WORK);
  const tsconfig = join(WORK, "tsconfig.json");
  const files = ENTRIES.map((entry) => `${entry}.d.ts`);
  writeFileSync(join(WORK, "package.json"), '{"type":"module"}');
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }));
  const app = await Application.bootstrapWithPlugins({
    ...OPTIONS,
    plugin: [installed.resolve("typedoc-plugin-markdown")],
    tsconfig,
    basePath: WORK,
    entryPoints: files.map((file) => join(WORK, file)),
    out,
  });
  const project = await app.convert();
  if (!project) throw new UserError("the types do not compile");
  app.validate(project);
  for (const name of undocumented(project, ReflectionKind))
    app.logger.warn(`${name} has no comment`);
  await app.generateOutputs(project);
  const index = join(out, "README.md");
  // An entry is found by what is written in an import, not by its file.
  const named = readFileSync(index, "utf8").replaceAll(/^\| \[(\w+)\]/gm, (_, entry) => {
    return `| [${specifierOf(entry)}]`;
  });
  writeFileSync(index, named.replace("| Module |", "| Import |").replace("## Modules", NOTE));
  if (app.logger.hasErrors() || app.logger.hasWarnings())
    throw new UserError("the reference has warnings: see above");
}

/**
 * What has no comment and needs one. What is in a nested literal, or repeats what somebody else
 * describes, needs none.
 * @param {any} project
 * @param {any} kinds TypeDoc's own names of them
 * @returns {string[]}
 */
function undocumented(project, kinds) {
  const { Class, Interface, TypeAlias, Variable, Property, Accessor, TypeLiteral } = kinds;
  const items = Class | Interface | TypeAlias | Variable | Property | Accessor;
  const calls = kinds.Function | kinds.Method | kinds.Constructor;
  const isOurs = (/** @type {any} */ { parent }) =>
    !parent?.kindOf(TypeLiteral) && !REPEATED.has(parent?.name);
  return project
    .getReflectionsByKind(items | calls)
    .filter(isOurs)
    .flatMap((/** @type {any} */ item) => (item.kindOf(calls) ? item.signatures : [item]))
    .filter((/** @type {any} */ item) => !item.hasComment() && !item.inheritedFrom)
    .map((/** @type {any} */ item) => item.getFullName());
}

/** How an entry is imported. */
function specifierOf(/** @type {string} */ entry) {
  return entry === "index" ? "edge-credits" : `edge-credits/${entry}`;
}

const OPTIONS = {
  name: "edge-credits",
  readme: "none",
  router: "module",
  logLevel: "Warn",
  sort: ["kind", "source-order"],
  sortEntryPoints: false,
  disableSources: true,
  disableGit: true,
  githubPages: false,
  excludeExternals: true,
  excludePrivate: true,
  excludeProtected: true,
  validation: { notExported: true, invalidLink: true, notDocumented: false },
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  pageTitleTemplates: {
    index: "The API of the npm package",
    module: (/** @type {{ name: string }} */ { name }) => specifierOf(name),
  },
  indexFormat: "table",
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeDeclarationFormat: "table",
};

if (isProgram(import.meta)) await runMain(() => writeReference(REFERENCE_DIR));
