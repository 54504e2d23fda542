//! Whether and when a call is tried again.
//!
//! Tried again are: no answer at all, 408, 429, and all from 500 on. The
//! engine charges nothing twice under one idempotency key, so that is safe for
//! every call. Nothing else is: another try of a refusal would be refused.

use crate::time::Timestamp;

/// The ceiling of the first wait.
const BASE_MS: u64 = 500;
/// The ceiling of any wait that the client chooses.
const MAX_BACKOFF_MS: u64 = 8_000;
/// The longest that an engine's `Retry-After` is followed.
const MAX_RETRY_AFTER_MS: u64 = 60_000;

/// How a try ended.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The answer's status; `None` if there was no whole answer.
    pub status: Option<u16>,
    /// The answer's `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// Tries that were made again so far: 0 after the first.
    pub retries: u32,
}

/// What bounds the tries of one call.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most tries after the first.
    pub max_retries: u32,
    /// Milliseconds to the call's deadline.
    pub left_ms: u64,
}

/// How many milliseconds to wait before the next try; `None`: give up.
///
/// The wait is drawn evenly from zero to 0.5·2ⁿ seconds, at most 8 (full
/// jitter), by `random`, which is even over all of `u32`; a `Retry-After` is
/// never undercut. A wait that would pass the deadline is not begun.
pub fn wait_ms(failed: Failed<'_>, bounds: Bounds, now: Timestamp, random: u32) -> Option<u64> {
    let may_help = failed.status.is_none_or(|status| matches!(status, 408 | 429 | 500..));
    if !may_help || failed.retries >= bounds.max_retries {
        return None;
    }
    let doubled = 1_u64.checked_shl(failed.retries.min(16)).unwrap_or(u64::MAX);
    let ceiling = BASE_MS.saturating_mul(doubled).min(MAX_BACKOFF_MS);
    let jittered = ceiling.saturating_mul(u64::from(random)) >> 32;
    let asked = failed.retry_after.and_then(|text| retry_after_ms(text, now)).unwrap_or(0);
    let wait = jittered.max(asked.min(MAX_RETRY_AFTER_MS));
    (wait < bounds.left_ms).then_some(wait)
}

/// A `Retry-After` (RFC 9110, section 10.2.3) in milliseconds from now:
/// seconds, or a date in the form that servers must send.
pub fn retry_after_ms(text: &str, now: Timestamp) -> Option<u64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let at = http_date(text)?;
    Some(u64::try_from(at.ms_since(now)).unwrap_or(0))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split(' ');
    let mut part = || parts.next();
    let (_weekday, day, month, year, time, zone) = (part()?, part()?, part()?, part()?, part()?, part()?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    if zone != "GMT" || part().is_some() {
        return None;
    }
    let months = i64::try_from(month).ok()?;
    let january = Timestamp::parse(&[year, "-01-", day, "T", time, "Z"].concat())?;
    Some(january.after_months(months))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-01T00:00:00Z";
    const TOP: u32 = u32::MAX;

    fn now() -> Timestamp {
        Timestamp::parse(NOW).unwrap()
    }

    fn wait(status: Option<u16>, retry_after: Option<&str>, retries: u32, random: u32) -> Option<u64> {
        let bounds = Bounds { max_retries: 9, left_ms: 100_000 };
        wait_ms(Failed { status, retry_after, retries }, bounds, now(), random)
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [None, Some(408), Some(429), Some(500), Some(502), Some(503), Some(504), Some(599)] {
            assert!(wait(status, None, 0, 0).is_some(), "{status:?}");
        }
        for status in [200, 301, 400, 401, 402, 403, 404, 409, 413, 415, 422] {
            assert_eq!(wait(Some(status), None, 0, 0), None, "{status}");
        }
    }

    #[test]
    fn the_ceiling_doubles_from_half_a_second_to_8() {
        let ceilings: Vec<_> = (0..6).map(|retries| wait(None, None, retries, TOP).unwrap()).collect();
        assert_eq!(ceilings, [499, 999, 1_999, 3_999, 7_999, 7_999]);
        assert_eq!(wait(None, None, 3, 0), Some(0));
        assert_eq!(wait(None, None, 3, 1 << 31), Some(2_000));
    }

    #[test]
    fn retry_after_is_followed_up_to_a_minute() {
        assert_eq!(wait(Some(503), Some("2"), 0, 0), Some(2_000));
        assert_eq!(wait(Some(503), Some("Sun, 01 Mar 2026 00:00:07 GMT"), 0, 0), Some(7_000));
        assert_eq!(wait(Some(429), Some("3600"), 0, 0), Some(60_000));
        assert_eq!(wait(Some(429), Some("99999999999999999999999"), 0, 0), Some(60_000));
        // In the past, or nonsense: the client's own wait.
        for text in
            ["Sat, 28 Feb 2026 23:59:59 GMT", "soon", "-1", "1.5", "", "Sun, 99 Mar 2026 00:00:07 GMT"]
        {
            assert_eq!(wait(Some(503), Some(text), 0, TOP), Some(499), "{text}");
        }
    }

    #[test]
    fn no_wait_passes_the_deadline_and_no_try_the_maximum() {
        let failed = Failed { status: Some(503), retry_after: Some("2"), retries: 1 };
        let wait = |max_retries, left_ms| wait_ms(failed, Bounds { max_retries, left_ms }, now(), 0);
        assert_eq!(wait(2, 2_001), Some(2_000));
        assert_eq!(wait(2, 2_000), None);
        assert_eq!(wait(1, 9_000), None);
        assert_eq!(wait(0, 9_000), None);
    }
}
