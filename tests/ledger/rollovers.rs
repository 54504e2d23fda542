//! What a period leaves over and the next ones may still use.

use edge_credits::ledger::{Source, Unit};

use super::selling::*;
use super::*;

#[test]
fn no_more_than_the_maximum_rolls_over() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 100, Unit::Month), 30, 1)]);
    story.did(consume(69));
    let before = story.count();
    story.move_to("2026-05-01");
    assert_eq!(
        story.told(before),
        [
            // 31 are left.
            "2026-04-01 expiry -31 = 0",
            "2026-04-01 rollover 30 = 30",
            "2026-04-01 allocation 100 = 130",
            // What was rolled over leaves before it rolls again: the younger
            // grant of the same end goes first by its priority.
            "2026-05-01 expiry -100 = 30",
            "2026-05-01 expiry -30 = 0",
            "2026-05-01 rollover 30 = 30",
            "2026-05-01 allocation 100 = 130",
        ]
    );
    let rollover =
        story.book.ledger().grants().iter().find(|grant| grant.source == Source::Rollover).unwrap();
    assert_eq!((rollover.priority, rollover.product.as_deref()), (30, Some("pro")));
}

#[test]
fn less_than_the_maximum_rolls_over_whole() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 100, Unit::Month), 30, 1)]);
    story.did(consume(71));
    let before = story.count();
    story.move_to("2026-04-01");
    assert_eq!(
        story.told(before),
        ["2026-04-01 expiry -29 = 0", "2026-04-01 rollover 29 = 29", "2026-04-01 allocation 100 = 129"]
    );
}

#[test]
fn what_rolled_over_lives_for_as_many_periods_as_the_tier_says_and_never_rolls_again() {
    let mut story = Story::planned("2026-01-31", &[rolling(tier("pro", 10, Unit::Month), 100, 3)]);
    // Three months of which nothing is used: each brings its own 10 along.
    story.move_to("2026-04-30");
    assert_eq!(story.see(), seen(40, 40, 0, 0));
    let mut ends: Vec<(i64, String)> = Vec::new();
    for grant in story.book.ledger().grants() {
        ends.push((in_whole(grant.remaining), date(grant.expires_at.unwrap())));
    }
    let ends: Vec<(i64, &str)> = ends.iter().map(|(left, end)| (*left, end.as_str())).collect();
    // The oldest was carried over on February 28 and ends with the third period.
    assert_eq!(ends, [(10, "2026-05-31"), (10, "2026-05-31"), (10, "2026-06-30"), (10, "2026-07-31")]);
    let before = story.count();
    story.move_to("2026-05-31");
    assert_eq!(
        story.told(before),
        [
            "2026-05-31 expiry -10 = 30",
            "2026-05-31 expiry -10 = 20",
            "2026-05-31 rollover 10 = 30",
            "2026-05-31 allocation 10 = 40",
        ]
    );
}

#[test]
fn what_was_held_at_the_end_of_the_period_does_not_roll_over() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 100, Unit::Month), 100, 1)]);
    story.move_to("2026-03-31T23:30:00");
    let unused = story.did(hold(40, HOUR));
    let used = story.did(hold(25, HOUR));
    let before = story.count();
    story.move_to("2026-04-01T00:15:00");
    assert_eq!(
        story.told(before),
        ["2026-04-01 expiry -35 = 65", "2026-04-01 rollover 35 = 100", "2026-04-01 allocation 100 = 200"]
    );
    assert_eq!(story.see(), seen(200, 135, 65, 0));
    // What was held can pay for what it was held for; the rest expires.
    story.did(complete(used, 20));
    story.did(complete(unused, 0));
    assert_eq!(
        story.told(before + 3),
        [
            "2026-04-01T00:15 consumption -20 = 180",
            "2026-04-01T00:15 expiry -5 = 175",
            "2026-04-01T00:15 consumption 0 = 175",
            "2026-04-01T00:15 expiry -40 = 135",
        ]
    );
    // Nor with the next reset.
    let before = story.count();
    story.move_to("2026-05-01");
    assert_eq!(
        story.told(before),
        [
            "2026-05-01 expiry -100 = 35",
            "2026-05-01 expiry -35 = 0",
            "2026-05-01 rollover 100 = 100",
            "2026-05-01 allocation 100 = 200",
        ]
    );
}

#[test]
fn what_a_period_without_rollover_left_over_does_not_roll_over_later() {
    let tiers = [tier("plain", 100, Unit::Month), rolling(tier("keen", 10, Unit::Month), 1_000, 1)];
    let mut story = Story::planned("2026-03-01", &tiers);
    story.move_to("2026-04-15");
    story.did(consume(90));
    story.did(change_tier("keen", false));
    story.move_to("2026-05-01");
    // Of the 100 of April 10 are left; those of March are gone.
    assert_eq!(story.see(), seen(20, 20, 0, 0));
}

#[test]
fn a_daily_allocation_rolls_over_to_the_next_days() {
    let mut story = Story::planned("2026-03-01T08:00:00", &[rolling(tier("day", 5, Unit::Day), 4, 2)]);
    story.did(consume(2));
    story.clock(DAY);
    assert_eq!(story.see(), seen(3 + 5, 8, 0, 0));
    story.clock(DAY);
    // Yesterday's 5 roll over as 4; the 3 of the day before have a day left.
    assert_eq!(story.see(), seen(3 + 4 + 5, 12, 0, 0));
    story.clock(DAY);
    assert_eq!(story.see(), seen(4 + 4 + 5, 13, 0, 0));
}

#[test]
fn neither_credits_of_other_sources_nor_rolled_over_ones_count_as_left_over() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 10, Unit::Month), 100, 1)]);
    let expires_at = Some(at("2026-04-01"));
    story.did(add(Addition { expires_at, source: Some(Source::Period), ..topup(50) }));
    story.move_to("2026-04-01");
    assert_eq!(story.see(), seen(20, 20, 0, 0));
    story.move_to("2026-05-01");
    assert_eq!(story.see(), seen(20, 20, 0, 0));
}

#[test]
fn with_a_reset_all_that_ever_rolled_over_leaves() {
    let tiers = [rolling(tier("pro", 10, Unit::Month), 100, 3), tier("none", 0, Unit::Month)];
    let mut story = Story::planned("2026-01-31", &tiers);
    story.move_to("2026-04-30");
    assert_eq!(story.see(), seen(40, 40, 0, 0));
    story.did(change_tier("none", true));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}
