//! A rollup object: one of the shards of a project and mode. It takes what
//! ledgers' transactions add up to, each of a ledger's entries once and in
//! order, and answers for all its customers together. How it is asked:
//! `rollup_views.rs`.
//!
//! Amounts stand in two columns, whole credits and millionths, so that SQL
//! adds them up exactly and without a limit that anybody meets.

use serde::{Deserialize, Serialize};

use super::rollup_views as views;
use crate::credits::Credits;
use crate::json;
use crate::tally::{Group, Tally};
use crate::text::Name;
use crate::worker::keys::Mode;
use crate::worker::objects::project::project_name;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// Shards of one project and mode. A customer's shard follows from its id, so
/// this number cannot change once there are totals.
pub const SHARDS: u8 = 8;

/// The columns of a [`Tally`], in its order.
pub(super) const AMOUNTS: [&str; 4] = ["consumed", "added", "removed", "overage"];

/// A tally's columns in a table.
const COLUMNS: &str = "\
consumed INTEGER NOT NULL, consumed_m INTEGER NOT NULL, added INTEGER NOT NULL, added_m INTEGER NOT NULL, \
removed INTEGER NOT NULL, removed_m INTEGER NOT NULL, overage INTEGER NOT NULL, overage_m INTEGER NOT NULL, \
count INTEGER NOT NULL";

/// See [`count`].
const COUNT: &str = "\
UPDATE ledgers SET seen = ?1->>0, balance = ?1->>1, day = ?1->>2, \
consumed = consumed + (?1->>'$[3][0][0]'), consumed_m = consumed_m + (?1->>'$[3][0][1]'), \
added = added + (?1->>'$[3][1][0]'), added_m = added_m + (?1->>'$[3][1][1]'), \
removed = removed + (?1->>'$[3][2][0]'), removed_m = removed_m + (?1->>'$[3][2][1]'), \
overage = overage + (?1->>'$[3][3][0]'), overage_m = overage_m + (?1->>'$[3][3][1]'), \
count = count + (?1->>4) \
WHERE customer = ?1->>5 AND seen = ?1->>'$[6][0]' AND day = ?1->>'$[6][1]' RETURNING id";

/// See [`add_totals`].
const ADD_TOTALS: &str = "\
INSERT INTO totals SELECT value->>0, value->>1, value->>2, value->>3, \
value->>'$[4][0][0]', value->>'$[4][0][1]', value->>'$[4][1][0]', value->>'$[4][1][1]', \
value->>'$[4][2][0]', value->>'$[4][2][1]', value->>'$[4][3][0]', value->>'$[4][3][1]', value->>5 \
FROM json_each(?) WHERE true \
ON CONFLICT (day, kind, service, action) DO UPDATE SET \
consumed = consumed + excluded.consumed, consumed_m = consumed_m + excluded.consumed_m, \
added = added + excluded.added, added_m = added_m + excluded.added_m, \
removed = removed + excluded.removed, removed_m = removed_m + excluded.removed_m, \
overage = overage + excluded.overage, overage_m = overage_m + excluded.overage_m, \
count = count + excluded.count";

/// A call to a rollup object. Days are counted from 1970-01-01 in UTC; a span
/// of days includes both its ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollupCall {
    /// What a ledger has to tell; answers [`Seen`].
    Receive(Box<Deltas>),
    /// All transactions of each day that has any: a list of day and [`Tally`].
    Days(Span),
    /// [`Group`]s by type and priced action.
    Actions(Span),
    /// The customers that consumed most: a list of customer and [`Tally`].
    Top {
        /// When.
        span: Span,
        /// How many.
        limit: u64,
    },
    /// For each span its [`Tally`] and how many customers had transactions.
    Summary(Vec<Span>),
    /// A span's [`Tally`], and the sum of all balances as they are now.
    Burn(Span),
}

/// Days from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(pub i64, pub i64);

/// What a ledger has to tell: its transactions in a range of its entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deltas {
    /// The ledger's customer.
    pub customer: Name,
    /// The range begins after this entry. `None`: the ledger only asks.
    pub after: Option<u64>,
    /// Its last entry.
    pub upto: u64,
    /// The balance after that.
    pub balance: Credits,
    /// The transactions in it, by day, type and priced action; days ascend.
    pub groups: Vec<Group>,
}

/// Up to which of a ledger's entries its transactions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The entry's number; 0: none is.
    pub seen: u64,
}

/// The name of the shard that counts for a customer.
pub fn shard_for(project: &Name, mode: Mode, customer: &Name) -> String {
    // FNV-1a (RFC 9923): it must never change, and needs no secret.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = customer.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, mix);
    // Its low bits depend on the low bits of the text only.
    let shard = (hash ^ (hash >> 32)).checked_rem(u64::from(SHARDS)).unwrap_or(0);
    shard_name(project, mode, u8::try_from(shard).unwrap_or(0))
}

/// The name of a shard; the separator can be in no project's id.
pub fn shard_name(project: &Name, mode: Mode, shard: u8) -> String {
    format!("{}\u{1f}{shard}", project_name(project, mode))
}

/// Whether any ledger has told this shard anything yet.
///
/// # Errors
/// The store's fault.
pub fn is_made<S: Store>(store: &S) -> Result<bool, StoreFault> {
    let table = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'ledgers'";
    Ok(store.first::<(String,)>(table, ())?.is_some())
}

