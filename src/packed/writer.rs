//! Serde's way into a packed text.

#![allow(clippy::single_char_add_str)] // a text is copied, a character is encoded first

use serde::ser::{
    Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{FIRST_VARIANT, FORBIDDEN, MAX_VARIANTS};
use crate::mismatch::Mismatch;
use crate::text::push_number;

type Written = Result<(), Mismatch>;

/// What most messages fit in.
const USUAL_BYTES: usize = 256;

/// The text so far.
pub(super) struct Writer {
    text: String,
}

impl Writer {
    pub(super) fn behind(beginning: &str) -> Self {
        let mut text = String::with_capacity(USUAL_BYTES);
        text.push_str(beginning);
        Self { text }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    #[inline(never)]
    fn mark(&mut self, mark: &str) -> Written {
        self.text.push_str(mark);
        Ok(())
    }

    #[inline(never)]
    fn unsigned(&mut self, number: u64) -> Written {
        push_number(&mut self.text, number);
        self.mark(";")
    }

    #[inline(never)]
    fn signed(&mut self, number: i64) -> Written {
        if number < 0 {
            self.text.push_str("-");
        }
        self.unsigned(number.unsigned_abs())
    }

    #[inline(never)]
    fn string(&mut self, text: &str) -> Written {
        let mut rest = text;
        while let Some((part, behind)) = rest.split_once(FORBIDDEN) {
            self.part(part, "+");
            rest = behind;
        }
        self.part(rest, ":");
        Ok(())
    }

    fn part(&mut self, part: &str, mark: &str) {
        push_number(&mut self.text, u64::try_from(part.len()).unwrap_or(u64::MAX));
        self.text.push_str(mark);
        self.text.push_str(part);
    }

    #[inline(never)]
    fn variant(&mut self, index: u32) -> Written {
        let index = u8::try_from(index).ok().filter(|index| u32::from(*index) < MAX_VARIANTS);
        let letter = index.and_then(|index| FIRST_VARIANT.checked_add(index)).ok_or(Mismatch)?;
        self.text.push(char::from(letter));
        Ok(())
    }

    /// Begins what [`Parts`] goes on with.
    #[inline(never)]
    fn fields(&mut self) -> Result<Parts<'_>, Mismatch> {
        self.text.push_str("(");
        Ok(Parts { writer: self, end: ")" })
    }
}

/// A list or fields that are being written.
pub(super) struct Parts<'a> {
    writer: &'a mut Writer,
    end: &'static str,
}

/// serde has a trait for each kind of list, and two for fields: here each is
/// the same.
macro_rules! written_alike {
    ($($kind:ident: $method:ident($($name:ty)?) $($skip:ident)?;)*) => {$(
        impl $kind for Parts<'_> {
            type Ok = ();
            type Error = Mismatch;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Written {
                value.serialize(&mut *self.writer)
            }

            $(fn $skip(&mut self, _: &'static str) -> Written {
                self.writer.mark("~")
            })?

            fn end(self) -> Written {
                self.writer.mark(self.end)
            }
        }
    )*};
}

written_alike! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(&'static str) skip_field;
    SerializeStructVariant: serialize_field(&'static str) skip_field;
}

macro_rules! numbers {
    ($($method:ident($type:ty): $write:ident;)*) => {$(
        fn $method(self, value: $type) -> Written {
            self.$write(value.into())
        }
    )*};
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Mismatch;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Impossible<(), Mismatch>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    /// By this [`super::as_json`] knows it.
    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Written {
        self.mark(if value { "t" } else { "f" })
    }

    numbers! {
        serialize_i8(i8): signed;
        serialize_i16(i16): signed;
        serialize_i32(i32): signed;
        serialize_i64(i64): signed;
        serialize_u8(u8): unsigned;
        serialize_u16(u16): unsigned;
        serialize_u32(u32): unsigned;
        serialize_u64(u64): unsigned;
    }

    fn serialize_f32(self, _: f32) -> Written {
        Err(Mismatch)
    }

    fn serialize_f64(self, _: f64) -> Written {
        Err(Mismatch)
    }

    fn serialize_char(self, value: char) -> Written {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.string(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Written {
        Err(Mismatch)
    }

    fn serialize_none(self) -> Written {
        self.mark("~")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    // A unit has no text, and `Some(())` would be none.

    fn serialize_unit(self) -> Written {
        Err(Mismatch)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        Err(Mismatch)
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Written {
        self.variant(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Written {
        self.variant(index)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'a>, Mismatch> {
        let length = length.and_then(|length| u64::try_from(length).ok()).ok_or(Mismatch)?;
        self.unsigned(length)?;
        Ok(Parts { writer: self, end: "" })
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Mismatch> {
        self.fields()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Mismatch> {
        self.fields()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Mismatch> {
        self.variant(index)?;
        self.fields()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Mismatch> {
        Err(Mismatch)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Mismatch> {
        self.fields()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Mismatch> {
        self.variant(index)?;
        self.fields()
    }
}
