use serde::ser::{Error, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::credits::Credits;
use crate::tally::Total;

/// An amount as a JSON number: exact, with at most six fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Credits);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.0.to_string(), serializer)
    }
}

/// A sum of amounts as a JSON number: exact, with at most six fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub Total);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.0.to_string(), serializer)
    }
}

/// A JSON value kept as its text, such as a caller's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(pub String);

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(self.0.clone(), serializer)
    }
}

fn raw<S: Serializer>(text: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
}
