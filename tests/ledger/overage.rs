//! Charges beyond the credits that there are.

use edge_credits::ledger::{OverageMode, SettingChange, Settings, Terms, Tier, Unit};

use super::selling::*;
use super::*;

/// A customer with credits whose project allows debt.
fn allowed(credits: i64, limit: i64) -> Story {
    let mut story = Story::with(credits);
    story.settings(allowing(limit));
    story
}

fn beyond(balance: i64, available: i64, requested: i64, limit: i64) -> Refusal {
    let (balance, available) = (whole(balance), whole(available));
    Refusal::Insufficient { balance, available, requested: whole(requested), overage: whole(limit) }
}

#[test]
fn a_charge_may_go_into_debt_down_to_the_limit_exactly() {
    let mut story = allowed(10, 20);
    let refusal = story.refused(consume(31));
    assert_eq!(refusal, beyond(10, 10, 31, 20));
    assert_eq!(in_whole(refusal.shortfall()), 1);
    story.did(consume(30));
    assert_eq!(story.see(), seen(-20, -20, 0, 20));
    assert_eq!(in_whole(story.last_entry().amount), -30);
    assert_eq!(in_whole(story.last_entry().debt()), 20);
    let refusal = story.refused(consume(1));
    assert_eq!(refusal, beyond(-20, -20, 1, 20));
    assert_eq!(in_whole(refusal.shortfall()), 1);
}

#[test]
fn a_millionth_beyond_the_limit_is_too_much() {
    let mut story = allowed(10, 20);
    let beyond = Credits::from_millionths(30_000_001).unwrap();
    let refusal = story.refused(Command::Consume { amount: beyond, note: None });
    assert_eq!(refusal.shortfall().millionths(), 1);
}

#[test]
fn a_charge_that_credits_cover_makes_no_debt() {
    let mut story = allowed(10, 20);
    story.did(consume(10));
    assert_eq!(story.last_entry().debt(), Credits::ZERO);
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn a_limit_that_nobody_set_is_zero_and_other_modes_have_none() {
    let settings = |mode: OverageMode, limit: Option<i64>| Settings {
        overage_mode: Some(mode),
        overage_limit: limit.map(whole),
        ..Settings::default()
    };
    for settings in [
        settings(OverageMode::Allow, None),
        settings(OverageMode::Block, Some(50)),
        settings(OverageMode::AutoPurchase, Some(50)),
    ] {
        let mut story = Story::with(10);
        story.settings(settings);
        assert_eq!(story.refused(consume(11)), short(10, 10, 11));
    }
}

#[test]
fn the_customers_own_mode_overrides_its_tiers_and_that_its_projects() {
    let tier = |mode: Option<OverageMode>| Tier { overage_mode: mode, ..tier("pro", 0, Unit::Month) };
    let mut story = Story::on("2026-03-01");
    let terms = |mode| Terms { settings: allowing(5), tiers: vec![tier(mode)], ..Terms::default() };
    story.terms(terms(Some(OverageMode::Block)));
    story.did(open_on("pro", None));
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
    story.did(configure(vec![SettingChange::OverageMode(Some(OverageMode::Allow))]));
    story.did(consume(1));
    // The limit is inherited until the customer has its own.
    story.did(configure(vec![SettingChange::OverageLimit(Some(whole(2)))]));
    assert_eq!(story.refused(consume(2)), beyond(-1, -1, 2, 2));
    story.did(consume(1));
    // Put back to what is inherited: the tier's mode.
    story.did(configure(vec![SettingChange::OverageMode(None), SettingChange::OverageLimit(None)]));
    assert_eq!(story.refused(consume(1)), short(-2, -2, 1));
    // And without it, the project's.
    story.terms(terms(None));
    story.did(consume(3));
    assert_eq!(story.refused(consume(1)), beyond(-5, -5, 1, 5));
}

#[test]
fn the_next_credit_pays_debt_first_wherever_it_comes_from() {
    let mut story = Story::on("2026-03-01");
    story.terms(Terms {
        settings: allowing(50),
        tiers: vec![tier("pro", 10, Unit::Month)],
        ..Terms::default()
    });
    story.did(open_on("pro", None));
    story.did(consume(45));
    let before = story.count();
    story.did(add(topup(5)));
    story.move_to("2026-04-01");
    story.book.settle_due(story.now);
    story.did(purchases::purchase("p", 22));
    assert_eq!(
        story.told(before),
        [
            "2026-03-01 topup 5 = -30",
            "2026-03-01 debt_paid 0 = -30",
            "2026-04-01 allocation 10 = -20",
            "2026-04-01 debt_paid 0 = -20",
            "2026-04-01 purchase 22 = 2",
            "2026-04-01 debt_paid 0 = 2",
        ]
    );
    assert_eq!(story.see(), seen(2, 2, 0, 0));
}

#[test]
fn a_hold_may_reach_into_overage_too() {
    let mut story = allowed(10, 20);
    let first = story.did(hold(25, HOUR));
    assert_eq!(story.see(), seen(10, -15, 25, 0));
    assert_eq!(story.refused(hold(6, HOUR)), beyond(10, -15, 6, 20));
    assert_eq!(story.refused(consume(6)), beyond(10, -15, 6, 20));
    story.did(hold(5, HOUR));
    story.did(complete(first, 25));
    assert_eq!(story.last_entry().debt(), whole(15));
    assert_eq!(story.see(), seen(-15, -20, 5, 15));
    // What is not used comes back.
    story.clock(HOUR);
    assert_eq!(story.see(), seen(-15, -15, 0, 15));
    story.did(add(topup(20)));
    assert_eq!(story.see(), seen(5, 5, 0, 0));
}

#[test]
fn a_hold_in_overage_that_expires_leaves_everything_as_it_was() {
    let mut story = allowed(10, 20);
    story.did(hold(30, HOUR));
    assert_eq!(story.see(), seen(10, -20, 30, 0));
    story.clock(HOUR);
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    story.did(consume(10));
}

#[test]
fn what_comes_in_while_a_hold_reaches_into_overage_backs_it() {
    let mut story = allowed(10, 20);
    let held = story.did(hold(25, HOUR));
    story.did(add(topup(40)));
    assert_eq!(story.see(), seen(50, 25, 25, 0));
    story.did(complete(held, 25));
    assert_eq!(story.last_entry().debt(), Credits::ZERO);
    assert_eq!(story.see(), seen(25, 25, 0, 0));
}

#[test]
fn a_batch_goes_into_debt_as_a_whole_or_not_at_all() {
    let mut story = allowed(10, 20);
    let before = story.count();
    let batch = [plain(consume(25)), plain(consume(6))];
    let (index, stop) = story.book.execute_all(&batch, story.now).unwrap_err();
    assert_eq!((index, refusal(stop)), (1, beyond(-15, -15, 6, 20)));
    assert_eq!(story.count(), before);
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    story.book.execute_all(&[plain(consume(25)), plain(consume(5))], story.now).unwrap();
    assert_eq!(story.see(), seen(-20, -20, 0, 20));
}

/// Once, its refusal counted overage in, which it may not use: nothing seemed
/// to be missing.
#[test]
fn a_negative_adjustment_never_overdraws() {
    let mut story = allowed(10, 20);
    let refusal = story.refused(adjustment(-12));
    assert_eq!(refusal, short(10, 10, 12));
    assert_eq!(in_whole(refusal.shortfall()), 2);
    story.did(adjustment(-10));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn debt_that_is_deeper_than_the_limit_leaves_no_overage() {
    let mut story = allowed(10, 20);
    let held = story.did(hold(0, HOUR));
    // Work that was done is charged in any case.
    story.did(complete(held, 40));
    assert_eq!(story.see(), seen(-30, -30, 0, 30));
    assert_eq!(story.refused(consume(1)), beyond(-30, -30, 1, 20));
    // Nor once the mode forbids it.
    story.settings(Settings::default());
    story.did(add(topup(30)));
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
}

#[test]
fn scheduled_credits_are_no_cover() {
    let mut story = allowed(10, 20);
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { effective_at, ..topup(100) }));
    assert_eq!(story.refused(consume(31)), beyond(110, 10, 31, 20));
    story.did(consume(30));
    assert_eq!(story.see(), seen(80, -20, 0, 20));
    story.clock(DAY);
    assert_eq!(story.see(), seen(80, 80, 0, 0));
}

