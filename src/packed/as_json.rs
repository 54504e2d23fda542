//! For a field that few messages have and whose type is stored or cached as
//! JSON too (`#[serde(with = "…")]`): in a packed text it is a text of JSON, so
//! that the code which reads and writes its type is there once.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::json;

/// As serde's.
///
/// # Errors
/// The serializer's.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    match serializer.is_human_readable() {
        true => value.serialize(serializer),
        false => serializer.serialize_str(&json::write(value)),
    }
}

/// As serde's.
///
/// # Errors
/// The deserializer's, or if it is no JSON of the type.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.is_human_readable() {
        true => T::deserialize(deserializer),
        false => json::read(&String::deserialize(deserializer)?).map_err(D::Error::custom),
    }
}

/// For a field that may be absent.
pub mod optional {
    use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    use crate::json;

    /// As serde's.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// As serde's.
    ///
    /// # Errors
    /// The deserializer's, or if it is no JSON of the type.
    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        if deserializer.is_human_readable() {
            return Option::deserialize(deserializer);
        }
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| json::read(&text).map_err(D::Error::custom)).transpose()
    }
}
