//! An events object: one of the shards of a project and mode. It takes what
//! ledgers have to tell, each ledger's notices in order and once, keeps them
//! as events for a while, and lists them. How they are delivered:
//! [`super::delivery`].

use serde::{Deserialize, Serialize};

use crate::api::{Code, Problem};
use crate::json::{self, JsonText, Raw};
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::ids::to_hex;
use crate::worker::keys::Mode;
use crate::worker::objects::project::project_name;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// Shards of one project and mode. A ledger's shard follows from its id, so
/// this number cannot change once there are events.
pub const SHARDS: u8 = 4;
/// Events are kept for 30 days.
const KEPT_MS: i64 = 30 * 86_400_000;
/// Old ones are removed this much later, many at once.
const PRUNED_AFTER_MS: i64 = KEPT_MS + 3_600_000;

const TABLES: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS owner
       (id INTEGER PRIMARY KEY CHECK (id = 1), project TEXT NOT NULL, mode TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS sources
       (ledger TEXT PRIMARY KEY, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    // Of each ledger only the oldest pending event has a next attempt: the
    // others wait for it, which keeps them in order.
    "CREATE TABLE IF NOT EXISTS events (
       n INTEGER PRIMARY KEY,
       id TEXT NOT NULL UNIQUE,
       ledger TEXT NOT NULL,
       customer TEXT NOT NULL,
       type TEXT NOT NULL,
       at INTEGER NOT NULL,
       received_at INTEGER NOT NULL,
       data TEXT NOT NULL,
       status TEXT NOT NULL,
       attempts INTEGER NOT NULL DEFAULT 0,
       last_attempt_at INTEGER,
       next_attempt_at INTEGER,
       last_status INTEGER,
       last_error TEXT
     ) STRICT",
    "CREATE INDEX IF NOT EXISTS events_due ON events (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS events_waiting ON events (ledger, n) WHERE status = 'pending'",
    "CREATE INDEX IF NOT EXISTS events_by_time ON events (at, id)",
];

/// A call to an events object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsCall {
    /// What a ledger has to tell; answers [`Seen`].
    Receive(Notices),
    /// A page of events; answers [`Page`].
    List(EventQuery),
    /// One event.
    Event {
        /// Its id.
        id: String,
    },
}

/// What a ledger has to tell: all notices of its entries in a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notices {
    /// The ledger's project.
    pub project: Name,
    /// Its world.
    pub mode: Mode,
    /// Its customer.
    pub customer: Name,
    /// The ledger object's id in hexadecimal.
    pub ledger: String,
    /// The range begins after this entry; `None` only asks what is known.
    pub after: Option<u64>,
    /// Its last entry.
    pub upto: u64,
    /// The notices in it, in order.
    pub events: Vec<NewEvent>,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// Its id, the same whenever it is sent.
    pub id: String,
    /// The entry that it stands for.
    pub seq: u64,
    /// What happened, such as `balance.low`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// What there is to say of it: a JSON object as text.
    pub data: String,
}

/// Up to which of a ledger's entries its notices are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The entry's number; 0: nothing is known.
    pub seen: u64,
}

/// Which events to list, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventQuery {
    /// How many.
    pub limit: u64,
    /// Only those that stand behind this one.
    pub before: Option<(Timestamp, String)>,
    /// Only of this type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Only of this customer.
    pub customer: Option<Name>,
}

/// A shard's part of a list.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    /// How many there are in all.
    pub total: u64,
    /// As many as were asked for.
    pub events: Vec<Listed>,
}

/// One event of a shard's part, with what orders it among those of others.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// When it happened.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
    /// The event as the caller sees it.
    pub event: JsonText,
}

/// An event as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct Payload<'a> {
    pub(super) id: &'a str,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) timestamp: String,
    pub(super) data: Raw<'a>,
}

/// An event as it is listed.
#[derive(Serialize)]
struct EventAnswer<'a> {
    #[serde(flatten)]
    payload: Payload<'a>,
    delivery: DeliveryAnswer,
}

#[derive(Serialize)]
struct DeliveryAnswer {
    status: String,
    attempts: u64,
    last_attempt_at: Option<String>,
    next_attempt_at: Option<String>,
    last_status: Option<u16>,
    last_error: Option<String>,
}

const COLUMNS: &str =
    "id, type, at, data, status, attempts, last_attempt_at, next_attempt_at, last_status, last_error";

#[derive(Deserialize)]
struct Row(
    String,
    String,
    Timestamp,
    String,
    String,
    u64,
    Option<Timestamp>,
    Option<Timestamp>,
    Option<u16>,
    Option<String>,
);

/// Makes the tables, if need be.
///
/// # Errors
/// The store's fault.
pub fn prepare<S: Store>(store: &S) -> Result<(), StoreFault> {
    TABLES.iter().try_for_each(|table| store.run(table, ()))
}

/// Answers one call.
///
/// # Errors
/// The store's fault.
pub fn call<S: Store>(store: &S, message: &str, now: Timestamp) -> Result<Reply, StoreFault> {
    let call: EventsCall =
        json::read(message).map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
    prepare(store)?;
    match call {
        EventsCall::Receive(notices) => Ok(Reply::ok(&receive(store, &notices, now)?)),
        EventsCall::List(query) => Ok(Reply::ok(&list(store, &query)?)),
        EventsCall::Event { id } => {
            let select = format!("SELECT {COLUMNS} FROM events WHERE id = ?");
            Ok(match store.first::<Row>(&select, (id,))? {
                Some(row) => Reply::ok(&listed(row)?.event),
                None => Problem::new(Code::NotFound, "there is no such event").into(),
            })
        }
    }
}

