//! The journal as lines: all that is known of each entry, for a backup and for
//! whoever audits it.

use std::fmt::Write;

use super::ledger::LedgerObject;
use crate::api::ExportLine;
use crate::json::{self, JsonText};
use crate::worker::journal::stored::Stored;
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
        let until = match until {
            Some(until) => until,
            None => self.book.journal().last_seq()?,
        };
        let rows = self.book.journal().stored(after, until, limit)?;
        let mut sent = after;
        let mut lines = String::new();
        for row in rows {
            let row =
                row.map_err(|why| StoreFault(format!("an entry after {sent} cannot be read: {why}")))?;
            let line = self.export_line(&row)?;
            let line = json::write(&line);
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{line}");
            sent = row.seq;
        }
        let body = ExportPage { until, sent, lines }.to_text();
        Ok(Reply { body, ..Reply::ok(&()) })
    }

    /// With the texts that the hash covers, just as they are stored.
    fn export_line(&self, row: &Stored) -> Result<ExportLine, StoreFault> {
        let entry = row.entry()?;
        Ok(ExportLine {
            transaction: self.transaction_answer(&entry),
            internal: !entry.kind().is_transaction(),
            stored_key: row.idempotency_key.clone(),
            fingerprint: row.fingerprint.clone(),
            about: row.about,
            notices: row.notices.clone().map(JsonText),
            hash: row.hash.clone(),
            event: JsonText(row.payload.clone()),
        })
    }
}
