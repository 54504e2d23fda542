//! What is in a list, an object or a variant, as serde hands it over.

#![allow(clippy::single_char_add_str)] // a text is copied, a character is encoded first

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::writer::{Writer, Written};
use crate::mismatch::Mismatch;

/// A list or object that is being written.
pub(super) struct Parts<'a> {
    writer: &'a mut Writer,
    is_first: bool,
    end: &'static str,
}

impl<'a> Parts<'a> {
    /// What has begun already, and ends so.
    pub(super) fn of(writer: &'a mut Writer, end: &'static str) -> Self {
        Self { writer, is_first: true, end }
    }

    #[inline(never)]
    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.writer.text.push_str(",");
        }
    }

    /// The name of a field or variant, which has nothing in it to escape.
    #[inline(never)]
    fn name(&mut self, name: &'static str) {
        self.writer.text.push_str(if std::mem::take(&mut self.is_first) { "\"" } else { ",\"" });
        self.writer.text.push_str(name);
        self.writer.text.push_str("\":");
    }

    #[inline(never)]
    pub(super) fn finish(self) -> Written {
        self.writer.text.push_str(self.end);
        Ok(())
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    pub(super) fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
        self.name(name);
        value.serialize(&mut *self.writer)
    }
}

/// serde has a trait for each kind of list, and two for objects: here each is
/// the same.
macro_rules! written_alike {
    ($($kind:ident: $method:ident($($name:ident)?) = $write:ident;)*) => {$(
        impl $kind for Parts<'_> {
            type Ok = ();
            type Error = Mismatch;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Written {
                self.$write($($name,)? value)
            }

            fn end(self) -> Written {
                self.finish()
            }
        }
    )*};
}

written_alike! {
    SerializeSeq: serialize_element() = element;
    SerializeTuple: serialize_element() = element;
    SerializeTupleStruct: serialize_field() = element;
    SerializeTupleVariant: serialize_field() = element;
    SerializeStruct: serialize_field(name) = field;
    SerializeStructVariant: serialize_field(name) = field;
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.writer.text.push_str(":");
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Written {
        self.finish()
    }
}
