//! Serde's way into a [`Tape`].
//!
//! What serde derives for a type is code that asks for its fields by order or
//! by name. Asked by name it would be several times larger, and there are more
//! than a hundred types; so here an object's fields are looked up in the order
//! in which the type declares them, by one function for all types.

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::{Deserializer, Visitor};

use super::Unreadable;
use super::parts_read::{Items, NOWHERE, Pairs, Variant};
use super::raw::RAW;
use super::tape::{Kind, Tape};
use crate::mismatch::Mismatch;

/// A text that is read, and the field that was asked for last: if one cannot be
/// read, nothing more is asked for.
pub(super) struct Source<'de> {
    pub(super) tape: Tape<'de>,
    pub(super) field: Cell<Option<&'static str>>,
}

impl<'de> Source<'de> {
    #[inline(never)]
    pub(super) fn of(text: &'de str) -> Result<Self, Unreadable> {
        Ok(Self { tape: Tape::of(text)?, field: Cell::new(None) })
    }

    pub(super) fn root(&self) -> Value<'_, 'de> {
        Value { source: self, place: Tape::ROOT }
    }

    /// The elements of the list that it is.
    #[inline(never)]
    pub(super) fn elements(&self) -> Result<Items<'_, 'de>, Unreadable> {
        self.root().items(None).map_err(|_| self.unreadable())
    }

    /// Why it could not be read.
    pub(super) fn unreadable(&self) -> Unreadable {
        Unreadable::Value { field: self.field.get() }
    }
}

/// A value of a text, or none.
#[derive(Clone, Copy)]
pub(super) struct Value<'s, 'de> {
    pub(super) source: &'s Source<'de>,
    pub(super) place: usize,
}

impl<'s, 'de> Value<'s, 'de> {
    pub(super) fn kind(self) -> Option<Kind> {
        self.source.tape.kind(self.place)
    }

    #[inline(never)]
    fn is(self, kind: Kind) -> bool {
        self.kind() == Some(kind)
    }

    #[inline(never)]
    fn boolean(self) -> Result<bool, Mismatch> {
        match self.kind() {
            Some(Kind::True) => Ok(true),
            Some(Kind::False) => Ok(false),
            _ => Err(Mismatch),
        }
    }

    #[inline(never)]
    fn signed(self) -> Result<i64, Mismatch> {
        match self.is(Kind::Number) {
            true => self.source.tape.raw(self.place).parse().map_err(|_| Mismatch),
            false => Err(Mismatch),
        }
    }

    #[inline(never)]
    fn unsigned(self) -> Result<u64, Mismatch> {
        match self.is(Kind::Number) {
            true => self.source.tape.raw(self.place).parse().map_err(|_| Mismatch),
            false => Err(Mismatch),
        }
    }

    #[inline(never)]
    fn string(self) -> Result<Cow<'de, str>, Mismatch> {
        self.source.tape.string(self.place).ok_or(Mismatch)
    }

    #[inline(never)]
    fn raw(self) -> Result<&'de str, Mismatch> {
        self.kind().map(|_| self.source.tape.raw(self.place)).ok_or(Mismatch)
    }

    /// Its elements, or the values of the fields with these names.
    #[inline(never)]
    fn items(self, fields: Option<&'static [&'static str]>) -> Result<Items<'s, 'de>, Mismatch> {
        let fields = match self.kind() {
            Some(Kind::List) => None,
            Some(Kind::Object) if fields.is_some() => fields,
            _ => return Err(Mismatch),
        };
        Ok(Items::of(self, fields))
    }

    /// The number of the variant that it names, and what the variant holds.
    #[inline(never)]
    fn variant(self, variants: &'static [&'static str]) -> Result<(usize, Self), Mismatch> {
        let tape = &self.source.tape;
        let (name, held) = match self.kind() {
            Some(Kind::Text | Kind::Escaped) => (self.place, NOWHERE),
            Some(Kind::Object) => {
                let name = self.place.wrapping_add(1);
                let held = tape.next(name);
                // Exactly one.
                if tape.next(held) != tape.next(self.place) {
                    return Err(Mismatch);
                }
                (name, held)
            }
            _ => return Err(Mismatch),
        };
        let number = variants.iter().position(|variant| tape.is_name(name, variant)).ok_or(Mismatch)?;
        Ok((number, Self { place: held, ..self }))
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.kind() {
            None => Err(Mismatch),
            Some(Kind::Null) => visitor.visit_unit(),
            Some(Kind::True | Kind::False) => self.deserialize_bool(visitor),
            Some(Kind::Number) => self.deserialize_i64(visitor),
            Some(Kind::Text | Kind::Escaped) => self.deserialize_str(visitor),
            Some(Kind::List) => self.deserialize_seq(visitor),
            Some(Kind::Object) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_bool(self.boolean()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_i64(self.signed()?)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_i64(self.signed()?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_i64(self.signed()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_i64(self.signed()?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u64(self.unsigned()?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u64(self.unsigned()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u64(self.unsigned()?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_u64(self.unsigned()?)
    }

    // No type here has a floating point number, a byte string or a lone character.

    fn deserialize_f32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch)
    }

    fn deserialize_char<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_string(self.string()?.into_owned())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.kind() {
            None | Some(Kind::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.is(Kind::Null) {
            true => visitor.visit_unit(),
            false => Err(Mismatch),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match name == RAW {
            true => visitor.visit_borrowed_str(self.raw()?),
            false => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_seq(&mut self.items(None)?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        let mut items = self.items(None)?;
        let value = visitor.visit_seq(&mut items)?;
        items.is_over().then_some(value).ok_or(Mismatch)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.is(Kind::Object) {
            true => visitor.visit_map(Pairs::of(self)),
            false => Err(Mismatch),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_seq(&mut self.items(Some(fields))?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let (number, held) = self.variant(variants)?;
        visitor.visit_enum(Variant { number, held })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.kind().ok_or(Mismatch).and_then(|_| visitor.visit_unit())
    }
}
