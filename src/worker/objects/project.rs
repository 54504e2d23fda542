//! A project object: one per project and mode. It keeps the directory of
//! customers, the list of keys (never a key itself), and the record that
//! isolates cache: prices, gate rules, terms, revoked project keys.

use serde::{Deserialize, Serialize};

use crate::api::{Code, List, Pagination, Problem};
use crate::json;
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::keys::Mode;
use crate::worker::message::{KeyRecord, Page, ProjectAsk, ProjectCall};
use crate::worker::record::ProjectRecord;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS keys
       (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, revoked_at INTEGER, body TEXT NOT NULL) STRICT",
];

/// A project object's answer; a changed record must be published to KV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectReply {
    /// The answer.
    pub reply: Reply,
    /// The record's KV key and new text, when it changed.
    pub publish: Option<(String, String)>,
}

#[derive(Serialize)]
struct CustomerListed {
    id: Name,
    created_at: String,
}

/// What revoking a key answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revocation {
    /// The key.
    pub key: KeyRecord,
    /// The changed record, for a project key.
    pub record: Option<ProjectRecord>,
}

/// What a key's row says.
#[derive(Serialize, Deserialize)]
struct KeyRow(Timestamp, Option<Timestamp>, String);

/// Answers one call.
///
/// # Errors
/// The store's fault.
pub fn call<S: Store>(store: &S, message: &str, now: Timestamp) -> Result<ProjectReply, StoreFault> {
    let call: ProjectCall =
        json::read(message).map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
    for table in TABLES {
        store.run(table, ())?;
    }
    let reply = match call.ask {
        ProjectAsk::Record => Reply::ok(&read_record(store)?),
        ProjectAsk::Terms => Reply::ok(&read_record(store)?.terms),
        ProjectAsk::WebhookUrl => Reply::ok(&read_record(store)?.terms.settings.webhook_url),
        ProjectAsk::List { customer, created_at: Some(at) } => {
            let insert = "INSERT INTO customers (id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
            store.run(insert, (customer, at))?;
            Reply::ok(&true)
        }
        ProjectAsk::List { customer, created_at: None } => {
            store.run("DELETE FROM customers WHERE id = ?", (customer,))?;
            Reply::ok(&true)
        }
        ProjectAsk::Customers(page) => customers(store, page)?,
        ProjectAsk::AddKey(record) => {
            let body = json::write(&record);
            let insert = "INSERT INTO keys (id, created_at, body) VALUES (?, ?, ?)";
            store.run(insert, (&record.id, record.created_at, body))?;
            Reply::ok(&true)
        }
        ProjectAsk::Keys(page) => keys(store, page)?,
        ProjectAsk::Key { id } => match find_key(store, &id)? {
            Some(record) => Reply::ok(&record),
            None => no_key(),
        },
        ProjectAsk::RevokeKey { id, at } => {
            return revoke(store, &call.project, call.mode.word(), &id, at, now);
        }
        ProjectAsk::Put { list, json } => {
            let mut record = read_record(store)?;
            record.put(list, &json, now).map_err(|error| StoreFault(format!("unreadable list: {error}")))?;
            if !record.terms.default_tier_exists() {
                let detail = "leaves out the default tier; name another in the settings first";
                let problem = Problem::field(Code::InvalidField, "body", detail);
                return Ok(ProjectReply { reply: problem.into(), publish: None });
            }
            return publish_record(store, &call.project, call.mode, record);
        }
        ProjectAsk::Configure { changes } => {
            let mut record = read_record(store)?;
            record.configure(changes, now);
            if !record.terms.default_tier_exists() {
                let detail = "is not a tier of this project";
                let problem = Problem::field(Code::InvalidField, "default_tier", detail);
                return Ok(ProjectReply { reply: problem.into(), publish: None });
            }
            return publish_record(store, &call.project, call.mode, record);
        }
    };
    Ok(ProjectReply { reply, publish: None })
}

/// The name of a project's object; the separator can be in no project's id.
pub fn project_name(project: &Name, mode: Mode) -> String {
    format!("{}\u{1f}{}", project.as_str(), mode.word())
}

/// The KV key of a project's record.
pub fn record_key(project: &Name, mode: &str) -> String {
    format!("project:{}:{mode}", project.as_str())
}

