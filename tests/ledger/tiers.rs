//! From one tier to another, by the customer's doing or the project's.

use edge_credits::ledger::{Book, Settings, SpendLimit, SpendWindow, Terms, TierChange, Unit};

use super::selling::*;
use super::*;
use crate::journal_in_memory::fold;

fn two_tiers() -> [edge_credits::ledger::Tier; 2] {
    [rolling(tier("small", 100, Unit::Month), 30, 1), tier("large", 500, Unit::Month)]
}

fn reset_to(tier: &str, anchor: &str) -> Command {
    let anchor = Some(at(anchor));
    Command::ChangeTier(Box::new(TierChange { tier: name(tier), reset_balance: true, anchor }))
}

#[test]
fn without_reset_the_running_period_goes_on_and_the_new_tier_begins_with_the_next() {
    let mut story = Story::planned("2026-03-10", &two_tiers());
    story.did(consume(40));
    story.move_to("2026-03-20T15:00:00");
    let before = story.count();
    story.did(change_tier("large", false));
    assert_eq!(story.told(before), ["2026-03-20T15:00 tier_changed 0 = 60"]);
    assert_eq!(story.period(), ("2026-03-10".to_owned(), "2026-04-10".to_owned()));
    story.move_to("2026-05-10");
    // The new tier has no rollover.
    assert_eq!(
        story.told(before + 1),
        [
            "2026-04-10 expiry -60 = 0",
            "2026-04-10 allocation 500 = 500",
            "2026-05-10 expiry -500 = 0",
            "2026-05-10 allocation 500 = 500",
        ]
    );
}

#[test]
fn with_reset_what_the_tier_before_gave_ends_and_a_period_begins_at_once() {
    let mut story = Story::planned("2026-03-10", &two_tiers());
    story.did(consume(80));
    story.did(add(topup(7)));
    story.move_to("2026-04-20T15:00:00");
    story.book.settle_due(story.now);
    let before = story.count();
    // 100 of the period, 20 rolled over, 7 topped up.
    assert_eq!(story.see(), seen(127, 127, 0, 0));
    story.did(change_tier("large", true));
    // In the same request, so that its answer can say so.
    assert_eq!(in_whole(story.book.ledger().balance()), 507);
    assert_eq!(
        story.told(before),
        [
            "2026-04-20T15:00 tier_changed 0 = 127",
            "2026-04-20T15:00 expiry -100 = 27",
            "2026-04-20T15:00 expiry -20 = 7",
            "2026-04-20T15:00 allocation 500 = 507",
        ]
    );
    assert_eq!(story.period(), ("2026-04-20T15:00".to_owned(), "2026-05-20T15:00".to_owned()));
}

/// What was given up with a reset is no leftover of a period.
#[test]
fn with_reset_nothing_rolls_over() {
    let tiers = [tier("small", 100, Unit::Month), rolling(tier("large", 500, Unit::Month), 400, 1)];
    let mut story = Story::planned("2026-03-10", &tiers);
    story.move_to("2026-03-20");
    story.did(change_tier("large", true));
    assert_eq!(story.see(), seen(500, 500, 0, 0));
    story.move_to("2026-04-20");
    assert_eq!(story.see(), seen(900, 900, 0, 0));
}

#[test]
fn with_reset_what_is_held_stays_for_what_it_is_held_for() {
    let mut story = Story::planned("2026-03-10", &two_tiers());
    let held = story.did(hold(40, DAY));
    story.did(change_tier("large", true));
    assert_eq!(story.see(), seen(540, 500, 40, 0));
    story.did(complete(held, 10));
    assert_eq!(story.see(), seen(500, 500, 0, 0));
}

#[test]
fn with_reset_an_anchor_may_be_given() {
    let mut story = Story::planned("2026-03-10", &two_tiers());
    story.move_to("2026-03-20");
    story.did(reset_to("large", "2026-01-31"));
    assert_eq!(story.see(), seen(500, 500, 0, 0));
    assert_eq!(story.period(), ("2026-02-28".to_owned(), "2026-03-31".to_owned()));
    let without_reset = TierChange { tier: name("small"), reset_balance: false, anchor: Some(story.now) };
    let refusal = story.refused(Command::ChangeTier(Box::new(without_reset)));
    assert!(matches!(refusal, Refusal::InvalidField { field: "anchor", .. }));
}

