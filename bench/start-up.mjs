// What starting the Worker takes: workerd from the start of its process to the first answer,
// with our bundle, with a Worker that is next to nothing, and with one that is nothing but our
// bindings, in turn. And as a stand-in for what an isolate does on the edge, compiling and
// instantiating the engine in V8 alone.

import { readFileSync } from "node:fs";
import { WORKER_WASM } from "../scripts/build.mjs";
import { run } from "../scripts/process.mjs";
import { NODE } from "../scripts/toolchain.mjs";
import { BOUND, EMPTY, OURS } from "./contenders.mjs";
import { median } from "./report.mjs";
import { chooseStorages, freshDirectory } from "./storage.mjs";

const SAMPLES_PER_ROUND = 4;

/** Runs in a Node of its own, so that each sample compiles anew. */
const COMPILE = `
  const bytes = require("node:fs").readFileSync(process.argv[1]);
  const imports = {};
  const started = performance.now();
  const module = new WebAssembly.Module(bytes);
  const compiled = performance.now();
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => 0;
  }
  const linked = performance.now();
  new WebAssembly.Instance(module, imports);
  const instantiated = performance.now();
  console.log(JSON.stringify([compiled - started, instantiated - linked]));
`;

/** @param {import("./options.mjs").Options} options */
export async function measureStartUp({ rounds }) {
  const [storage] = chooseStorages({ tmpfs: true, disk: false });
  if (!storage) throw new Error("there is no storage");
  /** @type {Record<"empty" | "bound" | "ours", number[]>} */
  const samples = { empty: [], bound: [], ours: [] };
  const compile = /** @type {number[]} */ ([]);
  const instantiate = /** @type {number[]} */ ([]);
  for (let sample = 0; sample < rounds * SAMPLES_PER_ROUND; sample += 1) {
    for (const [who, contender] of /** @type {const} */ ([
      ["empty", EMPTY],
      ["bound", BOUND],
      ["ours", OURS],
    ])) {
      const directory = freshDirectory(storage);
      const server = await contender.start(directory.path, {});
      samples[who].push(server.readyMs);
      await server.kill();
      directory.dispose();
    }
    const [compiled, instantiated] = JSON.parse(await run(NODE, ["-e", COMPILE, WORKER_WASM]));
    compile.push(compiled);
    instantiate.push(instantiated);
  }
  const result = {
    samples: samples.ours.length,
    wasm_bytes: readFileSync(WORKER_WASM).length,
    workerd_ours_ms: median(samples.ours),
    workerd_empty_ms: median(samples.empty),
    workerd_bound_ms: median(samples.bound),
    compile_ms: median(compile),
    instantiate_ms: median(instantiate),
  };
  const { workerd_ours_ms: ours, workerd_empty_ms: empty, workerd_bound_ms: bound } = result;
  console.log(
    `workerd, from its start to its first answer: ours ${ours.toFixed(1)} ms, ` +
      `empty ${empty.toFixed(1)} ms, empty with our bindings ${bound.toFixed(1)} ms: ` +
      `${(ours - empty).toFixed(1)} ms more, ${(ours - bound).toFixed(1)} ms of them ours`,
  );
  console.log(
    `node: compile ${result.compile_ms.toFixed(2)} ms, instantiate ${result.instantiate_ms.toFixed(2)} ms`,
  );
  return { result };
}
