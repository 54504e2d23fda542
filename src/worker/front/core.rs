//! Credits: the core routes.

use super::read::{CONSUME_FIELDS, fingerprint};
use super::{Answer, AnswerKind, Call, ledger_name, reply};
use crate::api::{Body, Code, Problem};
use crate::ledger::{AddKind, Addition, Command, IdempotencyKey, Kind, Note, Request, Source};
use crate::text::Name;
use crate::worker::base62;
use crate::worker::flow::Effect;
use crate::worker::ids::{Prefix, locate};
use crate::worker::message::{Ask, LedgerCall, TransactionQuery};
use crate::worker::objects::ledger_audit::goes_on;
use crate::worker::reply::Reply;

/// The most items in one batch.
const MAX_BATCH: usize = 1_000;
/// How long a cached balance is served, and the shortest life that KV knows.
const CACHED_BALANCE_SECONDS: u32 = 60;
/// The longest key that KV takes.
const MAX_KV_KEY_BYTES: usize = 512;
/// Calls that one audit may take: what the platform lets one request make.
const MAX_AUDIT_CALLS: usize = 10_000;
/// Priorities beyond this are a mistake.
const MAX_PRIORITY: i64 = 1_000_000;

const ADD_KINDS: [(&str, AddKind); 3] =
    [("topup", AddKind::Topup), ("adjustment", AddKind::Adjustment), ("refund", AddKind::Refund)];

/// Which ledger object a call is for.
pub(super) enum Address {
    /// Its customer's: see [`ledger_name`].
    Name(String),
    /// The same one's, whose plain reply is the answer.
    Answering(String),
    /// The platform's id of it, out of a transaction's.
    Id(String),
}

impl Address {
    /// With a reply that comes back to the flow.
    fn resumed(self) -> Self {
        match self {
            Self::Answering(name) => Self::Name(name),
            other => other,
        }
    }

    pub(super) fn effect(&self, message: String) -> Effect {
        match self {
            Self::Name(name) => Effect::LedgerByName { name: name.clone(), message },
            Self::Answering(name) => Effect::AnswerOfLedger { name: name.clone(), message },
            Self::Id(id) => Effect::LedgerById { id: id.clone(), message },
        }
    }
}

