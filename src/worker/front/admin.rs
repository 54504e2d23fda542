//! Projects and keys.

use serde::Serialize;

use super::incoming::Incoming;
use super::{Answer, Call, Front, good, ledger_name, reply};
use crate::api::{Body, Code, Problem};
use crate::json;
use crate::ledger::{Command, Request};
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::face::random_bytes;
use crate::worker::flow::{Effect, Io};
use crate::worker::keys::{KEY_ID_BYTES, Key, Mode, Scopes};
use crate::worker::message::{Ask, KeyAnswer, KeyRecord, LedgerCall, ProjectAsk};
use crate::worker::objects::project::{Revocation, record_key};
use crate::worker::objects::registry::RegistryCall;

/// A rotated key may live on for a week at most.
const MAX_OVERLAP_SECONDS: i64 = 604_800;

#[derive(Serialize)]
struct CreatedProject {
    id: String,
    live_key: String,
    test_key: String,
}

#[derive(Serialize)]
struct CreatedKey {
    key: String,
    #[serde(flatten)]
    record: KeyAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotated_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_expires_at: Option<String>,
}

#[derive(Serialize)]
struct RevokedKey {
    id: String,
    revoked: bool,
}

impl Front {
    /// Makes a project with a key for each of its worlds. The registry hears
    /// of it last: until then the call can be made again.
    pub(super) async fn create_project(&self, io: &Io, incoming: &Incoming) -> Result<Answer, Problem> {
        let body = Body::parse(incoming.json_body()?, &["id", "name"])?;
        let id = body.require("id")?.name()?;
        let name = body.description("name")?;
        self.ask_registry(io, &RegistryCall::IsFree { id: id.clone() }).await?;
        let live_key = self.first_key(io, &id, Mode::Live, incoming.now).await?;
        let test_key = self.first_key(io, &id, Mode::Test, incoming.now).await?;
        self.ask_registry(io, &RegistryCall::Create { id: id.clone(), name }).await?;
        Ok(Answer::ok(&CreatedProject { id: id.into_string(), live_key, test_key }))
    }

    pub(super) async fn list_projects(&self, io: &Io, incoming: &Incoming) -> Result<Answer, Problem> {
        let page = incoming.query(&["limit", "offset", "cursor"])?.page()?;
        self.ask_registry(io, &RegistryCall::Projects(page)).await
    }

    async fn ask_registry(&self, io: &Io, call: &RegistryCall) -> Result<Answer, Problem> {
        let message = json::write(call);
        Ok(good(&io.perform(Effect::Registry { message }).await)?.into())
    }

    async fn first_key(
        &self,
        io: &Io,
        project: &Name,
        mode: Mode,
        now: Timestamp,
    ) -> Result<String, Problem> {
        let key = Key {
            id: new_id(),
            mode,
            project: project.clone(),
            customer: None,
            scopes: Scopes::ALL,
            expires_at: None,
        };
        self.keep_key(io, &key, Some("first key".to_owned()), now).await.map(|(text, _)| text)
    }

    /// Keeps a key's description and gives its text, which is kept nowhere.
    async fn keep_key(
        &self,
        io: &Io,
        key: &Key,
        name: Option<String>,
        now: Timestamp,
    ) -> Result<(String, KeyRecord), Problem> {
        let text = self.signer()?.issue(key);
        let record = KeyRecord {
            id: key.public_id(),
            kind: if key.customer.is_some() { "customer" } else { "project" }.to_owned(),
            customer_id: key.customer.clone(),
            scopes: key.scopes.words().into_iter().map(str::to_owned).collect(),
            name,
            created_at: now,
            expires_at: key.expires_at,
            revoked_at: None,
        };
        self.ask_project(io, &key.project, key.mode, ProjectAsk::AddKey(record.clone())).await?;
        Ok((text, record))
    }
}

