//! Errors as `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize, Serializer};

use super::Decimal;
use crate::json::{self, JsonText, Raw};
use crate::ledger::Refusal;
use crate::pricing::PriceError;

/// What most problems fit in.
const USUAL_BYTES: usize = 512;

/// The stable machine word of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is named by the contract's table, word for word
pub enum Code {
    InvalidJson,
    InvalidAmount,
    UnknownField,
    MissingField,
    InvalidField,
    UnknownPrice,
    MissingKey,
    InvalidKey,
    InsufficientCredits,
    LimitReached,
    InsufficientScope,
    NotFound,
    NoGateRule,
    MethodNotAllowed,
    BodyTooLarge,
    UnsupportedMediaType,
    AlreadyExists,
    AlreadyCompleted,
    DeadlinePassed,
    IdempotencyKeyReused,
    RateLimited,
    OriginUnreachable,
    Overloaded,
    Internal,
}

impl Code {
    /// All codes.
    pub const ALL: &[Self] = &[
        Self::InvalidJson,
        Self::InvalidAmount,
        Self::UnknownField,
        Self::MissingField,
        Self::InvalidField,
        Self::UnknownPrice,
        Self::MissingKey,
        Self::InvalidKey,
        Self::InsufficientCredits,
        Self::LimitReached,
        Self::InsufficientScope,
        Self::NotFound,
        Self::NoGateRule,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::AlreadyExists,
        Self::AlreadyCompleted,
        Self::DeadlinePassed,
        Self::IdempotencyKeyReused,
        Self::RateLimited,
        Self::OriginUnreachable,
        Self::Overloaded,
        Self::Internal,
    ];

    /// Its status, its word, and its title for people.
    pub const fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidJson => (400, "invalid_json", "The body is not valid JSON"),
            Self::InvalidAmount => (400, "invalid_amount", "The amount is not valid"),
            Self::UnknownField => (400, "unknown_field", "The body has an unknown field"),
            Self::MissingField => (400, "missing_field", "A required field is missing"),
            Self::InvalidField => (400, "invalid_field", "A field is not valid"),
            Self::UnknownPrice => (400, "unknown_price", "There is no price for this"),
            Self::MissingKey => (401, "missing_key", "An API key is required"),
            Self::InvalidKey => (401, "invalid_key", "The API key is not valid"),
            Self::InsufficientCredits => (402, "insufficient_credits", "Not enough credits"),
            Self::LimitReached => (402, "limit_reached", "A spend limit is reached"),
            Self::InsufficientScope => (403, "insufficient_scope", "The API key may not do this"),
            Self::NotFound => (404, "not_found", "Not found"),
            Self::NoGateRule => (404, "no_gate_rule", "No gate rule matches"),
            Self::MethodNotAllowed => (405, "method_not_allowed", "Method not allowed"),
            Self::BodyTooLarge => (413, "body_too_large", "The body is too large"),
            Self::UnsupportedMediaType => (415, "unsupported_media_type", "Unsupported media type"),
            Self::AlreadyExists => (409, "already_exists", "It exists already"),
            Self::AlreadyCompleted => (409, "already_completed", "The usage transaction has ended"),
            Self::DeadlinePassed => (409, "deadline_passed", "The deadline has passed"),
            Self::IdempotencyKeyReused => {
                (422, "idempotency_key_reused", "The idempotency key was used before")
            }
            Self::RateLimited => (429, "rate_limited", "Too many requests"),
            Self::OriginUnreachable => (502, "origin_unreachable", "The origin could not be reached"),
            Self::Overloaded => (503, "overloaded", "Try again shortly"),
            Self::Internal => (500, "internal", "Internal error"),
        }
    }

    /// Its status.
    pub const fn status(self) -> u16 {
        self.parts().0
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        self.parts().1
    }
}

/// One error answer. In a box, for nearly every result may be one and would
/// else have its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Parts>);

/// What a problem says.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The machine word, which also gives status and title.
    pub code: Code,
    /// The sentence for this occurrence.
    pub detail: Cow<'static, str>,
    /// Further members, each already JSON.
    pub extra: Vec<(&'static str, JsonText)>,
}

impl Deref for Problem {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Problem {
    /// A problem with a sentence.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(code, detail.into())
    }

    // Not inlined, for problems are made in more than a hundred places.
    #[inline(never)]
    fn of(code: Code, detail: Cow<'static, str>) -> Self {
        Self(Box::new(Parts { code, detail, extra: Vec::new() }))
    }

