//! From a call and its fields to what is sent.

use super::json::Object;
use super::operation::{Field, Kind, Operation, Place, Rule};
use crate::credits::Credits;
use crate::text::Name;

/// What is sent, but for the host, the key and the headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: &'static str,
    /// The path with its query, from the `/` on.
    pub path: String,
    /// The body, if the method has one.
    pub body: Option<String>,
}

/// Why a call is not sent at all. The words are the engine's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The machine word: `invalid_amount`, `missing_field`, …
    pub code: &'static str,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub detail: &'static str,
}

/// Whole numbers that JavaScript can tell from their neighbours.
const MAX_COUNT: u64 = (1 << 53) - 1;

impl Request {
    /// Builds what is sent.
    ///
    /// `fields` are names and values in turn, as the wire names them; each
    /// value is a text, and what it must be says the call's row.
    ///
    /// # Errors
    /// [`Invalid`]: an unknown or missing field, or a value that cannot be.
    pub fn build<S: AsRef<str>>(operation: &Operation, fields: &[S]) -> Result<Self, Invalid> {
        let given: Vec<(&str, &str)> = fields
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [name, value] => Some((name.as_ref(), value.as_ref())),
                _ => None,
            })
            .collect();
        let value_of = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        let is_known = |name: &str| operation.fields.iter().any(|field| field.name == name);
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !is_known(name)) {
            return Err(invalid("unknown_field", unknown, "is not a field of this call"));
        }
        let mut path = String::new();
        let mut query = String::new();
        let mut body = Object::default();
        for part in operation.path.split('/').skip(1) {
            path.push('/');
            // `{name}` is the field of that name.
            let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match name.and_then(|name| operation.fields.iter().find(|field| field.name == name)) {
                Some(field) => match value_of(field.name) {
                    Some(value) => path.push_str(&path_segment(field, value)?),
                    None => return Err(missing(field)),
                },
                None => path.push_str(part),
            }
        }
        for field in operation.fields {
            let Some(value) = value_of(field.name) else {
                if field.required {
                    return Err(missing(field));
                }
                continue;
            };
            match field.place {
                Place::Path => {}
                Place::Query => {
                    query.push(if query.is_empty() { '?' } else { '&' });
                    query.push_str(field.name);
                    query.push('=');
                    query.push_str(&percent_encoded(&plain(field, value)?));
                }
                Place::Body => match field.kind {
                    Kind::Name | Kind::Text => body.text(field.name, &plain(field, value)?),
                    _ => body.raw(field.name, &plain(field, value)?),
                },
            }
        }
        if operation.rule == Rule::OnePrice {
            one_price(&given)?;
        }
        let has_body = matches!(operation.method, "POST" | "PUT" | "PATCH");
        Ok(Self { method: operation.method, path: path + &query, body: has_body.then(|| body.finish()) })
    }
}

fn invalid(code: &'static str, field: &str, detail: &'static str) -> Invalid {
    Invalid { code, field: field.to_owned(), detail }
}

fn missing(field: &Field) -> Invalid {
    invalid("missing_field", field.name, "is required")
}

/// A value as the wire has it, before quotes and escapes.
fn plain(field: &Field, value: &str) -> Result<String, Invalid> {
    let wrong = |detail| invalid("invalid_field", field.name, detail);
    match field.kind {
        Kind::Text | Kind::Json => Ok(value.to_owned()),
        Kind::Name => match Name::new(value) {
            Some(name) => Ok(name.into_string()),
            None => Err(wrong("must be 1 to 256 bytes without control characters")),
        },
        Kind::Amount => Ok(amount(field.name, value)?.to_string()),
        Kind::PositiveAmount => Ok(positive_amount(field.name, value)?.to_string()),
        Kind::Count => match value.parse::<u64>() {
            Ok(count) if count <= MAX_COUNT && !value.starts_with('+') => Ok(count.to_string()),
            _ => Err(wrong("must be a whole number, zero or more")),
        },
        Kind::Flag => match value {
            "true" | "false" => Ok(value.to_owned()),
            _ => Err(wrong("must be true or false")),
        },
    }
}

fn amount(field: &str, text: &str) -> Result<Credits, Invalid> {
    Credits::parse(text).map_err(|error| invalid("invalid_amount", field, error.detail()))
}

/// An amount of credits above zero.
///
/// # Errors
/// [`Invalid`]: `invalid_amount`.
pub fn positive_amount(field: &str, text: &str) -> Result<Credits, Invalid> {
    let amount = amount(field, text)?;
    match amount.is_positive() {
        true => Ok(amount),
        false => Err(invalid("invalid_amount", field, "must be above zero")),
    }
}

