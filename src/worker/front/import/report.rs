//! What an import tells its caller, line by line.

use serde::Serialize;

use super::row::Failure;
use crate::json;
use crate::worker::sort::sorted;

/// Rows that are reported one by one. A caller may send all before it reads
/// anything, so a report must fit where the network keeps what is not read.
const MAX_REPORTED: u64 = 1_000;

/// What was done so far, and what of it is still to be told.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Lines that were read, blank ones too.
    pub(super) lines: u64,
    /// Lines that were not blank.
    pub(super) rows: u64,
    pub(super) imported: u64,
    pub(super) replayed: u64,
    failed: u64,
    /// Lines of the report that were not handed over yet.
    untold: Vec<Failure>,
}

#[derive(Serialize)]
struct Progress {
    #[serde(rename = "type")]
    kind: &'static str,
    lines: u64,
    imported: u64,
    replayed: u64,
    failed: u64,
}

#[derive(Serialize)]
struct Summary {
    #[serde(flatten)]
    progress: Progress,
    complete: bool,
    next_line: Option<u64>,
    unreported: u64,
}

impl Report {
    /// Takes a row that was not imported.
    pub(super) fn failed(&mut self, failure: Failure) {
        self.failed = self.failed.saturating_add(1);
        if self.failed <= MAX_REPORTED {
            self.untold.push(failure);
        }
    }

    /// The errors since the last time, in the order of their lines, and how
    /// far it is.
    pub(super) fn progress(&mut self) -> String {
        let progress = self.counts("progress");
        self.lines_with(&progress)
    }

    /// The last errors and the end. An import that is not complete goes on,
    /// in another request, with the line after the last.
    pub(super) fn summary(&mut self, complete: bool) -> String {
        let summary = Summary {
            progress: self.counts("summary"),
            complete,
            next_line: (!complete).then(|| self.lines.saturating_add(1)),
            unreported: self.failed.saturating_sub(MAX_REPORTED),
        };
        self.lines_with(&summary)
    }

    fn counts(&self, kind: &'static str) -> Progress {
        let Self { lines, imported, replayed, failed, .. } = *self;
        Progress { kind, lines, imported, replayed, failed }
    }

    fn lines_with(&mut self, last: &impl Serialize) -> String {
        let untold = std::mem::take(&mut self.untold);
        let untold = sorted(untold, |one, other| one.line().cmp(&other.line()));
        let errors = untold.iter().map(line);
        errors.chain([line(last)]).collect()
    }
}

fn line(value: &impl Serialize) -> String {
    json::write(value) + "\n"
}