    /// With another code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// Its sentence.
    pub fn into_detail(self) -> String {
        self.0.detail.into_owned()
    }

    /// With one further member.
    #[must_use]
    pub fn with(self, name: &'static str, value: &impl Serialize) -> Self {
        self.with_json(name, json::write(value))
    }

    #[inline(never)]
    fn with_json(mut self, name: &'static str, json: String) -> Self {
        self.0.extra.push((name, JsonText(json)));
        self
    }

    /// About one field of the body or query.
    pub fn field(code: Code, field: &str, detail: &str) -> Self {
        Self::new(code, format!("{field} {detail}")).with("field", &field)
    }

    /// A problem that another part of the Worker has already printed.
    pub fn passed_on(status: u16, body: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Members<'a> {
            #[serde(borrow)]
            code: Cow<'a, str>,
            detail: String,
            #[serde(borrow)]
            field: Option<Raw<'a>>,
        }
        let Members { code: word, detail, field } = json::read(body).unwrap_or_default();
        let code = Code::ALL.iter().copied().find(|code| code.word() == word && code.status() == status);
        let problem = Self::new(code.unwrap_or(Code::Internal), detail);
        match field {
            Some(field) => problem.with("field", &field),
            None => problem,
        }
    }

    /// The error as its JSON text.
    pub fn to_json(&self) -> String {
        let (status, word, title) = self.code.parts();
        let mut text = String::with_capacity(USUAL_BYTES);
        // Words, titles and the names of members need no escapes.
        text.extend([
            r#"{"type":"urn:edge-credits:problem:"#,
            word,
            r#"","title":""#,
            title,
            r#"","status":"#,
        ]);
        json::append(&mut text, &status);
        text.push_str(r#","detail":"#);
        json::append(&mut text, &self.detail);
        text.extend([r#","code":""#, word, "\""]);
        for (name, JsonText(value)) in &self.extra {
            text.extend([",\"", name, "\":", value]);
        }
        text.push('}');
        text
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonText(self.to_json()).serialize(serializer)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let shortfall = refusal.shortfall();
        match refusal {
            Refusal::KeyRevoked => Self::new(Code::InvalidKey, "this API key was revoked"),
            Refusal::NotFound(what) => Self::new(Code::NotFound, format!("there is no such {what}")),
            Refusal::Insufficient { balance, available, requested, .. } => Self::new(
                Code::InsufficientCredits,
                format!("{requested} credits are needed and {available} are available"),
            )
            .with("balance", &Decimal(balance))
            .with("available", &Decimal(available))
            .with("requested", &Decimal(requested))
            .with("shortfall", &Decimal(shortfall)),
            Refusal::LimitReached { balance, requested, spent, limit } => Self::new(
                Code::LimitReached,
                format!("{spent} of at most {} credits are charged already", limit.amount),
            )
            .with("balance", &Decimal(balance))
            .with("requested", &Decimal(requested))
            .with("spent", &Decimal(spent))
            .with("limit", &Decimal(limit.amount))
            .with("per", &limit.per)
            .with("feature", &limit.feature),
            Refusal::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "this idempotency key was used with other parameters; use a new key for a new operation",
            ),
            Refusal::DeadlinePassed => {
                Self::new(Code::DeadlinePassed, "the deadline was over before this was done")
            }
            Refusal::AlreadyExists => Self::new(Code::AlreadyExists, "this customer exists already"),
            Refusal::AlreadyCompleted(detail) => Self::new(Code::AlreadyCompleted, detail),
            Refusal::InvalidAmount(detail) => Self::field(Code::InvalidAmount, "amount", detail),
            Refusal::InvalidField { field, detail } => Self::field(Code::InvalidField, field, detail),
        }
    }
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::UnknownAction => {
                Self::new(Code::UnknownPrice, "the catalogue has no cost for this service and action")
            }
            PriceError::UnknownModel => {
                Self::new(Code::UnknownPrice, "the catalogue has no price for this model")
            }
            PriceError::CachedBeyondInput => {
                Self::field(Code::InvalidField, "tokens.cached_input_tokens", "must not exceed input_tokens")
            }
            PriceError::OutOfRange => {
                Self::new(Code::InvalidAmount, "the price is beyond 9000000000 credits")
            }
        }
    }
}
