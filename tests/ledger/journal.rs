//! The journal is the truth: the ledger is what its entries add up to.

use edge_credits::ledger::{
    Addition, Configuration, Ledger, Note, Opening, OverageMode, SettingChange, Settings, SpendLimit,
    SpendWindow, Terms, Unit,
};

use super::selling::*;
use super::*;
use crate::journal_in_memory::{contents, fold};

/// A story with every kind of entry in it.
fn eventful() -> Story {
    let mut story = Story::new();
    story.did(Command::Open(Box::new(Opening {
        metadata: Some("{\"plan\":1}".to_owned()),
        ..Opening::default()
    })));
    story.did(Command::Update { metadata: Some("{\"plan\":2}".to_owned()) });
    let expires_at = Some(story.now.after_ms(2 * HOUR));
    story.did(add(Addition { expires_at, ..topup(10) }));
    let effective_at = Some(story.now.after_ms(30 * DAY));
    story.did(add(Addition { effective_at, product: Some("gold".to_owned()), ..topup(7) }));
    let charge = story.request(&keyed(consume(3), "k", "3")).unwrap().entry.seq;
    story.did(add(Addition { kind: AddKind::Refund, refund_of: Some(charge), ..topup(2) }));
    story.did(adjustment(-1));
    let held = story.did(hold(3, HOUR));
    story.did(Command::Extend { hold: held, expires_in_ms: DAY });
    let expiring = story.did(hold(1, HOUR));
    story.clock(3 * HOUR);
    story.did(complete(held, 20));
    story.did(complete(expiring, 0));
    story.did(add(topup(30)));
    story.did(Command::RevokeKey { key_id: "ck".to_owned(), at: story.now });
    story.did(hold(2, DAY));
    sell(&mut story);
    story
}

/// What there is to a plan, to overage and to purchases.
fn sell(story: &mut Story) {
    let limit = |feature| SpendLimit { per: SpendWindow::Day, amount: whole(9_000), feature };
    story.terms(Terms {
        settings: Settings { spend_limits: Some(vec![limit(None), limit(Some(name("f")))]), ..allowing(50) },
        tiers: vec![rolling(tier("pro", 10, Unit::Week), 5, 2), tier("none", 0, Unit::Month)],
        packs: vec![purchases::pack("s", 500, 100)],
        ..Terms::default()
    });
    story.did(change_tier("pro", false));
    story.clock(8 * DAY);
    let note = Some(Box::new(Note { feature: Some("f".to_owned()), ..Note::default() }));
    let charge = story.did(Command::Consume { amount: whole(60), note });
    story.did(add(Addition { kind: AddKind::Refund, refund_of: Some(charge), ..topup(1) }));
    purchases::paid(story, "p", 100);
    story.did(take_backs::dispute("p", 10));
    story.did(take_backs::dispute("p", 10));
    story.did(take_backs::give_back("p"));
    story.did(change_tier("none", true));
    let mode = SettingChange::OverageMode(Some(OverageMode::AutoPurchase));
    story.did(configure(vec![mode, SettingChange::LowBalanceThreshold(Some(whole(1_000)))]));
    story.book.start_purchase(whole(5), "a".to_owned(), story.now).unwrap();
    story.did(purchases::failed("a"));
    story.did(Command::Configure(Box::new(Configuration { changes: Vec::new(), unblock_purchases: true })));
    story.book.start_purchase(whole(5), "b".to_owned(), story.now).unwrap();
}

#[test]
fn the_fold_of_all_entries_is_the_live_ledger() {
    let story = eventful();
    let mut words: Vec<&str> =
        story.book.journal().entries().iter().map(|entry| entry.kind().word()).collect();
    words.sort_unstable();
    words.dedup();
    let all = [
        "adjustment",
        "allocation",
        "consumption",
        "customer_opened",
        "customer_updated",
        "debt_paid",
        "expiry",
        "hold",
        "hold_expired",
        "hold_extended",
        "key_revoked",
        "period_reset",
        "purchase",
        "purchase_failed",
        "purchase_reversed",
        "purchase_started",
        "refund",
        "rollover",
        "settings_changed",
        "terms_changed",
        "tier_changed",
        "topup",
    ];
    for word in all {
        assert!(words.contains(&word), "the story has no {word}");
    }
    assert_eq!(contents(&fold(story.book.journal().entries())), contents(story.book.ledger()));
}

#[test]
fn the_sum_of_all_entries_is_the_balance_at_each_of_them() {
    let story = eventful();
    let mut sum = Credits::ZERO;
    for (entry, number) in story.book.journal().entries().iter().zip(1..) {
        sum = sum.checked_add(entry.amount).unwrap();
        assert_eq!((entry.seq, entry.balance_after), (number, sum));
    }
    assert_eq!(story.book.ledger().balance(), sum);
}

#[test]
fn a_snapshot_and_the_entries_after_it_are_the_live_ledger() {
    let story = eventful();
    let entries = story.book.journal().entries();
    for after in 0..=entries.len() {
        let (old, new) = entries.split_at(after);
        let snapshot = serde_json::to_string(&fold(old)).unwrap();
        let mut ledger: Ledger = serde_json::from_str(&snapshot).unwrap();
        assert_eq!(ledger, fold(old), "a snapshot reads back");
        new.iter().for_each(|entry| ledger.apply(entry));
        assert_eq!(contents(&ledger), contents(story.book.ledger()), "after {after} entries");
    }
}

#[test]
fn an_event_reads_back_from_its_stored_text() {
    for entry in eventful().book.journal().entries() {
        let text = serde_json::to_string(&entry.event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), entry.event, "{text}");
    }
}

