//! Sums of many amounts, for analytics.
//!
//! One balance ends at [`Credits::MAX`]; what a project's customers consumed
//! in a year does not. A sum is exact all the same, and is never a floating
//! point number.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::credits::Credits;

/// Millionths in one credit.
const SCALE: i128 = 1_000_000;

/// A sum of amounts, in millionths of a credit.
///
/// Stored (serde) as `<whole credits>:<millionths>`, which SQL can add up
/// column by column without a limit that anybody meets; on the wire see
/// [`crate::api::Exact`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Total(i128);

impl Total {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum of one amount.
    pub fn of(amount: Credits) -> Self {
        Self(i128::from(amount.millionths()))
    }

    /// Whether it is above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whole credits, and the millionths of a credit beyond them.
    pub fn parts(self) -> (i64, i64) {
        let part = |value: i128| i64::try_from(value).unwrap_or(i64::MAX);
        (part(self.0.div_euclid(SCALE)), part(self.0.rem_euclid(SCALE)))
    }

    /// It shared out among `count`, rounded once to the nearest millionth,
    /// halves away from zero; nothing among none.
    #[must_use]
    pub fn shared(self, count: i64) -> Self {
        Self(quotient(self.0, i128::from(count)))
    }

    /// How often `other` goes into `times` of it, as a number with six digits,
    /// rounded as by [`Total::shared`]. `None` if `other` is zero.
    pub fn ratio(self, times: i64, other: Self) -> Option<Self> {
        let dividend = self.0.saturating_mul(i128::from(times)).saturating_mul(SCALE);
        (other.0 != 0).then(|| Self(quotient(dividend, other.0)))
    }

    /// Rounded to the nearest hundredth, halves away from zero.
    #[must_use]
    pub fn to_hundredths(self) -> Self {
        Self(quotient(self.0, SCALE.div_euclid(100)).saturating_mul(SCALE.div_euclid(100)))
    }
}

/// A quotient rounded to the nearest whole number, halves away from zero.
fn quotient(dividend: i128, divisor: i128) -> i128 {
    let magnitude = divisor.unsigned_abs();
    let half = magnitude.checked_div(2).unwrap_or(0);
    let rounded = dividend.unsigned_abs().saturating_add(half).checked_div(magnitude).unwrap_or(0);
    let rounded = i128::try_from(rounded).unwrap_or(i128::MAX);
    if (dividend < 0) == (divisor < 0) { rounded } else { rounded.saturating_neg() }
}

impl fmt::Display for Total {
    /// The shortest decimal number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let scale = SCALE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", magnitude.checked_div(scale).unwrap_or(0))?;
        match magnitude.checked_rem(scale) {
            None | Some(0) => Ok(()),
            Some(fraction) => f.write_str(format!(".{fraction:06}").trim_end_matches('0')),
        }
    }
}

impl From<Total> for String {
    fn from(total: Total) -> Self {
        let (whole, millionths) = total.parts();
        format!("{whole}:{millionths}")
    }
}

impl TryFrom<String> for Total {
    type Error = &'static str;

    /// The millionths may be more than one credit's: columns are added up
    /// each by itself.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split_once(':').and_then(|(whole, millionths)| {
            Some((whole.parse::<i128>().ok()?, millionths.parse::<i128>().ok()?))
        });
        let (whole, millionths) = parts.ok_or("not a sum of credits")?;
        Ok(Self(whole.saturating_mul(SCALE).saturating_add(millionths)))
    }
}

/// What some transactions add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// What charges took.
    pub consumed: Total,
    /// What everything else put in.
    pub added: Total,
    /// What everything else took: expiries, negative adjustments, write-offs.
    pub removed: Total,
    /// The part of what charges took that no credits could pay.
    pub overage: Total,
    /// How many transactions.
    pub count: u64,
}

impl Tally {
    /// What the balances changed by: the sum of the transactions' amounts.
    pub fn net(&self) -> Total {
        self.added.minus(self.consumed).minus(self.removed)
    }

    /// Takes others in.
    pub fn add(&mut self, other: &Self) {
        self.consumed = self.consumed.plus(other.consumed);
        self.added = self.added.plus(other.added);
        self.removed = self.removed.plus(other.removed);
        self.overage = self.overage.plus(other.overage);
        self.count = self.count.saturating_add(other.count);
    }
}

/// The transactions of one kind and of one priced action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The day in UTC, counted from 1970-01-01; `None` for a span of days.
    pub day: Option<i64>,
    /// The transactions' type.
    pub kind: String,
    /// The service whose action was priced.
    pub service: Option<String>,
    /// The action that was priced, or the model. `None` where the catalogue
    /// gave no price, so that it bounds how many groups there are.
    pub action: Option<String>,
    /// What they add up to.
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(text: &str) -> Total {
        Total::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_total_prints_as_its_shortest_number_and_reads_back() {
        for (stored, printed) in [
            ("0:0", "0"),
            ("1:500000", "1.5"),
            ("0:1", "0.000001"),
            ("-1:500000", "-0.5"),
            ("-1:999999", "-0.000001"),
            ("2:2500000", "4.5"),
            ("9000000000000000000:10", "9000000000000000000.00001"),
        ] {
            assert_eq!(total(stored).to_string(), printed, "{stored}");
            assert_eq!(total(&String::from(total(stored))), total(stored));
        }
        for bad in ["", "1", "a:b", "1:", ":1", "1.5"] {
            assert!(Total::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_and_ratios_are_rounded_once_to_the_nearest() {
        assert_eq!(total("10:0").shared(3).to_string(), "3.333333");
        assert_eq!(total("20:0").shared(3).to_string(), "6.666667");
        assert_eq!(total("-20:0").shared(3).to_string(), "-6.666667");
        assert_eq!(total("0:1").shared(2).to_string(), "0.000001");
        assert_eq!(total("5:0").shared(0), Total::ZERO);
        assert_eq!(total("100:0").ratio(30, total("7:0")).unwrap().to_string(), "428.571429");
        assert_eq!(total("-1:0").ratio(1, total("4:0")).unwrap().to_string(), "-0.25");
        assert_eq!(total("1:0").ratio(1, Total::ZERO), None);
        assert_eq!(total("12:345678").to_hundredths().to_string(), "12.35");
        assert_eq!(total("-13:655000").to_hundredths().to_string(), "-12.35");
    }
}
