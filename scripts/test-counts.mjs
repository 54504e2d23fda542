// Reads from a test runner's output how many tests passed and failed.

/** @typedef {{ passed: number, failed: number }} Counts */

// cargo test and the wasm-bindgen test runner print one such line per test program.
const CARGO = /^test result: \w+\. (\d+) passed; (\d+) failed/gm;
// node --test prints one line for each; `#` and `ℹ` are its two reporters' marks.
const NODE_PASSED = /^(?:#|ℹ) pass (\d+)$/gm;
const NODE_FAILED = /^(?:#|ℹ) (?:fail|cancelled) (\d+)$/gm;
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour is made of
const COLOUR = /\x1b\[[0-9;]*m/g;

/**
 * @param {string} output
 * @returns {Counts}
 */
export function countTests(output) {
  const text = output.replace(COLOUR, "");
  let counts = { passed: 0, failed: 0 };
  for (const [, passed, failed] of text.matchAll(CARGO)) {
    counts = addCounts(counts, { passed: Number(passed), failed: Number(failed) });
  }
  for (const [, passed] of text.matchAll(NODE_PASSED)) counts.passed += Number(passed);
  for (const [, failed] of text.matchAll(NODE_FAILED)) counts.failed += Number(failed);
  return counts;
}

/**
 * @param {Counts} a
 * @param {Counts} b
 * @returns {Counts}
 */
export function addCounts(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}
