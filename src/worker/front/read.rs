//! Bodies into commands.

use sha2::{Digest, Sha256};

use super::Call;
use crate::api::{Body, Code, Problem};
use crate::credits::Credits;
use crate::json::{Shown, canonical};
use crate::ledger::{Command, IdempotencyKey, Note, Request};
use crate::pricing::Tokens;
use crate::text::Name;
use crate::worker::ids::to_hex;
use crate::worker::record::ProjectRecord;

/// The fields of a consume body.
pub(super) const CONSUME_FIELDS: [&str; 11] = [
    "amount",
    "service",
    "action",
    "quantity",
    "model",
    "tokens",
    "description",
    "metadata",
    "feature",
    "idempotency_key",
    "deadline",
];

/// More of one action than this is a mistake.
const MAX_QUANTITY: i64 = 1_000_000_000;
/// More tokens than this no model takes or gives.
const MAX_TOKENS: i64 = 1_000_000_000_000;
/// Bytes of a fingerprint: 128 bits.
const FINGERPRINT_BYTES: usize = 16;

/// How a charge says what it costs.
enum Cost {
    Amount(Credits),
    Action { service: Name, action: Name, quantity: u64 },
    Model { model: Name, tokens: Tokens },
}

fn cost(body: &Body<'_>) -> Result<Cost, Problem> {
    let amount = body.amount("amount")?;
    let has_action = body.get("service").is_some() || body.get("action").is_some();
    let has_model = body.get("model").is_some() || body.get("tokens").is_some();
    let one_of = "name the price by one of amount, service with action, or model with tokens";
    match (amount, has_action, has_model) {
        (Some(amount), false, false) => {
            if body.get("quantity").is_some() {
                return Err(body.invalid("quantity", "goes with service and action"));
            }
            if !amount.is_positive() {
                return Err(Problem::field(Code::InvalidAmount, "amount", "must be above zero"));
            }
            Ok(Cost::Amount(amount))
        }
        (None, true, false) => Ok(Cost::Action {
            service: body.require("service")?.name()?,
            action: body.require("action")?.name()?,
            quantity: match body.get("quantity") {
                Some(quantity) => quantity.integer(1..=MAX_QUANTITY)?.unsigned_abs(),
                None => 1,
            },
        }),
        (None, false, true) => Ok(Cost::Model {
            model: body.require("model")?.name()?,
            tokens: tokens(body, "tokens")?.ok_or_else(|| body.missing("tokens"))?,
        }),
        (None, false, false) => Err(body.missing("amount")),
        _ => Err(body.invalid("amount", one_of)),
    }
}

/// Counts of tokens, if the field is there.
///
/// # Errors
/// `unknown_field`, `invalid_field`.
pub(super) fn tokens(body: &Body<'_>, name: &'static str) -> Result<Option<Tokens>, Problem> {
    let Some(field) = body.get(name) else {
        return Ok(None);
    };
    let counts = field.object(&["input_tokens", "output_tokens", "cached_input_tokens"])?;
    let count = |name| match counts.get(name) {
        Some(field) => field.integer(0..=MAX_TOKENS).map(i64::unsigned_abs),
        None => Ok(0),
    };
    let tokens = Tokens {
        input: count("input_tokens")?,
        cached_input: count("cached_input_tokens")?,
        output: count("output_tokens")?,
    };
    if tokens.cached_input > tokens.input {
        return Err(counts.invalid("cached_input_tokens", "must not exceed input_tokens"));
    }
    Ok(Some(tokens))
}

