//! Where credits come from, in what order they burn, and how they leave.

use edge_credits::ledger::{Addition, Source};

use super::*;

#[test]
fn each_source_has_its_word_in_the_journal_too() {
    let words: Vec<&str> = Source::ALL.iter().map(|source| source.word()).collect();
    let expected = ["prototype", "daily", "period", "rollover", "purchased", "topup", "adjustment", "refund"];
    assert_eq!(words, expected);
    for source in Source::ALL {
        assert_eq!(serde_json::to_value(source).unwrap(), source.word());
    }
}

/// Grants named by their place in the table, and the order in which they burn.
#[test]
fn the_lowest_priority_burns_first_then_the_soonest_expiry_then_the_oldest() {
    type Terms = (Option<i32>, Option<i64>);
    let table: [(&[Terms], &[usize]); 5] = [
        (&[(Some(2), None), (Some(1), None)], &[1, 0]),
        (&[(None, None), (None, Some(2)), (None, Some(1))], &[2, 1, 0]),
        (&[(None, Some(3)), (None, Some(3)), (None, Some(3))], &[0, 1, 2]),
        // Priority comes before expiry.
        (&[(Some(1), Some(9)), (Some(2), Some(1))], &[0, 1]),
        (&[(Some(5), Some(2)), (Some(5), None), (Some(-1), None), (Some(5), Some(1))], &[2, 3, 0, 1]),
    ];
    for (grants, burns) in table {
        let mut story = Story::new();
        let mut made = Vec::new();
        for (priority, days) in grants {
            let expires_at = days.map(|days| story.now.after_ms(days * DAY));
            made.push(story.did(add(Addition { priority: *priority, expires_at, ..topup(1) })));
        }
        for next in burns {
            assert_eq!(story.left(made[*next]), Some(1), "{grants:?}");
            story.did(consume(1));
            assert_eq!(story.left(made[*next]), None, "{grants:?}");
        }
    }
}

#[test]
fn a_source_brings_its_own_priority() {
    let mut story = Story::new();
    let sources =
        [Source::Refund, Source::Topup, Source::Rollover, Source::Period, Source::Daily, Source::Prototype];
    for source in sources {
        story.did(add(Addition { source: Some(source), ..topup(1) }));
    }
    let order: Vec<Source> = story.book.ledger().grants().iter().map(|grant| grant.source).collect();
    // Equal priorities (daily and period, refund and topup) burn by age.
    let expected =
        [Source::Prototype, Source::Period, Source::Daily, Source::Rollover, Source::Refund, Source::Topup];
    assert_eq!(order, expected);
}

#[test]
fn one_charge_takes_from_as_many_grants_as_it_needs() {
    let mut story = Story::with(3);
    let last = story.did(add(topup(5)));
    story.did(consume(4));
    assert_eq!(story.book.ledger().grants().len(), 1);
    assert_eq!(story.left(last), Some(4));
}

#[test]
fn a_grant_of_tomorrow_counts_in_the_balance_and_is_available_tomorrow() {
    let mut story = Story::with(5);
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { effective_at, priority: Some(0), ..topup(10) }));
    assert_eq!(story.see(), seen(15, 5, 0, 0));
    assert_eq!(story.refused(consume(6)), short(15, 5, 6));
    story.clock(DAY - 1);
    assert_eq!(story.see(), seen(15, 5, 0, 0));
    story.clock(1);
    assert_eq!(story.see(), seen(15, 15, 0, 0));
    story.did(consume(6));
}

#[test]
fn an_expired_grant_leaves_by_an_expiry_transaction_dated_by_its_end() {
    let mut story = Story::with(1);
    let expires_at = story.now.after_ms(DAY);
    story.did(add(Addition { expires_at: Some(expires_at), ..topup(10) }));
    story.did(consume(4));
    story.clock(DAY - 1);
    assert_eq!(story.see(), seen(7, 7, 0, 0));
    story.clock(30 * DAY);
    assert_eq!(story.see(), seen(1, 1, 0, 0));
    story.entries_are(&["topup", "topup", "consumption", "expiry"]);
    assert_eq!((story.last_entry().amount, story.last_entry().at), (whole(-6), expires_at));
}

#[test]
fn expiry_takes_what_is_not_held_and_the_rest_when_the_hold_ends() {
    for released in [true, false] {
        let mut story = Story::new();
        let expires_at = Some(story.now.after_ms(HOUR));
        story.did(add(Addition { expires_at, ..topup(10) }));
        let held = story.did(hold(6, DAY));
        story.clock(HOUR);
        assert_eq!(story.see(), seen(6, 0, 6, 0));
        if released {
            story.clock(DAY);
        } else {
            story.did(complete(held, 2));
        }
        assert_eq!(story.see(), seen(0, 0, 0, 0));
        assert_eq!(story.last_entry().amount, if released { whole(-6) } else { whole(-4) });
    }
}

#[test]
fn a_negative_adjustment_takes_what_is_available_and_no_more() {
    let mut story = Story::with(10);
    story.did(hold(4, DAY));
    assert_eq!(story.refused(adjustment(-7)), short(10, 6, 7));
    story.did(adjustment(-6));
    assert_eq!(story.see(), seen(4, 0, 4, 0));
    assert_eq!(story.last_entry().kind().word(), "adjustment");
}

#[test]
fn only_an_adjustment_may_be_negative_and_nothing_is_added_that_is_zero() {
    let mut story = Story::with(10);
    assert!(matches!(story.refused(add(topup(-1))), Refusal::InvalidAmount(_)));
    assert!(matches!(
        story.refused(add(Addition { kind: AddKind::Refund, ..topup(-1) })),
        Refusal::InvalidAmount(_)
    ));
    assert!(matches!(story.refused(adjustment(0)), Refusal::InvalidAmount(_)));
    assert!(matches!(story.refused(consume(0)), Refusal::InvalidAmount(_)));
    assert!(matches!(story.refused(consume(-1)), Refusal::InvalidAmount(_)));
    assert!(matches!(story.refused(hold(-1, DAY)), Refusal::InvalidAmount(_)));
}

#[test]
fn a_grant_must_end_after_it_begins_and_in_the_future() {
    let mut story = Story::with(1);
    let now = story.now;
    let field = |effective_in: Option<i64>, expires_in: i64| {
        let effective_at = effective_in.map(|ms| now.after_ms(ms));
        add(Addition { effective_at, expires_at: Some(now.after_ms(expires_in)), ..topup(1) })
    };
    for refused in [field(None, 0), field(None, -1), field(Some(DAY), DAY), field(Some(-DAY), -HOUR)] {
        assert!(matches!(story.refused(refused), Refusal::InvalidField { field: "expires_at", .. }));
    }
    story.did(field(Some(-DAY), 1));
}