/// Which shard takes a ledger's notices, by the object's id: it is a digest
/// already.
pub fn shard_of(ledger: &[u8]) -> u8 {
    ledger.last().map_or(0, |byte| byte.checked_rem(SHARDS).unwrap_or_default())
}

/// The name of a shard; the separator can be in no project's id.
pub fn events_name(project: &Name, mode: Mode, shard: u8) -> String {
    format!("{}\u{1f}{}", project_name(project, mode), to_hex(&[shard]))
}

/// Whose events these are, once there are any.
pub(super) fn owner<S: Store>(store: &S) -> Result<Option<(Name, Mode)>, StoreFault> {
    store.first("SELECT project, mode FROM owner", ())
}

/// Keeps what is new. A range that does not continue what is known is left
/// alone: the ledger hears what is known, and tells again from there.
fn receive<S: Store>(store: &S, notices: &Notices, now: Timestamp) -> Result<Seen, StoreFault> {
    let own = (notices.project.clone(), notices.mode);
    match owner(store)? {
        Some(known) if known != own => {
            return Err(StoreFault("these are another project's events".to_owned()));
        }
        Some(_) => {}
        None => {
            let insert = "INSERT INTO owner (id, project, mode) VALUES (1, ?, ?)";
            store.run(insert, (&notices.project, notices.mode.word()))?;
        }
    }
    let select = "SELECT seen FROM sources WHERE ledger = ?";
    let seen = store.first::<(u64,)>(select, (&notices.ledger,))?.map_or(0, |(seen,)| seen);
    if notices.after.is_none_or(|after| after > seen) || notices.upto <= seen {
        return Ok(Seen { seen });
    }
    let insert = "INSERT INTO events (id, ledger, customer, type, at, received_at, data, status)
                  VALUES (?, ?, ?, ?, ?, ?, ?, 'pending') ON CONFLICT DO NOTHING";
    for event in notices.events.iter().filter(|event| event.seq > seen && event.seq <= notices.upto) {
        let NewEvent { id, kind, at, data, .. } = event;
        store.run(insert, (id, &notices.ledger, &notices.customer, kind, at, now, data))?;
    }
    let upsert = "INSERT INTO sources (ledger, seen) VALUES (?, ?)
                  ON CONFLICT (ledger) DO UPDATE SET seen = excluded.seen";
    store.run(upsert, (&notices.ledger, notices.upto))?;
    advance(store, &notices.ledger, now)?;
    Ok(Seen { seen: notices.upto })
}

/// Makes a ledger's oldest pending event due, unless it has its time already.
pub(super) fn advance<S: Store>(store: &S, ledger: &str, now: Timestamp) -> Result<(), StoreFault> {
    let update = "UPDATE events SET next_attempt_at = ?1
                  WHERE n = (SELECT min(n) FROM events WHERE ledger = ?2 AND status = 'pending')
                    AND next_attempt_at IS NULL";
    store.run(update, (now, ledger))
}

fn list<S: Store>(store: &S, query: &EventQuery) -> Result<Page, StoreFault> {
    let condition = "(?1 IS NULL OR type = ?1) AND (?2 IS NULL OR customer = ?2)";
    let count = format!("SELECT count(*) FROM events WHERE {condition}");
    let total = store.first::<(u64,)>(&count, (&query.kind, &query.customer))?.map_or(0, |(count,)| count);
    let select = format!(
        "SELECT {COLUMNS} FROM events WHERE {condition} AND (?3 IS NULL OR (at, id) < (?3, ?4))
         ORDER BY at DESC, id DESC LIMIT ?5"
    );
    let (at, id) = query.before.clone().unzip();
    let rows: Vec<Row> = store.rows(&select, (&query.kind, &query.customer, at, id, query.limit))?;
    let events = rows.into_iter().map(listed).collect::<Result<_, _>>()?;
    Ok(Page { total, events })
}

fn listed(row: Row) -> Result<Listed, StoreFault> {
    let Row(id, kind, at, data, status, attempts, last_attempt_at, next_attempt_at, last_status, last_error) =
        row;
    let fault = |error: json::Unreadable| StoreFault(format!("event {id}: {error}"));
    let data = json::read(&data).map_err(fault)?;
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let answer = EventAnswer {
        payload: Payload { id: &id, kind: &kind, timestamp: at.to_string(), data },
        delivery: DeliveryAnswer {
            status,
            attempts,
            last_attempt_at: text(last_attempt_at),
            next_attempt_at: text(next_attempt_at),
            last_status,
            last_error,
        },
    };
    let event = JsonText(json::write(&answer));
    Ok(Listed { at, id, event })
}

/// Removes what is older than is kept and not under way.
///
/// # Errors
/// The store's fault.
pub fn prune<S: Store>(store: &S, now: Timestamp) -> Result<(), StoreFault> {
    store.run(
        "DELETE FROM events WHERE received_at <= ? AND status <> 'pending'",
        (now.after_ms(KEPT_MS.saturating_neg()),),
    )
}

/// When something is to be removed; `None` while there is nothing.
pub(super) fn prune_at<S: Store>(store: &S) -> Result<Option<Timestamp>, StoreFault> {
    let oldest = "SELECT received_at FROM events WHERE status <> 'pending' ORDER BY n LIMIT 1";
    let oldest = store.first::<(Timestamp,)>(oldest, ())?;
    Ok(oldest.map(|(received_at,)| received_at.after_ms(PRUNED_AFTER_MS)))
}