fn read_record<S: Store>(store: &S) -> Result<ProjectRecord, StoreFault> {
    match store.first::<(String,)>("SELECT body FROM record", ())? {
        Some((body,)) => json::read(&body).map_err(|error| StoreFault(format!("record: {error}"))),
        None => Ok(ProjectRecord::default()),
    }
}

fn write_record<S: Store>(
    store: &S,
    project: &Name,
    mode: &str,
    mut record: ProjectRecord,
) -> Result<(ProjectRecord, (String, String)), StoreFault> {
    record.version = record.version.saturating_add(1);
    let body = json::write(&record);
    let upsert =
        "INSERT INTO record (id, body) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
    store.run(upsert, (&body,))?;
    Ok((record, (record_key(project, mode), body)))
}

fn publish_record<S: Store>(
    store: &S,
    project: &Name,
    mode: Mode,
    record: ProjectRecord,
) -> Result<ProjectReply, StoreFault> {
    let (record, publish) = write_record(store, project, mode.word(), record)?;
    Ok(ProjectReply { reply: Reply::ok(&record), publish: Some(publish) })
}

fn customers<S: Store>(store: &S, page: Page) -> Result<Reply, StoreFault> {
    let total = store.first::<(u64,)>("SELECT count(*) FROM customers", ())?.map_or(0, |(count,)| count);
    let select = "SELECT id, created_at FROM customers ORDER BY created_at DESC, id LIMIT ? OFFSET ?";
    let rows: Vec<(Name, Timestamp)> = store.rows(select, (page.limit, page.offset))?;
    let data: Vec<_> =
        rows.into_iter().map(|(id, at)| CustomerListed { id, created_at: at.to_string() }).collect();
    Ok(Reply::ok(&List { data, pagination: Pagination::by_offset(page.limit, page.offset, total) }))
}

fn keys<S: Store>(store: &S, page: Page) -> Result<Reply, StoreFault> {
    let total = store.first::<(u64,)>("SELECT count(*) FROM keys", ())?.map_or(0, |(count,)| count);
    let select =
        "SELECT created_at, revoked_at, body FROM keys ORDER BY created_at DESC, id LIMIT ? OFFSET ?";
    let rows: Vec<KeyRow> = store.rows(select, (page.limit, page.offset))?;
    let data: Result<Vec<KeyRecord>, StoreFault> = rows.into_iter().map(key_record).collect();
    let data: Vec<_> = data?.into_iter().map(|record| record.answer()).collect();
    Ok(Reply::ok(&List { data, pagination: Pagination::by_offset(page.limit, page.offset, total) }))
}

fn find_key<S: Store>(store: &S, id: &str) -> Result<Option<KeyRecord>, StoreFault> {
    let row = store.first::<KeyRow>("SELECT created_at, revoked_at, body FROM keys WHERE id = ?", (id,))?;
    row.map(key_record).transpose()
}

fn key_record(KeyRow(_, revoked_at, body): KeyRow) -> Result<KeyRecord, StoreFault> {
    let record: KeyRecord = json::read(&body).map_err(|error| StoreFault(format!("key: {error}")))?;
    Ok(KeyRecord { revoked_at, ..record })
}

/// Revokes a key at an instant, or earlier if it was to end earlier. A
/// project key's revocation goes into the record that isolates cache; a
/// customer key's goes to its ledger, which the front tells.
fn revoke<S: Store>(
    store: &S,
    project: &Name,
    mode: &str,
    id: &str,
    at: Timestamp,
    now: Timestamp,
) -> Result<ProjectReply, StoreFault> {
    let update = "UPDATE keys SET revoked_at = min(coalesce(revoked_at, ?1), ?1) WHERE id = ?2";
    store.run(update, (at, id))?;
    let Some(key) = find_key(store, id)? else {
        return Ok(ProjectReply { reply: no_key(), publish: None });
    };
    if key.customer_id.is_some() {
        return Ok(ProjectReply { reply: Reply::ok(&Revocation { key, record: None }), publish: None });
    }
    let mut record = read_record(store)?;
    record.revoke(id, key.revoked_at.unwrap_or(at), key.expires_at, now);
    let (record, publish) = write_record(store, project, mode, record)?;
    Ok(ProjectReply { reply: Reply::ok(&Revocation { key, record: Some(record) }), publish: Some(publish) })
}

fn no_key() -> Reply {
    Problem::new(Code::NotFound, "there is no such key").into()
}
