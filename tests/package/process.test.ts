// What calls leave behind in a process: no timer, no open call, no unhandled rejection, no memory.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Project } from "./install.ts";
import { CHARGED, ScriptedServer } from "./server.ts";

const CALLS = 100_000;
const MEMORY_DEADLINE_MS = 280_000;

describe("a process", () => {
  let server: ScriptedServer;
  let project: Project;

  before(async () => {
    server = await ScriptedServer.start();
    project = new Project();
  });
  after(async () => {
    project?.remove();
    await server?.end();
  });

  // biome-ignore lint/suspicious/noExplicitAny: what the script prints
  async function run(script: string, timeout = 55_000): Promise<any> {
    const path = project.write(
      "script.mjs",
      `import { CreditEngine } from "edge-credits";
      const options = { apiKey: "ce_live_x", baseUrl: process.argv[2] };
      ${script}`,
    );
    const args = ["--expose-gc", path, server.url];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: project.dir,
      timeout,
    });
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  }

  test("ends by itself after its last call, however the calls ended", async () => {
    server.play({ status: 503 }, "cut", CHARGED, { status: 402 }, "hang");
    const started = performance.now();
    const left = await run(`
      const engine = new CreditEngine({ ...options, timeoutMs: 60_000 });
      const ends = [];
      const call = (options) =>
        engine.consume("a", 1, undefined, options).then(
          ({ success }) => ends.push(success),
          ({ name }) => ends.push(name),
        );
      await call();
      await call();
      await call({ timeoutMs: 100 });
      await call({ signal: AbortSignal.abort() });
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 50);
      await call({ signal: stop.signal });
      const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
      console.log(JSON.stringify({ ends, timers }));`);
    const ends = [true, "CreditEngineError", "TimeoutError", "AbortError", "AbortError"];
    assert.deepEqual(left, { ends, timers: [] });
    // A timer that is left behind would take a minute.
    assert.ok(performance.now() - started < 50_000);
  });

  test("has no unhandled rejection, also of what comes after the end", async () => {
    const unhandled = await run(`
      let count = 0;
      process.on("unhandledRejection", () => { count += 1; });
      const later = (ms, value) => new Promise((_, reject) => setTimeout(reject, ms, value));
      const late = { status: 200, headers: new Headers(), text: () => later(100, "late text") };
      for (const fetch of [() => later(100, "late"), async () => late, () => { throw 1; }]) {
        for (const more of [{ timeoutMs: 20 }, { signal: AbortSignal.timeout(20) }]) {
          const engine = new CreditEngine({
            ...options, fetch, maxRetries: 0, gracefulDegradation: { maxCredits: 2 },
          });
          await engine.consume("a", 1, undefined, more).catch(() => {});
          await engine.getBalance("a", more).catch(() => {});
          await engine.estimate({ service: "a", action: "b" }, more).catch(() => {});
          await engine.destroy().catch(() => {});
        }
      }
      const failing = new CreditEngine({ ...options, apiKey: () => later(100, "late key") });
      await failing.getBalance("a", { timeoutMs: 20 }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 300));
      console.log(count);`);
    assert.equal(unhandled, 0);
  });

  test(`has the same memory after ${CALLS} calls`, async (t) => {
    server.play(CHARGED);
    const { start, end, calls } = await run(
      `
      const memories = [];
      const Instance = WebAssembly.Instance;
      WebAssembly.Instance = function (...args) {
        const made = new Instance(...args);
        memories.push(made.exports.memory);
        return made;
      };
      const answer = ${JSON.stringify(JSON.stringify(CHARGED.body))};
      // Most calls need no network to be what they are: a fiftieth goes over it.
      let calls = 0;
      const fetch = (url, init) =>
        calls++ % 50 === 0 ? globalThis.fetch(url, init) : Promise.resolve(new Response(answer));
      const engine = new CreditEngine({ ...options, fetch, gracefulDegradation: true });
      const { signal } = new AbortController();
      const work = async (count) => {
        for (let done = 0; done < count; done += 1) {
          await engine.consume("cus_" + done, 0.3, "words", { metadata: { done }, signal });
        }
      };
      const measure = async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        gc();
        gc();
        const { heapUsed } = process.memoryUsage();
        return { heapUsed, wasm: memories.at(-1).buffer.byteLength, instances: memories.length };
      };
      const all = (count) => Promise.all(Array.from({ length: 20 }, () => work(count / 20)));
      await all(${CALLS / 10});
      const start = await measure();
      await all(${CALLS});
      console.log(JSON.stringify({ start, end: await measure(), calls }));`,
      MEMORY_DEADLINE_MS,
    );
    t.diagnostic(`heap ${start.heapUsed} to ${end.heapUsed} bytes, wasm ${end.wasm} bytes`);
    assert.equal(calls, CALLS + CALLS / 10);
    assert.deepEqual([end.wasm, end.instances], [start.wasm, 1]);
    // Anything kept of each call would be more than 20 bytes.
    assert.ok(end.heapUsed - start.heapUsed < 20 * CALLS, `${end.heapUsed - start.heapUsed}`);
  });
});
