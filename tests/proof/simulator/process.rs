//! What an object in memory shares with the world around it.

use std::cell::Cell;

/// What the shell answers with when there is nothing to answer.
pub(crate) const BROKEN: &str = "!broken";

/// A bug of the mailbox or of the ledger that the harness is to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// Answers leave before the commit.
    AnswersEarly,
    /// A commit that fails leaves the memory as it is.
    KeepsMemory,
    /// A charge is done twice now and then, the second time under another key.
    AppliesTwice,
    /// What was written is taken for durable also after a commit that failed.
    TrustsWrites,
    /// A clock that goes back keeps a leader in its place.
    TrustsClock,
}

/// What all objects of a process share.
pub(crate) struct Process {
    pub(crate) clock: Cell<i64>,
    /// Which wasm instance it is.
    pub(crate) generation: Cell<u32>,
    pub(crate) bug: Bug,
    pub(crate) charges: Cell<u32>,
}

/// An answer that leaves the object.
pub(crate) struct Sent {
    pub(crate) ticket: u32,
    pub(crate) reply: String,
    /// How many entries it may tell of.
    pub(crate) seen: usize,
    /// How many there were before its flush.
    pub(crate) known: usize,
}