fn path_segment(field: &Field, value: &str) -> Result<String, Invalid> {
    let value = plain(field, value)?;
    // A URL drops such segments, however they are encoded: the call would go
    // to another route.
    if value == "." || value == ".." {
        return Err(invalid("invalid_field", field.name, "cannot stand in a URL"));
    }
    Ok(percent_encoded(&value))
}

/// RFC 3986: all but unreserved characters.
fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => {
                let digit = |four_bits: u8| HEX.get(usize::from(four_bits)).copied().map_or('0', char::from);
                encoded.push('%');
                encoded.push(digit(byte >> 4));
                encoded.push(digit(byte & 15));
            }
        }
    }
    encoded
}

fn one_price(given: &[(&str, &str)]) -> Result<(), Invalid> {
    let has = |name: &str| given.iter().any(|(given, _)| *given == name);
    let has_tokens = given.iter().any(|(given, _)| given.starts_with("tokens."));
    let ways = [
        (has("amount"), true),
        (has("service") || has("action") || has("quantity"), has("service") && has("action")),
        (has("model") || has_tokens, has("model") && has_tokens),
    ];
    let named: Vec<_> = ways.iter().filter(|(begun, _)| *begun).collect();
    match named.as_slice() {
        [(_, true)] => Ok(()),
        _ => Err(invalid(
            "invalid_field",
            "amount",
            "must be given, or service with action, or model with tokens: exactly one of them",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::find;
    use super::*;

    fn build(operation: &str, fields: &[&str]) -> Result<Request, Invalid> {
        Request::build(find(operation).unwrap(), fields)
    }

    fn code(operation: &str, fields: &[&str]) -> (&'static str, String) {
        let refused = build(operation, fields).unwrap_err();
        (refused.code, refused.field)
    }

    #[test]
    fn a_charge_goes_out_exactly_as_it_was_meant() {
        let request = build(
            "consume",
            &[
                "customer_id",
                "a b/ü",
                "amount",
                "1e-1",
                "description",
                "say \"hi\"\n",
                "metadata",
                r#"{"a":1}"#,
            ],
        );
        assert_eq!(
            request.unwrap(),
            Request {
                method: "POST",
                path: "/v1/customers/a%20b%2F%C3%BC/consume".to_owned(),
                body: Some(
                    r#"{"amount":0.1,"description":"say \"hi\"\u000a","metadata":{"a":1}}"#.to_owned()
                ),
            }
        );
    }

    #[test]
    fn a_price_is_named_in_exactly_one_way() {
        let priced = |fields: &[&str]| build("consume", &[&["customer_id", "c"], fields].concat());
        assert_eq!(
            priced(&["model", "m", "tokens.input_tokens", "10", "tokens.output_tokens", "0"]).unwrap().body,
            Some(r#"{"model":"m","tokens":{"input_tokens":10,"output_tokens":0}}"#.to_owned())
        );
        assert_eq!(
            priced(&["service", "s", "action", "a", "quantity", "3"]).unwrap().body,
            Some(r#"{"service":"s","action":"a","quantity":3}"#.to_owned())
        );
        for fields in [
            &[][..],
            &["service", "s"],
            &["action", "a"],
            &["model", "m"],
            &["tokens.input_tokens", "1"],
            &["amount", "1", "quantity", "2"],
            &["amount", "1", "model", "m", "tokens.input_tokens", "1"],
        ] {
            let refused = priced(fields).unwrap_err();
            assert_eq!((refused.code, refused.field.as_str()), ("invalid_field", "amount"), "{fields:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_sent() {
        for amount in
            ["NaN", "Infinity", "", "0.0000001", "1e-7", "0", "-1", "9000000001", "1,5", "[object Object]"]
        {
            let refused = code("consume", &["customer_id", "c", "amount", amount]);
            assert_eq!(refused, ("invalid_amount", "amount".to_owned()), "{amount}");
        }
        for customer in ["", ".", "..", "a\nb", &"x".repeat(257)] {
            let refused = code("consume", &["customer_id", customer, "amount", "1"]);
            assert_eq!(refused, ("invalid_field", "customer_id".to_owned()), "{customer}");
        }
        for count in ["-1", "1.5", "+1", "", "9007199254740992"] {
            let refused = code("transactions", &["customer_id", "c", "limit", count]);
            assert_eq!(refused, ("invalid_field", "limit".to_owned()), "{count}");
        }
        assert_eq!(code("balance", &[]), ("missing_field", "customer_id".to_owned()));
        assert_eq!(code("balance", &["customer_id", "c", "x", "1"]), ("unknown_field", "x".to_owned()));
    }

    #[test]
    fn a_query_is_encoded_and_has_no_body() {
        let request = build("transactions", &["customer_id", "c", "limit", "5", "type", "a&b=c"]).unwrap();
        assert_eq!(request.path, "/v1/customers/c/transactions?limit=5&type=a%26b%3Dc");
        assert_eq!((request.method, request.body), ("GET", None));
    }
}
