//! What is in a list, an object or a variant, as serde asks for it.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::reader::{Source, Value};
use super::tape::Kind;
use crate::mismatch::Mismatch;

/// No value: what stands where an object has no such field.
pub(super) const NOWHERE: usize = usize::MAX;

/// A list's elements, or an object's values by the order of a type's fields.
pub(super) struct Items<'s, 'de> {
    source: &'s Source<'de>,
    first: usize,
    at: usize,
    end: usize,
    fields: Option<&'static [&'static str]>,
}

impl<'s, 'de> Items<'s, 'de> {
    /// Of a list, or of an object by these names.
    pub(super) fn of(value: Value<'s, 'de>, fields: Option<&'static [&'static str]>) -> Self {
        let first = value.place.wrapping_add(1);
        let end = value.source.tape.next(value.place);
        Self { source: value.source, first, at: first, end, fields }
    }

    pub(super) fn is_over(&self) -> bool {
        self.at >= self.end
    }

    /// The next value; one that is nowhere for a field that is absent.
    #[inline(never)]
    pub(super) fn advance(&mut self) -> Option<Value<'s, 'de>> {
        let tape = &self.source.tape;
        let place = match self.fields {
            None => {
                let place = (!self.is_over()).then_some(self.at)?;
                self.at = tape.next(place);
                place
            }
            Some(fields) => {
                let (field, later) = fields.split_first()?;
                self.fields = Some(later);
                self.source.field.set(Some(field));
                self.find(field)
            }
        };
        Some(Value { source: self.source, place })
    }

    /// Where a field's value stands. What we wrote ourselves has its fields in
    /// order, so the search goes on from the one before.
    fn find(&mut self, field: &str) -> usize {
        let tape = &self.source.tape;
        for (from, to) in [(self.at, self.end), (self.first, self.at)] {
            let mut name = from;
            while name < to {
                let value = tape.next(name);
                if tape.is_name(name, field) {
                    self.at = tape.next(value);
                    return value;
                }
                name = tape.next(value);
            }
        }
        NOWHERE
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some(value) = self.advance() else {
            return Ok(None);
        };
        match seed.deserialize(value) {
            // The type's default, if it has one.
            Err(Mismatch) if value.place == NOWHERE => Ok(None),
            read => read.map(Some),
        }
    }
}

/// The names and values of an object.
pub(super) struct Pairs<'s, 'de> {
    source: &'s Source<'de>,
    at: usize,
    end: usize,
}

impl<'s, 'de> Pairs<'s, 'de> {
    /// Of an object.
    pub(super) fn of(value: Value<'s, 'de>) -> Self {
        let end = value.source.tape.next(value.place);
        Self { source: value.source, at: value.place.wrapping_add(1), end }
    }

    fn advance(&mut self) -> Option<Value<'s, 'de>> {
        let place = (self.at < self.end).then_some(self.at)?;
        self.at = self.source.tape.next(place);
        Some(Value { source: self.source, place })
    }
}

impl<'de> MapAccess<'de> for Pairs<'_, 'de> {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        self.advance().map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        self.advance().ok_or(Mismatch).and_then(|value| seed.deserialize(value))
    }
}

/// A variant by its number, with what it holds.
pub(super) struct Variant<'s, 'de> {
    pub(super) number: usize,
    pub(super) held: Value<'s, 'de>,
}

impl<'s, 'de> EnumAccess<'de> for Variant<'s, 'de> {
    type Error = Mismatch;
    type Variant = Value<'s, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Value<'s, 'de>), Mismatch> {
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        Ok((seed.deserialize(number.into_deserializer())?, self.held))
    }
}

impl<'de> VariantAccess<'de> for Value<'_, 'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        match self.kind() {
            None | Some(Kind::Null) => Ok(()),
            Some(_) => Err(Mismatch),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mismatch> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.deserialize_struct("", fields, visitor)
    }
}