#[test]
fn a_charge_is_stored_without_what_it_has_not() {
    let mut story = Story::with(10);
    story.did(consume(3));
    let text = serde_json::to_string(&story.last_entry().event).unwrap();
    assert_eq!(text, r#"{"consumed":{"draws":[[1,3000000]]}}"#);
    story.settings(allowing(50));
    story.did(consume(9));
    let text = serde_json::to_string(&story.last_entry().event).unwrap();
    assert_eq!(text, r#"{"consumed":{"draws":[[1,7000000]],"debt":2000000}}"#);
}

/// A ledger of the same fields, but for what is changed in its snapshot.
fn altered(ledger: &Ledger, change: impl FnOnce(&mut serde_json::Value)) -> Ledger {
    let mut value = serde_json::to_value(ledger).unwrap();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_ledger_agrees_with_what_its_entries_make_and_with_nothing_else() {
    let mut story = eventful();
    story.did(hold(1, HOUR));
    let ends = story.now.after_ms(HOUR).ms();
    let (live, folded) = (story.book.ledger().clone(), fold(story.book.journal().entries()));
    assert!(live.agrees_with(&folded));
    for (field, value) in [("held", 1), ("debt", 1), ("seq", 1), ("balance", 1)] {
        let other = altered(&live, |ledger| ledger[field] = value.into());
        assert!(!other.agrees_with(&folded), "{field}");
    }
    // When it looks next may be too early, but not too late, and not never.
    let looks_at = |at: Option<i64>| altered(&live, |ledger| ledger["next_due"] = at.into());
    for (at, is_right) in [(Some(0), true), (Some(ends), true), (Some(ends + 1), false), (None, false)] {
        assert_eq!(looks_at(at).agrees_with(&folded), is_right, "{at:?}");
    }
    let idle = Ledger::default();
    assert!(altered(&idle, |ledger| ledger["next_due"] = 1.into()).agrees_with(&idle));
}

#[test]
fn a_ledger_whose_parts_are_not_the_whole_is_not_sound() {
    let mut story = Story::with(10);
    story.did(add(topup(5)));
    story.did(hold(4, HOUR));
    story.did(hold(0, HOUR));
    let ledger = story.book.ledger();
    assert_eq!(ledger.unsound(), None);
    let not_so = |change: fn(&mut serde_json::Value)| altered(ledger, change).unsound().unwrap();
    assert_eq!(not_so(|ledger| ledger["balance"] = 1.into()), "grants and debt are not the balance");
    assert_eq!(not_so(|ledger| ledger["debt"] = 1.into()), "grants and debt are not the balance");
    assert_eq!(not_so(|ledger| ledger["held"] = 1.into()), "holds are not what is held");
    let grant = "a grant holds more than it has";
    assert_eq!(not_so(|ledger| ledger["grants"][0]["remaining"] = 0.into()), grant);
    assert_eq!(not_so(|ledger| ledger["grants"][0]["remaining"] = 3_999_999.into()), grant);
    assert_eq!(not_so(|ledger| ledger["grants"][1]["held"] = (-1).into()), grant);
    assert_eq!(not_so(|ledger| ledger["grants"][1]["seq"] = 1.into()), "two grants have one number");
    assert_eq!(not_so(|ledger| ledger["holds"][1]["seq"] = 3.into()), "holds are not in order");
    assert_eq!(not_so(|ledger| ledger["holds"][0]["amount"] = 1.into()), "holds are not what is held");
    let both = |ledger: &mut serde_json::Value| {
        ledger["holds"][0]["amount"] = 4_000_001.into();
        ledger["holds"][1]["amount"] = (-1).into();
    };
    assert_eq!(not_so(both), "holds are not what is held");
    let owing = |ledger: &mut serde_json::Value| {
        ledger["debt"] = (-1).into();
        ledger["balance"] = 15_000_001.into();
    };
    assert_eq!(not_so(owing), "grants and debt are not the balance");
    // With debt, the grants' own sum is beyond what an amount can hold.
    let mut story = Story::with(1);
    let held = story.did(hold(1, HOUR));
    story.did(complete(held, 6));
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { effective_at, ..topup(9_000_000_000) }));
    story.did(add(Addition { effective_at, ..topup(5) }));
    assert_eq!(story.book.ledger().unsound(), None);
}

#[test]
fn what_moves_no_credits_of_anybody_is_filed_as_no_transaction() {
    let mut story = eventful();
    let failed = story.did(hold(0, HOUR));
    story.did(Command::Complete(Completion { hold: failed, success: false, charge: None }));
    let failed = story.last_entry().kind();
    assert_eq!((failed.word(), failed.is_transaction()), ("hold_failed", false));
    let free = story.did(hold(0, HOUR));
    story.did(complete(free, 0));
    let free = story.last_entry().kind();
    assert_eq!((free.word(), free.is_transaction()), ("consumption", true));
    for entry in story.book.journal().entries() {
        let kind = entry.kind();
        let is_transaction =
            ["consumption", "topup", "adjustment", "refund", "expiry", "allocation", "rollover", "purchase"]
                .contains(&kind.word());
        assert_eq!(kind.is_transaction(), is_transaction, "{}", kind.word());
        assert!(is_transaction || entry.amount.is_zero(), "{}", kind.word());
    }
    let mut story = Story::with(3);
    story.did(Command::Close);
    assert_eq!((story.last_entry().kind().word(), story.last_entry().amount), ("adjustment", whole(-3)));
    let mut story = Story::with(3);
    story.did(consume(3));
    story.did(Command::Close);
    assert_eq!(story.last_entry().kind().word(), "customer_closed");
}
