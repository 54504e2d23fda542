use serde::Serialize;

use crate::api::{Code, Problem};
use crate::ledger::RateLimit;
use crate::text::concat;
use crate::worker::reply::{Flag, RateState, Reply};

/// Seconds after which a caller of an overloaded object may come back.
const RETRY_AFTER_SECONDS: &str = "1";

/// What goes back to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What the body is.
    pub kind: AnswerKind,
    /// Headers besides those of the kind.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// `application/json`.
    Json,
    /// `application/problem+json`.
    Problem,
    /// The origin's own answer, which the shell holds.
    Origin,
    /// The OpenAPI document, which the shell holds.
    OpenApi,
    /// `application/x-ndjson`.
    Lines,
    /// The end of a body that was streamed: all of it was written. Any other
    /// answer to a request that began to stream breaks the body off.
    End,
}

impl Answer {
    /// A good answer.
    pub fn ok(answer: &impl Serialize) -> Self {
        Reply::ok(answer).into()
    }

    /// What the shell holds, under a status.
    pub fn held(status: u16, kind: AnswerKind) -> Self {
        Self { status, kind, headers: Vec::new(), body: String::new() }
    }

    /// A fault of ours, which says nothing of the inside.
    pub fn internal() -> Self {
        Problem::new(Code::Internal, "something went wrong on our side; the request id finds it in the log")
            .into()
    }

    /// Nothing is known of what was done; a retry under the same key tells.
    pub fn overloaded() -> Self {
        Problem::new(Code::Overloaded, super::RETRY_SAFELY).into()
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As the text that crosses to the shell: `A`, status, kind, headers by
    /// line, an empty line, the body.
    pub fn to_text(&self) -> String {
        self.to_text_with("A")
    }

    /// As [`Answer::to_text`], with another first letter.
    pub fn to_text_with(&self, letter: &str) -> String {
        let kind = match self.kind {
            AnswerKind::Json => "j",
            AnswerKind::Problem => "p",
            AnswerKind::Origin => "o",
            AnswerKind::OpenApi => "d",
            AnswerKind::Lines => "n",
            AnswerKind::End => "e",
        };
        let mut headers = String::new();
        for (name, value) in &self.headers {
            headers.extend(["\n", name, ":", value]);
        }
        concat(&[letter, &self.status.to_string(), kind, &headers, "\n\n", &self.body])
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Reply::from(problem).into()
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let kind = if reply.status >= 400 { AnswerKind::Problem } else { AnswerKind::Json };
        let mut headers = Vec::new();
        if reply.flag == Flag::Replayed {
            headers.push(("Idempotent-Replayed", "true".to_owned()));
        }
        if let Some(rate) = reply.rate {
            headers.extend(rate_headers(rate));
        }
        match (reply.status, reply.rate) {
            (429, Some(rate)) => headers.push(("Retry-After", rate.reset_seconds.to_string())),
            (429 | 503, _) => headers.push(("Retry-After", RETRY_AFTER_SECONDS.to_owned())),
            _ => {}
        }
        Self { status: reply.status, kind, headers, body: reply.body }
    }
}

/// The fields of draft-ietf-httpapi-ratelimit-headers: the policy, and how it
/// stands.
fn rate_headers(rate: RateState) -> [(&'static str, String); 2] {
    let RateLimit { requests, window_seconds } = rate.limit;
    [
        ("RateLimit-Policy", format!("\"tier\";q={requests};w={window_seconds}")),
        ("RateLimit", format!("\"tier\";r={};t={}", rate.remaining, rate.reset_seconds)),
    ]
}
