//! Project records as this isolate knows them.
//!
//! A record is served from memory and refreshed behind the request's back;
//! KV is never waited for twice. When KV fails, what is known goes on being
//! served: an outage of hours must not stop one charge.

use std::rc::Rc;

use super::Front;
use super::verified::VerifiedKey;
use crate::api::{Code, Problem};
use crate::json;
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::flow::{Effect, Io};
use crate::worker::keys::Mode;
use crate::worker::message::{ProjectAsk, ProjectCall};
use crate::worker::objects::project::{project_name, record_key};
use crate::worker::record::ProjectRecord;
use crate::worker::reply::Reply;

/// A record older than this is refreshed from KV in the background.
const REFRESH_AFTER_MS: i64 = 5_000;
/// KV may lag by a minute, and an idle isolate refreshes nothing. So a record
/// that its object has not confirmed for this long is not used before it is:
/// a revoked project key is refused everywhere within 30 s.
const CONFIRM_AFTER_MS: i64 = 25_000;
/// Projects that one isolate remembers; beyond it starts anew. A record is a
/// few kilobytes, an isolate has 128 MB.
const MAX_RECORDS: usize = 1_000;

/// A record, when KV was last asked for it, and when its object was.
#[derive(Debug)]
pub(super) struct Known {
    record: Rc<ProjectRecord>,
    asked_at: Timestamp,
    confirmed_at: Timestamp,
}

impl Front {
    /// A project's record, from memory, else from KV, else from its object.
    ///
    /// # Errors
    /// `overloaded` when none of them answers.
    pub async fn record(
        self: &Rc<Self>,
        io: &Io,
        project: &Name,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Rc<ProjectRecord>, Problem> {
        let key = record_key(project, mode.word());
        match self.known_record(&key, now) {
            Some((record, true)) => Ok(record),
            known => self.read_record(io, (project, mode), key, known.map(|(record, _)| record), now).await,
        }
    }

    /// The record of a key's project.
    ///
    /// # Errors
    /// As [`Front::record`].
    pub(super) async fn record_of(
        self: &Rc<Self>,
        io: &Io,
        key: &VerifiedKey,
        now: Timestamp,
    ) -> Result<Rc<ProjectRecord>, Problem> {
        match self.known_record(key.record_key(), now) {
            Some((record, true)) => Ok(record),
            // Boxed, since few requests come here and each would have the room for it.
            known => {
                let (name, known) = (key.record_key().to_owned(), known.map(|(record, _)| record));
                Box::pin(self.read_record(io, (&key.project, key.mode), name, known, now)).await
            }
        }
    }

    /// A record that must be asked for: whether what is known of it still
    /// holds, or what it is.
    async fn read_record(
        self: &Rc<Self>,
        io: &Io,
        (project, mode): (&Name, Mode),
        key: String,
        known: Option<Rc<ProjectRecord>>,
        now: Timestamp,
    ) -> Result<Rc<ProjectRecord>, Problem> {
        if let Some(record) = known {
            // An object that cannot be reached takes no revocation either.
            let confirmed = self.ask_record(io, project, mode).await;
            return Ok(confirmed.map_or(record, |newest| self.remember(key, newest, now)));
        }
        let reply = io.perform(Effect::KvGet { key: key.clone() }).await;
        if let Some(record) = self.refreshed(&key, &reply, now) {
            return Ok(record);
        }
        // KV has nothing yet, or is down: its writer knows.
        let record = self.ask_record(io, project, mode).await?;
        Ok(self.remember(key, record, now))
    }

    /// A record and whether it may be used without asking its object first.
    fn known_record(&self, key: &str, now: Timestamp) -> Option<(Rc<ProjectRecord>, bool)> {
        let mut records = self.records.borrow_mut();
        let known = records.get_mut(key)?;
        let is_confirmed = now.ms_since(known.confirmed_at) < CONFIRM_AFTER_MS;
        if !is_confirmed {
            // One request asks; the others go on meanwhile.
            known.confirmed_at = now;
        } else if now.ms_since(known.asked_at) >= REFRESH_AFTER_MS {
            known.asked_at = now;
            self.spawn(Effect::KvGet { key: key.to_owned() });
        }
        Some((Rc::clone(&known.record), is_confirmed))
    }

    /// The version of the terms of a key's project, if this isolate knows the record; it
    /// is read or refreshed behind the request's back. For a customer key,
    /// which waits for no record.
    pub(super) fn known_terms_version(&self, key: &VerifiedKey, now: Timestamp) -> Option<u64> {
        let ask = || self.spawn(Effect::KvGet { key: key.record_key().to_owned() });
        let mut records = self.records.borrow_mut();
        match records.get_mut(key.record_key()) {
            Some(known) => {
                if now.ms_since(known.asked_at) >= REFRESH_AFTER_MS {
                    known.asked_at = now;
                    ask();
                }
                Some(known.record.terms.version)
            }
            None => {
                ask();
                None
            }
        }
    }

    async fn ask_record(&self, io: &Io, project: &Name, mode: Mode) -> Result<ProjectRecord, Problem> {
        let reply = self.ask_project(io, project, mode, ProjectAsk::Record).await?;
        json::read(&reply.body)
            .map_err(|_| Problem::new(Code::Internal, "the project's record could not be read"))
    }

    /// Takes what KV said of a record: `=` and its text, or that there is
    /// none, or that KV failed.
    pub fn refreshed(&self, key: &str, reply: &str, now: Timestamp) -> Option<Rc<ProjectRecord>> {
        let record = json::read(reply.strip_prefix('=')?).ok()?;
        Some(self.remember(key.to_owned(), record, now))
    }

    /// Keeps a record unless a newer one is known: KV may lag behind.
    pub fn remember(&self, key: String, record: ProjectRecord, now: Timestamp) -> Rc<ProjectRecord> {
        let mut records = self.records.borrow_mut();
        if let Some(known) = records.get(&key).filter(|known| known.record.version > record.version) {
            return Rc::clone(&known.record);
        }
        if records.len() >= MAX_RECORDS && !records.contains_key(&key) {
            records.clear();
        }
        let confirmed_at = records.get(&key).map_or(now, |known| known.confirmed_at);
        let record = Rc::new(record);
        let known = Known { record: Rc::clone(&record), asked_at: now, confirmed_at };
        records.insert(key, known);
        record
    }

    /// Asks a project's object.
    ///
    /// # Errors
    /// The object's own problem, or `overloaded`.
    pub async fn ask_project(
        &self,
        io: &Io,
        project: &Name,
        mode: Mode,
        ask: ProjectAsk,
    ) -> Result<Reply, Problem> {
        let name = project_name(project, mode);
        let message = json::write(&ProjectCall { project: project.clone(), mode, ask });
        super::good(&io.perform(Effect::Project { name, message }).await)
    }
}