impl Call<'_> {
    /// Path parameter `customer_id`, if the caller may act for it.
    pub(super) fn customer(&self) -> Result<Name, Problem> {
        let customer = self.incoming.parameter_name("customer_id")?;
        self.caller.require_customer(&customer)?;
        Ok(customer)
    }

    /// Asks a customer's ledger.
    pub(super) async fn ask_ledger(&self, customer: &Name, ask: Ask) -> Result<Reply, Problem> {
        reply(&self.tell_ledger(customer, ask).await?)
    }

    /// Asks a customer's ledger for the answer itself: a plain reply goes to
    /// the caller as it stands, and this flow ends with it.
    pub(super) async fn answer_of_ledger(&self, customer: &Name, ask: Ask) -> Result<Answer, Problem> {
        Ok(reply(&self.call_customer(customer, ask, Address::Answering).await?)?.into())
    }

    /// Asks a customer's ledger and gives the text that came back, which may
    /// say that it did not answer.
    pub(super) async fn tell_ledger(&self, customer: &Name, ask: Ask) -> Result<String, Problem> {
        self.call_customer(customer, ask, Address::Name).await
    }

    async fn call_customer(
        &self,
        customer: &Name,
        ask: Ask,
        address: fn(String) -> Address,
    ) -> Result<String, Problem> {
        let key = &self.caller.key;
        let name = ledger_name(&key.project, key.mode, customer);
        self.call_ledger(self.ledger_call(Some(customer.clone()), ask), address(name)).await
    }

    /// The transaction that a path's third segment names: its ledger, and its
    /// number there.
    ///
    /// # Errors
    /// `not_found`.
    pub(super) fn transaction(&self) -> Result<(Address, u64), Problem> {
        let id = self.incoming.parameter().unwrap_or_default();
        let (object, seq) = locate(Prefix::Transaction, &id)
            .ok_or_else(|| Problem::new(Code::NotFound, "there is no such transaction"))?;
        Ok((Address::Id(object), seq))
    }

    /// Asks the ledger that an id led to; the ledger checks that it is the
    /// caller's.
    pub(super) async fn ask_at(&self, address: Address, ask: Ask) -> Result<Answer, Problem> {
        let call = self.ledger_call(self.caller.key.customer.clone(), ask);
        Ok(reply(&self.call_ledger(call, address).await?)?.into())
    }

    pub(super) fn ledger_call(&self, customer: Option<Name>, ask: Ask) -> LedgerCall {
        let key = &self.caller.key;
        let known = || self.front.known_terms_version(key, self.incoming.now);
        LedgerCall {
            project: key.project.clone(),
            mode: key.mode,
            customer,
            key_id: self.caller.customer_key_id(),
            terms_version: self.record.as_ref().map_or_else(known, |record| Some(record.terms.version)),
            terms: None,
            may_buy: spends(&ask),
            ask,
        }
    }

    /// Makes a call to a ledger, once more with the project's terms if it asks
    /// for them, and once more after the purchase that it may ask for.
    async fn call_ledger(&self, call: LedgerCall, address: Address) -> Result<String, Problem> {
        let text = self.io.perform(address.effect(call.to_text())).await;
        if Reply::is_wish_for_terms(&text) || Reply::is_wish_to_buy(&text) {
            // Boxed, since nearly no call comes here and each would have the room for it.
            return Box::pin(self.grant_wishes(call, text, address)).await;
        }
        Ok(text)
    }

    async fn grant_wishes(
        &self,
        mut call: LedgerCall,
        mut text: String,
        address: Address,
    ) -> Result<String, Problem> {
        let address = address.resumed();
        if Reply::is_wish_for_terms(&text) {
            call.terms = Some(Box::new(self.record().await?.terms.clone()));
            text = self.io.perform(address.effect(call.to_text())).await;
        }
        match Reply::is_wish_to_buy(&text) {
            true => self.buy_and_repeat(call, &text, &address).await,
            false => Ok(text),
        }
    }

    pub(super) async fn consume(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &CONSUME_FIELDS)?;
        let (amount, note) = self.priced(&body).await?;
        let request = self.request("consume", Some(&body), bytes, Command::Consume { amount, note })?;
        self.answer_of_ledger(&customer, Ask::Execute(request)).await
    }

    pub(super) async fn check(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &CONSUME_FIELDS)?;
        let (amount, note) = self.priced(&body).await?;
        // Nothing is protected here, but what a consume would refuse is refused.
        let feature = note.as_ref().and_then(|note| note.feature.clone());
        self.request("check", Some(&body), bytes, Command::Consume { amount, note })?;
        self.answer_of_ledger(&customer, Ask::Check { amount, feature }).await
    }

    pub(super) async fn consume_batch(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let body = Body::parse(self.incoming.json_body()?, &["items", "atomic"])?;
        let atomic = body.require("atomic")?.boolean()?;
        let fields = body.require("items")?.list()?;
        if fields.is_empty() || fields.len() > MAX_BATCH {
            return Err(body.invalid("items", "must have 1 to 1000 items"));
        }
        let header = self.header_key()?;
        let mut items: Vec<Request> = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let item = field.object(&CONSUME_FIELDS).map_err(|problem| problem.with("item", &index))?;
            let bytes = field.json().as_bytes();
            let request = self.batch_item(&item, bytes, index, header.as_ref()).await;
            items.push(request.map_err(|problem| problem.with("item", &index))?);
        }
        Ok(self.ask_ledger(&customer, Ask::Batch { items, atomic }).await?.into())
    }

    /// One item. The header's key covers items without a key of their own, by
    /// their place; its stored form cannot meet a caller's own key.
    async fn batch_item(
        &self,
        item: &Body<'_>,
        bytes: &[u8],
        index: usize,
        header: Option<&Name>,
    ) -> Result<Request, Problem> {
        let (amount, note) = self.priced(item).await?;
        let command = Command::Consume { amount, note };
        let key = match (item.name("idempotency_key")?, header) {
            (Some(own), _) => Some(format!("k:{}", own.as_str())),
            (None, Some(header)) => Some(format!("b{index}:{}", header.as_str())),
            (None, None) => None,
        };
        let key = key.map(|key| IdempotencyKey { key, fingerprint: fingerprint("consume", bytes) });
        Ok(Request { command, key, deadline: item.timestamp("deadline")? })
    }

    pub(super) async fn add_credits(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let known = [
            "amount",
            "type",
            "description",
            "metadata",
            "source",
            "product",
            "priority",
            "effective_at",
            "expires_at",
            "refund_of",
            "idempotency_key",
            "deadline",
        ];
        let body = Body::parse(bytes, &known)?;
        let (addition, object) = addition(&body, None)?;
        let request = self.request("credits", Some(&body), bytes, Command::Add(Box::new(addition)))?;
        let ask = match object {
            Some(object) => Ask::Refund { object, request },
            None => Ask::Execute(request),
        };
        self.answer_of_ledger(&customer, ask).await
    }

    pub(super) async fn balance(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let query = self.incoming.query(&["include", "consistency"])?;
        let breakdown = match query.get("include") {
            None => false,
            Some("breakdown") => true,
            Some(_) => {
                return Err(super::incoming::Query::invalid("include", "must be breakdown"));
            }
        };
        let cached = match query.get("consistency") {
            None | Some("strong") => false,
            Some("cached") => true,
            Some(_) => {
                return Err(super::incoming::Query::invalid("consistency", "must be strong or cached"));
            }
        };
        let cache_key = if cached { self.balance_key(&customer, breakdown) } else { None };
        let Some(key) = cache_key else {
            return self.answer_of_ledger(&customer, Ask::Balance { breakdown }).await;
        };
        let kept = self.io.perform(Effect::KvGet { key: key.clone() }).await;
        if let Some(body) = kept.strip_prefix('=') {
            return Ok(Answer { body: body.to_owned(), ..Answer::held(200, AnswerKind::Json) });
        }
        let reply = self.ask_ledger(&customer, Ask::Balance { breakdown }).await?;
        if reply.status == 200 {
            let value = reply.body.clone();
            self.front.spawn(Effect::KvPut { key, ttl_seconds: CACHED_BALANCE_SECONDS, value });
        }
        Ok(reply.into())
    }

    /// The KV key of a cached balance. None for a customer key, which must not
    /// read on from the cache when it is revoked, and none that is too long.
    fn balance_key(&self, customer: &Name, breakdown: bool) -> Option<String> {
        let own = &self.caller.key;
        let key = format!("balance:{}:{breakdown}", ledger_name(&own.project, own.mode, customer));
        (own.customer.is_none() && key.len() <= MAX_KV_KEY_BYTES).then_some(key)
    }

    pub(super) async fn list_transactions(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let query = self.incoming.query(&["limit", "offset", "cursor", "type", "from", "to"])?;
        let invalid = super::incoming::Query::invalid;
        let kind = query.get("type").map(|word| {
            let known = Kind::TRANSACTIONS.iter().any(|kind| kind.word() == word);
            known.then(|| word.to_owned()).ok_or_else(|| invalid("type", "is not a type of transaction"))
        });
        let before = query.get("cursor").map(|cursor| {
            let seq = base62::decode_number(cursor).filter(|seq| i64::try_from(*seq).is_ok());
            seq.ok_or_else(|| invalid("cursor", "is not a cursor of this list"))
        });
        let before = before.transpose()?;
        if before.is_some() && query.get("offset").is_some() {
            return Err(invalid("cursor", "cannot be combined with offset"));
        }
        let offset = if before.is_some() { 0 } else { query.page()?.offset };
        let ask = TransactionQuery {
            limit: query.limit()?,
            offset,
            before,
            kind: kind.transpose()?,
            from: query.timestamp("from")?,
            to: query.timestamp("to")?,
        };
        Ok(self.ask_ledger(&customer, Ask::Transactions(ask)).await?.into())
    }

    pub(super) async fn get_transaction(&self) -> Result<Answer, Problem> {
        let (address, seq) = self.transaction()?;
        self.ask_at(address, Ask::Transaction { seq }).await
    }

    pub(super) async fn audit(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let mut run = None;
        for _ in 0..MAX_AUDIT_CALLS {
            let reply = self.ask_ledger(&customer, Ask::Audit { run }).await?;
            run = goes_on(&reply);
            if run.is_none() {
                return Ok(reply.into());
            }
            self.io.perform(Effect::GiveWay).await;
        }
        Err(Problem::new(Code::Overloaded, "the audit was begun anew too often"))
    }
}

