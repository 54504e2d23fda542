//! A request as the shell hands it over.

use std::borrow::Cow;

use crate::api::{Code, Problem};
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::message::Page;

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// One request: what was sent, and when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The method, in capitals.
    pub method: String,
    /// The path as sent, from its `/`.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: String,
    /// `Authorization`; empty if absent, as the next ones.
    pub authorization: String,
    /// `Idempotency-Key`.
    pub idempotency_key: String,
    /// `Content-Type`.
    pub content_type: String,
    /// `X-Customer-Id`.
    pub customer_id: String,
    /// The request's own id, as its answer will carry it.
    pub request_id: String,
    /// What clients of other vendors send.
    pub vendor: VendorHeaders,
    /// `Stripe-Signature`, of Stripe's webhook only.
    pub stripe_signature: String,
    /// The body; `None` if it was larger than [`MAX_BODY_BYTES`], or of Stripe's
    /// webhook than four times that: events are larger than what callers send.
    pub body: Option<Vec<u8>>,
    /// When it came.
    pub now: Timestamp,
}

/// Headers that only the routes of other vendors take; empty on all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorHeaders {
    /// `X-API-Key`.
    pub api_key: String,
    /// `X-Deployment-ID`.
    pub deployment_id: String,
    /// `X-Deployment-Secret`.
    pub deployment_secret: String,
}

/// The largest offset: what every JSON reader takes as a whole number.
const MAX_OFFSET: u64 = 9_007_199_254_740_991;

impl Incoming {
    /// From the head that crosses from the shell: one line each for method,
    /// path with query, and the headers in the order above; those of vendors
    /// and Stripe's may be left out.
    pub fn from_head(head: &str, body: Option<Vec<u8>>, now: Timestamp) -> Option<Self> {
        let mut lines = head.split('\n');
        let method = lines.next()?.to_owned();
        let target = lines.next()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut line = || lines.next().map(str::to_owned);
        Some(Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: line()?,
            idempotency_key: line()?,
            content_type: line()?,
            customer_id: line()?,
            request_id: line()?,
            vendor: VendorHeaders {
                api_key: line().unwrap_or_default(),
                deployment_id: line().unwrap_or_default(),
                deployment_secret: line().unwrap_or_default(),
            },
            stripe_signature: line().unwrap_or_default(),
            body,
            now,
        })
    }

    /// The path's segments, as sent.
    pub fn segments(&self) -> Vec<&str> {
        segments(&self.path)
    }

    /// A path parameter that is a caller's name.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn name_at(&self, index: usize, field: &str) -> Result<Name, Problem> {
        let text = self.text_at(index).and_then(Name::new);
        text.ok_or_else(|| {
            Problem::field(
                Code::InvalidField,
                field,
                "must be 1 to 256 bytes of UTF-8 without control characters",
            )
        })
    }

    /// A path parameter, decoded; `None` if its encoding is broken.
    pub fn text_at(&self, index: usize) -> Option<String> {
        self.segments().get(index).and_then(|segment| percent_decode(segment, false)).map(Cow::into_owned)
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
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(wanted) {
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
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
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

/// The segments of a path.
pub(super) fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
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

/// Undoes percent-encoding (RFC 3986, section 2.1), and `+` in a query.
/// `None` for a broken escape or for bytes that are not UTF-8.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                (digit()? << 4) | digit()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_or_refused() {
        let decoded = |text| percent_decode(text, true).map(Cow::into_owned);
        assert_eq!(decoded("a%20b%2Fc"), Some("a b/c".to_owned()));
        assert_eq!(decoded("a+%C3%A9"), Some("a é".to_owned()));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
