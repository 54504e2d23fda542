use serde::ser::{Serialize, Serializer};

use crate::credits::Credits;
use crate::json::{JsonText, Raw};
use crate::tally::Total;

/// An amount as a JSON number: exact, with at most six fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Credits);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Raw::of(self.0.digits().as_str()).serialize(serializer)
    }
}

/// A sum of amounts as a JSON number: exact, with at most six fraction digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact(pub Total);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonText(self.0.to_string()).serialize(serializer)
    }
}
