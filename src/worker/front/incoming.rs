//! A request as the shell hands it over.

use std::borrow::Cow;

use super::path::{Segments, percent_decode, third};
use crate::api::{Code, Problem};
use crate::text::{Name, positions};
use crate::time::Timestamp;
use crate::worker::message::Page;

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// One request: what was sent, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The head as it crossed, and where each of its lines ends.
    head: String,
    ends: [usize; LINES],
    /// Where in the head the path ends.
    path_end: usize,
    /// The body; `None` if it was larger than [`MAX_BODY_BYTES`], or of Stripe's
    /// webhook than four times that: events are larger than what callers send.
    pub body: Option<Vec<u8>>,
    /// When it came.
    pub now: Timestamp,
}

/// The lines of a head, in their order.
#[derive(Clone, Copy)]
enum Line {
    Method,
    Target,
    Authorization,
    IdempotencyKey,
    ContentType,
    CustomerId,
    RequestId,
    ApiKey,
    DeploymentId,
    DeploymentSecret,
    StripeSignature,
}

/// How many there are.
const LINES: usize = Line::StripeSignature as usize + 1;
/// Line breaks that each head has.
const BREAKS: usize = Line::RequestId as usize;

/// The largest offset: what every JSON reader takes as a whole number.
const MAX_OFFSET: u64 = 9_007_199_254_740_991;

impl Incoming {
    /// From the head that crosses from the shell: one line each for method,
    /// path with query, `Authorization`, `Idempotency-Key`, `Content-Type`,
    /// `X-Customer-Id` and the request's id; then, on the routes of vendors
    /// and of Stripe's webhook only, those that they send. A header that is
    /// absent is empty.
    pub fn from_head(head: String, body: Option<Vec<u8>>, now: Timestamp) -> Option<Self> {
        let mut ends = [head.len(); LINES];
        if positions(head.as_bytes(), b'\n', &mut ends) < BREAKS {
            return None;
        }
        let mut incoming = Self { head, ends, path_end: 0, body, now };
        let target = incoming.line(Line::Target);
        let mut path_length = [target.len()];
        positions(target.as_bytes(), b'?', &mut path_length);
        incoming.path_end = incoming.start(Line::Target).wrapping_add(path_length[0]);
        Some(incoming)
    }

    fn start(&self, line: Line) -> usize {
        let before = (line as usize).checked_sub(1).and_then(|before| self.ends.get(before));
        before.map_or(0, |end| end.wrapping_add(1))
    }

    fn line(&self, line: Line) -> &str {
        let end = self.ends.get(line as usize).copied().unwrap_or_default();
        self.head.get(self.start(line)..end).unwrap_or_default()
    }

    /// The method, in capitals.
    pub fn method(&self) -> &str {
        self.line(Line::Method)
    }

    /// The path as sent, from its `/`.
    pub fn path(&self) -> &str {
        self.head.get(self.start(Line::Target)..self.path_end).unwrap_or_default()
    }

    /// The query as sent, without `?`.
    pub fn query_text(&self) -> &str {
        let end = self.start(Line::Authorization).wrapping_sub(1);
        self.head.get(self.path_end.wrapping_add(1)..end).unwrap_or_default()
    }

    /// `Authorization`; empty if absent, as the next ones.
    pub fn authorization(&self) -> &str {
        self.line(Line::Authorization)
    }

    /// `Idempotency-Key`.
    pub fn idempotency_key(&self) -> &str {
        self.line(Line::IdempotencyKey)
    }

    /// `X-Customer-Id`, at the gate only.
    pub fn customer_id(&self) -> &str {
        self.line(Line::CustomerId)
    }

    /// The request's own id, as its answer will carry it.
    pub fn request_id(&self) -> &str {
        self.line(Line::RequestId)
    }

    /// `X-API-Key`, on the routes of vendors only, as the next ones.
    pub fn api_key(&self) -> &str {
        self.line(Line::ApiKey)
    }

    /// `X-Deployment-ID`.
    pub fn deployment_id(&self) -> &str {
        self.line(Line::DeploymentId)
    }

    /// `X-Deployment-Secret`.
    pub fn deployment_secret(&self) -> &str {
        self.line(Line::DeploymentSecret)
    }

    /// `Stripe-Signature`, of Stripe's webhook only.
    pub fn stripe_signature(&self) -> &str {
        self.line(Line::StripeSignature)
    }

