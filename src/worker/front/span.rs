//! Spans of whole days (UTC), as analytics are asked for.

use super::incoming::Query;
use crate::api::{Code, Problem};
use crate::time::Timestamp;
use crate::worker::objects::rollup::Span;

const DAY_MS: i64 = 86_400_000;
/// The longest span: a leap year.
const MAX_DAYS: i64 = 366;

/// The named spans but the month, by their lengths.
const PERIODS: [(&str, i64); 3] = [("last_7_days", 7), ("last_30_days", 30), ("last_90_days", 90)];

impl Span {
    /// The last days, today included.
    pub(super) fn last_days(days: i64, now: Timestamp) -> Self {
        Self(now.day().saturating_sub(days.saturating_sub(1)), now.day())
    }

    /// How many days it has.
    pub(super) fn len(self) -> i64 {
        self.1.saturating_sub(self.0).saturating_add(1)
    }

    /// The days of the same number before it.
    pub(super) fn before(self) -> Self {
        Self(self.0.saturating_sub(self.len()), self.0.saturating_sub(1))
    }

    /// Its first instant, and the first one after it.
    pub(super) fn instants(self) -> (Timestamp, Timestamp) {
        (start_of(self.0), start_of(self.1.saturating_add(1)))
    }

    /// By `period`; the last 30 days if there is none.
    ///
    /// # Errors
    /// `invalid_field`.
    pub(super) fn of_period(query: &Query, now: Timestamp) -> Result<Self, Problem> {
        let word = query.get("period").unwrap_or("last_30_days");
        if word == "current_month" {
            return Ok(Self(now.month_start().day(), now.day()));
        }
        let days = PERIODS.iter().find(|(known, _)| *known == word).map(|(_, days)| *days);
        let detail = "must be last_7_days, last_30_days, last_90_days or current_month";
        days.map(|days| Self::last_days(days, now)).ok_or_else(|| Query::invalid("period", detail))
    }

    /// By `period`, or by `from` and perhaps `to`.
    ///
    /// # Errors
    /// `invalid_field`, `missing_field`.
    pub(super) fn of_query(query: &Query, now: Timestamp) -> Result<Self, Problem> {
        let (from, to) = (moment(query, "from")?, moment(query, "to")?);
        let (from, to) = match (from, to) {
            (None, None) => return Self::of_period(query, now),
            (None, Some(_)) => {
                return Err(Problem::field(Code::MissingField, "from", "is needed beside to"));
            }
            (Some(from), to) => (from, to),
        };
        if query.get("period").is_some() {
            return Err(Query::invalid("period", "cannot be combined with from and to"));
        }
        let last = match to {
            None => now.day(),
            Some(Moment::Day(day)) => day,
            // An instant is excluded, and so is the day that it begins.
            Some(Moment::Instant(at)) => at.after_ms(-1).day(),
        };
        let first = match from {
            Moment::Day(day) => day,
            Moment::Instant(at) => at.day(),
        };
        let span = Self(first, last);
        if span.len() < 1 {
            return Err(Query::invalid("to", "must not be before from"));
        }
        if span.len() > MAX_DAYS {
            return Err(Query::invalid("to", "must be within 366 days of from"));
        }
        Ok(span)
    }
}

enum Moment {
    Day(i64),
    Instant(Timestamp),
}

/// A date, or an RFC 3339 time.
fn moment(query: &Query, name: &str) -> Result<Option<Moment>, Problem> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z")).map(|at| Moment::Day(at.day()));
    let moment = Timestamp::parse(text).map(Moment::Instant).or_else(day);
    let detail = "must be a date such as 2026-03-01 or an RFC 3339 time such as 2026-03-01T00:00:00.000Z";
    moment.map(Some).ok_or_else(|| Query::invalid(name, detail))
}

/// The first instant of a day.
fn start_of(day: i64) -> Timestamp {
    Timestamp::from_ms(day.saturating_mul(DAY_MS))
}

/// A day as a date.
pub(super) fn date(day: i64) -> String {
    let text = start_of(day).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The Monday of a day's week (ISO 8601). 1970-01-01 was a Thursday.
pub(super) fn monday(day: i64) -> i64 {
    day.saturating_sub(day.saturating_add(3).rem_euclid(7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::front::Incoming;

    fn span(query: &str, now: &str) -> Result<(String, String), Problem> {
        let now = Timestamp::parse(now).unwrap();
        let head = format!("GET\n/?{query}\n\n\n\n\n");
        let incoming = Incoming::from_head(head, None, now).unwrap();
        let span = Span::of_query(&incoming.query(&["period", "from", "to"])?, now)?;
        Ok((date(span.0), date(span.1)))
    }

    #[test]
    fn a_span_is_whole_days_in_utc() {
        let now = "2028-03-01T00:00:00.000Z";
        for (query, from, to) in [
            ("", "2028-02-01", "2028-03-01"),
            ("period=last_7_days", "2028-02-24", "2028-03-01"),
            ("period=last_30_days", "2028-02-01", "2028-03-01"),
            ("period=last_90_days", "2027-12-03", "2028-03-01"),
            ("period=current_month", "2028-03-01", "2028-03-01"),
            ("from=2027-12-31", "2027-12-31", "2028-03-01"),
            ("from=2027-12-31&to=2028-01-01", "2027-12-31", "2028-01-01"),
            ("from=2027-12-31&to=2027-12-31", "2027-12-31", "2027-12-31"),
            ("from=2027-12-31T23:00:00Z&to=2028-01-01T00:00:00Z", "2027-12-31", "2027-12-31"),
            ("from=2027-12-31T23:00:00-02:00&to=2028-01-01T00:00:00.001Z", "2028-01-01", "2028-01-01"),
            ("from=2028-01-01&to=2028-12-31", "2028-01-01", "2028-12-31"),
        ] {
            assert_eq!(span(query, now).unwrap(), (from.to_owned(), to.to_owned()), "{query}");
        }
        for bad in [
            "period=week",
            "period=",
            "to=2028-01-01",
            "from=2028-01-02&to=2028-01-01",
            "from=2028-01-01&to=2028-01-01T00:00:00Z",
            "from=2028-01-01&to=2029-01-01",
            "from=2028-01-01&period=last_7_days",
            "from=2028-02-30",
            "from=today",
            "from=2028-03-02",
        ] {
            assert!(span(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_week_begins_on_monday() {
        let monday_of = |text: &str| date(monday(Timestamp::parse(text).unwrap().day()));
        assert_eq!(monday_of("2027-12-31T00:00:00Z"), "2027-12-27");
        assert_eq!(monday_of("2028-01-02T00:00:00Z"), "2027-12-27");
        assert_eq!(monday_of("2028-01-03T00:00:00Z"), "2028-01-03");
    }
}
