//! One text for all texts of the same JSON value, so that a digest knows it.

use std::borrow::Cow;

use super::Tape;
use super::number::canonical_number;
use super::tape::Kind;
use super::writer::quote;

/// What stands for a field of the outermost object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its value.
    AsItIs,
    /// Nothing: it is left out.
    LeftOut,
    /// This text.
    As(String),
}

/// The value's one text: fields sorted by name and the last of each name only,
/// no spaces, texts with the fewest escapes, numbers by their value. `show` is
/// asked about each field of the outermost object. `null` for what is no JSON.
pub fn canonical(text: &str, show: impl Fn(&str, &str) -> Shown) -> String {
    let mut out = String::with_capacity(text.len());
    match Tape::of(text) {
        Ok(tape) if tape.is_sound() => Canon { tape: &tape, show: &show }.write(Tape::ROOT, &mut out),
        _ => out.push_str("null"),
    }
    out
}

struct Canon<'t, 'a> {
    tape: &'t Tape<'a>,
    show: &'t dyn Fn(&str, &str) -> Shown,
}

impl Canon<'_, '_> {
    fn write(&self, place: usize, out: &mut String) {
        match self.tape.kind(place) {
            Some(Kind::Text | Kind::Escaped) => quote(&self.tape.string(place).unwrap_or_default(), out),
            Some(Kind::Number) => out.push_str(&canonical_number(self.tape.raw(place))),
            Some(Kind::List) => {
                out.push('[');
                for (index, element) in self.tape.within(place).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.write(element, out);
                }
                out.push(']');
            }
            Some(Kind::Object) => self.write_object(place, out),
            _ => out.push_str(self.tape.raw(place)),
        }
    }

    fn write_object(&self, place: usize, out: &mut String) {
        let mut places = self.tape.within(place);
        let mut fields = Vec::new();
        while let (Some(name), Some(value)) = (places.next(), places.next()) {
            let name = self.tape.string(name).unwrap_or_default();
            let at = fields.partition_point(|(known, _): &(Cow<'_, str>, usize)| *known < name);
            match fields.get_mut(at) {
                Some((known, last)) if *known == name => *last = value,
                _ => fields.insert(at, (name, value)),
            }
        }
        out.push('{');
        let mut is_first = true;
        for (name, value) in fields {
            let shown = match place == Tape::ROOT {
                true => (self.show)(&name, self.tape.raw(value)),
                false => Shown::AsItIs,
            };
            if shown == Shown::LeftOut {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                out.push(',');
            }
            quote(&name, out);
            out.push(':');
            match shown {
                Shown::As(text) => out.push_str(&text),
                _ => self.write(value, out),
            }
        }
        out.push('}');
    }
}