impl Call<'_> {
    /// What a consume body costs and what it is for.
    ///
    /// # Errors
    /// The body's problems, `unknown_price`.
    pub(super) async fn priced(&self, body: &Body<'_>) -> Result<(Credits, Option<Box<Note>>), Problem> {
        let mut note = Note {
            description: body.description("description")?,
            feature: body.name("feature")?.map(Name::into_string),
            metadata: body.metadata()?,
            ..Note::default()
        };
        let amount = match cost(body)? {
            Cost::Amount(amount) => amount,
            Cost::Action { service, action, quantity } => {
                let record = self.record().await?;
                let amount = record.catalogue.action(&service, &action, quantity)?;
                note.service = Some(service.into_string());
                note.action = Some(action.into_string());
                note.price_version = Some(record.catalogue.version);
                amount
            }
            Cost::Model { model, tokens } => {
                let record = self.record().await?;
                let amount = record.catalogue.model(&model)?.price(tokens)?;
                note.model = Some(model.into_string());
                note.price_version = Some(record.catalogue.version);
                amount
            }
        };
        if !amount.is_positive() {
            return Err(Problem::new(
                Code::InvalidAmount,
                "the price of this is zero: there is nothing to charge",
            ));
        }
        let note = (note != Note::default()).then(|| Box::new(note));
        Ok((amount, note))
    }

    /// The project's record, wherever it is.
    ///
    /// # Errors
    /// `overloaded`.
    pub(super) async fn record(&self) -> Result<std::rc::Rc<ProjectRecord>, Problem> {
        match &self.record {
            Some(record) => Ok(std::rc::Rc::clone(record)),
            None => self.front.record_of(self.io, &self.caller.key, self.incoming.now).await,
        }
    }

    /// A command with its protection, from body and header. `what` tells
    /// operations apart that have the same body.
    ///
    /// # Errors
    /// `invalid_field` for a key that is not one, or two that differ.
    pub(super) fn request(
        &self,
        what: &str,
        body: Option<&Body<'_>>,
        bytes: &[u8],
        command: Command,
    ) -> Result<Request, Problem> {
        let deadline = match body {
            Some(body) => body.timestamp("deadline")?,
            None => None,
        };
        let key = self.caller_key(body)?.map(|key| IdempotencyKey {
            key: format!("k:{}", key.as_str()),
            fingerprint: fingerprint(what, bytes),
        });
        Ok(Request { command, key, deadline })
    }

    /// The caller's key, from body or header.
    ///
    /// # Errors
    /// `invalid_field` for a key that is not one, or two that differ.
    pub(super) fn caller_key(&self, body: Option<&Body<'_>>) -> Result<Option<Name>, Problem> {
        let in_body = body.map(|body| body.name("idempotency_key")).transpose()?.flatten();
        let in_header = self.header_key()?;
        match (in_body, in_header) {
            (Some(body), Some(header)) if body != header => {
                let detail = "differs from the header Idempotency-Key";
                Err(Problem::field(Code::InvalidField, "idempotency_key", detail))
            }
            (body, header) => Ok(body.or(header)),
        }
    }

    /// The header `Idempotency-Key`.
    ///
    /// # Errors
    /// `invalid_field`.
    pub(super) fn header_key(&self) -> Result<Option<Name>, Problem> {
        let text = self.incoming.idempotency_key();
        if text.is_empty() {
            return Ok(None);
        }
        let detail = "must be 1 to 256 bytes without control characters";
        Name::new(text).map(Some).ok_or_else(|| Problem::field(Code::InvalidField, "Idempotency-Key", detail))
    }
}

/// A digest of what was asked, so that one key is one request: the body with
/// its fields sorted and without its protection, and the amount exactly. Two
/// amounts may be one to a JSON reader that goes through doubles, and one
/// amount has many texts: `5`, `5.0`, `5e0`.
pub(super) fn fingerprint(what: &str, body: &[u8]) -> String {
    let show = |name: &str, value: &str| match (name, Credits::parse(value)) {
        ("idempotency_key" | "deadline", _) => Shown::LeftOut,
        ("amount", Ok(amount)) => Shown::As(amount.millionths().to_string()),
        _ => Shown::AsItIs,
    };
    let mut hash = Sha256::new();
    hash.update(what);
    hash.update([0]);
    hash.update(canonical(std::str::from_utf8(body).unwrap_or_default(), show));
    to_hex(hash.finalize().get(..FINGERPRINT_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_knows_a_request_by_what_it_means() {
        let print = |body: &str| fingerprint("consume", body.as_bytes());
        let five = print(r#"{"amount":5,"feature":"a"}"#);
        for same in [
            r#"{ "feature": "\u0061", "amount": 5.0 }"#,
            r#"{"amount":5e0,"feature":"a","idempotency_key":"k"}"#,
            r#"{"amount":0.5e1,"feature":"a","deadline":"2026-03-01T00:00:00Z"}"#,
        ] {
            assert_eq!(print(same), five, "{same}");
        }
        for other in
            [r#"{"amount":5}"#, r#"{"amount":5000000,"feature":"a"}"#, r#"{"amount":5.000001,"feature":"a"}"#]
        {
            assert_ne!(print(other), five, "{other}");
        }
        // One double stands for both.
        assert_ne!(print(r#"{"amount":8999999999.999998}"#), print(r#"{"amount":8999999999.999999}"#));
        assert_ne!(fingerprint("check", b"{}"), fingerprint("consume", b"{}"));
    }
}
