//! Credits that come by themselves, period by period.

use edge_credits::ledger::{Opening, Source, Tier, Unit};

use super::selling::*;
use super::*;

#[test]
fn a_customer_begins_with_its_allocation() {
    let mut story = Story::planned("2026-03-10T12:00:00", &[tier("pro", 100, Unit::Month)]);
    assert_eq!(
        story.told(0),
        ["2026-03-10T12:00 customer_opened 0 = 0", "2026-03-10T12:00 allocation 100 = 100"]
    );
    assert_eq!(story.see(), seen(100, 100, 0, 0));
    let grant = &story.book.ledger().grants()[0];
    assert_eq!((grant.source, grant.priority, grant.product.as_deref()), (Source::Period, 20, Some("pro")));
    assert_eq!(grant.expires_at, Some(at("2026-04-10T12:00:00")));
    assert_eq!(story.period(), ("2026-03-10T12:00".to_owned(), "2026-04-10T12:00".to_owned()));
}

#[test]
fn an_unknown_tier_or_an_anchor_without_one_is_refused() {
    let mut story = Story::on("2026-03-01");
    story.tiers(&[tier("pro", 100, Unit::Month)]);
    let refusal = story.refused(open_on("gold", None));
    assert!(matches!(refusal, Refusal::InvalidField { field: "tier_id", .. }));
    let opening = Opening { anchor: Some(story.now), ..Opening::default() };
    let refusal = story.refused(Command::Open(Box::new(opening)));
    assert!(matches!(refusal, Refusal::InvalidField { field: "anchor", .. }));
}

#[test]
fn at_the_boundary_what_is_left_expires_and_the_next_allocation_comes_dated_by_the_boundary() {
    let mut story = Story::planned("2026-03-10T12:00:00", &[tier("pro", 100, Unit::Month)]);
    story.did(consume(30));
    // One millisecond before nothing happens.
    story.now = at("2026-04-10T12:00:00").after_ms(-1);
    assert_eq!(story.told(3), Vec::<String>::new());
    story.move_to("2026-04-11T09:30:00");
    assert_eq!(story.told(3), ["2026-04-10T12:00 expiry -70 = 0", "2026-04-10T12:00 allocation 100 = 100"]);
    assert_eq!(story.period(), ("2026-04-10T12:00".to_owned(), "2026-05-10T12:00".to_owned()));
}

#[test]
fn a_reset_is_expiry_then_rollover_then_allocation_then_the_payment_of_debt() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 100, Unit::Month), 20, 1)]);
    story.did(consume(40));
    story.move_to("2026-03-31T23:00:00");
    let late = story.did(hold(5, HOUR));
    let before = story.count();
    story.move_to("2026-04-01T10:00:00");
    // The hold that ends with the period gives its credits back first.
    assert_eq!(
        story.told(before),
        [
            "2026-04-01 hold_expired 0 = 60",
            "2026-04-01 expiry -60 = 0",
            "2026-04-01 rollover 20 = 20",
            "2026-04-01 allocation 100 = 120",
        ]
    );
    // What the hold charges late is paid by what is there.
    story.did(complete(late, 130));
    assert_eq!(story.see(), seen(-10, -10, 0, 10));
    let before = story.count();
    story.move_to("2026-05-01");
    assert_eq!(story.told(before), ["2026-05-01 allocation 100 = 90", "2026-05-01 debt_paid 0 = 90"]);
}

#[test]
fn an_allocation_that_was_used_up_leaves_nothing_to_expire() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 100, Unit::Month), 50, 1)]);
    story.did(consume(100));
    let before = story.count();
    story.move_to("2026-04-01");
    assert_eq!(story.told(before), ["2026-04-01 allocation 100 = 100"]);
}

#[test]
fn a_tier_without_credits_has_periods_all_the_same() {
    let mut story = Story::planned("2026-03-01", &[tier("free", 0, Unit::Week)]);
    story.move_to("2026-03-16");
    assert_eq!(
        story.told(1),
        ["2026-03-01 period_reset 0 = 0", "2026-03-08 period_reset 0 = 0", "2026-03-15 period_reset 0 = 0"]
    );
    assert_eq!(story.period(), ("2026-03-15".to_owned(), "2026-03-22".to_owned()));
}

#[test]
fn credits_of_other_sources_outlive_the_period() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    story.did(add(topup(7)));
    story.move_to("2026-04-01");
    assert_eq!(story.see(), seen(107, 107, 0, 0));
}

#[test]
fn with_an_anchor_in_the_past_the_period_that_runs_now_is_the_first() {
    let mut story = Story::on("2026-03-20");
    story.tiers(&[tier("pro", 100, Unit::Month)]);
    story.did(open_on("pro", Some("2024-01-31T06:00:00")));
    assert_eq!(story.period(), ("2026-02-28T06:00".to_owned(), "2026-03-31T06:00".to_owned()));
    story.move_to("2026-05-01");
    assert_eq!(
        story.told(1),
        [
            "2026-03-20 allocation 100 = 100",
            "2026-03-31T06:00 expiry -100 = 0",
            "2026-03-31T06:00 allocation 100 = 100",
            "2026-04-30T06:00 expiry -100 = 0",
            "2026-04-30T06:00 allocation 100 = 100",
        ]
    );
}

