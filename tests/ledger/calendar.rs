//! Monthly periods, held against a calendar that counts its days one by one.

use edge_credits::ledger::Unit;

use super::selling::*;
use super::*;

/// A day by its place in year and month, as on a calendar on the wall.
#[derive(Clone, Copy, PartialEq)]
struct Day {
    year: u32,
    month: u32,
    day: u32,
}

impl Day {
    /// How many days February has, from a printed list of leap years.
    fn last_of_month(self) -> u32 {
        const LEAP_YEARS: [u32; 3] = [2024, 2028, 2032];
        let february = if LEAP_YEARS.contains(&self.year) { 29 } else { 28 };
        [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][self.month as usize - 1]
    }

    fn tomorrow(self) -> Self {
        match self {
            Self { year, month: 12, day: 31 } => Self { year: year + 1, month: 1, day: 1 },
            Self { day, .. } if day < self.last_of_month() => Self { day: day + 1, ..self },
            Self { month, .. } => Self { month: month + 1, day: 1, ..self },
        }
    }

    fn text(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Whether a month begins for who began on a day of this number.
    fn is_boundary(self, anchor_day: u32) -> bool {
        self.day == anchor_day || (self.day == self.last_of_month() && anchor_day > self.day)
    }
}

/// Walks `days` days from January 1, 2027, 2028 being a leap year.
fn walk(days: usize) -> Vec<Day> {
    let first = Day { year: 2027, month: 1, day: 1 };
    std::iter::successors(Some(first), |day| Some(day.tomorrow())).take(days).collect()
}

#[test]
fn a_month_begins_on_the_anchors_day_or_the_last_one_for_48_months() {
    // 48 months, the one in which the anchor is, and the next.
    let days = walk(50 * 31);
    for anchor_day in 1..=31 {
        let anchor = format!("2027-01-{anchor_day:02}");
        let mut story = Story::planned(&anchor, &[tier("pro", 10, Unit::Month)]);
        let boundaries: Vec<String> =
            days.iter().filter(|day| day.is_boundary(anchor_day)).map(|day| day.text()).collect();
        assert_eq!(boundaries[0], anchor);
        story.move_to(&boundaries[48]);
        story.book.settle_due(story.now);
        let entries = story.book.journal().entries().iter();
        let allocations = entries.filter(|entry| entry.kind().word() == "allocation");
        let found: Vec<String> = allocations.map(|entry| date(entry.at)).collect();
        assert_eq!(found, boundaries[..49], "anchor on the {anchor_day}");
        assert_eq!(story.period(), (boundaries[48].clone(), boundaries[49].clone()));
    }
}

#[test]
fn any_day_of_48_months_is_in_the_period_that_the_calendar_shows() {
    for anchor_day in [1, 28, 29, 30, 31] {
        // Wherever the anchor is: before all of it, in it, after all of it.
        for anchor in ["2024-01", "2028-12", "2033-07"] {
            let anchor = at(&format!("{anchor}-{anchor_day:02}"));
            let mut start = None;
            for day in walk(48 * 30) {
                if day.is_boundary(anchor_day) {
                    start = Some(day.text());
                }
                if let Some(start) = &start {
                    let noon = at(&format!("{}T12:00:00", day.text()));
                    assert_eq!(date(Unit::Month.start_of(anchor, noon)), *start, "{}", day.text());
                }
            }
        }
    }
}

#[test]
fn weeks_and_days_and_years_follow_the_calendar_as_well() {
    let days = walk(800);
    let mut daily = Story::planned("2027-01-01", &[tier("day", 1, Unit::Day)]);
    let mut weekly = Story::planned("2027-01-01", &[tier("week", 1, Unit::Week)]);
    for (count, day) in days.iter().enumerate() {
        let week = &days[count - count % 7];
        for (story, start) in [(&mut daily, day), (&mut weekly, week)] {
            story.move_to(&day.text());
            story.book.settle_due(story.now);
            assert_eq!(story.period().0, start.text());
        }
    }
    let mut yearly = Story::planned("2024-02-29", &[tier("year", 1, Unit::Year)]);
    for (now, start, next) in [
        ("2025-02-27", "2024-02-29", "2025-02-28"),
        ("2025-02-28", "2025-02-28", "2026-02-28"),
        ("2028-02-28", "2027-02-28", "2028-02-29"),
        ("2028-02-29", "2028-02-29", "2029-02-28"),
    ] {
        yearly.move_to(now);
        yearly.book.settle_due(yearly.now);
        assert_eq!(yearly.period(), (start.to_owned(), next.to_owned()));
    }
}

#[test]
fn each_unit_has_one_word() {
    for (word, unit) in Unit::WORDS {
        assert_eq!((unit.word(), serde_json::to_value(unit).unwrap()), (word, word.into()));
    }
    assert_eq!(Unit::WORDS.map(|(word, _)| word), ["day", "week", "month", "year"]);
}

#[test]
fn a_period_that_reaches_the_end_of_the_calendar_is_the_last() {
    let mut story = Story::planned("9999-12-20", &[tier("pro", 10, Unit::Month)]);
    let begun = story.count();
    story.now = Timestamp::MAX;
    // Each reset would lead to the next at the same instant.
    let settled = (0..10).take_while(|_| story.book.settle_next_due(story.now)).count();
    assert_eq!(settled, 1);
    assert_eq!(story.told(begun), ["9999-12-31T23:59 expiry -10 = 0"]);
    assert_eq!(story.book.ledger().next_due(), None);
}
