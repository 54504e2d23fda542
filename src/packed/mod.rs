//! Packed texts: what the Worker's own parts say to each other on the way of
//! every request. A value's parts stand one after the other, without names: who
//! reads them must know the same type, so a message begins with its version
//! (see `src/worker/message.rs`).
//!
//! In: any type that serde knows, but for floating point numbers, byte strings,
//! maps and units; a field that is not always written must be an `Option`. Out:
//! its text; and the other way.
//!
//! | value                | its text                                                   |
//! | -------------------- | ---------------------------------------------------------- |
//! | a number             | its digits, `;`                                            |
//! | a text               | how many bytes it has, `:`, the bytes                      |
//! | true, false          | `t`, `f`                                                   |
//! | no value             | `~`, with which nothing else begins                        |
//! | fields               | `(`, each in the order of the type, `)`                    |
//! | a list               | how many, `;`, each                                        |
//! | a variant            | `A` for the first of its type, `B` for the second; its value |
//!
//! No packed text has a U+001E in it, so that several can cross together: a text
//! of ours that has one is written in parts, with `+` instead of `:` where one
//! stood behind the part.

pub mod as_json;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use serde::{Deserialize, Serialize};

use self::reader::Reader;
use self::writer::Writer;
use crate::mismatch::Mismatch;

/// What no packed text has in it.
const FORBIDDEN: char = '\u{1e}';
/// Stands for a value that is not there.
const ABSENT: u8 = b'~';
/// The first variant of a type. No type has more of them than the alphabet.
const FIRST_VARIANT: u8 = b'A';
const MAX_VARIANTS: u32 = 26;

/// A value from its text.
///
/// # Errors
/// If the text is not one value of the type and nothing else.
pub fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Mismatch> {
    let mut reader = Reader::of(text);
    let value = T::deserialize(&mut reader)?;
    reader.is_over().then_some(value).ok_or(Mismatch)
}

/// A value's text, behind one that begins it.
pub fn write<T: Serialize + ?Sized>(beginning: &str, value: &T) -> String {
    let mut writer = Writer::behind(beginning);
    let written = value.serialize(&mut writer);
    debug_assert!(written.is_ok(), "a type with a value that has no packed text");
    writer.into_text()
}
