//! Periods that follow the calendar, in UTC.
//!
//! Boundaries are counted from an anchor and never from the boundary before:
//! an anchor on the 31st falls on the last day of shorter months and returns
//! to the 31st.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The length of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// A month of the calendar.
    Month,
    /// A year of the calendar.
    Year,
}

const DAY_MS: i64 = 86_400_000;

impl Unit {
    /// The units by their words.
    pub const WORDS: [(&'static str, Self); 4] =
        [("day", Self::Day), ("week", Self::Week), ("month", Self::Month), ("year", Self::Year)];

    /// Its word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The boundary `count` periods after the anchor, or before it.
    pub fn boundary(self, anchor: Timestamp, count: i64) -> Timestamp {
        match self {
            Self::Day => anchor.after_ms(count.saturating_mul(DAY_MS)),
            Self::Week => anchor.after_ms(count.saturating_mul(DAY_MS.saturating_mul(7))),
            Self::Month => anchor.after_months(count),
            Self::Year => anchor.after_months(count.saturating_mul(12)),
        }
    }

    /// The boundary at or before an instant, as its count from the anchor.
    pub fn count_at(self, anchor: Timestamp, now: Timestamp) -> i64 {
        let is_before = now < anchor;
        // Divided so that the guess is never too high, then counted up.
        let days = match (self, is_before) {
            (Self::Day, _) => 1,
            (Self::Week, _) => 7,
            (Self::Month, true) => 28,
            (Self::Month, false) => 31,
            (Self::Year, true) => 365,
            (Self::Year, false) => 366,
        };
        let length = DAY_MS.saturating_mul(days);
        let mut count = now.ms_since(anchor).div_euclid(length).saturating_sub(1);
        loop {
            let next = self.boundary(anchor, count.saturating_add(1));
            // The calendar ends somewhere.
            if next > now || next >= Timestamp::MAX {
                return count;
            }
            count = count.saturating_add(1);
        }
    }

    /// When the period began that an instant is in.
    pub fn start_of(self, anchor: Timestamp, now: Timestamp) -> Timestamp {
        self.boundary(anchor, self.count_at(anchor, now))
    }

    /// The first boundary after an instant.
    pub fn next_after(self, anchor: Timestamp, now: Timestamp) -> Timestamp {
        self.boundary(anchor, self.count_at(anchor, now).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn an_anchor_on_a_late_day_keeps_to_the_end_of_short_months_and_returns() {
        let boundaries = |anchor: &str, counts: std::ops::Range<i64>| -> Vec<String> {
            counts
                .map(|count| Unit::Month.boundary(at(anchor), count).to_string())
                .map(|text| text.chars().take(10).collect())
                .collect()
        };
        assert_eq!(
            boundaries("2026-01-31T10:00:00Z", 0..5),
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]
        );
        assert_eq!(boundaries("2027-12-30T00:00:00Z", 1..4), ["2028-01-30", "2028-02-29", "2028-03-30"]);
        assert_eq!(boundaries("2026-01-29T00:00:00Z", -1..2), ["2025-12-29", "2026-01-29", "2026-02-28"]);
    }

    #[test]
    fn a_leap_day_is_the_28th_in_other_years() {
        let year = |count| Unit::Year.boundary(at("2024-02-29T12:00:00Z"), count).to_string();
        assert_eq!(year(1), "2025-02-28T12:00:00.000Z");
        assert_eq!(year(4), "2028-02-29T12:00:00.000Z");
    }

    #[test]
    fn the_running_period_is_found_from_any_instant() {
        for unit in [Unit::Day, Unit::Week, Unit::Month, Unit::Year] {
            let anchor = at("2024-01-31T23:59:59.999Z");
            for days in [-19_000, -800, -31, -1, 0, 1, 27, 28, 29, 30, 365, 366, 30_000] {
                for ms in [-1, 0, 1] {
                    let now = anchor.after_ms(days * DAY_MS + ms);
                    let count = unit.count_at(anchor, now);
                    assert!(unit.boundary(anchor, count) <= now, "{unit:?} {days} {ms}");
                    assert!(unit.boundary(anchor, count + 1) > now, "{unit:?} {days} {ms}");
                }
            }
        }
    }
}
