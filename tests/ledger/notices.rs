//! What the outside is told, and of which entry.

use edge_credits::ledger::{Notice, Notices, SettingChange, Settings, Terms, Unit};

use super::purchases::{paid, purchase};
use super::selling::*;
use super::*;

/// With credits, and low below 10.
fn watched(credits: i64) -> Story {
    let mut story = Story::with(credits);
    story.settings(low_below(10));
    story
}

fn low_below(credits: i64) -> Settings {
    Settings { low_balance_threshold: Some(whole(credits)), ..Settings::default() }
}

/// What the last entry has to tell.
fn last(story: &Story) -> Vec<&'static str> {
    story.last_entry().notices.iter().map(Notice::word).collect()
}

/// What the entries after the first `skipped` have to tell, where one has.
fn all(story: &mut Story, skipped: usize) -> Vec<String> {
    story.book.settle_due(story.now);
    let entries = story.book.journal().entries().iter().skip(skipped);
    let telling = entries.filter(|entry| !entry.notices.is_empty());
    telling
        .map(|entry| {
            let words: Vec<&str> = entry.notices.iter().map(Notice::word).collect();
            format!("{}: {}", entry.kind().word(), words.join(", "))
        })
        .collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_balance_is_low_when_it_falls_below_the_threshold_and_not_while_it_stays_there() {
    let mut story = watched(20);
    story.did(consume(10));
    assert_eq!(last(&story), NOTHING);
    story.did(consume(1));
    assert_eq!(last(&story), ["balance.low"]);
    story.did(consume(1));
    assert_eq!(last(&story), NOTHING);
    story.did(add(topup(2)));
    assert_eq!(last(&story), ["balance.topped_up"]);
    story.did(consume(1));
    assert_eq!(last(&story), ["balance.low"]);
}

#[test]
fn a_balance_is_exhausted_when_nothing_is_left_and_not_again_in_debt() {
    let mut story = watched(20);
    story.did(consume(15));
    story.did(consume(4));
    assert_eq!(last(&story), NOTHING);
    story.did(consume(1));
    assert_eq!(last(&story), ["balance.exhausted"]);
    story.settings(allowing(5));
    story.did(consume(5));
    assert_eq!(last(&story), NOTHING);
    // Paying debt makes nothing spendable.
    story.did(add(topup(5)));
    story.did(add(topup(30)));
    story.did(consume(30));
    assert_eq!(last(&story), ["balance.exhausted"]);
}

#[test]
fn one_charge_can_make_it_low_and_exhausted() {
    let mut story = watched(20);
    story.did(consume(20));
    assert_eq!(last(&story), ["balance.low", "balance.exhausted"]);
}

#[test]
fn what_counts_is_what_can_be_spent() {
    let mut story = watched(20);
    let held = story.did(hold(15, HOUR));
    assert_eq!(last(&story), ["balance.low"]);
    story.did(complete(held, 15));
    assert_eq!(last(&story), NOTHING);
    let mut story = watched(20);
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { effective_at, ..topup(50) }));
    story.did(adjustment(-11));
    assert_eq!(last(&story), ["balance.low"]);
    let mut story = watched(5);
    let expires_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { expires_at, ..topup(50) }));
    let before = story.count();
    story.clock(DAY);
    assert_eq!(all(&mut story, before), ["expiry: balance.low"]);
}

#[test]
fn without_a_threshold_nothing_is_low() {
    let mut story = Story::with(20);
    story.did(consume(19));
    assert_eq!(last(&story), NOTHING);
}

#[test]
fn a_threshold_that_is_raised_over_the_balance_tells_nothing() {
    let mut story = watched(20);
    story.did(configure(vec![SettingChange::LowBalanceThreshold(Some(whole(50)))]));
    assert_eq!(last(&story), NOTHING);
    story.settings(low_below(60));
    story.did(consume(1));
    assert_eq!(last(&story), NOTHING);
    // The customer's own stands over the project's.
    story.did(add(topup(31)));
    story.did(consume(1));
    assert_eq!(last(&story), ["balance.low"]);
}

#[test]
fn only_top_ups_and_purchases_top_up() {
    let mut story = watched(20);
    story.did(adjustment(5));
    assert_eq!(last(&story), NOTHING);
    let charge = story.did(consume(1));
    story.did(add(Addition { kind: AddKind::Refund, refund_of: Some(charge), ..topup(1) }));
    assert_eq!(last(&story), NOTHING);
    story.did(add(topup(1)));
    assert_eq!(last(&story), ["balance.topped_up"]);
    story.did(purchase("p", 5));
    assert_eq!(last(&story), ["purchase.succeeded", "balance.topped_up"]);
}

