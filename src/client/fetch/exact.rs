//! Reads amounts and times from their own text in JSON: no amount passes
//! through a floating point number.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

use crate::credits::Credits;
use crate::time::Timestamp;

/// Reads an exact amount from a JSON number: for `deserialize_with`.
///
/// # Errors
/// What is no number, or not exact in millionths.
pub fn credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Credits, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Credits::parse(raw.get()).map_err(|error| D::Error::custom(error.detail()))
}

/// The same for an amount that may be null.
///
/// # Errors
/// As [`credits`].
pub fn optional_credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Credits>, D::Error> {
    match Option::<&RawValue>::deserialize(deserializer)? {
        Some(raw) => Credits::parse(raw.get()).map(Some).map_err(|error| D::Error::custom(error.detail())),
        None => Ok(None),
    }
}

pub(super) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    read_instant(<&str>::deserialize(deserializer)?)
}

pub(super) fn optional_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Option::<&str>::deserialize(deserializer)?.map(read_instant).transpose()
}

fn read_instant<E: Error>(text: &str) -> Result<Timestamp, E> {
    Timestamp::parse(text).ok_or_else(|| E::custom("is not a time"))
}