#[test]
fn to_periods_of_another_length_the_running_one_still_ends_when_it_would_have() {
    let tiers = [tier("month", 100, Unit::Month), tier("week", 10, Unit::Week)];
    let mut story = Story::planned("2026-03-10", &tiers);
    story.move_to("2026-03-12");
    let before = story.count();
    story.did(change_tier("week", false));
    assert_eq!(story.period(), ("2026-03-10".to_owned(), "2026-04-10".to_owned()));
    story.move_to("2026-04-20");
    assert_eq!(
        story.told(before),
        [
            "2026-03-12 tier_changed 0 = 100",
            "2026-04-10 expiry -100 = 0",
            // The weeks are counted from there.
            "2026-04-10 allocation 10 = 10",
            "2026-04-17 expiry -10 = 0",
            "2026-04-17 allocation 10 = 10",
        ]
    );
}

#[test]
fn to_periods_of_the_same_length_the_anchor_stays() {
    let mut story = Story::planned("2026-01-31", &two_tiers());
    story.move_to("2026-02-10");
    story.did(change_tier("large", false));
    story.move_to("2026-03-30");
    assert_eq!(story.see(), seen(500, 500, 0, 0));
    assert_eq!(story.period(), ("2026-02-28".to_owned(), "2026-03-31".to_owned()));
}

#[test]
fn a_customer_without_a_tier_begins_a_period_with_its_first_one() {
    let mut story = Story::with(5);
    story.tiers(&two_tiers());
    story.did(change_tier("small", false));
    assert_eq!(story.see(), seen(105, 105, 0, 0));
    assert_eq!(story.period(), ("2026-03-01".to_owned(), "2026-04-01".to_owned()));
    assert!(matches!(
        story.refused(change_tier("gold", true)),
        Refusal::InvalidField { field: "tier_id", .. }
    ));
    let mut nobody = Story::new();
    nobody.tiers(&two_tiers());
    assert_eq!(nobody.refused(change_tier("small", false)), Refusal::NotFound("customer"));
}

#[test]
fn a_tier_that_the_project_redefines_counts_from_its_change_on() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    let before = story.count();
    // Changed on May 15; the ledger hears of it in July.
    let changed = Terms {
        version: 2,
        since: at("2026-05-15"),
        tiers: vec![tier("pro", 250, Unit::Month)],
        ..Terms::default()
    };
    story.move_to("2026-07-02");
    story.book.take_terms(changed, story.now);
    assert_eq!(
        story.told(before),
        [
            "2026-04-01 expiry -100 = 0",
            "2026-04-01 allocation 100 = 100",
            "2026-05-01 expiry -100 = 0",
            "2026-05-01 allocation 100 = 100",
            "2026-05-15 terms_changed 0 = 100",
            "2026-06-01 expiry -100 = 0",
            "2026-06-01 allocation 250 = 250",
            "2026-07-01 expiry -250 = 0",
            "2026-07-01 allocation 250 = 250",
        ]
    );
}

#[test]
fn terms_that_do_not_concern_a_customer_leave_no_trace_in_its_journal() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    let before = story.count();
    let tiers = vec![tier("pro", 100, Unit::Month), tier("new", 9, Unit::Day)];
    let webhook_url = Some("https://example.com".to_owned());
    let settings = Settings { default_tier: Some(name("new")), webhook_url, ..Settings::default() };
    story.terms(Terms { tiers: tiers.clone(), settings, ..Terms::default() });
    assert_eq!(story.count(), before);
    assert_eq!(story.book.terms_version(), 2);
    // Nor those that are older than what is known.
    let older = Terms { version: 1, tiers: vec![tier("pro", 1, Unit::Month)], ..Terms::default() };
    story.book.take_terms(older, story.now);
    assert_eq!(story.count(), before);
    assert_eq!(story.book.terms().unwrap().tiers, tiers);
}

