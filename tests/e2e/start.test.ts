// `npm start` as a user meets it: wrangler's own runtime, the demo, and the three commands
// that it prints, pasted into a shell.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../../scripts/process.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** A start that has nothing left to install or build. */
const SECOND_START_MS = 15_000;
const DEADLINE_MS = 250_000;

const dataDir = mkdtempSync(join(tmpdir(), "edge-credits-start-"));
let port: number;
let running: ChildProcess | undefined;

before(async () => {
  // The demo's origin takes the next one.
  port = await freePort(1);
});
after(async () => {
  await stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const environment = () => ({
  ...process.env,
  PORT: String(port),
  DATA_DIR: dataDir,
  ADMIN_TOKEN: "operator",
});

/** Starts it and gives the commands that it prints, once it has printed them all. */
async function start(): Promise<string[]> {
  const env = environment();
  running = spawn("npm", ["start"], { cwd: ROOT, env, detached: true });
  let printed = "";
  const commands = () => printed.split("\n").filter((line) => line.startsWith("curl "));
  await new Promise<void>((resolve, reject) => {
    const late = () => reject(new Error(`not ready in time:\n${printed}`));
    const timer = setTimeout(late, DEADLINE_MS);
    const read = (chunk: Buffer) => {
      printed += chunk;
      if (commands().length < 3 || !printed.endsWith("\n")) return;
      clearTimeout(timer);
      resolve();
    };
    running?.stdout?.on("data", read);
    running?.stderr?.on("data", read);
    running?.once("exit", (code) => reject(new Error(`ended with ${code}:\n${printed}`)));
  });
  return commands();
}

/** Ctrl-C, as a terminal sends it: to the whole group. */
async function stop(): Promise<void> {
  const child = running;
  running = undefined;
  if (child?.pid === undefined || child.exitCode !== null) return;
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGINT");
  await ended;
}

const paste = (command: string | undefined): string =>
  execFileSync("sh", ["-c", `${command} --max-time 20`], { encoding: "utf8" });

test("a port that is in use is told at once, with what to do about it", async () => {
  for (const taken of [port, port + 1]) {
    const other = createServer().listen(taken, "127.0.0.1");
    await once(other, "listening");
    const options = { cwd: ROOT, env: environment(), encoding: "utf8", timeout: 60_000 } as const;
    const { status, stderr } = spawnSync("npm", ["start"], options);
    other.close();
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`port ${taken} on 127\\.0\\.0\\.1 is in use\\. Set PORT`));
  }
});

test("npm start ends with three commands that work when pasted", async () => {
  const [balance, consume, gated] = await start();
  assert.equal(JSON.parse(paste(balance)).balance, 100);
  assert.equal(JSON.parse(paste(consume)).balance, 99.7);
  const answer = paste(gated);
  assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(answer, /^X-Credits-Remaining: 97\.2\r$/im);
});

test("a second start is ready soon and keeps the data", async (t) => {
  const took: number[] = [];
  // What holds up one of three is the machine.
  while (took.length < 3 && !(Math.min(...took) < SECOND_START_MS)) {
    await stop();
    const began = performance.now();
    const [balance] = await start();
    took.push(performance.now() - began);
    assert.equal(JSON.parse(paste(balance)).balance, 97.2);
  }
  t.diagnostic(`${took.map(Math.round).join(", ")} ms`);
  assert.ok(Math.min(...took) < SECOND_START_MS, `${took} ms`);
});
