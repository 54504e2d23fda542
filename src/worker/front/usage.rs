//! Usage transactions: reserve, run, finalize.

use serde::Deserialize;

use super::read::tokens;
use super::{Answer, Call};
use crate::api::{Body, Code, Decimal, Problem, UsageStartAnswer};
use crate::credits::Credits;
use crate::json::{self, Raw};
use crate::ledger::{Charge, Command, Completion, Note, Request, Reservation};
use crate::text::Name;
use crate::worker::message::Ask;
use crate::worker::reply::Reply;

/// A hold's life in seconds, and the longest.
const DEFAULT_EXPIRES_IN: i64 = 900;
const MAX_EXPIRES_IN: i64 = 86_400;

impl Call<'_> {
    pub(super) async fn start_usage(&self) -> Result<Answer, Problem> {
        let bytes = self.incoming.json_body()?;
        let known = [
            "user_id",
            "model",
            "provisional_tokens",
            "amount",
            "feature_identifier",
            "expires_in",
            "idempotency_key",
            "deadline",
        ];
        let body = Body::parse(bytes, &known)?;
        let customer = match (body.name("user_id")?, &self.caller.key.customer) {
            (Some(customer), _) => customer,
            (None, Some(own)) => own.clone(),
            (None, None) => return Err(body.missing("user_id")),
        };
        self.caller.require_customer(&customer)?;
        let reservation = self.reservation(&body).await?;
        let request = self.request("start", Some(&body), bytes, Command::Reserve(Box::new(reservation)))?;
        let reply = self.ask_ledger(&customer, Ask::Execute(request)).await?;
        match reply.status == Code::InsufficientCredits.status() {
            true => declined(&reply),
            false => Ok(reply.into()),
        }
    }

    async fn reservation(&self, body: &Body<'_>) -> Result<Reservation, Problem> {
        let amount = body.amount("amount")?;
        let tokens = tokens(body, "provisional_tokens")?;
        if amount.is_some() && tokens.is_some() {
            return Err(body.invalid("amount", "cannot be combined with provisional_tokens"));
        }
        let model = body.name("model")?;
        let expires_in = expires_in(body)?.unwrap_or(DEFAULT_EXPIRES_IN);
        let mut note =
            Note { feature: body.name("feature_identifier")?.map(Name::into_string), ..Note::default() };
        let mut price = None;
        if let Some(model) = &model {
            let record = self.record().await?;
            note.model = Some(model.as_str().to_owned());
            // A hold of an amount may name a model that has no price.
            price = match (record.catalogue.model(model), tokens) {
                (Ok(price), _) => Some(Box::new(price.clone())),
                (Err(error), Some(_)) => return Err(error.into()),
                (Err(_), None) => None,
            };
            note.price_version = price.as_ref().map(|_| record.catalogue.version);
        }
        let amount = match (amount, tokens, &price) {
            (Some(amount), _, _) if amount.is_negative() => {
                return Err(Problem::field(Code::InvalidAmount, "amount", "must not be negative"));
            }
            (Some(amount), _, _) => amount,
            (None, Some(tokens), Some(price)) => price.price(tokens)?,
            (None, Some(_), None) => return Err(body.missing("model")),
            (None, None, _) => return Err(body.missing("amount")),
        };
        let note = (note != Note::default()).then(|| Box::new(note));
        Ok(Reservation { amount, expires_in_ms: expires_in.saturating_mul(1000), price, note })
    }

    pub(super) async fn get_usage(&self) -> Result<Answer, Problem> {
        let (address, seq) = self.transaction()?;
        self.ask_at(address, Ask::Usage { seq }).await
    }

    pub(super) async fn extend_usage(&self) -> Result<Answer, Problem> {
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &["expires_in"])?;
        let expires_in = expires_in(&body)?.ok_or_else(|| body.missing("expires_in"))?;
        let extend = |hold| Command::Extend { hold, expires_in_ms: expires_in.saturating_mul(1000) };
        let request = self.request("extend", None, bytes, extend(0))?;
        let (address, hold) = self.transaction()?;
        self.ask_at(address, with_hold(request, hold, extend(hold))).await
    }

    pub(super) async fn complete_usage(&self) -> Result<Answer, Problem> {
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &["success", "finalized_tokens", "amount"])?;
        let success = body.require("success")?.boolean()?;
        let charge = match (body.amount("amount")?, tokens(&body, "finalized_tokens")?) {
            (Some(_), Some(_)) => {
                return Err(body.invalid("amount", "cannot be combined with finalized_tokens"));
            }
            (Some(_), None) if !success => {
                return Err(body
                    .invalid("amount", "goes with success; a failure charges finalized_tokens or nothing"));
            }
            (Some(amount), None) if amount.is_negative() => {
                return Err(Problem::field(Code::InvalidAmount, "amount", "must not be negative"));
            }
            (Some(amount), None) => Some(Charge::Amount(amount)),
            (None, Some(tokens)) => Some(Charge::Tokens(tokens)),
            (None, None) => None,
        };
        let complete = |hold| Command::Complete(Completion { hold, success, charge });
        let request = self.request("complete", None, bytes, complete(0))?;
        let (address, hold) = self.transaction()?;
        self.ask_at(address, with_hold(request, hold, complete(hold))).await
    }
}

/// Too few credits for a hold, or a spend limit, are no error on this route:
/// the caller is told not to go on.
fn declined(reply: &Reply) -> Result<Answer, Problem> {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        balance: Raw<'a>,
        detail: String,
    }
    let unreadable = || Problem::new(Code::Internal, "the ledger's answer was unreadable");
    let refusal: Refusal<'_> = json::read(&reply.body).map_err(|_| unreadable())?;
    let balance = Credits::parse(refusal.balance.get()).map_err(|_| unreadable())?;
    let answer = Reply::ok(&UsageStartAnswer {
        transaction_id: None,
        proceed: false,
        balance: Decimal(balance),
        credits_used: Decimal(Credits::ZERO),
        message: refusal.detail,
        expires_at: None,
        replayed: None,
        seq: None,
    });
    Ok(Reply { rate: reply.rate, ..answer }.into())
}

/// An operation on a hold; the hold is part of what a key protects.
fn with_hold(mut request: Request, hold: u64, command: Command) -> Ask {
    request.command = command;
    if let Some(key) = &mut request.key {
        key.fingerprint = format!("{}:{hold}", key.fingerprint);
    }
    Ask::Execute(request)
}

fn expires_in(body: &Body<'_>) -> Result<Option<i64>, Problem> {
    body.get("expires_in").map(|field| field.integer(1..=MAX_EXPIRES_IN)).transpose()
}
