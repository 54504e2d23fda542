//! Reading a JSON body strictly: every field is known, typed and bounded, or
//! the caller is told which one is not.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::{Code, Problem};
use crate::credits::Credits;
use crate::json::{Kind, Tape, Unreadable};
use crate::text::{Name, joined};
use crate::time::Timestamp;

/// The most that a caller's own metadata may take, encoded.
const MAX_METADATA_BYTES: usize = 4096;
/// The longest words for people.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// Beyond so many fields that no request has, none is held against the others.
const MOST_UNKNOWN: usize = 64;

/// A JSON object whose fields are all known.
#[derive(Debug)]
pub struct Body<'a> {
    /// Where this object stands in the whole body, such as `items[3].`.
    place: String,
    tape: Tape<'a>,
}

/// One present, non-null field.
#[derive(Debug)]
pub struct Field<'a> {
    path: Cow<'static, str>,
    text: &'a str,
}

impl<'a> Body<'a> {
    /// Reads a whole body.
    ///
    /// # Errors
    /// `invalid_json` for what is not one JSON object with each field once;
    /// `unknown_field` for a field that is not in `known`.
    pub fn parse(bytes: &'a [u8], known: &[&str]) -> Result<Self, Problem> {
        Self::read(utf8(bytes)?, String::new(), known)
    }

    fn read(text: &'a str, place: String, known: &[&str]) -> Result<Self, Problem> {
        let body = match Tape::of(text) {
            Ok(tape) => Self { place, tape },
            Err(error) => return Err(not_an_object(&place, place_in(text, error))),
        };
        let no_object =
            || not_an_object(&body.place, "the body must be one JSON object with each field once".to_owned());
        if body.tape.kind(Tape::ROOT) != Some(Kind::Object) {
            return Err(no_object());
        }
        let mut unknown: Vec<Cow<'_, str>> = Vec::new();
        for (name, value) in body.tape.pairs(Tape::ROOT) {
            if unknown.len() >= MOST_UNKNOWN {
                break;
            }
            let is_first = match known.iter().find(|known| body.tape.is_name(name, known)) {
                Some(known) => body.tape.value_of(Tape::ROOT, known) == Some(value),
                None => match body.tape.string(name) {
                    Some(name) if !unknown.contains(&name) => {
                        unknown.push(name);
                        true
                    }
                    _ => false,
                },
            };
            if !is_first {
                return Err(no_object());
            }
        }
        match unknown.first() {
            Some(name) => {
                let detail = format!("is not a field of this request; it takes {}", joined(known, ", "));
                Err(Problem::field(Code::UnknownField, &body.path(name), &detail))
            }
            None => Ok(body),
        }
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.place)
    }

    /// A field; `None` if it is absent or null.
    pub fn get(&self, name: &'static str) -> Option<Field<'a>> {
        let value = self.tape.value_of(Tape::ROOT, name)?;
        if self.tape.kind(value) == Some(Kind::Null) {
            return None;
        }
        let path = match self.place.is_empty() {
            true => Cow::Borrowed(name),
            false => Cow::Owned(self.path(name)),
        };
        Some(Field { path, text: self.tape.raw(value) })
    }

    /// Whether a field is there, null included.
    pub fn has(&self, name: &str) -> bool {
        self.tape.value_of(Tape::ROOT, name).is_some()
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// `missing_field`.
    pub fn require(&self, name: &'static str) -> Result<Field<'a>, Problem> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// The problem of a missing field.
    pub fn missing(&self, name: &str) -> Problem {
        Problem::field(Code::MissingField, &self.path(name), "is required")
    }

    /// The problem of a field whose value cannot be.
    pub fn invalid(&self, name: &str, detail: &str) -> Problem {
        Problem::field(Code::InvalidField, &self.path(name), detail)
    }

    /// An amount that must be there; null is no amount.
    ///
    /// # Errors
    /// `missing_field`, `invalid_amount`.
    pub fn require_amount(&self, name: &'static str) -> Result<Credits, Problem> {
        self.amount(name)?.ok_or_else(|| self.missing(name))
    }

    /// An amount, if the field is there.
    ///
    /// # Errors
    /// `invalid_amount`, for null too.
    pub fn amount(&self, name: &'static str) -> Result<Option<Credits>, Problem> {
        match self.get(name) {
            Some(field) => field.amount().map(Some),
            None if self.has(name) => {
                Err(Problem::field(Code::InvalidAmount, &self.path(name), "must be a JSON number, not null"))
            }
            None => Ok(None),
        }
    }

    /// Words for people, up to 1 KiB.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn description(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(field) = self.get(name) else {
            return Ok(None);
        };
        let text = field.string()?;
        match text.len() <= MAX_DESCRIPTION_BYTES {
            true => Ok(Some(text)),
            false => Err(self.invalid(name, "is longer than 1024 bytes")),
        }
    }

    /// A caller's name for something, if it is there.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn name(&self, name: &'static str) -> Result<Option<Name>, Problem> {
        self.get(name).map(|field| field.name()).transpose()
    }

    /// An instant, if it is there.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn timestamp(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(field) = self.get(name) else {
            return Ok(None);
        };
        let at = field.string().ok().and_then(|text| Timestamp::parse(&text));
        at.map(Some)
            .ok_or_else(|| self.invalid(name, "must be an RFC 3339 time such as 2026-03-01T00:00:00.000Z"))
    }

    /// The caller's own JSON object, as its text.
    ///
    /// # Errors
    /// `invalid_field` if it is no object or over 4 KiB.
    pub fn metadata(&self) -> Result<Option<String>, Problem> {
        let Some(field) = self.get("metadata") else {
            return Ok(None);
        };
        let is_object = Tape::of(field.text)
            .is_ok_and(|tape| tape.kind(Tape::ROOT) == Some(Kind::Object) && tape.is_sound());
        match (is_object, field.text.len() <= MAX_METADATA_BYTES) {
            (true, true) => Ok(Some(field.text.to_owned())),
            (false, _) => Err(self.invalid("metadata", "must be a JSON object")),
            (true, false) => Err(self.invalid("metadata", "is larger than 4096 bytes")),
        }
    }
}