#[test]
fn with_an_anchor_in_the_future_periods_count_back_from_it() {
    let mut story = Story::on("2026-02-10");
    story.tiers(&[tier("pro", 100, Unit::Month)]);
    story.did(open_on("pro", Some("2026-05-31")));
    assert_eq!(story.period(), ("2026-01-31".to_owned(), "2026-02-28".to_owned()));
    assert_eq!(story.see(), seen(100, 100, 0, 0));
    story.move_to("2026-03-01");
    assert_eq!(story.told(2), ["2026-02-28 expiry -100 = 0", "2026-02-28 allocation 100 = 100"]);
    assert_eq!(story.period(), ("2026-02-28".to_owned(), "2026-03-31".to_owned()));
}

#[test]
fn a_daily_plan_gives_each_day_its_own_for_400_days() {
    let mut story = Story::planned("2026-01-01", &[tier("daily", 3, Unit::Day)]);
    let grant = &story.book.ledger().grants()[0];
    assert_eq!((grant.source, grant.priority), (Source::Daily, 20));
    story.move_to("2027-02-05");
    // Opened, allocated, and each of 400 times an expiry and an allocation.
    assert_eq!(story.told(0).len(), 2 + 2 * 400);
    assert_eq!(story.see(), seen(3, 3, 0, 0));
    assert_eq!(story.told(800), ["2027-02-05 expiry -3 = 0", "2027-02-05 allocation 3 = 3"]);
    story.did(consume(3));
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
    story.clock(DAY);
    story.did(consume(3));
}

/// What the clock makes due does not wait for anybody to look.
#[test]
fn asleep_for_years_is_the_same_as_awake_entry_by_entry() {
    for unit in [Unit::Day, Unit::Week, Unit::Month, Unit::Year] {
        let live = |watched: bool| {
            let mut story = Story::on("2024-01-31T22:30:00");
            story.tiers(&[rolling(tier("pro", 10, unit), 25, 3)]);
            story.did(open_on("pro", None));
            story.did(add(topup(5)));
            story.did(consume(4));
            let held = story.did(hold(8, DAY));
            for to in ["2024-02-01T01:15:00", "2024-05-31", "2026-06-30T12:00:00"] {
                while watched && story.now.after_ms(HOUR) < at(to) {
                    story.clock(HOUR);
                    story.book.settle_due(story.now);
                }
                story.move_to(to);
                story.ask(consume(6)).ok();
                story.ask(complete(held, 9)).ok();
            }
            story.book.journal().entries().to_vec()
        };
        let (awake, asleep) = (live(true), live(false));
        assert!(asleep.len() > 10, "{unit:?}");
        assert_eq!(awake, asleep, "{unit:?}");
    }
}

#[test]
fn the_clock_going_back_an_hour_over_a_boundary_changes_nothing() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    story.move_to("2026-04-01T00:30:00");
    assert_eq!(story.told(3).len(), 1);
    story.did(consume(10));
    let (before, period) = (story.count(), story.period());
    story.clock(-HOUR);
    assert_eq!(story.told(before), Vec::<String>::new());
    assert_eq!(story.see(), seen(90, 90, 0, 0));
    story.did(consume(1));
    story.clock(HOUR);
    assert_eq!(story.told(before), ["2026-04-01T00:30 consumption -1 = 89"]);
    assert_eq!(story.period(), period);
}

#[test]
fn an_allocation_fills_up_to_the_most_that_there_can_be() {
    let most = 9_000_000_000;
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", most, Unit::Month), most, 1)]);
    story.did(consume(3));
    story.did(add(topup(2)));
    let before = story.count();
    story.move_to("2026-04-01");
    let rolled = most - 3;
    assert_eq!(
        story.told(before),
        [
            format!("2026-04-01 expiry -{rolled} = 2"),
            format!("2026-04-01 rollover {rolled} = {}", rolled + 2),
            format!("2026-04-01 allocation 1 = {most}"),
        ]
    );
}

#[test]
fn credits_burn_prototype_then_allocation_then_rollover_then_bought() {
    let mut story = Story::planned("2026-03-01", &[rolling(tier("pro", 10, Unit::Month), 10, 1)]);
    story.move_to("2026-04-01");
    story.book.settle_due(story.now);
    let bought = story.did(add(Addition { source: Some(Source::Purchased), ..topup(10) }));
    let prototype = story.did(add(Addition { source: Some(Source::Prototype), ..topup(10) }));
    let order: Vec<Source> = story.book.ledger().grants().iter().map(|grant| grant.source).collect();
    assert_eq!(order, [Source::Prototype, Source::Period, Source::Rollover, Source::Purchased]);
    let (period, rollover) = (story.book.ledger().grants()[1].seq, story.book.ledger().grants()[2].seq);
    let left =
        |story: &Story| [prototype, period, rollover, bought].map(|grant| story.left(grant).unwrap_or(0));
    for expected in [[0, 10, 10, 10], [0, 0, 10, 10], [0, 0, 0, 10], [0, 0, 0, 0]] {
        story.did(consume(5));
        story.did(consume(5));
        assert_eq!(left(&story), expected);
    }
}

#[test]
fn a_plan_ends_with_its_customer() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    story.did(Command::Close);
    let before = story.count();
    story.move_to("2026-06-01");
    assert_eq!(story.told(before), Vec::<String>::new());
    let tiers: Vec<Tier> = story.book.terms().unwrap().tiers.clone();
    story.did(open_on(tiers[0].id.as_str(), None));
    assert_eq!(story.period(), ("2026-06-01".to_owned(), "2026-07-01".to_owned()));
}