impl Call<'_> {
    pub(super) async fn list_keys(&self) -> Result<Answer, Problem> {
        let page = self.incoming.query(&["limit", "offset", "cursor"])?.page()?;
        Ok(self.ask_own_project(ProjectAsk::Keys(page)).await?.into())
    }

    pub(super) async fn create_key(&self) -> Result<Answer, Problem> {
        let body = Body::parse(
            self.incoming.json_body()?,
            &["kind", "customer_id", "scopes", "name", "expires_at"],
        )?;
        let is_customer = body.require("kind")?.word(&[("project", false), ("customer", true)])?;
        let customer = match (is_customer, body.name("customer_id")?) {
            (true, None) => return Err(body.missing("customer_id")),
            (false, Some(_)) => return Err(body.invalid("customer_id", "goes with kind customer")),
            (_, customer) => customer,
        };
        let expires_at = body.timestamp("expires_at")?;
        if expires_at.is_some_and(|expires_at| expires_at <= self.incoming.now) {
            return Err(body.invalid("expires_at", "must be in the future"));
        }
        let scopes = read_scopes(&body, is_customer)?;
        if !self.caller.key.scopes.contain(scopes) {
            return Err(body.invalid("scopes", "cannot exceed those of the key that creates it"));
        }
        let own = &self.caller.key;
        let key =
            Key { id: new_id(), mode: own.mode, project: own.project.clone(), customer, scopes, expires_at };
        let name = body.description("name")?;
        let (key, record) = self.front.keep_key(self.io, &key, name, self.incoming.now).await?;
        let created =
            CreatedKey { key, record: record.answer(), rotated_from: None, old_key_expires_at: None };
        Ok(Answer::ok(&created))
    }

    pub(super) async fn revoke_key(&self) -> Result<Answer, Problem> {
        let id = self.incoming.parameter().unwrap_or_default();
        self.revoke(&id, self.incoming.now).await?;
        Ok(Answer::ok(&RevokedKey { id, revoked: true }))
    }

    pub(super) async fn rotate_key(&self) -> Result<Answer, Problem> {
        let id = self.incoming.parameter().unwrap_or_default();
        let body = Body::parse(self.incoming.optional_json_body()?, &["overlap_seconds"])?;
        let overlap =
            body.get("overlap_seconds").map_or(Ok(0), |field| field.integer(0..=MAX_OVERLAP_SECONDS))?;
        let old: KeyRecord = self.key_record(&id).await?;
        let now = self.incoming.now;
        let has_ended = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
        if has_ended(old.revoked_at) || has_ended(old.expires_at) {
            return Err(Problem::new(Code::NotFound, "this key has ended; create a new one"));
        }
        let scopes = Scopes::WORDS.iter().filter(|(word, _)| old.scopes.iter().any(|scope| scope == word));
        let scopes = scopes.fold(Scopes::default(), |scopes, (_, scope)| scopes.and(*scope));
        let own = &self.caller.key;
        // As in creating one: nobody makes a key that may do more than theirs.
        if !own.scopes.contain(scopes) {
            return Err(Problem::new(
                Code::InsufficientScope,
                "the key to rotate has scopes that this API key lacks",
            ));
        }
        let key = Key {
            id: new_id(),
            mode: own.mode,
            project: own.project.clone(),
            customer: old.customer_id.clone(),
            scopes,
            expires_at: old.expires_at,
        };
        let (key, record) = self.front.keep_key(self.io, &key, old.name.clone(), now).await?;
        let ends_at = now.after_ms(overlap.saturating_mul(1000));
        self.revoke(&id, ends_at).await?;
        let created = CreatedKey {
            key,
            record: record.answer(),
            rotated_from: Some(id),
            old_key_expires_at: Some(ends_at.to_string()),
        };
        Ok(Answer::ok(&created))
    }

    async fn key_record(&self, id: &str) -> Result<KeyRecord, Problem> {
        let reply = self.ask_own_project(ProjectAsk::Key { id: id.to_owned() }).await?;
        json::read(&reply.body).map_err(|_| Problem::new(Code::Internal, "the key's record was unreadable"))
    }

    async fn ask_own_project(&self, ask: ProjectAsk) -> Result<crate::worker::reply::Reply, Problem> {
        let key = &self.caller.key;
        self.front.ask_project(self.io, &key.project, key.mode, ask).await
    }

    /// Ends a key at an instant. A customer key's ledger must know before the
    /// caller is told; a project key's end stands in the record.
    async fn revoke(&self, id: &str, at: Timestamp) -> Result<(), Problem> {
        let reply = self.ask_own_project(ProjectAsk::RevokeKey { id: id.to_owned(), at }).await?;
        let unreadable = |_| Problem::new(Code::Internal, "the revocation's answer was unreadable");
        let revoked: Revocation = json::read(&reply.body).map_err(unreadable)?;
        let own = &self.caller.key;
        if let Some(record) = revoked.record {
            self.front.remember(record_key(&own.project, own.mode.word()), record, self.incoming.now);
        }
        let Some(customer) = revoked.key.customer_id else {
            return Ok(());
        };
        let command = Command::RevokeKey { key_id: id.to_owned(), at };
        let call = LedgerCall {
            project: own.project.clone(),
            mode: own.mode,
            customer: Some(customer.clone()),
            key_id: None,
            terms_version: None,
            terms: None,
            may_buy: false,
            ask: Ask::Execute(Request { command, key: None, deadline: None }),
        };
        let name = ledger_name(&own.project, own.mode, &customer);
        let text = self.io.perform(Effect::LedgerByName { name, message: call.to_text() }).await;
        reply_is_good(&text)
    }
}

fn reply_is_good(text: &str) -> Result<(), Problem> {
    match reply(text)?.status {
        200 => Ok(()),
        _ => Err(Problem::new(Code::Internal, "the customer's ledger did not take the revocation")),
    }
}

fn new_id() -> [u8; KEY_ID_BYTES] {
    random_bytes()
}

fn read_scopes(body: &Body<'_>, is_customer: bool) -> Result<Scopes, Problem> {
    let Some(field) = body.get("scopes") else {
        return Ok(Scopes::CUSTOMER);
    };
    let mut scopes = Scopes::default();
    for word in field.list()? {
        scopes = scopes.and(word.word(&Scopes::WORDS)?);
    }
    if scopes == Scopes::default() {
        return Err(field.invalid("must name at least one scope"));
    }
    if is_customer && !Scopes::CUSTOMER.contain(scopes) {
        return Err(field.invalid("of a customer key can be read and consume"));
    }
    Ok(scopes)
}
