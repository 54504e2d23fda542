//! JSON: texts from values and values from texts, for everything that the
//! Worker says, hears and stores.
//!
//! In: any type that serde knows. Out: its text; and the other way. A text is
//! taken apart once, by code that knows no types (`tape`); what serde derives
//! for each type only asks the result, and so stays small. A number is a whole
//! one or its own text: nothing passes through a floating point number.

mod canonical;
mod number;
mod parts_read;
mod parts_written;
mod plain;
mod raw;
mod reader;
mod tape;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;

pub use self::canonical::{Shown, canonical};
pub use self::raw::{JsonText, Raw};
use self::reader::Source;
pub(crate) use self::tape::{Kind, Tape};
use self::writer::Writer;

/// Why a text is not the value that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is not one JSON value.
    Syntax {
        /// The byte at which it ceases to be one.
        at: usize,
    },
    /// It is another value than was wanted.
    Value {
        /// The innermost field that is not as it should be, if it is not the
        /// whole.
        field: Option<&'static str>,
    },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at } => write!(f, "not valid JSON at byte {at}"),
            Self::Value { field: Some(field) } => write!(f, "not the JSON that was expected, in {field}"),
            Self::Value { field: None } => f.write_str("not the JSON that was expected"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// A value from its text. Fields that the type does not have are passed over;
/// of one that is there twice the first counts.
///
/// # Errors
/// [`Unreadable`].
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    let source = Source::of(text)?;
    T::deserialize(source.root()).map_err(|_| source.unreadable())
}

/// The values of a list. As [`read`] of a `Vec`, with less code for each type.
///
/// # Errors
/// [`Unreadable`].
pub fn read_rows<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Unreadable> {
    let source = Source::of(text)?;
    let mut elements = source.elements()?;
    let mut rows = Vec::new();
    while let Some(row) = elements.advance() {
        rows.push(T::deserialize(row).map_err(|_| source.unreadable())?);
    }
    Ok(rows)
}

/// The first value of a list; `None` if the list is empty.
///
/// # Errors
/// [`Unreadable`].
pub fn read_first<T: DeserializeOwned>(text: &str) -> Result<Option<T>, Unreadable> {
    let source = Source::of(text)?;
    match source.elements()?.advance() {
        Some(row) => T::deserialize(row).map(Some).map_err(|_| source.unreadable()),
        None => Ok(None),
    }
}

/// A value's text: compact, fields in the order of their type.
pub fn write<T: Serialize + ?Sized>(value: &T) -> String {
    written(Writer::new(), value)
}

/// As [`write()`], behind a text.
pub fn append<T: Serialize + ?Sized>(text: &mut String, value: &T) {
    *text = written(Writer::behind(std::mem::take(text)), value);
}

fn written<T: Serialize + ?Sized>(mut writer: Writer, value: &T) -> String {
    let written = value.serialize(&mut writer);
    debug_assert!(written.is_ok(), "a type with a value that has no form in JSON");
    writer.into_text()
}
