//! JSON numbers by their digits.

use std::borrow::Cow;

/// The first digits of the least number that no double can be rounded down
/// from, which has [`TOO_MANY`] digits before its point: see IEEE 754.
const TOO_LARGE: &str = "1797693134862315808";
const TOO_MANY: i64 = 309;

/// A number's text, taken apart.
struct Digits<'a> {
    sign: &'a str,
    /// From the first that is not zero to the last.
    digits: Cow<'a, str>,
    /// How many of them, or of zeros behind them, stand before the point;
    /// below zero for zeros behind it.
    point: i64,
}

impl<'a> Digits<'a> {
    fn of(text: &'a str) -> Self {
        let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Cow<'a, str> =
            if fraction.is_empty() { whole.into() } else { format!("{whole}{fraction}").into() };
        let digits = all.trim_start_matches('0');
        let zeros = length(&all).saturating_sub(length(digits));
        // An exponent beyond 64 bits is as good as the largest.
        let limit = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
        let exponent = exponent.parse().unwrap_or(limit);
        let point = length(whole).saturating_sub(zeros).saturating_add(exponent);
        Self { sign, digits: digits.trim_end_matches('0').to_owned().into(), point }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

/// Whether a double can hold a number, if not all its digits.
pub(super) fn fits_double(text: &str) -> bool {
    let Digits { digits, point, .. } = Digits::of(text);
    let is_more = || digits.get(..TOO_LARGE.len()).unwrap_or(&digits) >= TOO_LARGE;
    digits.is_empty() || point < TOO_MANY || (point == TOO_MANY && !is_more())
}

/// A number's one text. Whole numbers of 64 bits are as they are. Others are as
/// a double is printed, but with all their digits: with a fraction, and with an
/// exponent from 1e16 on and below 1e-5.
pub(super) fn canonical_number(text: &str) -> String {
    if text != "-0" && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()) {
        return text.to_owned();
    }
    let Digits { sign, digits, point } = Digits::of(text);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    let split = |place: i64| {
        let place = usize::try_from(place).unwrap_or_default();
        digits.split_at_checked(place).unwrap_or((&digits, ""))
    };
    let missing = point.saturating_sub(length(&digits));
    match point {
        _ if digits.is_empty() => format!("{sign}0.0"),
        1..=16 if missing >= 0 => format!("{sign}{digits}{}.0", zeros(missing)),
        1..=16 => {
            let (whole, fraction) = split(point);
            format!("{sign}{whole}.{fraction}")
        }
        -4..=0 => format!("{sign}0.{}{digits}", zeros(point.saturating_neg())),
        _ => {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point.saturating_sub(1))
        }
    }
}
