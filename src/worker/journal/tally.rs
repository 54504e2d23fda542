//! What the journal's entries add up to, for analytics.
//!
//! In: a span of entries. Out: groups by day, type and priced action. This is
//! the one room that says what counts as consumed, added, removed and
//! overage; what a rollup shard holds comes from here too. It says it twice:
//! in SQL, since entries are many and groups are few, and in Rust for entries
//! that are in memory anyway ([`super::untold`]).

use super::SqlJournal;
use super::queries::transaction_kinds;
use crate::credits::Credits;
use crate::ledger::{Entry, Kind};
use crate::tally::{Group, Tally, Total};
use crate::time::Timestamp;
use crate::worker::store::{Store, StoreFault};

/// The entries `?1` to `?2` by type and priced action; `%DAY%` and `%KINDS%`
/// are filled in. Only a charge has a price, and only the catalogue's names
/// are kept: a caller can make up names without end.
const GROUPS: &str = "\
SELECT %DAY%, kind,
  CASE WHEN priced THEN note->>'$.service' END AS service,
  CASE WHEN priced THEN coalesce(note->>'$.action', note->>'$.model') END AS action,
  sum(consumed / 1000000) || ':' || sum(consumed % 1000000),
  sum(added / 1000000) || ':' || sum(added % 1000000),
  sum(removed / 1000000) || ':' || sum(removed % 1000000),
  sum(debt / 1000000) || ':' || sum(debt % 1000000),
  count(*)
FROM (SELECT at / 86400000 AS day, kind, charge->'$.note' AS note,
        charge->>'$.note.price_version' IS NOT NULL AS priced,
        coalesce(charge->>'$.debt', 0) AS debt,
        CASE WHEN kind = 'consumption' THEN -amount ELSE 0 END AS consumed,
        CASE WHEN kind <> 'consumption' AND amount > 0 THEN amount ELSE 0 END AS added,
        CASE WHEN kind <> 'consumption' AND amount < 0 THEN -amount ELSE 0 END AS removed
      FROM (SELECT at, kind, amount,
              CASE WHEN kind = 'consumption'
                   THEN coalesce(payload->'$.consumed', payload->'$.settled') END AS charge
            FROM entries WHERE seq BETWEEN ?1 AND ?2 AND kind IN (%KINDS%)))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";

type Row = (Option<i64>, String, Option<String>, Option<String>, Total, Total, Total, Total, u64);

/// The service and action, or model, that the catalogue priced: of a charge,
/// as in [`GROUPS`].
pub(super) fn priced_names(entry: &Entry) -> (Option<&str>, Option<&str>) {
    let note = entry.note().filter(|note| entry.kind() == Kind::Consumption && note.price_version.is_some());
    note.map_or((None, None), |note| {
        (note.service.as_deref(), note.action.as_deref().or(note.model.as_deref()))
    })
}

/// What one transaction adds, as in [`GROUPS`].
pub(super) fn tally_of(entry: &Entry) -> Tally {
    let amount = Total::of(entry.amount);
    let mut tally = Tally { count: 1, ..Tally::default() };
    match entry.kind() {
        Kind::Consumption => {
            tally.consumed = Total::ZERO.minus(amount);
            tally.overage = Total::of(entry.debt());
        }
        _ if amount.is_positive() => tally.added = amount,
        _ => tally.removed = Total::ZERO.minus(amount),
    }
    tally
}

impl<S: Store> SqlJournal<S> {
    /// The committed entries from `first` to `last` by their numbers, in
    /// groups, by day or all together.
    ///
    /// # Errors
    /// The store's fault.
    pub fn groups(&self, first: u64, last: u64, by_day: bool) -> Result<Vec<Group>, StoreFault> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let kinds = transaction_kinds();
        let day = if by_day { "day" } else { "NULL" };
        let sql = GROUPS.replace("%DAY%", day).replace("%KINDS%", &kinds);
        let rows: Vec<Row> = self.store().rows(&sql, (first, last))?;
        let group = |(day, kind, service, action, consumed, added, removed, overage, count)| Group {
            day,
            kind,
            service,
            action,
            tally: Tally { consumed, added, removed, overage, count },
        };
        Ok(rows.into_iter().map(group).collect())
    }

    /// The first committed entry at or after an instant, by its number; one
    /// past the last if there is none. The journal has no index by time, and
    /// needs none: time never goes back from entry to entry.
    ///
    /// # Errors
    /// The store's fault.
    pub fn first_since(&self, at: Timestamp) -> Result<u64, StoreFault> {
        let (mut low, mut high) = (1, self.last_until(u64::MAX)?.map_or(1, |(seq, _)| seq.saturating_add(1)));
        while low < high {
            let middle = u64::midpoint(low, high);
            let found =
                self.store().first::<(Timestamp,)>("SELECT at FROM entries WHERE seq = ?", (middle,))?;
            match found.is_some_and(|(entry_at,)| entry_at < at) {
                true => low = middle.saturating_add(1),
                false => high = middle,
            }
        }
        Ok(low)
    }

    /// The last committed entry up to a number: its own number, and the
    /// balance after it.
    ///
    /// # Errors
    /// The store's fault.
    pub fn last_until(&self, seq: u64) -> Result<Option<(u64, Credits)>, StoreFault> {
        if self.is_empty() {
            return Ok(None);
        }
        let sql = "SELECT seq, balance_after FROM entries WHERE seq <= ? ORDER BY seq DESC LIMIT 1";
        self.store().first(sql, (seq,))
    }
}
