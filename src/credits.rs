//! Amounts of credits, exact to a millionth.
//!
//! In: the text of a JSON number. Out: the shortest text of the same number.
//! Between them an `i64` of millionths and checked arithmetic; a floating
//! point number never touches an amount.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::Digits;

/// Millionths in one credit.
const SCALE: i64 = 1_000_000;
/// Fraction digits that an amount may carry.
const FRACTION_DIGITS: i32 = 6;

/// A signed amount of credits, held in millionths of a credit.
///
/// Its magnitude never passes [`Credits::MAX`]: 9,000,000,000 credits are
/// 9.0e15 millionths, just under 2^53, so that the count also survives a
/// runtime whose only number is a double. (As a decimal, which is how it
/// travels, a double tells millionths apart up to 2^33 credits; a reader of
/// larger amounts must keep the text.) Stored (serde) as the integer count of
/// millionths; on the wire see [`crate::api::Decimal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credits(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a JSON number at all.
    NotANumber,
    /// More than six fraction digits: it would have to be rounded.
    TooPrecise,
    /// Beyond ±9,000,000,000 credits.
    OutOfRange,
}

impl AmountError {
    /// The sentence for the caller.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NotANumber => "must be a JSON number",
            Self::TooPrecise => "has more than 6 fraction digits; amounts are never rounded",
            Self::OutOfRange => "is beyond 9000000000 credits",
        }
    }
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for AmountError {}

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self(0);
    /// The largest magnitude: 9,000,000,000 credits.
    pub const MAX: Self = Self(9_000_000_000 * SCALE);

    /// From a count of millionths; `None` beyond [`Credits::MAX`] either way.
    pub const fn from_millionths(millionths: i64) -> Option<Self> {
        if millionths > Self::MAX.0 || millionths < -Self::MAX.0 { None } else { Some(Self(millionths)) }
    }

    /// From whole credits; `None` beyond [`Credits::MAX`].
    pub const fn from_whole(credits: i64) -> Option<Self> {
        match credits.checked_mul(SCALE) {
            Some(millionths) => Self::from_millionths(millionths),
            None => None,
        }
    }

    /// The count of millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Whether it is above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether it is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` beyond [`Credits::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::from_millionths(sum),
            None => None,
        }
    }

    /// The difference; `None` beyond [`Credits::MAX`].
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Self::from_millionths(difference),
            None => None,
        }
    }

    /// The sum, kept at the limit. For folding entries whose sums were
    /// checked when they were decided, so that folding cannot fail.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// The difference, kept at the limit: see [`Credits::plus`].
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// The amount, or zero where it is negative.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// Reads a JSON number (RFC 8259, section 6) exactly.
    ///
    /// # Errors
    /// [`AmountError`]: nothing is ever rounded. An exponent is welcome while
    /// the value stays within six fraction digits: `1e-6` is a millionth.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let millionths = match usual_millionths(text) {
            Some(value) => value,
            None => JsonNumber::split(text).ok_or(AmountError::NotANumber)?.millionths()?,
        };
        Self::from_millionths(millionths).ok_or(AmountError::OutOfRange)
    }
}

impl FromStr for Credits {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::parse(text)
    }
}

/// The amount of a text as nearly all are: a few digits, a point perhaps and
/// at most six behind it. `None` for any other.
fn usual_millionths(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mut value, mut whole, mut fraction) = (0_i64, 0_u32, None);
    // So many digits fit, with those that the fraction lacks.
    if digits.len() > 12 || digits.ends_with('.') {
        return None;
    }
    for byte in digits.bytes() {
        match (byte, &mut fraction) {
            (b'.', None) => {
                fraction = Some(0_u32);
                continue;
            }
            (b'0'..=b'9', None) => whole = whole.wrapping_add(1),
            (b'0'..=b'9', Some(count)) => *count = count.wrapping_add(1),
            _ => return None,
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(byte & 0xf));
    }
    let has_leading_zero = whole > 1 && digits.starts_with('0');
    if whole == 0 || has_leading_zero {
        return None;
    }
    for _ in 0..6_u32.checked_sub(fraction.unwrap_or_default())? {
        value = value.wrapping_mul(10);
    }
    Some(if digits.len() < text.len() { value.wrapping_neg() } else { value })
}

/// The parts of a JSON number's text.
struct JsonNumber<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: Option<&'a str>,
}

impl<'a> JsonNumber<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !digits(whole) || !digits(fraction) {
            return None;
        }
        if let Some(exponent) = exponent {
            let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if unsigned.is_empty() || !digits(unsigned) {
                return None;
            }
        }
        Some(Self { negative, whole, fraction, exponent })
    }

    fn millionths(&self) -> Result<i64, AmountError> {
        let digits = || self.whole.bytes().chain(self.fraction.bytes());
        // Nothing times any power of ten is nothing.
        if digits().all(|digit| digit == b'0') && (self.fraction.len() <= 6 || self.exponent.is_some()) {
            return Ok(0);
        }
        // Exponents are compared as text first: 1e99999999999 is not a number
        // that an i32 could carry, yet its refusal must be exact.
        let exponent: i32 = match self.exponent {
            None => 0,
            Some(text) => text.parse().map_err(|_| match text.starts_with('-') {
                true => AmountError::TooPrecise,
                false => AmountError::OutOfRange,
            })?,
        };
        let fraction_length = i32::try_from(self.fraction.len()).unwrap_or(i32::MAX);
        if self.exponent.is_none() && fraction_length > FRACTION_DIGITS {
            return Err(AmountError::TooPrecise);
        }
        // value = digits × 10^shift millionths
        let mut shift = exponent.saturating_sub(fraction_length).saturating_add(FRACTION_DIGITS);
        let mut value: i128 = 0;
        let mut zeros: i32 = 0;
        for digit in digits() {
            if digit == b'0' {
                zeros = zeros.saturating_add(1);
                continue;
            }
            value = times_ten_to(value, zeros.saturating_add(1))
                .and_then(|value| value.checked_add(i128::from(digit.saturating_sub(b'0'))))
                .ok_or(AmountError::OutOfRange)?;
            zeros = 0;
        }
        shift = shift.saturating_add(zeros);
        if shift < 0 {
            return Err(AmountError::TooPrecise);
        }
        let value = times_ten_to(value, shift).ok_or(AmountError::OutOfRange)?;
        let value = i64::try_from(value).map_err(|_| AmountError::OutOfRange)?;
        Ok(if self.negative { value.saturating_neg() } else { value })
    }
}

fn times_ten_to(value: i128, power: i32) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    10_i128.checked_pow(u32::try_from(power).ok()?)?.checked_mul(value)
}

impl Credits {
    /// As [`fmt::Display`] writes it.
    pub fn digits(self) -> Digits {
        let magnitude = self.0.unsigned_abs();
        let scale = SCALE.unsigned_abs();
        let whole = magnitude.checked_div(scale).unwrap_or_default();
        let mut fraction = magnitude.checked_rem(scale).unwrap_or_default();
        let mut digits = Digits::new();
        if fraction > 0 {
            let mut width: usize = 6;
            while fraction.is_multiple_of(10) {
                fraction /= 10;
                width = width.saturating_sub(1);
            }
            digits.put_number(fraction, width);
            digits.put(b'.');
        }
        digits.put_number(whole, 1);
        if self.0 < 0 {
            digits.put(b'-');
        }
        digits
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits().as_str())
    }
}
