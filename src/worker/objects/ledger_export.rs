//! The journal as lines: all that is known of each entry, for a backup and for
//! whoever audits it.

use std::fmt::Write;

use super::ledger::LedgerObject;
use crate::api::{ExportLine, JsonText};
use crate::ledger::Entry;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// A part of a journal as it crosses: a line with both numbers, then the
/// entries' lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPage {
    /// The last entry of the whole export.
    pub until: u64,
    /// The last entry of this part.
    pub sent: u64,
    /// One JSON object per line, each line ended.
    pub lines: String,
}

impl ExportPage {
    /// As the text that crosses.
    pub fn to_text(&self) -> String {
        format!("{} {}\n{}", self.until, self.sent, self.lines)
    }

    /// From the text that crossed; `None` for any other text.
    pub fn from_text(text: &str) -> Option<Self> {
        let (numbers, lines) = text.split_once('\n')?;
        let (until, sent) = numbers.split_once(' ')?;
        Some(Self { until: until.parse().ok()?, sent: sent.parse().ok()?, lines: lines.to_owned() })
    }
}

impl<S: Store> LedgerObject<S> {
    /// Entries after one and up to another, oldest first. A deleted customer
    /// keeps its journal.
    pub(super) fn export(&mut self, after: u64, until: Option<u64>, limit: u64) -> Result<Reply, StoreFault> {
        self.write()?;
        if self.book.journal().is_empty() {
            return Ok(super::ledger_views::no_customer());
        }
        let until = until.unwrap_or_else(|| self.book.ledger().seq());
        let page = "seq > ? AND seq <= ? ORDER BY seq LIMIT ?";
        let entries = self.book.journal().select(page, (after, until, limit))?;
        let sent = entries.last().map_or(after, |entry| entry.seq);
        let mut lines = String::new();
        for entry in &entries {
            let line = self.export_line(entry)?;
            let line = serde_json::to_string(&line).map_err(|error| StoreFault(error.to_string()))?;
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{line}");
        }
        let body = ExportPage { until, sent, lines }.to_text();
        Ok(Reply { body, ..Reply::ok(&()) })
    }

    fn export_line(&self, entry: &Entry) -> Result<ExportLine, StoreFault> {
        let event = serde_json::to_string(&entry.event).map_err(|error| StoreFault(error.to_string()))?;
        let (stored_key, fingerprint) = entry.key.clone().map(|key| (key.key, key.fingerprint)).unzip();
        Ok(ExportLine {
            transaction: self.transaction_answer(entry),
            internal: !entry.kind().is_transaction(),
            stored_key,
            fingerprint,
            event: JsonText(event),
        })
    }
}
