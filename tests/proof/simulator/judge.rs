//! The auditor at the objects' doors: each answer that leaves is held against
//! the journal's rows.

use edge_credits::worker::reply::{Flag, Reply};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::audit::Audit;
use super::books::{Happened, Standing};
use super::caller::{Callers, Expected, Operation};
use super::disk::Disk;
use super::event::Deed;
use super::process::{BROKEN, Sent};

#[derive(Deserialize)]
struct Body<'a> {
    seq: Option<u64>,
    #[serde(borrow)]
    balance: Option<&'a RawValue>,
    #[serde(borrow)]
    held: Option<&'a RawValue>,
    #[serde(borrow)]
    amount: Option<&'a RawValue>,
    #[serde(borrow)]
    credits_used: Option<&'a RawValue>,
    replayed: Option<bool>,
    consistent: Option<bool>,
    entries: Option<u64>,
    item: Option<u64>,
    results: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct Item {
    status: u16,
    seq: Option<u64>,
}

/// A decimal number as a count of millionths.
fn millionths(text: &RawValue) -> i128 {
    let text = text.get();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{part:0<6}").parse::<i128>().unwrap_or_else(|_| panic!("no decimal: {text}"))
}

fn require(holds: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(words()) }
}

/// What an answer means to its caller.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// Ask again.
    Retry,
    /// Ask again with the project's terms.
    WantsTerms,
    /// The operation is over.
    Over,
}

/// Checks an answer that leaves an object.
pub(crate) fn judge(
    sent: &Sent,
    callers: &mut Callers,
    audit: &mut Audit,
    disk: &Disk,
) -> Result<Verdict, String> {
    if sent.reply == BROKEN {
        return Ok(Verdict::Retry);
    }
    let id = sent.ticket;
    let durable = disk.durable_rows();
    require(durable >= sent.seen, || {
        format!("operation {id} was answered out of {} entries while {durable} were durable", sent.seen)
    })?;
    if Reply::is_wish_for_terms(&sent.reply) {
        return Ok(Verdict::WantsTerms);
    }
    let reply = Reply::from_text(&sent.reply).ok_or_else(|| format!("no reply: {}", sent.reply))?;
    let operation = &mut callers.operations[id as usize];
    let wrong = |what: &str| format!("operation {id} {:?}: {what}: {}", operation.expected, reply.body);
    if operation.deed == Deed::Stranger {
        require(reply.status == 404, || wrong("a stranger was let in"))?;
        return Ok(Verdict::Over);
    }
    if reply.status >= 500 {
        return Err(wrong("an answer that no rule gives"));
    }
    let body: Body = serde_json::from_str(&reply.body).map_err(|error| wrong(&error.to_string()))?;
    if reply.status != 200 {
        require_new(operation, audit, sent.known).map_err(|words| wrong(&words))?;
        if reply.status == 402 {
            let balance = body.balance.map(millionths);
            // An item of a batch meets what those before it leave.
            let before = match (operation.expected, body.item) {
                (Expected::Charge(charge), Some(item)) => i128::from(charge) * i128::from(item),
                _ => 0,
            };
            // A customer that does not exist is told what it would have.
            let could_be =
                |standing: &Standing| !standing.is_open || Some(standing.balance - before) == balance;
            require(window(operation, audit, sent).iter().any(could_be), || wrong("no such balance"))?;
        }
        return Ok(Verdict::Over);
    }
    match operation.deed {
        Deed::KeyAgain => return Err(wrong("a key served two operations")),
        Deed::Balance => {
            let shown = (body.balance.map(millionths), body.held.map(millionths));
            let is_there = window(operation, audit, sent)
                .iter()
                .any(|standing| shown == (Some(standing.balance), Some(standing.held)));
            require(is_there, || wrong("never stood so while it was asked"))?;
        }
        Deed::Audit => {
            let count = body
                .entries
                .is_some_and(|count| (operation.floor as u64..=sent.seen as u64).contains(&count));
            require(body.consistent == Some(true) && count, || wrong("the engine's own audit"))?;
        }
        Deed::Batch | Deed::BatchOfEach => {
            let results = body.results.as_deref().unwrap_or_default();
            require(results.len() == operation.items, || wrong("not all items"))?;
            for (index, item) in results.iter().enumerate() {
                let key = audit.books.keys.get(&*format!("k{id}.{index}"));
                require(item.seq.is_some() == (item.status == 200), || wrong("done and refused"))?;
                // What is refused now may be done by the next one of the same flush.
                let was_done = key.is_some_and(|seq| *seq <= sent.known as u64);
                require(item.seq.is_some() || !was_done, || wrong("refused although it had been done"))?;
                if let Some(seq) = item.seq {
                    require(item.seq.as_ref() == key, || wrong("no such entry"))?;
                    require(seq > operation.floor as u64, || wrong("older than its question"))?;
                    audit.tell(seq, id);
                }
            }
        }
        _ => {
            let seq = body.seq.ok_or_else(|| wrong("without a number"))?;
            let fact = audit.facts.get(seq as usize - 1).ok_or_else(|| wrong("no such entry"))?;
            let by_other = matches!((operation.expected, &fact.happened),
                (Expected::Settle(hold, _), Happened::Settled { hold: of, .. }) if hold == *of);
            let is_own = match &operation.key {
                Some(key) => fact.key.as_deref() == Some(key),
                None => fact.words() == Some(&format!("op-{id}")),
            };
            require(is_own || by_other, || wrong("another operation's entry"))?;
            require(seq > operation.floor as u64 || by_other, || wrong("older than its question"))?;
            require(operation.told.is_none_or(|told| told == seq), || wrong("another entry than before"))?;
            let was_there = seq <= sent.known as u64;
            let is_replay = reply.flag == Flag::Replayed && body.replayed != Some(false);
            require(!was_there || is_replay, || wrong("not said to be replayed"))?;
            require_figures(operation, &body, fact.amount, fact.balance_after)
                .map_err(|words| wrong(&words))?;
            operation.told = Some(seq);
            let object = operation.object;
            match operation.expected {
                Expected::Hold(_) if !callers.holds[object].contains(&seq) => callers.holds[object].push(seq),
                Expected::Charge(_) | Expected::Settle(..) => callers.charges[object].push(seq),
                _ => {}
            }
            audit.tell(seq, id);
        }
    }
    Ok(Verdict::Over)
}

