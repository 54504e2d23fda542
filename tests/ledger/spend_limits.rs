//! The most that may be charged in a day or a period.

use edge_credits::ledger::{
    Note, Reservation, SettingChange, Settings, SpendLimit, SpendWindow, Terms, Unit,
};

use super::selling::*;
use super::*;

fn limit(per: SpendWindow, amount: i64, feature: Option<&str>) -> SpendLimit {
    SpendLimit { per, amount: whole(amount), feature: feature.map(name) }
}

fn day(amount: i64) -> SpendLimit {
    limit(SpendWindow::Day, amount, None)
}

fn period(amount: i64) -> SpendLimit {
    limit(SpendWindow::Period, amount, None)
}

/// A customer with 1,000 credits and limits, on March 1.
fn limited(limits: Vec<SpendLimit>) -> Story {
    let mut story = Story::with(1_000);
    set(&mut story, limits);
    story
}

fn set(story: &mut Story, limits: Vec<SpendLimit>) {
    story.settings(Settings { spend_limits: Some(limits), ..Settings::default() });
}

fn feature(text: &str) -> Option<Box<Note>> {
    Some(Box::new(Note { feature: Some(text.to_owned()), ..Note::default() }))
}

fn consume_for(text: &str, credits: i64) -> Command {
    Command::Consume { amount: whole(credits), note: feature(text) }
}

fn hold_for(text: &str, credits: i64) -> Command {
    let (amount, note) = (whole(credits), feature(text));
    Command::Reserve(Box::new(Reservation { amount, expires_in_ms: HOUR, price: None, note }))
}

fn refund(of: u64, credits: i64) -> Command {
    add(Addition { kind: AddKind::Refund, refund_of: Some(of), ..topup(credits) })
}

