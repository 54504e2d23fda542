//! Customers come, go and come back; their keys are revoked; and the clock
//! that they live by may be wrong.

use edge_credits::ledger::{Addition, Opening, Settings};

use super::*;

fn open(metadata: Option<&str>) -> Command {
    Command::Open(Box::new(Opening { metadata: metadata.map(str::to_owned), ..Opening::default() }))
}

fn revoke(key: &str, at: Timestamp) -> Command {
    Command::RevokeKey { key_id: key.to_owned(), at }
}

#[test]
fn a_customer_is_created_once_by_name_or_by_its_first_credit() {
    let mut story = Story::new();
    assert_eq!(story.book.ledger().opened_at(), None);
    story.did(open(Some("{}")));
    assert_eq!(story.book.ledger().metadata(), Some("{}"));
    assert_eq!(story.refused(open(None)), Refusal::AlreadyExists);
    let mut credited = Story::with(1);
    assert_eq!(credited.book.ledger().opened_at(), Some(credited.now));
    assert_eq!(credited.refused(open(None)), Refusal::AlreadyExists);
}

#[test]
fn a_customer_begins_with_the_settings_that_it_is_given() {
    let mut story = Story::new();
    let settings = Settings { credit_name: Some("gems".to_owned()), ..Settings::default() };
    story.did(Command::Open(Box::new(Opening { settings: settings.clone(), ..Opening::default() })));
    assert_eq!(*story.book.ledger().settings(), settings);
    let mut plain = Story::new();
    plain.did(open(None));
    assert_eq!(*plain.book.ledger().settings(), Settings::default());
    // What there is not is not stored.
    assert_eq!(serde_json::to_string(&plain.last_entry().event).unwrap(), r#"{"opened":{}}"#);
}

#[test]
fn an_unknown_customer_has_nothing_and_nothing_creates_it() {
    let mut story = Story::new();
    assert_eq!(story.refused(consume(1)), short(0, 0, 1));
    assert_eq!(story.refused(adjustment(-1)), short(0, 0, 1));
    assert_eq!(story.refused(hold(1, HOUR)), short(0, 0, 1));
    // Not even a hold of nothing, which could be completed with something.
    assert_eq!(story.refused(hold(0, HOUR)), short(0, 0, 0));
    assert_eq!(story.refused(Command::Close), Refusal::NotFound("customer"));
    assert_eq!(story.refused(Command::Update { metadata: None }), Refusal::NotFound("customer"));
    assert_eq!(story.book.ledger().seq(), 0);
}

#[test]
fn closing_writes_credits_off_and_ends_holds() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    story.did(Command::Close);
    assert_eq!(story.last_entry().amount, whole(-10));
    assert_eq!(story.last_entry().kind().word(), "adjustment");
    assert_eq!(story.see(), seen(0, 0, 0, 0));
    assert_eq!(story.book.ledger().opened_at(), None);
    assert_eq!(story.refused(complete(held, 1)), Refusal::NotFound("customer"));
    assert_eq!(story.refused(Command::Close), Refusal::NotFound("customer"));
}

#[test]
fn closing_writes_debt_off_too() {
    let mut story = Story::with(1);
    let held = story.did(hold(1, HOUR));
    story.did(complete(held, 5));
    story.did(Command::Close);
    assert_eq!(story.last_entry().amount, whole(4));
    story.did(add(topup(2)));
    assert_eq!(story.see(), seen(2, 2, 0, 0));
}

/// Once, the new customer was charged for it as for a late completion.
#[test]
fn a_customer_that_comes_back_does_not_pay_for_a_hold_of_its_former_life() {
    for expired_before in [true, false] {
        let mut story = Story::with(10);
        let held = story.did(hold(4, HOUR));
        if expired_before {
            story.clock(DAY);
        }
        story.did(Command::Close);
        story.did(open(None));
        story.did(add(topup(3)));
        assert_eq!(story.refused(complete(held, 4)), Refusal::NotFound("usage transaction"));
        assert_eq!(story.see(), seen(3, 3, 0, 0));
    }
}

#[test]
fn a_revoked_key_is_refused_from_its_instant_on_also_after_the_customer_came_back() {
    let mut story = Story::with(10);
    let from = story.now.after_ms(HOUR);
    story.did(revoke("k", from));
    assert!(!story.book.ledger().refuses_key("k", from.after_ms(-1)));
    assert!(story.book.ledger().refuses_key("k", from));
    assert!(!story.book.ledger().refuses_key("other", from));
    story.did(Command::Close);
    story.did(open(None));
    assert!(story.book.ledger().refuses_key("k", from));
}

/// Once, rotating a key that was revoked already gave it an overlap to live.
#[test]
fn of_two_revocations_the_earlier_one_stands() {
    let mut story = Story::with(10);
    let now = story.now;
    story.did(revoke("k", now));
    story.did(revoke("k", now.after_ms(DAY)));
    assert!(story.book.ledger().refuses_key("k", now));
    story.did(revoke("l", now.after_ms(DAY)));
    story.did(revoke("l", now));
    assert!(story.book.ledger().refuses_key("l", now));
}

/// Once, a reader whose clock was behind saw effective credits as scheduled.
#[test]
fn when_the_clock_goes_back_an_hour_the_ledger_does_not() {
    let mut story = Story::with(10);
    let now = story.now;
    story.did(revoke("k", now));
    story.did(add(Addition { effective_at: Some(now), expires_at: Some(now.after_ms(HOUR)), ..topup(5) }));
    story.clock(-HOUR);
    assert_eq!(story.see(), seen(15, 15, 0, 0));
    assert!(story.book.ledger().refuses_key("k", story.now));
    let charge = story.did(consume(12));
    assert_eq!((story.last_entry().at, story.last_entry().seq), (now, charge));
    let held = story.did(hold(2, HOUR));
    assert_eq!(story.book.ledger().hold(held).unwrap().expires_at, now.after_ms(HOUR));
    // A deadline is kept by the ledger's time as well.
    let late = Request { deadline: Some(now.after_ms(-1)), ..plain(consume(1)) };
    assert_eq!(story.request(&late), Err(Refusal::DeadlinePassed));
    story.clock(HOUR);
    assert_eq!(story.see(), seen(3, 1, 2, 0));
}
