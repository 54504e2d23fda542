//! Paid credits that are taken back, and those that a dispute gives back.

use edge_credits::ledger::{Source, TakeBack, TakeBackReason};

use super::purchases::paid;
use super::*;

/// `cents` of the price were given back so far: a cent per credit.
fn take_back(id: &str, cents: u64) -> Command {
    taken(id, cents, TakeBackReason::Refund)
}

fn taken(id: &str, refunded_cents: u64, reason: TakeBackReason) -> Command {
    Command::TakeBack(Box::new(TakeBack {
        purchase: id.to_owned(),
        refunded_cents,
        reason,
        event: "evt".to_owned(),
    }))
}

pub(super) fn dispute(id: &str, cents: u64) -> Command {
    taken(id, cents, TakeBackReason::Dispute)
}

pub(super) fn give_back(id: &str) -> Command {
    Command::GiveBack { purchase: id.to_owned(), event: "evt".to_owned() }
}

/// 100 credits were bought for a dollar.
fn bought() -> Story {
    let mut story = Story::new();
    paid(&mut story, "p", 100);
    story
}

fn amount(story: &Story) -> i64 {
    in_whole(story.last_entry().amount)
}

#[test]
fn a_part_of_the_price_takes_its_part_of_the_credits() {
    let mut story = bought();
    story.did(take_back("p", 30));
    assert_eq!((amount(&story), story.last_entry().kind().word()), (-30, "adjustment"));
    // The provider counts on: 50 in all.
    story.did(take_back("p", 50));
    assert_eq!(amount(&story), -20);
    // Hearing of it again takes nothing.
    story.did(take_back("p", 50));
    assert_eq!((amount(&story), story.last_entry().kind().word()), (0, "purchase_reversed"));
    story.did(take_back("p", 40));
    assert_eq!(amount(&story), 0);
    story.did(take_back("p", 100));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
    assert_eq!(story.last_entry().about(), Some(1));
}