impl<'a> Field<'a> {
    /// The field's JSON text.
    pub fn json(&self) -> &'a str {
        self.text
    }

    /// The problem of this field's value.
    pub fn invalid(&self, detail: &str) -> Problem {
        Problem::field(Code::InvalidField, &self.path, detail)
    }

    /// As an amount.
    ///
    /// # Errors
    /// `invalid_amount`.
    pub fn amount(&self) -> Result<Credits, Problem> {
        Credits::parse(self.text)
            .map_err(|error| Problem::field(Code::InvalidAmount, &self.path, error.detail()))
    }

    /// As an amount that is not negative.
    ///
    /// # Errors
    /// `invalid_amount`.
    pub fn amount_from_zero(&self) -> Result<Credits, Problem> {
        match self.amount()? {
            amount if amount.is_negative() => {
                Err(Problem::field(Code::InvalidAmount, &self.path, "must not be negative"))
            }
            amount => Ok(amount),
        }
    }

    /// As a string.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn string(&self) -> Result<String, Problem> {
        let tape = Tape::of(self.text).ok();
        let text = tape.as_ref().and_then(|tape| tape.string(Tape::ROOT));
        text.map(Cow::into_owned).ok_or_else(|| self.invalid("must be a string"))
    }

    /// As a name: 1–256 bytes without control characters.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn name(&self) -> Result<Name, Problem> {
        let text = self.string()?;
        Name::new(text).ok_or_else(|| self.invalid("must be 1 to 256 bytes without control characters"))
    }

    /// As true or false.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn boolean(&self) -> Result<bool, Problem> {
        match self.text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.invalid("must be true or false")),
        }
    }

    /// As a whole number within bounds.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn integer(&self, bounds: std::ops::RangeInclusive<i64>) -> Result<i64, Problem> {
        let detail = || format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        let value = self.text.parse().ok().filter(|value| bounds.contains(value));
        value.ok_or_else(|| self.invalid(&detail()))
    }

    /// As a whole number within bounds, none below zero.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn count(&self, bounds: std::ops::RangeInclusive<i64>) -> Result<u32, Problem> {
        u32::try_from(self.integer(bounds)?).map_err(|_| self.invalid("is out of range"))
    }

    /// As one of these words, by its index.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Problem> {
        let text = self.string()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let listed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.invalid(&format!("must be one of {}", joined(&listed, ", ")))
        })
    }

    /// As a list's elements.
    ///
    /// # Errors
    /// `invalid_field`.
    pub fn list(&self) -> Result<Vec<Field<'a>>, Problem> {
        match Tape::of(self.text) {
            Ok(tape) if tape.kind(Tape::ROOT) == Some(Kind::List) => {
                let element = |(index, place)| Field {
                    path: format!("{}[{index}]", self.path).into(),
                    text: tape.raw(place),
                };
                Ok(tape.within(Tape::ROOT).enumerate().map(element).collect())
            }
            _ => Err(self.invalid("must be a list")),
        }
    }

    /// As an object whose fields are all known.
    ///
    /// # Errors
    /// `invalid_field`, `unknown_field`.
    pub fn object(&self, known: &[&str]) -> Result<Body<'a>, Problem> {
        Body::read(self.text, format!("{}.", self.path), known)
    }

    /// A whole body that is one list.
    ///
    /// # Errors
    /// `invalid_json`.
    pub fn whole(bytes: &'a [u8]) -> Result<Self, Problem> {
        let text = utf8(bytes)?;
        let tape = Tape::of(text).map_err(|error| Problem::new(Code::InvalidJson, place_in(text, error)))?;
        Ok(Self { path: "body".into(), text: tape.raw(Tape::ROOT) })
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::new(Code::InvalidJson, "the body is not UTF-8"))
}

/// The problem of a whole body, or of a value within it.
fn not_an_object(place: &str, detail: String) -> Problem {
    match place.is_empty() {
        true => Problem::new(Code::InvalidJson, detail),
        false => Problem::field(Code::InvalidField, place.trim_end_matches('.'), "must be a JSON object"),
    }
}

/// Where a text ceases to be JSON, for people.
fn place_in(text: &str, error: Unreadable) -> String {
    let at = match error {
        Unreadable::Syntax { at } => at,
        Unreadable::Value { .. } => 0,
    };
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len).saturating_add(1);
    format!("not valid JSON at line {line} column {column}")
}
