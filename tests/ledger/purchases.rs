//! Credits that are paid for, and overage that buys them by itself.

use edge_credits::ledger::{
    Configuration, NoPurchase, OverageMode, Pack, Purchase, SettingChange, Settings, Source, Terms,
    purchase_key,
};

use super::selling::*;
use super::*;

const RESUME: i64 = 10 * SECOND;
const GIVE_UP: i64 = 23 * HOUR;

pub(super) fn pack(id: &str, credits: i64, price_cents: u64) -> Pack {
    Pack {
        id: name(id),
        name: id.to_owned(),
        credits: whole(credits),
        price_cents,
        currency: "usd".to_owned(),
        stripe_price_id: None,
    }
}

/// Paid with a cent per credit by the payer `cus_1`.
pub(super) fn purchase(id: &str, credits: i64) -> Command {
    Command::Purchase(Box::new(Purchase {
        id: id.to_owned(),
        pack: Some(name("pack")),
        credits: whole(credits),
        price_cents: credits.try_into().unwrap(),
        currency: "usd".to_owned(),
        session: None,
        payment_intent: None,
        event: None,
        stripe_customer: Some("cus_1".to_owned()),
    }))
}

pub(super) fn paid(story: &mut Story, id: &str, credits: i64) -> Outcome {
    story.request(&Request { key: Some(purchase_key(id)), ..plain(purchase(id, credits)) }).unwrap()
}

pub(super) fn failed(id: &str) -> Command {
    Command::FailPurchase { id: id.to_owned(), reason: "card_declined".to_owned() }
}

/// Buys by itself from packs of 10 to 200, and has paid once.
fn buying() -> Story {
    let mut story = Story::on("2026-03-01T12:00:00");
    story.terms(Terms {
        settings: Settings { overage_mode: Some(OverageMode::AutoPurchase), ..Settings::default() },
        packs: vec![
            pack("xl-sale", 200, 90),
            pack("l", 100, 900),
            pack("s", 10, 100),
            pack("m", 50, 480),
            pack("m-sale", 50, 470),
        ],
        ..Terms::default()
    });
    paid(&mut story, "first", 5);
    story
}

