// The documents keep their word: the commands of README.md and of those in RUN answer what is
// shown, and what the documents name is there.
//
// An `sh` block that calls curl, or that only sets variables, is run; the `json` or `http`
// block after it is its answer. Ids, keys and times are compared by their shape.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { demoCommands, makeDemo } from "../../scripts/demo.mjs";
import { startDemoOrigin } from "../../scripts/demo-origin.mjs";
import { ROOT } from "../../scripts/toolchain.mjs";
import { ADMIN_TOKEN, Engine, type Json } from "./engine.ts";

const ENGINE_URL = "http://127.0.0.1:8787";
const ORIGIN_URL = "http://127.0.0.1:8788";
const END_OF_STEP = "----- end of step -----";
const DEADLINE_MS = 60_000;

/** What differs from run to run, by its shape; a shown one may end in an ellipsis. */
const VOLATILE = [
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  /^txn_[0-9A-Za-z]+$/,
  /^[0-9a-f]{64}$/,
  /^grant_[0-9A-Za-z]+$/,
  /^key_[0-9A-Za-z]+$/,
  /^req_[0-9a-z]+$/,
  /^ce_live_[0-9A-Za-z]+$/,
  /^ce_test_[0-9A-Za-z]+$/,
  /^ck_test_[0-9A-Za-z]+$/,
];
/** Documents whose commands are run, each in a shell of its own. */
const RUN = ["README.md", "docs/plans.md", "docs/compatibility.md"];
/** Headers that count seconds: they are there. */
const COUNTING = ["ratelimit", "retry-after"];
/** What the transport adds, and one server otherwise than another. */
const FRAMING = ["date", "content-length", "transfer-encoding"];

interface Step {
  command: string;
  /** What follows it, if an answer does. */
  answer?: { kind: "json" | "http"; text: string };
}

interface HttpAnswer {
  status: string;
  headers: Headers;
  body: Json;
}

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const documents = execFileSync("git", ["ls-files", "--cached", "--others", "*.md"], {
  cwd: ROOT,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && !path.split("/").includes("node_modules"));
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

function steps(document: string): Step[] {
  const blocks = [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const found: Step[] = [];
  for (const [, language, text = ""] of blocks) {
    const last = found.at(-1);
    const setsVariables = text
      .trim()
      .split("\n")
      .every((line) => /^([A-Z]+=|\. \.data)/.test(line));
    const isService = text.includes("npm ") || text.includes("wrangler");
    if (language === "sh" && !isService && (text.includes("curl ") || setsVariables)) {
      found.push({ command: text });
    } else if ((language === "json" || language === "http") && last && !last.answer) {
      last.answer = { kind: language, text };
    }
  }
  return found;
}

function readHttp(text: string): HttpAnswer {
  const [head = "", body = ""] = text.replaceAll("\r", "").split(/\n\n(.*)/s);
  const [status = "", ...lines] = head.split("\n");
  const pairs = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string];
  });
  return { status, headers: new Headers(pairs), body: JSON.parse(body) };
}

function compare(shown: Json, real: Json, where: string): void {
  if (typeof shown === "string" && typeof real === "string") {
    const text = shown.replace(/…$/, "");
    const shape = VOLATILE.find((pattern) => pattern.test(text));
    if (shape) assert.match(real, shape, where);
    else assert.equal(real, shown, where);
  } else if (typeof shown === "object" && shown !== null) {
    assert.deepEqual(Object.keys(real ?? {}), Object.keys(shown), where);
    for (const key of Object.keys(shown)) compare(shown[key], real[key], `${where}.${key}`);
  } else assert.equal(real, shown, where);
}

function compareHttp(shown: HttpAnswer, real: HttpAnswer, where: string): void {
  assert.equal(real.status, shown.status, where);
  for (const [name, value] of shown.headers) {
    if (FRAMING.includes(name)) continue;
    if (COUNTING.includes(name)) assert.ok(real.headers.has(name), `${where} ${name}`);
    else compare(value, real.headers.get(name), `${where} ${name}`);
  }
  compare(shown.body, real.body, where);
}

let engine: Engine;
let origin: Awaited<ReturnType<typeof startDemoOrigin>>;
let originUrl: string;
let demoKey: string;

before(async () => {
  engine = await Engine.start();
  origin = await startDemoOrigin(0);
  const address = origin.address();
  assert.ok(address !== null && typeof address === "object");
  originUrl = `http://127.0.0.1:${address.port}`;
  // As `npm start` lays it out: a user's shell stands in the folder above.
  const dataDir = join(engine.dataDir, ".data");
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, "secrets.env"), `ADMIN_TOKEN='${ADMIN_TOKEN}'\n`);
  demoKey = await makeDemo({ url: engine.url, dataDir, operatorToken: ADMIN_TOKEN, originUrl });
});
after(async () => {
  origin.closeAllConnections();
  origin.close();
  await engine.end();
});