/// What a refusal says was spent; it must be of this limit.
fn spent(refusal: Refusal, expected: &SpendLimit) -> i64 {
    match refusal {
        Refusal::LimitReached { spent, limit, .. } => {
            assert_eq!(*limit, *expected);
            in_whole(spent)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_day_takes_its_limit_exactly_and_midnight_in_utc_begins_the_next() {
    let mut story = limited(vec![day(10)]);
    story.move_to("2026-03-01T12:00:00");
    story.did(consume(6));
    assert_eq!(spent(story.refused(consume(5)), &day(10)), 6);
    story.did(consume(4));
    story.now = at("2026-03-02").after_ms(-1);
    assert_eq!(spent(story.refused(consume(1)), &day(10)), 10);
    story.move_to("2026-03-02");
    assert_eq!(spent(story.refused(consume(11)), &day(10)), 0);
    story.did(consume(10));
    // Years later, too.
    story.move_to("2028-03-02");
    story.did(consume(10));
}

#[test]
fn without_a_tier_the_period_is_the_month() {
    let mut story = limited(vec![period(10)]);
    story.move_to("2026-03-31T23:59:59");
    story.did(consume(10));
    assert_eq!(spent(story.refused(consume(1)), &period(10)), 10);
    story.move_to("2026-04-01");
    story.did(consume(10));
    story.move_to("2026-04-30");
    assert_eq!(spent(story.refused(consume(1)), &period(10)), 10);
}

#[test]
fn with_a_tier_the_period_is_the_plans() {
    let settings = Settings { spend_limits: Some(vec![period(10)]), ..Settings::default() };
    let mut story = Story::on("2026-03-10T06:00:00");
    story.terms(Terms { settings, tiers: vec![tier("pro", 100, Unit::Week)], ..Terms::default() });
    story.did(open_on("pro", None));
    story.move_to("2026-03-16");
    story.did(consume(10));
    story.now = at("2026-03-17T06:00:00").after_ms(-1);
    assert_eq!(spent(story.refused(consume(1)), &period(10)), 10);
    story.clock(1);
    story.did(consume(10));
}

#[test]
fn a_limit_of_a_feature_concerns_that_feature_only() {
    let images = limit(SpendWindow::Day, 5, Some("images"));
    let mut story = limited(vec![images.clone(), day(20)]);
    story.did(consume_for("images", 5));
    assert_eq!(spent(story.refused(consume_for("images", 1)), &images), 5);
    story.did(consume_for("text", 6));
    story.did(consume(4));
    // All features count against the limit of all.
    assert_eq!(spent(story.refused(consume_for("text", 6)), &day(20)), 15);
    story.did(consume(5));
    story.clock(DAY);
    story.did(consume_for("images", 5));
}

#[test]
fn a_feature_has_its_own_count_of_a_period() {
    let images = limit(SpendWindow::Period, 5, Some("images"));
    let mut story = limited(vec![images.clone()]);
    story.did(consume_for("images", 3));
    story.clock(20 * DAY);
    assert_eq!(spent(story.refused(consume_for("images", 3)), &images), 3);
    story.did(consume_for("images", 2));
    story.move_to("2026-04-01");
    story.did(consume_for("images", 5));
}

#[test]
fn pending_holds_count_as_charged_until_they_end() {
    let images = limit(SpendWindow::Day, 10, Some("images"));
    let mut story = limited(vec![day(100), images.clone()]);
    let held = story.did(hold_for("images", 8));
    assert_eq!(spent(story.refused(hold_for("images", 3)), &images), 8);
    assert_eq!(spent(story.refused(consume_for("images", 3)), &images), 8);
    story.did(hold(40, HOUR));
    assert_eq!(spent(story.refused(consume(53)), &day(100)), 48);
    // What was charged counts in place of what was held.
    story.did(complete(held, 4));
    assert_eq!(spent(story.refused(consume_for("images", 7)), &images), 4);
    story.did(consume_for("images", 6));
    assert_eq!(spent(story.refused(consume(51)), &day(100)), 50);
    story.clock(HOUR);
    assert_eq!(spent(story.refused(consume(91)), &day(100)), 10);
    story.did(consume(90));
}

#[test]
fn a_hold_counts_in_the_window_in_which_it_is_charged() {
    let mut story = limited(vec![day(10)]);
    story.move_to("2026-03-01T23:30:00");
    let held = story.did(hold(7, HOUR));
    story.move_to("2026-03-02T00:10:00");
    assert_eq!(spent(story.refused(consume(4)), &day(10)), 7);
    story.did(complete(held, 7));
    assert_eq!(spent(story.refused(consume(4)), &day(10)), 7);
    // Work that was done is charged, limit or not.
    let held = story.did(hold(3, HOUR));
    story.did(complete(held, 30));
    assert_eq!(spent(story.refused(consume(1)), &day(10)), 37);
}

#[test]
fn a_refund_gives_room_back_in_the_windows_of_its_charge_only() {
    let month = period(30);
    let mut story = limited(vec![day(10), month.clone()]);
    let yesterday = story.did(consume(10));
    story.clock(DAY);
    let today = story.did(consume(9));
    story.did(refund(yesterday, 10));
    assert_eq!(spent(story.refused(consume(2)), &day(10)), 9);
    story.did(refund(today, 4));
    assert_eq!(spent(story.refused(consume(6)), &day(10)), 5);
    story.did(consume(5));
    story.clock(DAY);
    story.did(consume(10));
    story.clock(DAY);
    // Of the month's 34 charged, 14 were given back.
    assert_eq!(spent(story.refused(consume(31)), &day(10)), 0);
    story.did(consume(10));
    story.clock(DAY);
    assert_eq!(spent(story.refused(consume(1)), &month), 30);
    story.move_to("2026-04-01");
    story.did(refund(today, 5));
    story.did(consume(10));
    assert_eq!(spent(story.refused(consume(1)), &day(10)), 10);
}

#[test]
fn a_refund_gives_a_feature_its_room_back() {
    let images = limit(SpendWindow::Day, 10, Some("images"));
    let mut story = limited(vec![images.clone()]);
    let charge = story.did(consume_for("images", 10));
    let other = story.did(consume_for("text", 10));
    story.did(refund(other, 10));
    assert_eq!(spent(story.refused(consume_for("images", 1)), &images), 10);
    story.did(refund(charge, 3));
    assert_eq!(spent(story.refused(consume_for("images", 4)), &images), 7);
    story.did(consume_for("images", 3));
    // By its hold's id as well.
    story.clock(DAY);
    let held = story.did(hold_for("images", 10));
    story.did(complete(held, 10));
    story.did(refund(held, 2));
    assert_eq!(spent(story.refused(consume_for("images", 3)), &images), 8);
}

/// Once, refunding a charge that no limit had counted made room for more.
#[test]
fn a_refund_of_a_charge_that_was_not_counted_gives_no_room() {
    let images = limit(SpendWindow::Day, 10, Some("images"));
    let mut story = Story::with(1_000);
    let before = story.did(consume_for("images", 10));
    set(&mut story, vec![day(10)]);
    story.did(consume_for("images", 8));
    story.did(refund(before, 5));
    assert_eq!(spent(story.refused(consume(3)), &day(10)), 8);
    // A feature is counted from when a limit names it.
    set(&mut story, vec![day(100), images.clone()]);
    story.did(consume_for("images", 10));
    story.did(refund(before, 5));
    assert_eq!(spent(story.refused(consume_for("images", 1)), &images), 10);
}

/// Once, what was counted before it was kept, and what was charged while there
/// was no limit was not.
#[test]
fn what_is_charged_while_there_is_no_limit_begins_the_count_anew() {
    let mut story = limited(vec![day(10)]);
    let counted = story.did(consume(4));
    set(&mut story, vec![]);
    story.did(consume(50));
    set(&mut story, vec![day(10)]);
    story.did(consume(9));
    story.did(refund(counted, 4));
    assert_eq!(spent(story.refused(consume(2)), &day(10)), 9);
    // Without a charge in between, nothing was missed.
    set(&mut story, vec![]);
    set(&mut story, vec![day(20)]);
    assert_eq!(spent(story.refused(consume(12)), &day(20)), 9);
}

#[test]
fn a_feature_that_no_limit_names_any_more_is_counted_anew() {
    let images = limit(SpendWindow::Day, 10, Some("images"));
    let mut story = limited(vec![day(100), images.clone()]);
    story.did(consume_for("images", 4));
    set(&mut story, vec![day(100)]);
    story.did(consume_for("images", 50));
    set(&mut story, vec![day(100), images.clone()]);
    assert_eq!(spent(story.refused(consume_for("images", 11)), &images), 0);
    assert_eq!(spent(story.refused(consume(47)), &day(100)), 54);
    story.did(consume_for("images", 10));
}

/// Once, a count stopped at the most that a balance can be, and refunds were
/// taken off that.
#[test]
fn a_day_can_count_more_than_a_balance_can_be() {
    let most = 9_000_000_000;
    let mut story = Story::with(most);
    set(&mut story, vec![day(most)]);
    let holds = [story.did(hold(0, HOUR)), story.did(hold(0, HOUR))];
    let first = story.did(complete(holds[0], most));
    story.did(add(topup(most)));
    story.did(complete(holds[1], most));
    story.did(refund(first, most));
    assert_eq!(spent(story.refused(consume(1)), &day(most)), most);
}

#[test]
fn the_customers_own_limits_stand_in_place_of_its_projects() {
    let mut story = limited(vec![day(10)]);
    story.did(configure(vec![SettingChange::SpendLimits(Some(vec![day(20)]))]));
    story.did(consume(15));
    story.did(configure(vec![SettingChange::SpendLimits(None)]));
    assert_eq!(spent(story.refused(consume(1)), &day(10)), 15);
    story.did(configure(vec![SettingChange::SpendLimits(Some(vec![]))]));
    story.did(consume(100));
}

#[test]
fn a_limit_is_looked_at_before_funds_and_the_first_that_is_passed_is_named() {
    let mut story = Story::with(5);
    set(&mut story, vec![period(7), day(6)]);
    assert_eq!(spent(story.refused(consume(8)), &period(7)), 0);
    assert_eq!(spent(story.refused(consume(7)), &day(6)), 0);
    assert_eq!(story.refused(consume(6)), short(5, 5, 6));
    assert_eq!(spent(story.refused(hold(8, HOUR)), &period(7)), 0);
    // An adjustment is no charge.
    story.did(adjustment(-5));
    story.did(add(topup(6)));
    story.did(consume(6));
}

#[test]
fn a_customer_that_comes_back_begins_at_zero() {
    let mut story = limited(vec![day(10)]);
    story.did(consume(10));
    story.did(Command::Close);
    story.did(add(topup(10)));
    story.did(consume(10));
}
