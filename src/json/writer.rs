//! Serde's way into a JSON text: compact, fields in the order in which their
//! type declares them. Journals are chained by hashes over such texts, so what
//! is written for a value never changes.

#![allow(clippy::single_char_add_str)] // a text is copied, a character is encoded first

use serde::ser::{Serialize, Serializer};

use super::parts_written::Parts;
use super::plain::plain_length;
use super::raw::RAW;
use crate::mismatch::Mismatch;
use crate::text::push_number;

pub(super) type Written = Result<(), Mismatch>;

/// What most messages and answers fit in.
const USUAL_BYTES: usize = 256;

/// The text so far.
pub(super) struct Writer {
    pub(super) text: String,
    /// The next text is JSON already.
    is_raw: bool,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::behind(String::with_capacity(USUAL_BYTES))
    }

    /// Goes on behind a text.
    pub(super) fn behind(text: String) -> Self {
        Self { text, is_raw: false }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    #[inline(never)]
    fn plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    #[inline(never)]
    fn string(&mut self, text: &str) {
        match std::mem::take(&mut self.is_raw) {
            true => self.text.push_str(text),
            false => quote(text, &mut self.text),
        }
    }

    #[inline(never)]
    fn unsigned(&mut self, number: u64) {
        push_number(&mut self.text, number);
    }

    #[inline(never)]
    fn signed(&mut self, number: i64) {
        if number < 0 {
            self.text.push_str("-");
        }
        self.unsigned(number.unsigned_abs());
    }

    /// Begins what `end` ends.
    #[inline(never)]
    fn begin(&mut self, begin: &str, end: &'static str) -> Parts<'_> {
        self.text.push_str(begin);
        Parts::of(self, end)
    }

    /// Begins an object with one field, whose value begins too.
    #[inline(never)]
    fn begin_variant(&mut self, variant: &str, begin: &str, end: &'static str) -> Parts<'_> {
        self.text.push_str("{");
        quote(variant, &mut self.text);
        self.text.push_str(":");
        self.begin(begin, end)
    }
}

/// A text as a JSON string: with escapes only where JSON wants them.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push_str("\"");
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at_checked(plain_length(rest.as_bytes())).unwrap_or((rest, ""));
        out.push_str(plain);
        let Some(byte) = behind.bytes().next() else { break };
        escape(byte, out);
        rest = behind.get(1..).unwrap_or_default();
    }
    out.push_str("\"");
}

fn escape(byte: u8, out: &mut String) {
    out.push_str(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        8 => "\\b",
        12 => "\\f",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0..=15 => "\\u000",
        _ => "\\u001",
    });
    if byte < b' ' && !matches!(byte, 8 | 12 | b'\n' | b'\r' | b'\t') {
        out.extend(char::from_digit(u32::from(byte % 16), 16));
    }
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Mismatch;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    fn serialize_bool(self, value: bool) -> Written {
        self.plain(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Written {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i16(self, value: i16) -> Written {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i32(self, value: i32) -> Written {
        self.serialize_i64(i64::from(value))
    }

    fn serialize_i64(self, value: i64) -> Written {
        self.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Written {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u16(self, value: u16) -> Written {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u32(self, value: u32) -> Written {
        self.serialize_u64(u64::from(value))
    }

    fn serialize_u64(self, value: u64) -> Written {
        self.unsigned(value);
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Written {
        Err(Mismatch)
    }

    fn serialize_f64(self, _: f64) -> Written {
        Err(Mismatch)
    }

    fn serialize_char(self, value: char) -> Written {
        self.string(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Written {
        self.string(value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Written {
        Err(Mismatch)
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.plain("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Written {
        if name == RAW {
            self.is_raw = true;
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut parts = self.begin("{", "}");
        parts.field(variant, value)?;
        parts.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin_variant(variant, "[", "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin("{", "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin("{", "}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Mismatch> {
        Ok(self.begin_variant(variant, "{", "}}"))
    }
}
