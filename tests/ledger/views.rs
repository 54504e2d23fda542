//! What can be asked of a ledger without changing it.

use edge_credits::ledger::{
    Notice, OverageMode, Provider, RateLimit, SettingChange, Settings, SpendLimit, SpendWindow, Terms, Tier,
    Unit,
};

use super::selling::*;
use super::*;

fn selling(tiers: &[Tier], settings: Settings) -> Terms {
    Terms { tiers: tiers.to_vec(), settings, ..Terms::default() }
}

fn by_default(tier: &str) -> Settings {
    Settings { default_tier: Some(name(tier)), ..Settings::default() }
}

#[test]
fn who_is_no_customer_yet_is_told_what_a_first_charge_would_meet() {
    let mut story = Story::on("2027-03-10");
    assert!(story.book.ledger_for_charge(story.now).is_none());
    story.terms(selling(&[tier("free", 5, Unit::Month)], Settings::default()));
    assert!(story.book.ledger_for_charge(story.now).is_none(), "no tier begins by itself");
    story.terms(selling(&[tier("free", 5, Unit::Month)], by_default("free")));
    let met = story.book.ledger_for_charge(story.now).unwrap();
    assert_eq!((met.available(story.now), met.grants().len()), (whole(5), 1));
    assert!(met.require_spendable(whole(5), story.now).is_ok());
    assert!(met.require_spendable(whole(6), story.now).is_err());
    drop(met);
    assert_eq!((story.book.ledger().opened_at(), story.count()), (None, 0), "it only looked");
    story.did(consume(2));
    let met = story.book.ledger_for_charge(story.now).unwrap();
    assert_eq!(met.available(story.now), whole(3));
}

#[test]
fn a_default_tier_that_is_none_begins_nobody() {
    let terms = |tier_id: &str| selling(&[tier("free", 5, Unit::Month)], by_default(tier_id));
    assert!(terms("free").default_tier_exists());
    assert!(!terms("gone").default_tier_exists());
    assert!(Terms::default().default_tier_exists(), "none is set");
    let mut story = Story::on("2027-03-10");
    story.terms(terms("gone"));
    assert!(story.book.ledger_for_charge(story.now).is_none());
}

#[test]
fn a_customers_own_settings_are_shown_over_those_of_tier_and_project() {
    let mut story = Story::on("2027-03-10");
    let rate_limit = Some(RateLimit { requests: 3, window_seconds: 60 });
    let project = Settings {
        credit_name: Some("gems".to_owned()),
        ai_provider_priority: Some(Provider::Openai),
        low_balance_threshold: Some(whole(7)),
        auto_purchase_limit: Some(9),
        ..Settings::default()
    };
    story.terms(selling(&[Tier { rate_limit, ..tier("pro", 5, Unit::Month) }], project.clone()));
    story.did(open_on("pro", None));
    let seen = |story: &Story| {
        let ledger = story.book.ledger();
        (
            ledger.credit_name().map(str::to_owned),
            ledger.ai_provider_priority(),
            ledger.low_balance_threshold(),
            ledger.auto_purchase_limit(),
        )
    };
    let of_project = (Some("gems".to_owned()), Some(Provider::Openai), Some(whole(7)), 9);
    assert_eq!(seen(&story), of_project);
    assert_eq!(story.book.ledger().rate_limit(), rate_limit);
    assert_eq!(*story.book.ledger().settings(), Settings::default());
    assert_eq!(story.book.ledger().terms().settings, project);
    story.did(configure(vec![
        SettingChange::CreditName(Some("coins".to_owned())),
        SettingChange::AiProviderPriority(Some(Provider::Anthropic)),
        SettingChange::LowBalanceThreshold(Some(whole(1))),
        SettingChange::AutoPurchaseLimit(Some(0)),
    ]));
    let own = (Some("coins".to_owned()), Some(Provider::Anthropic), Some(whole(1)), 0);
    assert_eq!(seen(&story), own);
    assert_eq!(story.book.ledger().settings().words().len(), 4);
}

#[test]
fn settings_that_are_asked_for_are_shown_over_those_of_tier_and_project() {
    let mut story = Story::on("2027-03-10");
    let of_tier = Tier { overage_mode: Some(OverageMode::AutoPurchase), ..tier("pro", 5, Unit::Month) };
    story.terms(selling(&[of_tier], allowing(50)));
    story.did(open_on("pro", None));
    let seen = |own: Settings| {
        let settings = story.book.ledger().settings_with(&own);
        (settings.overage_mode, settings.overage_limit)
    };
    assert_eq!(seen(Settings::default()), (Some(OverageMode::AutoPurchase), Some(whole(50))));
    let own = Settings { overage_mode: Some(OverageMode::Block), ..Settings::default() };
    assert_eq!(seen(own), (Some(OverageMode::Block), Some(whole(50))));
    assert_eq!(seen(allowing(7)), (Some(OverageMode::Allow), Some(whole(7))));
    story.did(change_tier("pro", true));
    story.tiers(&[tier("plain", 5, Unit::Month)]);
    story.did(change_tier("plain", true));
    let none = story.book.ledger().settings_with(&Settings::default());
    assert_eq!(none, Settings::default());
}