#[test]
fn a_part_that_is_no_whole_millionth_is_rounded_up() {
    let mut story = Story::new();
    let Command::Purchase(mut purchase) = purchases::purchase("p", 1) else { panic!() };
    purchase.price_cents = 3;
    let key = Some(edge_credits::ledger::purchase_key("p"));
    story.request(&Request { key, ..plain(Command::Purchase(purchase)) }).unwrap();
    story.did(take_back("p", 1));
    assert_eq!(story.last_entry().amount.millionths(), -333_334);
    story.did(take_back("p", 2));
    assert_eq!(story.last_entry().amount.millionths(), -333_333);
    story.did(take_back("p", 3));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn what_cost_nothing_is_taken_back_whole() {
    let mut story = Story::new();
    let Command::Purchase(mut purchase) = purchases::purchase("p", 7) else { panic!() };
    purchase.price_cents = 0;
    let key = Some(edge_credits::ledger::purchase_key("p"));
    story.request(&Request { key, ..plain(Command::Purchase(purchase)) }).unwrap();
    story.did(take_back("p", 0));
    assert_eq!(amount(&story), -7);
}

#[test]
fn what_is_spent_or_held_stays() {
    let mut story = bought();
    story.did(consume(60));
    let held = story.did(hold(15, HOUR));
    story.did(take_back("p", 50));
    assert_eq!(amount(&story), -25);
    assert_eq!(story.see(), seen(15, 0, 15, 0));
    story.did(complete(held, 5));
    // Of the 100 that are to be taken, 25 are, and 10 more are there.
    story.did(take_back("p", 100));
    assert_eq!(amount(&story), -10);
    assert_eq!(story.see(), seen(0, 0, 0, 0));
    story.did(take_back("p", 100));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn other_credits_are_not_touched() {
    let mut story = bought();
    paid(&mut story, "q", 40);
    story.did(add(topup(9)));
    story.did(consume(80));
    story.did(take_back("p", 100));
    assert_eq!(story.see(), seen(49, 49, 0, 0));
}

#[test]
fn only_a_purchase_of_this_customer_can_be_taken_back_or_given_back() {
    let mut story = bought();
    story.request(&keyed(add(topup(5)), "purchase:x", "purchase")).unwrap();
    for id in ["other", "x"] {
        assert_eq!(story.refused(take_back(id, 1)), Refusal::NotFound("purchase"));
        assert_eq!(story.refused(give_back(id)), Refusal::NotFound("purchase"));
    }
}

#[test]
fn a_dispute_that_is_won_gives_back_what_it_took_once() {
    let mut story = bought();
    story.did(consume(60));
    story.did(dispute("p", 100));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
    story.did(give_back("p"));
    assert_eq!((amount(&story), story.last_entry().kind().word()), (40, "adjustment"));
    let note = story.last_entry().note().and_then(|note| note.description.as_deref());
    assert_eq!(note, Some("dispute won"));
    let grant = &story.book.ledger().grants()[0];
    assert_eq!(
        (grant.source, grant.priority, grant.product.as_deref()),
        (Source::Purchased, 40, Some("pack"))
    );
    story.did(give_back("p"));
    assert_eq!(amount(&story), 0);
    assert_eq!(story.see(), seen(40, 40, 0, 0));
}

/// Once, it counted as a charge that is refunded.
#[test]
fn a_dispute_that_is_won_makes_no_room_under_a_spend_limit() {
    use edge_credits::ledger::{Settings, SpendLimit, SpendWindow};

    let mut story = bought();
    let limit = SpendLimit { per: SpendWindow::Day, amount: whole(10), feature: None };
    story.settings(Settings { spend_limits: Some(vec![limit]), ..Settings::default() });
    story.did(consume(10));
    paid(&mut story, "q", 50);
    story.did(dispute("q", 50));
    story.did(give_back("q"));
    assert!(matches!(story.refused(consume(1)), Refusal::LimitReached { .. }));
}

#[test]
fn what_was_taken_for_a_refund_is_not_given_back() {
    let mut story = bought();
    story.did(take_back("p", 30));
    story.did(give_back("p"));
    assert_eq!(story.see(), seen(70, 70, 0, 0));
    story.did(dispute("p", 100));
    story.did(give_back("p"));
    assert_eq!(story.see(), seen(70, 70, 0, 0));
}

/// Once, what a dispute had given back could not be taken again.
#[test]
fn what_was_given_back_can_be_taken_again() {
    let mut story = bought();
    story.did(consume(10));
    story.did(dispute("p", 100));
    story.did(give_back("p"));
    story.did(consume(20));
    story.did(take_back("p", 50));
    assert_eq!((amount(&story), story.see()), (-50, seen(20, 20, 0, 0)));
    story.did(take_back("p", 100));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

/// Once, sums of what was taken stopped at the most that an amount can be.
#[test]
fn the_largest_purchase_can_be_disputed_again_and_again() {
    let most = 9_000_000_000;
    let mut story = Story::new();
    paid(&mut story, "p", most);
    for _ in 0..3 {
        story.did(dispute("p", most.try_into().unwrap()));
        assert_eq!(story.see(), seen(0, 0, 0, 0));
        story.did(give_back("p"));
        assert_eq!(story.see(), seen(most, most, 0, 0));
    }
}

/// Partly from what the dispute had left, partly from what it gave back.
#[test]
fn a_refund_takes_from_all_that_is_left_of_a_purchase() {
    let mut story = bought();
    story.did(dispute("p", 30));
    story.did(give_back("p"));
    story.did(take_back("p", 90));
    assert_eq!((amount(&story), story.see()), (-90, seen(10, 10, 0, 0)));
}

#[test]
fn a_customer_that_is_gone_is_given_nothing_back() {
    let mut story = bought();
    story.did(dispute("p", 100));
    story.did(Command::Close);
    assert!(matches!(story.refused(give_back("p")), Refusal::InvalidField { field: "purchase", .. }));
    story.did(add(topup(1)));
    story.did(give_back("p"));
    assert_eq!(story.see(), seen(101, 101, 0, 0));
}

#[test]
fn credits_that_were_written_off_are_not_taken_again() {
    let mut story = bought();
    story.did(Command::Close);
    story.did(add(topup(5)));
    story.did(take_back("p", 100));
    assert_eq!(story.see(), seen(5, 5, 0, 0));
}

/// Once, the two were counted in one sum, and the refund took 20 instead of 50.
#[test]
fn a_refund_after_a_dispute_of_a_part_takes_its_own_part() {
    let mut story = bought();
    story.did(dispute("p", 30));
    story.did(take_back("p", 50));
    assert_eq!(amount(&story), -50);
    // Together no more than there was.
    story.did(take_back("p", 100));
    assert_eq!(amount(&story), -20);
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}
