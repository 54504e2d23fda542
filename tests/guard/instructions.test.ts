import assert from "node:assert/strict";
import { test } from "node:test";
import binaryen from "binaryen";
import { COUNTER, countingInstructions } from "./instructions.ts";

/** Adds up the numbers below a number, and twice that if asked to. */
const TEXT = `(module
  (func (export "sum") (param $below i32) (param $twice i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $below)))
        (local.set $below (i32.sub (local.get $below) (i32.const 1)))
        (local.set $sum (i32.add (local.get $sum) (local.get $below)))
        (br $next)))
    (if (local.get $twice)
      (then (local.set $sum (i32.mul (local.get $sum) (i32.const 2)))))
    (local.get $sum))
  (global $there (mut i32) (i32.const 7))
  (func (export "there") (result i32) (global.get $there)))`;

test("every instruction that is executed is counted, and no other; the module does what it did", () => {
  const module = new WebAssembly.Module(
    countingInstructions(binaryen.parseText(TEXT).emitBinary()),
  );
  const exports = new WebAssembly.Instance(module).exports as unknown as {
    sum: (below: number, twice: number) => number;
    there: () => number;
    [COUNTER]: { value: bigint };
  };
  const counted = (work: () => number): [number, number] => {
    exports[COUNTER].value = 0n;
    return [work(), Number(exports[COUNTER].value)];
  };
  // A round is 3 instructions to look, 9 to do and to go on; the end is 3, and 2 for `if`, and
  // the result.
  for (const below of [0, 1, 10, 1_000]) {
    const sum = Math.max(0, (below * (below - 1)) / 2);
    assert.deepEqual(
      counted(() => exports.sum(below, 0)),
      [sum, below * 12 + 3 + 2 + 1],
    );
    assert.deepEqual(
      counted(() => exports.sum(below, 1)),
      [2 * sum, below * 12 + 3 + 2 + 4 + 1],
    );
  }
  assert.deepEqual(
    counted(() => exports.there()),
    [7, 1],
  );
});
