//! Instants, in milliseconds since 1970 in UTC, and their RFC 3339 text.
//!
//! The calendar is Howard Hinnant's civil-from-days arithmetic
//! (<https://howardhinnant.github.io/date_algorithms.html>), so that no time
//! zone data and no clock is linked in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Digits;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, within the years
/// 1970 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Timestamp(i64);

const MS_PER_DAY: i64 = 86_400_000;

impl Timestamp {
    /// 1970-01-01T00:00:00.000Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// From milliseconds since 1970, kept within [`Timestamp::EPOCH`] and
    /// [`Timestamp::MAX`].
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(0, Self::MAX.0))
    }

    /// Milliseconds since 1970.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The instant `ms` later.
    #[must_use]
    pub fn after_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// The same time of day `months` later, or earlier: on the last day of a
    /// month that is too short.
    #[must_use]
    #[allow(clippy::arithmetic_side_effects)] // a Timestamp is within 1970 to 9999, months are clamped
    pub fn after_months(self, months: i64) -> Self {
        let (year, month, day) = civil_from_days(self.0.div_euclid(MS_PER_DAY));
        let months = year * 12 + month - 1 + months.clamp(-120_000, 120_000);
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let days = days_from_civil(year, month, day.min(days_in_month(year, month)));
        Self::from_ms(days * MS_PER_DAY + self.0.rem_euclid(MS_PER_DAY))
    }

    /// The day in UTC, counted from 1970-01-01.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(MS_PER_DAY)
    }

    /// The first instant of the month in UTC.
    #[must_use]
    pub fn month_start(self) -> Self {
        let (year, month, _) = civil_from_days(self.day());
        Self::from_ms(days_from_civil(year, month, 1).saturating_mul(MS_PER_DAY))
    }

    /// Milliseconds from `earlier` to this instant; negative if it is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads RFC 3339 (`2026-03-01T00:00:00.000Z`, or with an offset).
    /// `None` for anything else, years before 1970 included. Fractions finer
    /// than a millisecond are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let year = reader.number(4)?;
        reader.expect(b"-")?;
        let month = reader.number(2).filter(|month| (1..=12).contains(month))?;
        reader.expect(b"-")?;
        let day = reader.number(2).filter(|day| (1..=days_in_month(year, month)).contains(day))?;
        reader.expect(b"Tt ")?;
        let hour = reader.number(2).filter(|hour| *hour < 24)?;
        reader.expect(b":")?;
        let minute = reader.number(2).filter(|minute| *minute < 60)?;
        reader.expect(b":")?;
        let second = reader.number(2).filter(|second| *second < 60)?;
        let ms = reader.fraction_ms()?;
        let offset_minutes = reader.offset_minutes()?;
        if !reader.0.is_empty() {
            return None;
        }
        let minutes = days_from_civil(year, month, day)
            .checked_mul(1440)?
            .checked_add(hour.checked_mul(60)?)?
            .checked_add(minute)?
            .checked_sub(offset_minutes)?;
        let total = minutes.checked_mul(60)?.checked_add(second)?.checked_mul(1000)?.checked_add(ms)?;
        (0..=Self::MAX.0).contains(&total).then_some(Self(total))
    }
}

/// As it is written: one outside of the calendar was written by nobody, and what counts
/// periods from it would count for hours.
impl TryFrom<i64> for Timestamp {
    type Error = &'static str;

    fn try_from(ms: i64) -> Result<Self, Self::Error> {
        (0..=Self::MAX.0)
            .contains(&ms)
            .then_some(Self(ms))
            .ok_or("an instant is not in the years 1970 to 9999")
    }
}