#[test]
fn a_failed_payment_is_told_also_when_it_was_given_up() {
    let mut story = watched(20);
    paid(&mut story, "p", 5);
    story.did(Command::FailPurchase { id: "q".to_owned(), reason: "declined".to_owned() });
    assert_eq!(last(&story), ["purchase.failed"]);
    let replayed = paid(&mut story, "p", 5);
    assert!(replayed.replayed);
    assert_eq!(last(&story), ["purchase.failed"]);
}

#[test]
fn a_hold_that_runs_out_is_told_one_that_is_completed_is_not() {
    let mut story = watched(20);
    story.did(hold(1, HOUR));
    let held = story.did(hold(1, HOUR));
    story.did(complete(held, 1));
    let before = story.count();
    story.clock(HOUR);
    assert_eq!(all(&mut story, before), ["hold_expired: hold.expired"]);
}

fn planned(allocation: i64, threshold: i64) -> Story {
    let mut story = Story::on("2026-03-01");
    let tiers = vec![rolling(tier("pro", allocation, Unit::Month), 20, 1)];
    story.terms(Terms { settings: low_below(threshold), tiers, ..Terms::default() });
    story.did(open_on("pro", None));
    story
}

/// Once, the expiry of what the old period left over told each month that the
/// balance was low and exhausted, just before the new allocation came.
#[test]
fn a_period_that_begins_is_told_and_its_steps_are_not() {
    let mut story = planned(100, 10);
    assert_eq!(all(&mut story, 0), ["allocation: period.reset"]);
    story.did(consume(50));
    story.move_to("2026-03-31T23:30:00");
    story.did(hold(5, HOUR / 2));
    let before = story.count();
    story.move_to("2026-05-01");
    assert_eq!(
        all(&mut story, before),
        ["hold_expired: hold.expired", "allocation: period.reset", "allocation: period.reset"]
    );
}

#[test]
fn a_period_that_begins_with_less_than_there_was_may_be_low_or_exhausted() {
    // 100 of the period and 20 rolled over; then 100 and 20 again; a tier of 5.
    let mut story = planned(100, 10);
    story.tiers(&[tier("pro", 5, Unit::Month)]);
    story.did(configure(vec![SettingChange::LowBalanceThreshold(Some(whole(10)))]));
    let before = story.count();
    story.move_to("2026-04-01");
    assert_eq!(all(&mut story, before), ["allocation: period.reset, balance.low"]);
    story.tiers(&[tier("pro", 0, Unit::Month)]);
    let before = story.count();
    story.move_to("2026-05-01");
    assert_eq!(all(&mut story, before), ["period_reset: period.reset, balance.exhausted"]);
    // It stays so.
    let before = story.count();
    story.move_to("2026-06-01");
    assert_eq!(all(&mut story, before), ["period_reset: period.reset"]);
}

#[test]
fn a_reset_by_a_change_of_tier_tells_what_it_comes_to() {
    for (allocation, told) in [(100, "period.reset"), (9, "period.reset, balance.low")] {
        let mut story = Story::on("2026-03-01");
        let tiers = vec![tier("a", 50, Unit::Month), tier("b", allocation, Unit::Month)];
        story.terms(Terms { settings: low_below(10), tiers, ..Terms::default() });
        story.did(open_on("a", None));
        let before = story.count();
        story.did(change_tier("b", true));
        assert_eq!(all(&mut story, before), [format!("allocation: {told}")]);
    }
}

#[test]
fn nobody_is_told_that_a_closed_customer_has_nothing() {
    let mut story = watched(20);
    story.did(Command::Close);
    assert_eq!(last(&story), NOTHING);
}

#[test]
fn what_a_batch_or_a_first_charge_leaves_undone_tells_nothing() {
    let mut story = watched(20);
    let before = story.count();
    story.book.execute_all(&[plain(consume(15)), plain(consume(15))], story.now).unwrap_err();
    assert_eq!(all(&mut story, before), NOTHING);
    story.did(consume(11));
    assert_eq!(last(&story), ["balance.low"]);
}

#[test]
fn what_is_told_is_kept_with_the_entry_and_what_it_was_about() {
    let mut story = watched(20);
    story.did(hold(5, HOUR));
    story.did(consume(8));
    let notices = story.last_entry().notices;
    assert_eq!((notices.available(), notices.threshold()), (whole(7), Some(whole(10))));
    // As the journal has it: a bit for `balance.low`, then the two amounts.
    let text = serde_json::to_string(&notices).unwrap();
    assert_eq!(text, "[1,7000000,10000000]");
    assert_eq!(serde_json::from_str::<Notices>(&text).unwrap(), notices);
    story.did(add(topup(1)));
    let notices = story.last_entry().notices;
    assert_eq!((notices.available(), notices.threshold()), (whole(8), None));
}