    /// The path's segments, as sent.
    pub fn segments(&self) -> Segments<'_> {
        Segments::of(self.path())
    }

    /// The path's parameter, as a caller's name.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn parameter_name(&self, field: &str) -> Result<Name, Problem> {
        let text = self.parameter().and_then(Name::new);
        text.ok_or_else(|| {
            Problem::field(
                Code::InvalidField,
                field,
                "must be 1 to 256 bytes of UTF-8 without control characters",
            )
        })
    }

    /// The path's parameter, decoded; `None` if its encoding is broken.
    pub fn parameter(&self) -> Option<String> {
        third(self.path()).and_then(|segment| percent_decode(segment, false)).map(Cow::into_owned)
    }

    /// The body of a request that must have one.
    ///
    /// # Errors
    /// `body_too_large`, `unsupported_media_type`, `invalid_json` if empty.
    pub fn json_body(&self) -> Result<&[u8], Problem> {
        let too_large = || Problem::new(Code::BodyTooLarge, "the body is larger than 65536 bytes");
        let body = self.body.as_deref().ok_or_else(too_large)?;
        if body.is_empty() {
            return Err(Problem::new(Code::InvalidJson, "this request needs a JSON body"));
        }
        self.require_media_type("application/json")?;
        Ok(body)
    }

    /// That the body is what the request takes, whatever its parameters.
    ///
    /// # Errors
    /// `unsupported_media_type`.
    pub fn require_media_type(&self, wanted: &str) -> Result<(), Problem> {
        let content_type = self.line(Line::ContentType);
        let media_type = || content_type.split(';').next().unwrap_or_default().trim();
        if content_type == wanted || media_type().eq_ignore_ascii_case(wanted) {
            return Ok(());
        }
        let detail = format!("send the body as Content-Type: {wanted}");
        Err(Problem::new(Code::UnsupportedMediaType, detail))
    }

    /// The body of a request that may do without: `{}` then.
    ///
    /// # Errors
    /// As [`Incoming::json_body`].
    pub fn optional_json_body(&self) -> Result<&[u8], Problem> {
        match self.body.as_deref() {
            Some([]) => Ok(b"{}"),
            _ => self.json_body(),
        }
    }

    /// The query's parameters, all of which must be known, each once.
    ///
    /// # Errors
    /// `unknown_field`, `invalid_field`.
    pub fn query(&self, known: &[&'static str]) -> Result<Query, Problem> {
        let mut parameters: Vec<(&'static str, String)> = Vec::new();
        for pair in self.query_text().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode(name, true).unwrap_or_default();
            let Some(known) = known.iter().find(|known| **known == name) else {
                let detail = "is not a parameter of this request";
                return Err(Problem::field(Code::UnknownField, &name, detail));
            };
            if parameters.iter().any(|(name, _)| name == known) {
                return Err(Problem::field(Code::InvalidField, known, "is there twice"));
            }
            let value = percent_decode(value, true);
            let value = value.ok_or_else(|| Problem::field(Code::InvalidField, known, "is not UTF-8"))?;
            parameters.push((known, value.into_owned()));
        }
        Ok(Query(parameters))
    }
}

/// A request's query parameters.
#[derive(Debug)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The problem of a parameter's value.
    pub fn invalid(name: &str, detail: &str) -> Problem {
        Problem::field(Code::InvalidField, name, detail)
    }

    /// An instant.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn timestamp(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let at = Timestamp::parse(text);
        at.map(Some)
            .ok_or_else(|| Self::invalid(name, "must be an RFC 3339 time such as 2026-03-01T00:00:00.000Z"))
    }

    /// `limit` (1–100, 20 if absent) and `offset`, or the cursor of a list
    /// that is read by offset.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn page(&self) -> Result<Page, Problem> {
        let offset = match (self.get("offset"), self.get("cursor")) {
            (Some(_), Some(_)) => {
                return Err(Self::invalid("cursor", "cannot be combined with offset"));
            }
            (None, cursor @ Some(_)) => Self::whole("cursor", cursor, 0, 0..=MAX_OFFSET)
                .map_err(|_| Self::invalid("cursor", "is not a cursor of this list"))?,
            (offset, None) => Self::whole("offset", offset, 0, 0..=MAX_OFFSET)?,
        };
        Ok(Page { limit: self.limit()?, offset })
    }

    /// `limit`: 1–100, 20 if absent.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn limit(&self) -> Result<u64, Problem> {
        Self::whole("limit", self.get("limit"), 20, 1..=100)
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn whole(
        name: &str,
        text: Option<&str>,
        otherwise: u64,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        let Some(text) = text else {
            return Ok(otherwise);
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse().ok().filter(|value| digits && bounds.contains(value));
        let detail = || format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        value.ok_or_else(|| Self::invalid(name, &detail()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(head: &str) -> Option<Incoming> {
        Incoming::from_head(head.to_owned(), None, Timestamp::from_ms(0))
    }

    #[test]
    fn a_head_is_read_by_its_lines() {
        let own = incoming("POST\n/v1/a?b=c?d\nBearer k\nkey\napplication/json\nanna\nreq_1").unwrap();
        assert_eq!((own.method(), own.path(), own.query_text()), ("POST", "/v1/a", "b=c?d"));
        assert_eq!((own.authorization(), own.idempotency_key()), ("Bearer k", "key"));
        assert_eq!((own.customer_id(), own.request_id()), ("anna", "req_1"));
        assert!(own.require_media_type("application/json").is_ok());
        assert_eq!((own.api_key(), own.deployment_id(), own.stripe_signature()), ("", "", ""));

        let vendor = incoming("GET\n/\n\n\n\n\nreq_2\na\nb\nc\nd\nmore").unwrap();
        assert_eq!((vendor.query_text(), vendor.authorization(), vendor.request_id()), ("", "", "req_2"));
        assert_eq!((vendor.api_key(), vendor.deployment_id()), ("a", "b"));
        assert_eq!((vendor.deployment_secret(), vendor.stripe_signature()), ("c", "d"));
        assert!(incoming("GET\n/\n\n\n\n").is_none(), "no request id");
    }

    #[test]
    fn a_media_type_is_told_by_its_name_alone() {
        let is_json = |content_type: &str| {
            let head = format!("POST\n/\n\n\n{content_type}\n\n");
            incoming(&head).unwrap().require_media_type("application/json").is_ok()
        };
        for good in ["application/json", "Application/JSON ; charset=utf-8", " application/json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonl", "application/json, text/plain"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