impl From<Timestamp> for i64 {
    fn from(at: Timestamp) -> Self {
        at.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.day());
        // A Timestamp is within 1970 to 9999: no part of it is negative.
        let part = |value: i64| value.unsigned_abs();
        let ms = part(self.0.rem_euclid(MS_PER_DAY));
        let mut digits = Digits::new();
        digits.put(b'Z');
        digits.put_number(ms % 1_000, 3);
        digits.put(b'.');
        digits.put_number(ms / 1_000 % 60, 2);
        digits.put(b':');
        digits.put_number(ms / 60_000 % 60, 2);
        digits.put(b':');
        digits.put_number(ms / 3_600_000, 2);
        digits.put(b'T');
        digits.put_number(part(day), 2);
        digits.put(b'-');
        digits.put_number(part(month), 2);
        digits.put(b'-');
        digits.put_number(part(year), 4);
        f.write_str(digits.as_str())
    }
}

/// Reads a text's bytes from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn next_if(&mut self, accept: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        accept(*first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn expect(&mut self, any_of: &[u8]) -> Option<u8> {
        self.next_if(|byte| any_of.contains(&byte))
    }

    fn digit(&mut self) -> Option<i64> {
        self.next_if(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte.saturating_sub(b'0')))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let mut value: i64 = 0;
        for _ in 0..digits {
            value = value.saturating_mul(10).saturating_add(self.digit()?);
        }
        Some(value)
    }

    fn fraction_ms(&mut self) -> Option<i64> {
        if self.expect(b".").is_none() {
            return Some(0);
        }
        let mut ms = self.digit()?.saturating_mul(100);
        let mut weight: i64 = 10;
        while let Some(digit) = self.digit() {
            ms = ms.saturating_add(digit.saturating_mul(weight));
            weight = weight.div_euclid(10);
        }
        Some(ms)
    }

    fn offset_minutes(&mut self) -> Option<i64> {
        let sign = match self.expect(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.number(2).filter(|hours| *hours < 24)?;
        self.expect(b":")?;
        let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
        Some(hours.saturating_mul(60).saturating_add(minutes).saturating_mul(sign))
    }
}

const fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
#[allow(clippy::arithmetic_side_effects)] // years are four digits: nothing here can overflow
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9).rem_euclid(12);
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
#[allow(clippy::arithmetic_side_effects)] // a Timestamp is within 1970 to 9999
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_of_the_calendar_is_not_read() {
        for ms in ["0", "253402300799999"] {
            let at: Timestamp = serde_json::from_str(ms).unwrap();
            assert_eq!(serde_json::to_string(&at).unwrap(), ms);
        }
        for ms in ["-1", "253402300800000", "-9223372036854775808", "9223372036854775807"] {
            assert!(serde_json::from_str::<Timestamp>(ms).is_err(), "{ms}");
        }
    }

    #[test]
    fn known_instants_read_and_print() {
        // Seconds from `date -u -d … +%s`.
        for (text, ms) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:34:56.789Z", 951_827_696_789),
            ("2026-03-01T00:00:00.000Z", 1_772_323_200_000),
            ("2100-02-28T23:59:59.999Z", 4_107_542_399_999),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp(ms)), "{text}");
            assert_eq!(Timestamp(ms).to_string(), text);
        }
    }

    #[test]
    fn offsets_and_fractions_follow_rfc_3339() {
        let expected = Timestamp::parse("2026-03-01T00:00:00.120Z");
        for text in
            ["2026-03-01T01:30:00.12+01:30", "2026-02-28t19:00:00.1209-05:00", "2026-03-01 00:00:00.12z"]
        {
            assert_eq!(Timestamp::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T00:00:00",
            "2026-03-01T00:00:00.Z",
            "1969-12-31T23:59:59Z",
            "2026-03-01T00:00:00Zjunk",
            "٢٠٢٦-03-01T00:00:00Z",
            "2100-02-29T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_instant_reads_back(ms in 0_i64..=253_402_300_799_999) {
            proptest::prop_assert_eq!(Timestamp::parse(&Timestamp(ms).to_string()), Some(Timestamp(ms)));
        }
    }
}