#[test]
fn a_tier_that_the_project_drops_goes_on_for_those_who_are_on_it() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    story.tiers(&[]);
    story.move_to("2026-04-01");
    assert_eq!(story.told(2), ["2026-04-01 expiry -100 = 0", "2026-04-01 allocation 100 = 100"]);
}

fn default_tier(allocation: i64) -> Terms {
    let settings = Settings { default_tier: Some(name("free")), ..Settings::default() };
    Terms { settings, tiers: vec![tier("free", allocation, Unit::Month)], ..Terms::default() }
}

#[test]
fn a_first_consume_hold_or_credit_begins_on_the_default_tier() {
    let firsts: [(Command, &str, i64); 3] = [
        (consume(4), "consumption -4 = 6", 6),
        (hold(4, HOUR), "hold 0 = 10", 10),
        (add(topup(4)), "topup 4 = 14", 14),
    ];
    for (first, word, balance) in firsts {
        let mut story = Story::on("2026-03-01");
        story.terms(default_tier(10));
        story.did(first);
        let expected = [
            "2026-03-01 customer_opened 0 = 0".to_owned(),
            "2026-03-01 allocation 10 = 10".to_owned(),
            format!("2026-03-01 {word}"),
        ];
        assert_eq!(story.told(0), expected);
        assert_eq!(in_whole(story.book.ledger().balance()), balance);
        story.move_to("2026-04-01");
        story.book.settle_due(story.now);
        assert_eq!(story.period(), ("2026-04-01".to_owned(), "2026-05-01".to_owned()));
    }
}

#[test]
fn a_first_charge_that_is_refused_leaves_no_trace() {
    let mut story = Story::on("2026-03-01");
    story.terms(default_tier(10));
    assert_eq!(story.refused(consume(11)), short(10, 10, 11));
    assert_eq!(story.refused(hold(11, HOUR)), short(10, 10, 11));
    assert_eq!(story.book.ledger().opened_at(), None);
    assert_eq!(story.count(), 0);
    // All or nothing: a batch whose second charge is beyond the allocation.
    let batch = [plain(consume(6)), plain(consume(6))];
    let (index, _) = story.book.execute_all(&batch, story.now).unwrap_err();
    assert_eq!((index, story.count()), (1, 0));
    assert_eq!(story.book.ledger().opened_at(), None);
    story.did(consume(10));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn without_a_default_tier_only_a_credit_creates_a_customer_and_it_lives_by_the_settings() {
    let mut story = Story::on("2026-03-01");
    story.settings(Settings {
        spend_limits: Some(vec![SpendLimit { per: SpendWindow::Day, amount: whole(3), feature: None }]),
        ..Settings::default()
    });
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
    story.did(add(topup(5)));
    assert!(matches!(story.refused(consume(4)), Refusal::LimitReached { .. }));
}

#[test]
fn a_ledger_that_was_opened_anew_takes_the_terms_that_it_knows_by_their_version() {
    let mut story = Story::planned("2026-03-01", &[tier("pro", 100, Unit::Month)]);
    let (before, known) = (story.count(), story.book.terms().cloned().unwrap());
    story.book = Book::new(fold(story.book.journal().entries()), std::mem::take(story.book.journal_mut()));
    assert_eq!((story.book.terms(), story.book.terms_version()), (None, known.version));
    story.book.take_terms(known.clone(), story.now);
    // Its journal has nothing new, and what only the terms know is known again.
    assert_eq!((story.book.terms(), story.count()), (Some(&known), before));
    story.did(change_tier("pro", true));
}

#[test]
fn without_terms_a_credit_creates_a_customer_by_itself() {
    let mut story = Story::on("2026-03-01");
    story.book.take_terms(Terms::default(), story.now);
    story.did(add(topup(5)));
    story.entries_are(&["topup"]);
}