/// Whether overage may buy for what is asked.
fn spends(ask: &Ask) -> bool {
    matches!(ask, Ask::Execute(request)
        if matches!(request.command, Command::Consume { .. } | Command::Reserve(_)))
}

/// Credits to add, and the object that a refunded charge's id leads to. A type
/// must be named unless another is given.
pub(super) fn addition(
    body: &Body<'_>,
    otherwise: Option<AddKind>,
) -> Result<(Addition, Option<String>), Problem> {
    let amount = body.require_amount("amount")?;
    let kind = match (body.get("type"), otherwise) {
        (None, Some(kind)) => kind,
        _ => body.require("type")?.word(&ADD_KINDS)?,
    };
    let sources = Source::ALL.map(|source| (source.word(), source));
    let (object, refund_of) = match body.get("refund_of") {
        None => (None, None),
        Some(field) if kind == AddKind::Refund => {
            let charge = locate(Prefix::Transaction, &field.string()?);
            let (object, seq) = charge.ok_or_else(|| field.invalid("is not a charge of this customer"))?;
            (Some(object), Some(seq))
        }
        Some(field) => return Err(field.invalid("goes with type refund")),
    };
    let note =
        Note { description: body.description("description")?, metadata: body.metadata()?, ..Note::default() };
    let priority = body.get("priority").map(|field| field.integer(0..=MAX_PRIORITY)).transpose()?;
    let addition = Addition {
        amount,
        kind,
        source: body.get("source").map(|field| field.word(&sources)).transpose()?,
        product: body.name("product")?.map(Name::into_string),
        priority: priority.and_then(|priority| i32::try_from(priority).ok()),
        effective_at: body.timestamp("effective_at")?,
        expires_at: body.timestamp("expires_at")?,
        refund_of,
        note: (note != Note::default()).then(|| Box::new(note)),
    };
    Ok((addition, object))
}