/// Answers one call, in a transaction of the caller, who has asked
/// [`is_made`] or has seen it to be so before.
///
/// # Errors
/// The store's fault.
pub fn call<S: Store>(store: &S, message: &str, is_made: bool) -> Result<Reply, StoreFault> {
    let call: RollupCall =
        json::read(message).map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
    match call {
        RollupCall::Receive(deltas) => {
            if !is_made {
                create(store)?;
            }
            Ok(Reply::ok(&Seen { seen: receive(store, &deltas)? }))
        }
        _ if !is_made => Ok(views::nothing(&call)),
        call => views::answer(store, &call),
    }
}

fn create<S: Store>(store: &S) -> Result<(), StoreFault> {
    for table in [
        // A customer's transactions since ever, on its last day with any.
        format!(
            "CREATE TABLE ledgers (id INTEGER PRIMARY KEY, customer TEXT NOT NULL UNIQUE, \
             seen INTEGER NOT NULL, balance INTEGER NOT NULL, day INTEGER NOT NULL, {COLUMNS}) STRICT"
        ),
        // The same at the end of earlier days: what a customer did in a span
        // is the difference of two rows, however long the span is.
        format!(
            "CREATE TABLE closings (ledger INTEGER NOT NULL, day INTEGER NOT NULL, {COLUMNS}, \
             PRIMARY KEY (ledger, day)) STRICT, WITHOUT ROWID"
        ),
        // All customers' transactions of a day; an empty name stands for none.
        format!(
            "CREATE TABLE totals (day INTEGER NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL, \
             action TEXT NOT NULL, {COLUMNS}, PRIMARY KEY (day, kind, service, action)) STRICT, WITHOUT ROWID"
        ),
    ] {
        store.run(&table, ())?;
    }
    Ok(())
}

/// Counts what is told, if it goes on where this shard is; says where it is
/// then.
fn receive<S: Store>(store: &S, deltas: &Deltas) -> Result<u64, StoreFault> {
    let days: Vec<_> = deltas.groups.chunk_by(|one, other| one.day == other.day).collect();
    // Nearly all come from a known customer, go on, and are of its last day.
    if let (Some(seen), [groups]) = (deltas.after, &*days)
        && let Some(day) = groups.first().and_then(|group| group.day)
        && count(store, deltas, groups, (seen, day), day)?
    {
        add_totals(store, groups)?;
        return Ok(deltas.upto);
    }
    let known = "SELECT id, seen, day FROM ledgers WHERE customer = ?";
    let known = store.first::<(u64, u64, i64)>(known, (&deltas.customer,))?;
    let mut seen = known.map_or(0, |(_, seen, _)| seen);
    // A repeated message changes nothing; after a lost one the ledger hears
    // where to go on.
    if deltas.after != Some(seen) {
        return Ok(seen);
    }
    let first_day = deltas.groups.first().and_then(|group| group.day).unwrap_or(0);
    let (id, mut day) = match known {
        Some((id, _, day)) => (id, day),
        None => (begin(store, &deltas.customer, first_day)?, first_day),
    };
    for groups in days.into_iter().chain(deltas.groups.is_empty().then_some(&[][..])) {
        let today = groups.first().and_then(|group| group.day).unwrap_or(day).max(day);
        if today > day {
            close_day(store, id)?;
        }
        if !count(store, deltas, groups, (seen, day), today)? {
            return Err(StoreFault("a row that was read is not there".to_owned()));
        }
        (seen, day) = (deltas.upto, today);
    }
    add_totals(store, &deltas.groups)?;
    Ok(deltas.upto)
}

fn begin<S: Store>(store: &S, customer: &Name, day: i64) -> Result<u64, StoreFault> {
    let insert = "INSERT INTO ledgers (customer, seen, balance, day, consumed, consumed_m, added, added_m, \
                  removed, removed_m, overage, overage_m, count) \
                  VALUES (?, 0, 0, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0) RETURNING id";
    let made = store.first::<(u64,)>(insert, (customer, day))?;
    made.map(|(id,)| id).ok_or_else(|| StoreFault("a row that was written is not there".to_owned()))
}

/// Keeps how a customer stood at the end of the day before.
fn close_day<S: Store>(store: &S, id: u64) -> Result<(), StoreFault> {
    let close = "INSERT INTO closings SELECT id, day, consumed, consumed_m, added, added_m, \
                 removed, removed_m, overage, overage_m, count FROM ledgers WHERE id = ? AND count > 0";
    store.run(close, (id,))
}

/// Adds a day's groups to how a customer stands; with it goes up to where it
/// is known, so that both are one row. Nothing, and `false`, if the customer
/// does not stand where it is said to: the last entry, and the day.
fn count<S: Store>(
    store: &S,
    deltas: &Deltas,
    groups: &[Group],
    stands: (u64, i64),
    today: i64,
) -> Result<bool, StoreFault> {
    let mut tally = Tally::default();
    groups.iter().for_each(|group| tally.add(&group.tally));
    let Deltas { customer, upto, balance, .. } = deltas;
    let list = json::write(&(upto, balance, today, amounts(&tally), tally.count, customer, stands));
    Ok(store.first::<(u64,)>(COUNT, (list,))?.is_some())
}

fn add_totals<S: Store>(store: &S, groups: &[Group]) -> Result<(), StoreFault> {
    let row = |group: &Group| {
        let Group { day, kind, service, action, tally } = group;
        let [service, action] = [service, action].map(|name| name.clone().unwrap_or_default());
        (*day, kind.clone(), service, action, amounts(tally), tally.count)
    };
    let rows: Vec<_> = groups.iter().map(row).collect();
    store.execute(ADD_TOTALS, &json::write(&rows))
}

/// Whole credits and millionths of each amount, in the columns' order.
fn amounts(tally: &Tally) -> [(i64, i64); 4] {
    [tally.consumed, tally.added, tally.removed, tally.overage].map(|total| total.parts())
}
