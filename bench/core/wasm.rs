//! The cases as wasm that a test can call by number: `tests/guard/core.test.ts`
//! counts the instructions that each takes.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic)]

mod cases;

use std::cell::RefCell;

use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static PREPARED: RefCell<Option<cases::Run>> = const { RefCell::new(None) };
}

/// A character of a case's name; 0 past its end, and of a case that there is
/// not.
#[wasm_bindgen]
pub fn name_at(case: usize, at: usize) -> u8 {
    cases::CASES.get(case).and_then(|(name, _)| name.as_bytes().get(at)).copied().unwrap_or_default()
}

/// Prepares a case.
#[wasm_bindgen]
pub fn prepare(case: usize) {
    let run = cases::CASES.get(case).map(|(_, prepare)| prepare());
    PREPARED.set(run);
}

/// Runs the prepared case once.
#[wasm_bindgen]
pub fn run() {
    PREPARED.with_borrow_mut(|prepared| prepared.as_mut().unwrap()());
}