/// Once, the sum of the holds stopped at the most that an amount can be.
#[test]
fn holds_in_overage_are_no_more_than_could_be_owed() {
    let most = 9_000_000_000;
    let mut story = allowed(10, most);
    story.did(hold(most, HOUR));
    assert_eq!(story.refused(hold(1, HOUR)), beyond(10, 10 - most, 1, most));
    assert_eq!(story.see(), seen(10, 10 - most, most, 0));
    story.clock(HOUR);
    assert_eq!(story.see(), seen(10, 10, 0, 0));
}

#[test]
fn overage_needs_a_customer() {
    let mut story = Story::new();
    story.settings(allowing(20));
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
    assert_eq!(story.refused(hold(1, HOUR)), short(0, 0, 1));
    // A first charge on a default tier is one's.
    let settings = Settings { default_tier: Some(name("free")), ..allowing(20) };
    story.terms(Terms { settings, tiers: vec![tier("free", 5, Unit::Month)], ..Terms::default() });
    assert_eq!(story.refused(consume(26)), beyond(5, 5, 26, 20));
    story.did(consume(25));
    assert_eq!(story.see(), seen(-20, -20, 0, 20));
}

#[test]
fn overage_cannot_take_debt_beyond_the_most_that_there_can_be() {
    let most = 9_000_000_000;
    let mut story = Story::with(10);
    story.settings(allowing(most));
    story.did(consume(most));
    assert_eq!(story.see(), seen(10 - most, 10 - most, 0, most - 10));
    assert!(matches!(story.refused(consume(11)), Refusal::Insufficient { .. }));
    story.did(consume(10));
    assert_eq!(story.see(), seen(-most, -most, 0, most));
    assert!(matches!(story.refused(consume(1)), Refusal::Insufficient { .. }));
    assert!(matches!(story.refused(hold(1, HOUR)), Refusal::Insufficient { .. }));
}

/// Once, what was missing stopped at the most that an amount can be.
#[test]
fn what_holds_reach_into_overage_counts_at_the_most_that_there_can_be_too() {
    let most = 9_000_000_000;
    let mut story = allowed(10, most);
    story.did(hold(15, HOUR));
    assert_eq!(story.refused(consume(most)), beyond(10, -5, most, most));
    // What is held may have to be owed as well.
    story.did(consume(most - 15));
}