/// How things stood while it was asked: from what its caller may know of to
/// what it may tell of.
fn window<'a>(operation: &Operation, audit: &'a Audit, sent: &Sent) -> &'a [Standing] {
    &audit.books.standings[operation.floor.min(sent.seen)..=sent.seen]
}

/// What was done before must not be refused now: a retry tells which.
fn require_new(operation: &Operation, audit: &Audit, known: usize) -> Result<(), String> {
    let key = operation.key.as_deref().filter(|_| operation.deed != Deed::KeyAgain);
    let done = key.and_then(|key| audit.books.keys.get(key)).filter(|seq| **seq <= known as u64);
    require(done.is_none(), || "refused although it had been done".to_owned())
}

fn require_figures(operation: &Operation, body: &Body, amount: i64, after: i64) -> Result<(), String> {
    let shown = |value: Option<&RawValue>| value.map(millionths);
    let balance = shown(body.balance);
    let (expected, told) = match operation.expected {
        Expected::Charge(charge) => (i128::from(charge), shown(body.amount)),
        Expected::Grant(_) | Expected::Deduct(_) => (amount.into(), shown(body.amount)),
        Expected::Hold(held) => (held.into(), shown(body.credits_used)),
        Expected::Settle(..) => (-i128::from(amount), shown(body.credits_used)),
        _ => return Ok(()),
    };
    require(told == Some(expected), || format!("{expected} millionths were asked for"))?;
    require(balance == Some(after.into()), || format!("the balance was {after} millionths"))
}
