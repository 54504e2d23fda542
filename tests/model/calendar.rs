//! The calendar as it hangs on the wall: the first day of each month, written
//! down from the year 1970 on.

use std::sync::OnceLock;

pub(crate) const DAY: i64 = 86_400_000;

/// Units of a period as the model numbers them.
pub(crate) const DAILY: u8 = 0;
pub(crate) const WEEKLY: u8 = 1;
pub(crate) const MONTHLY: u8 = 2;

/// Days since 1970 on which months begin.
fn months() -> &'static [i64] {
    static MONTHS: OnceLock<Vec<i64>> = OnceLock::new();
    MONTHS.get_or_init(|| {
        let mut first_days = vec![0];
        for year in 1970..2190 {
            let february = if year % 4 == 0 && year != 2100 { 29 } else { 28 };
            for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
                first_days.push(first_days.last().unwrap() + length);
            }
        }
        first_days
    })
}

fn month_of(ms: i64) -> usize {
    months().partition_point(|first| first * DAY <= ms) - 1
}

/// When the month begins that an instant is in.
pub(crate) fn month_start(ms: i64) -> i64 {
    months()[month_of(ms)] * DAY
}

/// The same day `count` months on, or the last one of a shorter month.
fn months_later(anchor: i64, count: i64) -> i64 {
    let from = month_of(anchor);
    let to = usize::try_from(from as i64 + count).unwrap();
    let into = anchor - months()[from] * DAY;
    let last_day = months()[to + 1] - 1;
    (months()[to] + into / DAY).min(last_day) * DAY + into % DAY
}

/// The boundary `count` periods after the anchor.
pub(crate) fn boundary(unit: u8, anchor: i64, count: i64) -> i64 {
    match unit {
        DAILY => anchor + count * DAY,
        WEEKLY => anchor + count * 7 * DAY,
        MONTHLY => months_later(anchor, count),
        _ => months_later(anchor, count * 12),
    }
}

/// How many boundaries after the anchor the last one was.
pub(crate) fn count_at(unit: u8, anchor: i64, now: i64) -> i64 {
    let months = month_of(now) as i64 - month_of(anchor) as i64;
    let most = match unit {
        DAILY => (now - anchor).div_euclid(DAY),
        WEEKLY => (now - anchor).div_euclid(7 * DAY),
        MONTHLY => months,
        _ => months.div_euclid(12),
    };
    if boundary(unit, anchor, most) > now { most - 1 } else { most }
}