#[test]
fn an_entry_says_what_it_was_for_and_what_it_is_about() {
    use edge_credits::ledger::Note;
    let note = |words: &str| Some(Box::new(Note { description: Some(words.to_owned()), ..Note::default() }));
    let mut story = Story::with(10);
    let said = |story: &Story| story.last_entry().note().and_then(|note| note.description.clone());
    story.did(Command::Consume { amount: whole(1), note: note("a charge") });
    assert_eq!(said(&story).as_deref(), Some("a charge"));
    story.did(add(Addition { note: note("a gift"), ..topup(1) }));
    assert_eq!(said(&story).as_deref(), Some("a gift"));
    let less = Addition { kind: AddKind::Adjustment, note: note("a fix"), ..topup(-1) };
    story.did(add(less));
    assert_eq!(said(&story).as_deref(), Some("a fix"));
    let held = Reservation { amount: whole(1), expires_in_ms: HOUR, price: None, note: note("a job") };
    let held = story.did(Command::Reserve(Box::new(held)));
    assert_eq!(said(&story).as_deref(), Some("a job"));
    story.did(Command::Extend { hold: held, expires_in_ms: DAY });
    assert_eq!((said(&story), story.last_entry().about()), (None, Some(held)));
    story.did(complete(held, 30));
    assert_eq!((said(&story).as_deref(), story.last_entry().about()), (Some("a job"), Some(held)));
    assert_eq!(story.last_entry().debt(), whole(21));
    assert_eq!(story.book.journal().entries()[0].debt(), Credits::ZERO);
}

#[test]
fn a_hold_is_known_by_its_number_while_it_is_pending() {
    let mut story = Story::with(10);
    let (first, second) = (story.did(hold(1, HOUR)), story.did(hold(2, DAY)));
    let held = |story: &Story, seq: u64| story.book.ledger().hold(seq).map(|hold| hold.amount);
    assert_eq!((held(&story, first), held(&story, second)), (Some(whole(1)), Some(whole(2))));
    assert_eq!((held(&story, 1), held(&story, 99)), (None, None));
    let listed: Vec<u64> = story.book.ledger().holds().iter().map(|hold| hold.seq).collect();
    assert_eq!(listed, [first, second]);
    story.clock(HOUR);
    story.book.settle_due(story.now);
    assert_eq!((held(&story, first), held(&story, second)), (None, Some(whole(2))));
}

#[test]
fn a_ledger_is_as_late_as_its_last_entry() {
    let mut story = Story::with(10);
    let begun = story.now;
    assert_eq!((story.book.ledger().at(), story.book.ledger().opened_at()), (begun, Some(begun)));
    story.clock(HOUR);
    assert_eq!(story.book.ledger().at(), begun);
    story.did(consume(1));
    assert_eq!((story.book.ledger().at(), story.book.ledger().opened_at()), (story.now, Some(begun)));
    story.clock(HOUR).did(Command::Close);
    assert_eq!((story.book.ledger().at(), story.book.ledger().opened_at()), (story.now, None));
}

#[test]
fn what_is_due_is_counted_as_it_is_done() {
    let mut story = Story::with(10);
    for _ in 0..3 {
        story.did(hold(1, HOUR));
    }
    assert_eq!(story.book.settle_due(story.now), 0);
    assert_eq!(story.book.settle_due(story.now.after_ms(HOUR)), 3);
    assert_eq!(story.book.settle_due(story.now.after_ms(HOUR)), 0);
}

#[test]
fn a_charge_without_a_tier_counts_in_the_month_of_the_calendar() {
    let mut story = Story::on("2027-03-10");
    story.did(add(topup(10)));
    assert_eq!(date(story.book.ledger().period_start(story.now)), "2027-03-01");
    let limit = SpendLimit { per: SpendWindow::Period, amount: whole(3), feature: None };
    story.settings(Settings { spend_limits: Some(vec![limit]), ..Settings::default() });
    story.did(consume(3));
    assert!(story.ask(consume(1)).is_err());
    story.move_to("2027-04-01");
    story.did(consume(1));
    assert_eq!(story.book.ledger().used().to_string(), "4");
}

#[test]
fn each_notice_has_its_word_and_its_letter() {
    let said: Vec<String> =
        Notice::ALL.iter().map(|notice| format!("{} {}", notice.letter(), notice.word())).collect();
    let expected = [
        "a purchase.succeeded",
        "b purchase.failed",
        "c period.reset",
        "d balance.topped_up",
        "e hold.expired",
        "f balance.low",
        "g balance.exhausted",
    ];
    assert_eq!(said, expected);
}
