//! What a call can end with instead of an answer. No text in here holds a part
//! of an API key.

use std::fmt;

use serde::Deserialize;

use super::super::failure::{ErrorClass, code_of_status};
use super::super::request::Invalid;
use super::super::retry::retry_after_ms;
use super::exact::optional_credits;
use super::http::Answer;
use crate::credits::Credits;
use crate::time::Timestamp;

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// Not enough credits; nothing was charged.
    InsufficientCredits {
        /// The balance as it is.
        balance: Credits,
        /// What was asked for.
        requested: Credits,
        /// The engine's answer.
        problem: Box<Problem>,
    },
    /// Too many requests.
    RateLimited {
        /// Milliseconds after which it may be tried again, if the engine said so.
        retry_after_ms: Option<u64>,
        /// The engine's answer.
        problem: Box<Problem>,
    },
    /// No key, a wrong one, or one that may not do this.
    Authentication(Box<Problem>),
    /// Refused for another reason, which its code names.
    Api(Box<Problem>),
    /// Not sent, since the engine would refuse it.
    Invalid(Invalid),
    /// No whole answer. It may have been done all the same: the same call with
    /// this idempotency key tells, and does nothing twice.
    Connection {
        /// What broke.
        detail: String,
        /// The call's idempotency key, if it has one.
        idempotency_key: Option<String>,
    },
    /// No answer in time. It may have been done all the same: see
    /// [`Error::Connection`].
    Timeout {
        /// The time that the call had, with all its tries.
        timeout_ms: u32,
        /// The call's idempotency key, if it has one.
        idempotency_key: Option<String>,
    },
    /// An option that cannot be.
    Configuration(String),
}

/// What the engine answered when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The answer's status.
    pub status: u16,
    /// The stable machine word, such as `not_found`.
    pub code: String,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What the engine logged the request under.
    pub request_id: Option<String>,
    /// The call's idempotency key, if it has one.
    pub idempotency_key: Option<String>,
    /// The body as it came: JSON with the fields that the code needs.
    pub body: String,
}

/// What is read of a problem. A body that does not read so has nothing to tell.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    code: Option<String>,
    detail: Option<String>,
    message: Option<String>,
    #[serde(deserialize_with = "optional_credits")]
    balance: Option<Credits>,
    #[serde(deserialize_with = "optional_credits")]
    requested: Option<Credits>,
}

impl Error {
    /// The stable machine word, whatever kind of error it is.
    pub fn code(&self) -> &str {
        match self {
            Self::InsufficientCredits { problem, .. }
            | Self::RateLimited { problem, .. }
            | Self::Authentication(problem)
            | Self::Api(problem) => &problem.code,
            Self::Invalid(invalid) => invalid.code,
            Self::Connection { .. } => "connection",
            Self::Timeout { .. } => "timeout",
            Self::Configuration(_) => "configuration",
        }
    }

    /// The call's idempotency key: with it the same call may be made again,
    /// and what it does is done once.
    pub fn idempotency_key(&self) -> Option<&str> {
        match self {
            Self::InsufficientCredits { problem, .. }
            | Self::RateLimited { problem, .. }
            | Self::Authentication(problem)
            | Self::Api(problem) => problem.idempotency_key.as_deref(),
            Self::Connection { idempotency_key, .. } | Self::Timeout { idempotency_key, .. } => {
                idempotency_key.as_deref()
            }
            Self::Invalid(_) | Self::Configuration(_) => None,
        }
    }

    /// The error that an answer is.
    pub(super) fn of(answer: Answer, now: Timestamp, idempotency_key: Option<String>) -> Self {
        let Answer { status, text, request_id, retry_after } = answer;
        let told: Told = serde_json::from_str(&text).unwrap_or_default();
        let code = told.code.unwrap_or_else(|| code_of_status(status).to_owned());
        let detail = told.detail.or(told.message);
        let detail = detail.unwrap_or_else(|| format!("the engine answered {status}"));
        let class = ErrorClass::of(status, &code);
        let problem = Box::new(Problem { status, code, detail, request_id, idempotency_key, body: text });
        match (class, told.balance, told.requested) {
            (ErrorClass::InsufficientCredits, Some(balance), Some(requested)) => {
                Self::InsufficientCredits { balance, requested, problem }
            }
            (ErrorClass::RateLimit, ..) => {
                let retry_after_ms = retry_after.and_then(|text| retry_after_ms(&text, now));
                Self::RateLimited { retry_after_ms, problem }
            }
            (ErrorClass::Authentication, ..) => Self::Authentication(problem),
            _ => Self::Api(problem),
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientCredits { problem, .. }
            | Self::RateLimited { problem, .. }
            | Self::Authentication(problem)
            | Self::Api(problem) => write!(f, "{} ({})", problem.detail, problem.code),
            Self::Invalid(Invalid { code, field, detail }) => write!(f, "{field} {detail} ({code})"),
            Self::Connection { detail, .. } => write!(f, "the engine gave no whole answer: {detail}"),
            Self::Timeout { timeout_ms, .. } => {
                write!(f, "no answer within {timeout_ms} ms; it may have been done all the same")
            }
            Self::Configuration(detail) => f.write_str(detail),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer {
            status,
            text: text.to_owned(),
            request_id: Some("req_1".to_owned()),
            retry_after: Some("7".to_owned()),
        }
    }

    fn error(status: u16, text: &str) -> Error {
        Error::of(answer(status, text), Timestamp::EPOCH, Some("key".to_owned()))
    }

    #[test]
    fn a_lack_of_credits_says_exactly_how_many() {
        // A double would read the balance as ....999999 and something.
        let body =
            r#"{"code":"insufficient_credits","detail":"d","balance":8999999999.999999,"requested":0.3}"#;
        let Error::InsufficientCredits { balance, requested, problem } = error(402, body) else {
            panic!("another kind of error");
        };
        assert_eq!((balance.to_string(), requested.to_string()), ("8999999999.999999".into(), "0.3".into()));
        assert_eq!((problem.status, problem.request_id.as_deref()), (402, Some("req_1")));
        assert_eq!(problem.body, body);
    }

    #[test]
    fn answers_become_kinds_of_errors() {
        assert!(matches!(error(429, ""), Error::RateLimited { retry_after_ms: Some(7_000), .. }));
        assert!(matches!(error(401, r#"{"code":"invalid_key"}"#), Error::Authentication(_)));
        assert!(matches!(error(403, "<html>"), Error::Authentication(_)));
        assert!(matches!(error(402, r#"{"code":"insufficient_credits"}"#), Error::Api(_)));
        assert_eq!(error(404, r#"{"code":"not_found"}"#).code(), "not_found");
        assert_eq!(error(502, "<html>").code(), "unavailable");
        assert_eq!(error(400, r#"{"code":7,"detail":[]}"#).code(), "invalid_request");
        assert_eq!(error(502, "").to_string(), "the engine answered 502 (unavailable)");
        assert_eq!(error(500, "").idempotency_key(), Some("key"));
    }
}