for (const path of RUN)
  test(`the commands of ${path} answer what it shows`, { skip: !hasCurl && "no curl" }, () =>
    runs(path),
  );

async function runs(path: string): Promise<void> {
  const all = steps(read(path));
  const examples = all.filter((step) => step.answer).length;
  assert.ok(examples >= 9, `${path} has its examples`);
  const real = (text: string) =>
    text.replaceAll(ENGINE_URL, engine.url).replaceAll(ORIGIN_URL, originUrl);
  const script = all.map((step) => `${real(step.command)}\necho\necho '${END_OF_STEP}'\n`).join("");
  const { stdout } = await promisify(execFile)("sh", ["-eu", "-c", script], {
    cwd: engine.dataDir,
    timeout: DEADLINE_MS,
  });
  const answers = stdout.split(END_OF_STEP);
  for (const [index, { command, answer }] of all.entries()) {
    const got = (answers[index] ?? "").trim();
    if (answer === undefined) assert.equal(got, "", `an answer that is not shown: ${command}`);
    else if (answer.kind === "json")
      compare(JSON.parse(real(answer.text)), JSON.parse(got), command);
    else compareHttp(readHttp(answer.text), readHttp(got), command);
  }
}

test("the README's first three commands are those that npm start prints", () => {
  const shown = steps(read("README.md"))
    .filter((step) => step.answer)
    .slice(0, 3)
    .map(({ command }) =>
      command
        .replaceAll("\\\n  ", "")
        .trim()
        .replace('"Authorization: Bearer $KEY"', `'Authorization: Bearer ${demoKey}'`)
        .replace("$URL", engine.url),
    );
  const printed = demoCommands(engine.url, demoKey).map(([, command]) => command);
  assert.deepEqual(shown, printed);
});

/** A heading's anchor, as it is made from its words. */
function anchor(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

/** What a link into a document can name: its headings, the second of a name with a number. */
function anchors(document: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ""] of document.matchAll(/^#+ (.+)$/gm)) {
    const name = anchor(heading);
    let unique = name;
    for (let count = 1; found.has(unique); count += 1) unique = `${name}-${count}`;
    found.add(unique);
  }
  for (const [, id = ""] of document.matchAll(/<a id="([^"]+)">/g)) found.add(id);
  return found;
}

test("every link of the documents leads somewhere", () => {
  assert.ok(documents.includes("README.md") && documents.includes("docs/architecture.md"));
  for (const path of documents) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file = "", fragment] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      assert.ok(existsSync(join(ROOT, target)), `${path}: ${link}`);
      if (fragment === undefined) continue;
      assert.ok(anchors(read(target)).has(fragment), `${path}: ${link}`);
    }
  }
});

test("every command and file that the documents name is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  for (const path of documents) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, run, plain] of text.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g))
      assert.ok(scripts[run ?? plain ?? ""], `${path}: npm ${run ?? plain}`);
    for (const [, file = ""] of text.matchAll(/`((?:src|scripts|tests|bench|docs)\/[\w./-]*)`/g))
      assert.ok(existsSync(join(ROOT, file)), `${path}: ${file}`);
    for (const [, file = ""] of text.matchAll(/`((?:front|shell)\/[\w.]+)`/g))
      assert.ok(existsSync(join(ROOT, "src/worker", file)), `${path}: ${file}`);
  }
});

test("every line of the log that is explained can be logged, and every one is explained", () => {
  const operations = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const [, table = ""] = operations.split("## What the log says");
  const explained = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, line = ""]) => line);
  const files = execFileSync("git", ["ls-files", "src/worker"], { cwd: ROOT, encoding: "utf8" });
  const source = files
    .trim()
    .split("\n")
    .map((path) => readFileSync(join(ROOT, path), "utf8"))
    .join("\n");
  for (const line of explained) assert.ok(source.includes(line), `nobody logs: ${line}`);
  const logged = source.matchAll(/(?:console\.\w+|platform_log)\(\s*&?(?:format!\()?["`]([^"`]*)/g);
  for (const [, line = ""] of logged) {
    // A request's own failure begins with its id.
    if (/^\$\{requestId\}/.test(line)) continue;
    assert.ok(
      explained.some((known) => line.startsWith(known)),
      `not explained: ${line}`,
    );
  }
});
