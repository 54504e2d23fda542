//! What a rollup object can be asked.

use super::rollup::{AMOUNTS, RollupCall, Span};
use crate::tally::{Group, Tally, Total};
use crate::text::{Name, joined};
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// A [`Tally`]'s columns as they are read.
type Columns = (Total, Total, Total, Total, u64);

fn tally((consumed, added, removed, overage, count): Columns) -> Tally {
    Tally { consumed, added, removed, overage, count }
}

/// What a shard answers that no ledger has told anything.
pub(super) fn nothing(call: &RollupCall) -> Reply {
    match call {
        RollupCall::Burn(_) => Reply::ok(&(Tally::default(), Total::ZERO)),
        RollupCall::Summary(spans) => {
            Reply::ok(&spans.iter().map(|_| (Tally::default(), 0)).collect::<Vec<_>>())
        }
        _ => Reply::ok(&[(); 0]),
    }
}

/// Answers a question.
///
/// # Errors
/// The store's fault.
pub(super) fn answer<S: Store>(store: &S, call: &RollupCall) -> Result<Reply, StoreFault> {
    Ok(match call {
        RollupCall::Days(span) => Reply::ok(&days(store, *span)?),
        RollupCall::Actions(span) => Reply::ok(&actions(store, *span)?),
        RollupCall::Top { span, limit } => Reply::ok(&top(store, *span, *limit)?),
        RollupCall::Summary(spans) => {
            let summary = |span: &Span| Ok((total(store, *span)?, active(store, *span)?));
            Reply::ok(&spans.iter().map(summary).collect::<Result<Vec<_>, StoreFault>>()?)
        }
        RollupCall::Burn(span) => Reply::ok(&(total(store, *span)?, balances(store)?)),
        RollupCall::Receive(_) => return Err(StoreFault("this is not a question".to_owned())),
    })
}

/// The sums of a tally's columns, to be read as [`Columns`].
fn sums() -> String {
    let sum = |name: &str| format!("coalesce(sum({name}), 0) || ':' || coalesce(sum({name}_m), 0)");
    format!("{}, coalesce(sum(count), 0)", joined(&AMOUNTS.map(sum), ", "))
}

fn days<S: Store>(store: &S, span: Span) -> Result<Vec<(i64, Tally)>, StoreFault> {
    let sql =
        format!("SELECT day, {} FROM totals WHERE day BETWEEN ? AND ? GROUP BY day ORDER BY day", sums());
    let rows: Vec<(i64, Total, Total, Total, Total, u64)> = store.rows(&sql, span)?;
    Ok(rows.into_iter().map(|(day, a, b, c, d, count)| (day, tally((a, b, c, d, count)))).collect())
}

fn total<S: Store>(store: &S, span: Span) -> Result<Tally, StoreFault> {
    let sql = format!("SELECT {} FROM totals WHERE day BETWEEN ? AND ?", sums());
    Ok(store.first::<Columns>(&sql, span)?.map(tally).unwrap_or_default())
}

fn actions<S: Store>(store: &S, span: Span) -> Result<Vec<Group>, StoreFault> {
    let sql = format!(
        "SELECT kind, nullif(service, ''), nullif(action, ''), {} FROM totals \
         WHERE day BETWEEN ? AND ? GROUP BY kind, service, action",
        sums()
    );
    type Row = (String, Option<String>, Option<String>, Total, Total, Total, Total, u64);
    let rows: Vec<Row> = store.rows(&sql, span)?;
    let group = |(kind, service, action, a, b, c, d, count)| Group {
        day: None,
        kind,
        service,
        action,
        tally: tally((a, b, c, d, count)),
    };
    Ok(rows.into_iter().map(group).collect())
}

/// Customers that consumed anything in the span, the most first. What a
/// customer did in a span is how it stood on the last day less how it stood
/// before the first.
///
/// Those who consumed most are chosen first, by one number and few look-ups.
/// Where it would be beyond 64 bits SQLite goes on with a double, so that only
/// the choice among nearly equal giants is inexact, never a sum.
fn top<S: Store>(store: &S, span: Span, limit: u64) -> Result<Vec<(Name, Tally)>, StoreFault> {
    let burnt = "consumed * 1000000 + consumed_m";
    let stood = |day: &str| stood(&format!("({burnt})"), day);
    let closing = |day: &str| format!("(SELECT max(day) FROM closings WHERE ledger = now.id AND day {day})");
    let difference = |name: &str| {
        format!(
            "(CASE WHEN now.day <= ?2 THEN now.{name} ELSE coalesce(last.{name}, 0) END \
             - coalesce(before.{name}, 0))"
        )
    };
    let amount = |name: &str| format!("{} || ':' || {}", difference(name), difference(&format!("{name}_m")));
    let sql = format!(
        "WITH most AS (
           SELECT id, CASE WHEN day <= ?2 THEN {burnt} ELSE {} END - {} AS burnt
           FROM ledgers WHERE day >= ?1 ORDER BY burnt DESC, customer LIMIT ?3)
         SELECT now.customer, {}, {} FROM most JOIN ledgers AS now ON now.id = most.id
         LEFT JOIN closings AS before ON before.ledger = now.id AND before.day = {}
         LEFT JOIN closings AS last
           ON now.day > ?2 AND last.ledger = now.id AND last.day = {}
         WHERE most.burnt > 0 ORDER BY most.burnt DESC, now.customer",
        stood("<= ?2"),
        stood("< ?1"),
        joined(&AMOUNTS.map(amount), ", "),
        difference("count"),
        closing("< ?1"),
        closing("<= ?2"),
    );
    let rows: Vec<(Name, Total, Total, Total, Total, u64)> = store.rows(&sql, (span.0, span.1, limit))?;
    Ok(rows.into_iter().map(|(name, a, b, c, d, count)| (name, tally((a, b, c, d, count)))).collect())
}

/// How a customer stood at the end of the last day before or up to a bound.
fn stood(what: &str, day: &str) -> String {
    format!(
        "coalesce((SELECT {what} FROM closings WHERE ledger = ledgers.id AND day {day} \
         ORDER BY day DESC LIMIT 1), 0)"
    )
}

/// How many customers had transactions in a span.
fn active<S: Store>(store: &S, span: Span) -> Result<u64, StoreFault> {
    let stood = |day: &str| stood("count", day);
    let sql = format!(
        "SELECT count(*) FROM ledgers WHERE day >= ?1 \
         AND (day <= ?2 OR {} > {})",
        stood("<= ?2"),
        stood("< ?1")
    );
    Ok(store.first::<(u64,)>(&sql, span)?.map_or(0, |(count,)| count))
}

fn balances<S: Store>(store: &S) -> Result<Total, StoreFault> {
    let sql = "SELECT coalesce(sum(balance / 1000000), 0) || ':' || coalesce(sum(balance % 1000000), 0) \
               FROM ledgers";
    Ok(store.first::<(Total,)>(sql, ())?.map_or(Total::ZERO, |(total,)| total))
}
