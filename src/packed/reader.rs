//! Serde's way out of a packed text.

use std::borrow::Cow;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess, Visitor,
};

use super::{ABSENT, FIRST_VARIANT, FORBIDDEN, MAX_VARIANTS};
use crate::mismatch::Mismatch;

/// What is left of a text.
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> Reader<'de> {
    pub(super) fn of(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at == self.text.len()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over a byte, if it is this one.
    #[inline(never)]
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.byte() == Some(byte);
        self.at = self.at.wrapping_add(usize::from(is_next));
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Mismatch> {
        self.takes(byte).then_some(()).ok_or(Mismatch)
    }

    /// A number's digits, at least one.
    #[inline(never)]
    fn digits(&mut self) -> Result<u64, Mismatch> {
        let mut value: u64 = 0;
        let mut is_empty = true;
        while let Some(digit) = self.byte().map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
            // A checked product of 64 bits is one of 128 in wasm.
            let tenfold = (value <= u64::MAX / 10).then(|| value.wrapping_mul(10));
            value = tenfold.and_then(|value| value.checked_add(u64::from(digit))).ok_or(Mismatch)?;
            self.at = self.at.wrapping_add(1);
            is_empty = false;
        }
        (!is_empty).then_some(value).ok_or(Mismatch)
    }

    #[inline(never)]
    fn unsigned(&mut self) -> Result<u64, Mismatch> {
        let value = self.digits()?;
        self.expect(b';')?;
        Ok(value)
    }

    #[inline(never)]
    fn signed(&mut self) -> Result<i64, Mismatch> {
        let is_negative = self.takes(b'-');
        let value = i128::from(self.unsigned()?);
        i64::try_from(if is_negative { value.wrapping_neg() } else { value }).map_err(|_| Mismatch)
    }

    fn bytes(&mut self, length: u64) -> Result<&'de str, Mismatch> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let text = end.and_then(|end| self.text.get(self.at..end)).ok_or(Mismatch)?;
        self.at = self.at.wrapping_add(text.len());
        Ok(text)
    }

    #[inline(never)]
    fn string(&mut self) -> Result<Cow<'de, str>, Mismatch> {
        let mut before = String::new();
        loop {
            let length = self.digits()?;
            let is_last = self.takes(b':');
            if !is_last {
                self.expect(b'+')?;
            }
            let part = self.bytes(length)?;
            match is_last {
                true if before.is_empty() => return Ok(Cow::Borrowed(part)),
                true => {
                    before.push_str(part);
                    return Ok(Cow::Owned(before));
                }
                false => {
                    before.push_str(part);
                    before.push(FORBIDDEN);
                }
            }
        }
    }

    /// What is between brackets: a visitor asks for as many as its type has.
    fn fields<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        self.expect(b'(')?;
        let value = visitor.visit_seq(Fields(self))?;
        self.expect(b')')?;
        Ok(value)
    }
}

/// Fields that are still to come.
struct Fields<'r, 'de>(&'r mut Reader<'de>);

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// A list's elements that are still to come.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    /// How many there can be at most: each has a byte at least.
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reader.text.len().saturating_sub(self.reader.at)))
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mismatch> {
        let index = self.byte().and_then(|letter| letter.checked_sub(FIRST_VARIANT)).map(u32::from);
        let index = index.filter(|index| *index < MAX_VARIANTS).ok_or(Mismatch)?;
        self.at = self.at.wrapping_add(1);
        Ok((seed.deserialize(index.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.fields(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.fields(visitor)
    }
}

/// Whole numbers: serde's derives take any that fits.
macro_rules! numbers {
    ($($method:ident: $read:ident, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            visitor.$visit(self.$read()?)
        }
    )*};
}

/// What no packed text holds.
macro_rules! unknown {
    ($($method:ident($($argument:ty)?);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $(_: $argument,)? _: V) -> Result<V::Value, Mismatch> {
            Err(Mismatch)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Mismatch;

    numbers! {
        deserialize_i8: signed, visit_i64;
        deserialize_i16: signed, visit_i64;
        deserialize_i32: signed, visit_i64;
        deserialize_i64: signed, visit_i64;
        deserialize_u8: unsigned, visit_u64;
        deserialize_u16: unsigned, visit_u64;
        deserialize_u32: unsigned, visit_u64;
        deserialize_u64: unsigned, visit_u64;
    }

    unknown! {
        deserialize_any();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_unit();
        deserialize_unit_struct(&'static str);
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
    }

    /// By this [`super::as_json`] knows it.
    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let is_true = self.takes(b't');
        if !is_true {
            self.expect(b'f')?;
        }
        visitor.visit_bool(is_true)
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
        match self.takes(ABSENT) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let left = usize::try_from(self.unsigned()?).map_err(|_| Mismatch)?;
        visitor.visit_seq(Elements { reader: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.fields(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.fields(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.fields(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(self)
    }
}
