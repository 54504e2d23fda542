//! What a project's record holds: costs, model prices, gate rules, tiers,
//! packs, settings. Lists are replaced whole; settings are changed one by one.

mod costs;
mod models;
mod packs;
mod rules;
mod settings;
mod tiers;

pub(super) use self::settings::{SETTING_FIELDS, setting_changes};

use serde::Serialize;

use super::Call;
use crate::api::{Body, Code, Field, Problem};
use crate::credits::Credits;
use crate::json;
use crate::worker::message::{ProjectAsk, RecordList};
use crate::worker::objects::project::record_key;
use crate::worker::record::ProjectRecord;
use crate::worker::sort::places;

/// The most rows of one list: the record stays within what KV and an isolate
/// take with ease.
const MAX_ROWS: usize = 1_000;
/// The most tiers, and packs: they go to each customer's ledger.
const MAX_TERMS: usize = 100;

impl Call<'_> {
    /// The record as its object has it: who edits must see the last edit.
    pub(in crate::worker::front) async fn fresh_record(&self) -> Result<ProjectRecord, Problem> {
        let key = &self.caller.key;
        let reply = self.front.ask_project(self.io, &key.project, key.mode, ProjectAsk::Record).await?;
        self.read_record(&reply.body)
    }

    async fn put(&self, list: RecordList, rows: &impl Serialize) -> Result<ProjectRecord, Problem> {
        self.change(ProjectAsk::Put { list, json: json::write(rows) }).await
    }

    /// Has the project's object change its record.
    async fn change(&self, ask: ProjectAsk) -> Result<ProjectRecord, Problem> {
        let key = &self.caller.key;
        let reply = self.front.ask_project(self.io, &key.project, key.mode, ask).await?;
        self.read_record(&reply.body)
    }

    /// Reads a record and keeps it, so that this isolate goes by it at once.
    fn read_record(&self, body: &str) -> Result<ProjectRecord, Problem> {
        let record: Result<ProjectRecord, _> = json::read(body);
        let record =
            record.map_err(|_| Problem::new(Code::Internal, "the project's record could not be read"))?;
        let key = record_key(&self.caller.key.project, self.caller.key.mode.word());
        self.front.remember(key, record.clone(), self.incoming.now);
        Ok(record)
    }
}

/// Reads a list of at most `most` rows.
///
/// # Errors
/// `invalid_json`, `invalid_field`, and those of a row.
fn rows<T>(
    bytes: &[u8],
    most: usize,
    read: impl Fn(&Field<'_>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let whole = Field::whole(bytes)?;
    let fields = whole.list()?;
    if fields.len() > most {
        return Err(whole.invalid(&format!("has more than {most} rows")));
    }
    fields.iter().map(read).collect()
}

/// Refuses a list that names the same thing twice.
///
/// # Errors
/// `invalid_field`, about the second row.
fn each_once<T, K: Ord>(rows: &[T], key: impl Fn(&T) -> K, what: &str) -> Result<(), Problem> {
    let keys: Vec<K> = rows.iter().map(key).collect();
    let places = places(keys.len(), &|one, other| keys.get(one).cmp(&keys.get(other)));
    let again = places.windows(2).filter_map(|pair| match pair {
        [before, place] if keys.get(*before) == keys.get(*place) => Some(*place),
        _ => None,
    });
    match again.min() {
        Some(index) => {
            let detail = format!("names a {what} that stands above already");
            Err(Problem::field(Code::InvalidField, &format!("body[{index}]"), &detail))
        }
        None => Ok(()),
    }
}

/// An amount of a row that is not negative, if the field is there.
///
/// # Errors
/// `invalid_amount`, for null too.
fn price(row: &Body<'_>, name: &'static str) -> Result<Option<Credits>, Problem> {
    match row.get(name) {
        Some(field) => field.amount_from_zero().map(Some),
        None => row.amount(name),
    }
}