fn buy(story: &mut Story, shortfall: i64, id: &str) -> Result<String, NoPurchase> {
    let entry = story.book.start_purchase(whole(shortfall), id.to_owned(), story.now)?;
    match entry.event {
        Event::PurchaseStarted { purchase } => {
            assert_eq!(purchase.stripe_customer, "cus_1");
            Ok(format!("{} {}", purchase.id, purchase.pack.id.as_str()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_purchase_comes_in_once_per_id() {
    let mut story = Story::new();
    let bought = paid(&mut story, "a", 10);
    let again = paid(&mut story, "a", 10);
    assert_eq!((again.replayed, again.entry.seq), (true, bought.entry.seq));
    assert!(!paid(&mut story, "b", 10).replayed);
    assert_eq!(story.see(), seen(20, 20, 0, 0));
    let grant = &story.book.ledger().grants()[0];
    assert_eq!((grant.source, grant.priority, grant.expires_at), (Source::Purchased, 40, None));
    assert_eq!(grant.product.as_deref(), Some("pack"));
    assert_eq!(bought.entry.kind().word(), "purchase");
    assert_eq!(story.book.ledger().payer().stripe_customer.as_deref(), Some("cus_1"));
}

#[test]
fn paid_credits_find_room_where_no_more_grants_may_be_added() {
    let mut story = Story::new();
    for _ in 0..edge_credits::ledger::MAX_GRANTS {
        story.did(add(topup(1)));
    }
    assert!(matches!(story.refused(add(topup(1))), Refusal::InvalidField { .. }));
    story.did(purchase("a", 1));
    assert_eq!(in_whole(story.book.ledger().balance()), 5_001);
}

#[test]
fn the_smallest_pack_that_covers_is_bought_of_equal_ones_the_cheapest() {
    for (shortfall, bought) in [(1, "s"), (10, "s"), (11, "m-sale"), (50, "m-sale"), (51, "l"), (100, "l")] {
        assert_eq!(buy(&mut buying(), shortfall, "p"), Ok(format!("p {bought}")), "{shortfall}");
    }
    // Not before the smaller ones, however cheap it is.
    assert_eq!(buy(&mut buying(), 101, "p"), Ok("p xl-sale".to_owned()));
    assert_eq!(buy(&mut buying(), 201, "p"), Err(NoPurchase::NoPack));
}

#[test]
fn nothing_is_bought_in_another_mode_or_for_nobody_or_without_who_pays() {
    let mut story = buying();
    story.did(configure(vec![SettingChange::OverageMode(Some(OverageMode::Block))]));
    assert_eq!(buy(&mut story, 1, "p"), Err(NoPurchase::NotAsked));
    let terms = story.book.terms().unwrap().clone();
    let mut nobody = Story::new();
    nobody.terms(terms);
    assert_eq!(buy(&mut nobody, 1, "p"), Err(NoPurchase::NotAsked));
    nobody.did(add(topup(1)));
    assert_eq!(buy(&mut nobody, 1, "p"), Err(NoPurchase::NoPaymentMethod));
    paid(&mut nobody, "first", 1);
    assert_eq!(buy(&mut nobody, 1, "p"), Ok("p s".to_owned()));
}

#[test]
fn at_most_one_purchase_is_under_way_and_it_is_asked_about_again_after_ten_seconds() {
    let mut story = buying();
    let started = story.now;
    assert_eq!(buy(&mut story, 20, "p"), Ok("p m-sale".to_owned()));
    assert_eq!(buy(&mut story, 20, "q"), Err(NoPurchase::Pending));
    story.clock(RESUME - 1);
    assert_eq!(buy(&mut story, 20, "q"), Err(NoPurchase::Pending));
    story.clock(1);
    // The same one, whatever is missing now.
    assert_eq!(buy(&mut story, 90, "q"), Ok("p m-sale".to_owned()));
    let pending = story.book.ledger().payer().pending.clone().unwrap();
    assert_eq!((pending.since, pending.asked_at), (started, story.now));
    story.clock(RESUME - 1);
    assert_eq!(buy(&mut story, 20, "q"), Err(NoPurchase::Pending));
    paid(&mut story, "p", 50);
    assert_eq!(buy(&mut story, 20, "q"), Ok("q m-sale".to_owned()));
}

#[test]
fn a_purchase_of_which_nothing_is_heard_is_given_up_after_23_hours() {
    let mut story = buying();
    buy(&mut story, 20, "p").unwrap();
    story.clock(GIVE_UP - 1);
    assert_eq!(buy(&mut story, 20, "q"), Ok("p m-sale".to_owned()));
    story.clock(1);
    assert_eq!(buy(&mut story, 20, "q"), Err(NoPurchase::Declined));
    assert_eq!(story.last_entry().kind().word(), "purchase_failed");
    assert_eq!(story.book.ledger().payer().pending, None);
    // And the breaker is open.
    assert_eq!(buy(&mut story, 20, "q"), Err(NoPurchase::Declined));
    // Money that comes in late is money.
    paid(&mut story, "p", 50);
    assert_eq!(buy(&mut story, 20, "q"), Ok("q m-sale".to_owned()));
}

#[test]
fn a_day_has_so_many_purchases() {
    let mut story = buying();
    for id in ["a", "b", "c"] {
        buy(&mut story, 1, id).unwrap();
        paid(&mut story, id, 10);
    }
    assert_eq!(buy(&mut story, 1, "d"), Err(NoPurchase::DailyLimit));
    story.now = at("2026-03-02").after_ms(-1);
    assert_eq!(buy(&mut story, 1, "d"), Err(NoPurchase::DailyLimit));
    story.move_to("2026-03-02");
    buy(&mut story, 1, "d").unwrap();
    paid(&mut story, "d", 10);
    story.did(configure(vec![SettingChange::AutoPurchaseLimit(Some(1))]));
    assert_eq!(buy(&mut story, 1, "e"), Err(NoPurchase::DailyLimit));
    story.did(configure(vec![SettingChange::AutoPurchaseLimit(Some(0))]));
    story.move_to("2026-03-03");
    assert_eq!(buy(&mut story, 1, "e"), Err(NoPurchase::DailyLimit));
}

/// Once, each time that the provider was asked again counted as one more.
#[test]
fn asking_again_for_a_purchase_does_not_count_as_another() {
    let mut story = buying();
    for _ in 0..5 {
        assert_eq!(buy(&mut story, 1, "a"), Ok("a s".to_owned()));
        story.clock(RESUME);
    }
    paid(&mut story, "a", 10);
    buy(&mut story, 1, "b").unwrap();
    paid(&mut story, "b", 10);
    buy(&mut story, 1, "c").unwrap();
    paid(&mut story, "c", 10);
    assert_eq!(buy(&mut story, 1, "d"), Err(NoPurchase::DailyLimit));
}

#[test]
fn a_failed_purchase_stops_further_ones_until_a_payment_comes_in_or_somebody_says_so() {
    for paid_again in [true, false] {
        let mut story = buying();
        buy(&mut story, 1, "a").unwrap();
        story.did(failed("a"));
        assert_eq!(buy(&mut story, 1, "b"), Err(NoPurchase::Declined));
        story.clock(40 * DAY);
        assert_eq!(buy(&mut story, 1, "b"), Err(NoPurchase::Declined));
        // A change of something else does not say so.
        story.did(configure(vec![SettingChange::AutoPurchaseLimit(Some(9))]));
        assert_eq!(buy(&mut story, 1, "b"), Err(NoPurchase::Declined));
        if paid_again {
            paid(&mut story, "z", 5);
        } else {
            let changes = Vec::new();
            story.did(Command::Configure(Box::new(Configuration { changes, unblock_purchases: true })));
        }
        assert_eq!(buy(&mut story, 1, "b"), Ok("b s".to_owned()));
    }
}

#[test]
fn the_failure_of_a_purchase_that_overage_did_not_begin_stops_nothing() {
    let mut story = buying();
    story.did(failed("by-hand"));
    assert_eq!(buy(&mut story, 1, "a"), Ok("a s".to_owned()));
    story.did(failed("by-hand"));
    assert!(story.book.ledger().payer().pending.is_some());
    // Nor does another payment end the one that is under way.
    paid(&mut story, "by-hand-2", 5);
    assert_eq!(buy(&mut story, 1, "b"), Err(NoPurchase::Pending));
    assert_eq!(Story::new().refused(failed("a")), Refusal::NotFound("customer"));
}

#[test]
fn a_payment_without_a_payer_keeps_the_one_that_is_known() {
    let mut story = buying();
    let Command::Purchase(anonymous) = purchase("x", 5) else { panic!() };
    story.did(Command::Purchase(Box::new(Purchase { stripe_customer: None, ..*anonymous })));
    assert_eq!(buy(&mut story, 1, "a"), Ok("a s".to_owned()));
}

/// Once, a try of the same payment that failed before was told after it.
#[test]
fn what_was_paid_has_not_failed() {
    let mut story = Story::new();
    let bought = paid(&mut story, "p", 10);
    let heard = story.ask(failed("p")).unwrap();
    assert!(heard.replayed);
    assert_eq!(heard.entry, bought.entry);
    story.entries_are(&["purchase"]);
}

#[test]
fn each_reason_to_buy_nothing_has_its_word() {
    let words = [
        (NoPurchase::NotAsked, None),
        (NoPurchase::NoPaymentMethod, Some("no_payment_method")),
        (NoPurchase::Declined, Some("declined")),
        (NoPurchase::Pending, Some("pending")),
        (NoPurchase::DailyLimit, Some("daily_limit")),
        (NoPurchase::NoPack, Some("no_pack")),
    ];
    for (reason, word) in words {
        assert_eq!(reason.word(), word);
    }
}
