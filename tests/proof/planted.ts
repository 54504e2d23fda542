// The built engine with panics planted in it: certain commands trap, by the instruction that a
// panic ends in. It is the very wasm that is released, patched in a copy; nothing that could
// trap this way is ever in a build.

import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { WORKER_WASM } from "../../scripts/build.mjs";

/** Texts that trap, by where. Each is as long as the number that it is compared as. */
export const PLANTED = {
  /** While the front reads the request. */
  front: "!front!!",
  /** In the object, before the command was looked at. */
  before: "!before!",
  /** In the object, after its entry was written and before that was committed. */
  written: "!written",
};

/** Writes the engine with its traps to a file. */
export function plantPanics(target: string): void {
  const module = binaryen.readBinary(readFileSync(WORKER_WASM));
  // begin(task, head, its length, body, its length, now) and ledger_call(handle, message, its
  // length, now); execute(sql, its length, text, its length) is imported.
  wrapExport(module, "begin", trap(module, PLANTED.front, 3));
  wrapExport(module, "ledger_call", trap(module, PLANTED.before, 1));
  const after = trap(module, PLANTED.written, 2);
  wrapImport(module, /^__wbg_execute_/, after);
  addSearch(module);
  if (!module.validate()) throw new Error("the planted engine is no good module");
  writeFileSync(target, module.emitBinary());
}

type Module = ReturnType<typeof binaryen.readBinary>;

/** Traps if the text, whose pointer is the parameter of that number, contains the marker. */
function trap(module: Module, marker: string, parameter: number): number {
  const bytes = Buffer.from(marker);
  const wanted = module.i64.const(bytes.readBigUInt64LE());
  const text = [parameter, parameter + 1].map((n) => module.local.get(n, binaryen.i32));
  const found = module.call("planted_search", [...text, wanted], binaryen.i32);
  return module.if(found, module.unreachable());
}

/** planted_search(text, length, wanted): whether 8 bytes of the text are the wanted ones. */
function addSearch(module: Module): void {
  const { i32, i64 } = binaryen;
  const at = () => module.local.get(0, i32);
  const left = () => module.local.get(1, i32);
  const step = module.block(null, [
    module.if(module.i32.lt_s(left(), module.i32.const(8)), module.return(module.i32.const(0))),
    module.if(
      module.i64.eq(module.i64.load(0, 1, at()), module.local.get(2, i64)),
      module.return(module.i32.const(1)),
    ),
    module.local.set(0, module.i32.add(at(), module.i32.const(1))),
    module.local.set(1, module.i32.sub(left(), module.i32.const(1))),
    module.br("search"),
  ]);
  const body = module.block(null, [module.loop("search", step), module.i32.const(0)], binaryen.i32);
  module.addFunction("planted_search", binaryen.createType([i32, i32, i64]), i32, [], body);
}

function parametersOf(module: Module, types: number[]): number[] {
  return types.map((type, n) => module.local.get(n, type));
}

function wrapExport(module: Module, name: string, first: number): void {
  const { value } = binaryen.getExportInfo(module.getExport(name));
  if (value === null) throw new Error(`${name} is not exported`);
  const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
  const call = module.call(value, parametersOf(module, binaryen.expandType(params)), results);
  const wrapped = `planted_${name}`;
  module.addFunction(wrapped, params, results, [], module.block(null, [first, call], results));
  module.removeExport(name);
  module.addFunctionExport(wrapped, name);
}

/** Puts a function of the engine's own in the place of an import, which it calls. */
function wrapImport(module: Module, base: RegExp, then: number): void {
  for (let n = 0; n < module.getNumFunctions(); n += 1) {
    const known = binaryen.getFunctionInfo(module.getFunctionByIndex(n));
    const { name, params, results, module: from, base: word } = known;
    if (!from || !word || !base.test(word)) continue;
    if (results !== binaryen.none) throw new Error(`${word} gives something`);
    module.removeFunction(name);
    module.addFunctionImport("planted_import", from, word, params, results);
    const passed = parametersOf(module, binaryen.expandType(params));
    const call = module.call("planted_import", passed, results);
    module.addFunction(name, params, results, [], module.block(null, [call, then]));
    return;
  }
  throw new Error("the import is not there");
}
