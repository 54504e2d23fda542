//! One key, at most one entry; and batches, which are all or nothing.

use edge_credits::ledger::Opening;

use super::*;
use crate::journal_in_memory::contents;

#[test]
fn the_same_key_with_the_same_request_gives_the_first_answer_again() {
    let mut story = Story::with(10);
    let request = keyed(consume(4), "k", "4");
    let first = story.request(&request).unwrap();
    story.clock(40 * DAY);
    let again = story.request(&request).unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.entry, first.entry);
    assert_eq!(story.see(), seen(6, 6, 0, 0));
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    let mut story = Story::with(10);
    story.request(&keyed(consume(4), "k", "4")).unwrap();
    assert_eq!(story.request(&keyed(consume(5), "k", "5")), Err(Refusal::KeyReused));
    assert_eq!(story.see(), seen(6, 6, 0, 0));
}

#[test]
fn a_replay_wins_over_too_few_credits_and_over_the_deadline() {
    let mut story = Story::with(10);
    let request = Request { deadline: Some(story.now), ..keyed(consume(10), "k", "10") };
    story.request(&request).unwrap();
    story.clock(DAY);
    assert!(story.request(&request).unwrap().replayed);
    let other = Request { key: Some(key("k", "other")), ..request };
    assert_eq!(story.request(&other), Err(Refusal::KeyReused));
}

#[test]
fn a_refusal_is_not_remembered() {
    let mut story = Story::with(1);
    let request = keyed(consume(4), "k", "4");
    assert_eq!(story.request(&request), Err(short(1, 1, 4)));
    story.did(add(topup(4)));
    assert!(!story.request(&request).unwrap().replayed);
    // Nor for another request: the key was free until then.
    assert_eq!(story.request(&keyed(consume(9), "l", "9")), Err(short(1, 1, 9)));
    assert!(!story.request(&keyed(consume(1), "l", "1")).unwrap().replayed);
}

#[test]
fn each_kind_of_request_is_done_once_under_its_key() {
    let mut story = Story::with(10);
    let held = story.did(hold(1, DAY));
    let commands = [
        add(topup(5)),
        adjustment(-1),
        hold(2, DAY),
        Command::Extend { hold: held, expires_in_ms: DAY },
        complete(held, 1),
        Command::Update { metadata: None },
        Command::RevokeKey { key_id: "k".to_owned(), at: story.now },
        Command::Close,
        Command::Open(Box::new(Opening { metadata: None, ..Opening::default() })),
    ];
    for (index, command) in commands.into_iter().enumerate() {
        let request = keyed(command, &format!("k{index}"), "same");
        let first = story.request(&request).unwrap();
        let again = story.request(&request).unwrap();
        assert_eq!((again.replayed, again.entry), (true, first.entry), "{index}");
    }
}

#[test]
fn past_its_deadline_a_request_is_refused() {
    let mut story = Story::with(10);
    let by = |story: &Story, ms: i64| Request { deadline: Some(story.now.after_ms(ms)), ..plain(consume(1)) };
    story.request(&by(&story, 0)).unwrap();
    assert_eq!(story.request(&by(&story, -1)), Err(Refusal::DeadlinePassed));
    // Before anything else is looked at: it could not be paid either.
    let dear = Request { deadline: Some(story.now.after_ms(-1)), ..plain(consume(99)) };
    assert_eq!(story.request(&dear), Err(Refusal::DeadlinePassed));
    assert_eq!(story.see(), seen(9, 9, 0, 0));
}

#[test]
fn a_batch_is_all_or_nothing() {
    let mut story = Story::with(10);
    let before = (contents(story.book.ledger()), story.book.journal().entries().to_vec());
    let batch = [keyed(consume(4), "a", "4"), plain(hold(4, DAY)), plain(add(topup(1))), plain(consume(4))];
    let (index, stop) = story.book.execute_all(&batch, story.now).unwrap_err();
    assert_eq!((index, refusal(stop)), (3, short(7, 3, 4)));
    assert_eq!((contents(story.book.ledger()), story.book.journal().entries().to_vec()), before);
    // The refused batch burnt no key.
    let outcomes = story.book.execute_all(&batch[..3], story.now).unwrap();
    assert!(outcomes.iter().all(|outcome| !outcome.replayed));
    assert_eq!(story.see(), seen(7, 3, 4, 0));
}

#[test]
fn what_was_due_stays_done_when_a_batch_is_refused() {
    let mut story = Story::with(10);
    story.did(hold(4, HOUR));
    story.clock(HOUR);
    story.book.execute_all(&[plain(consume(11))], story.now).unwrap_err();
    story.entries_are(&["topup", "hold", "hold_expired"]);
}

#[test]
fn a_key_within_a_batch_is_honoured_by_the_batch() {
    let mut story = Story::with(10);
    let twice = [keyed(consume(4), "a", "4"), keyed(consume(4), "a", "4")];
    let outcomes = story.book.execute_all(&twice, story.now).unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.replayed).collect::<Vec<_>>(), [false, true]);
    let reused = [keyed(consume(1), "b", "1"), keyed(consume(2), "b", "2")];
    let (index, stop) = story.book.execute_all(&reused, story.now).unwrap_err();
    assert_eq!((index, refusal(stop)), (1, Refusal::KeyReused));
    assert_eq!(story.see(), seen(6, 6, 0, 0));
}
