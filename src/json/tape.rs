//! A JSON text taken apart once: of what kind each value is and where it
//! stands. What is made of it by type ([`super::reader`]) asks this table, so
//! that the code which knows JSON's grammar is there once and not once per type.

use std::borrow::Cow;

use super::Unreadable;
use super::number::fits_double;
use super::plain::plain_length;

/// Values in values; more is no message of ours, and no body that a caller
/// means.
const MAX_DEPTH: u32 = 128;

/// Of what kind a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    Number,
    /// A text that stands as it is between its quotes.
    Text,
    /// A text with escapes.
    Escaped,
    List,
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// Where the value's text begins.
    start: usize,
    /// Where it ends.
    end: usize,
    /// The place behind the value and all that is in it.
    next: usize,
}

/// The values of a text in their order. An object's are its names and values
/// by turns.
#[derive(Debug)]
pub(crate) struct Tape<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Tape<'a> {
    /// The place of the whole value.
    pub(crate) const ROOT: usize = 0;

    /// Takes a text apart.
    ///
    /// # Errors
    /// If it is not one JSON value (RFC 8259).
    pub(crate) fn of(text: &'a str) -> Result<Self, Unreadable> {
        // More than most texts have; a long one seldom consists of short values.
        let values = (text.len() / 4).clamp(4, 64);
        let mut parser = Parser { bytes: text.as_bytes(), at: 0, nodes: Vec::with_capacity(values) };
        let is_whole = parser.value(0).is_some() && {
            parser.skip_space();
            parser.at == text.len()
        };
        match is_whole {
            true => Ok(Self { text, nodes: parser.nodes }),
            false => Err(Unreadable::Syntax { at: parser.at }),
        }
    }

    /// Of what kind the value at a place is; `None` if there is none.
    pub(crate) fn kind(&self, place: usize) -> Option<Kind> {
        self.nodes.get(place).map(|node| node.kind)
    }

    /// The value's text.
    pub(crate) fn raw(&self, place: usize) -> &'a str {
        let text = self.nodes.get(place).and_then(|node| self.text.get(node.start..node.end));
        text.unwrap_or_default()
    }

    /// The place behind a value.
    pub(crate) fn next(&self, place: usize) -> usize {
        self.nodes.get(place).map_or(usize::MAX, |node| node.next)
    }

    /// The text that a text stands for; `None` for another value, and for one
    /// whose escapes are half a character.
    pub(crate) fn string(&self, place: usize) -> Option<Cow<'a, str>> {
        let raw = self.raw(place);
        let inner = raw.get(1..raw.len().wrapping_sub(1)).unwrap_or_default();
        match self.kind(place)? {
            Kind::Text => Some(Cow::Borrowed(inner)),
            Kind::Escaped => unescape(inner).map(Cow::Owned),
            _ => None,
        }
    }

    /// Whether a name at a place is this one.
    pub(crate) fn is_name(&self, place: usize, name: &str) -> bool {
        match self.nodes.get(place) {
            Some(Node { kind: Kind::Text, start, end, .. }) => {
                let inner = start.wrapping_add(1)..end.wrapping_sub(1);
                self.text.as_bytes().get(inner) == Some(name.as_bytes())
            }
            _ => self.string(place).is_some_and(|text| text == name),
        }
    }

    /// The places of an object's names and values.
    pub(crate) fn pairs(&self, place: usize) -> impl Iterator<Item = (usize, usize)> {
        let end = self.next(place);
        let mut at = place.wrapping_add(1);
        std::iter::from_fn(move || {
            let (name, value) = (at < end).then(|| (at, self.next(at)))?;
            at = self.next(value);
            Some((name, value))
        })
    }

    /// The place of an object's value by its name.
    pub(crate) fn value_of(&self, object: usize, name: &str) -> Option<usize> {
        // With its quotes, if it has no escapes.
        let length = name.len().wrapping_add(2);
        let end = self.next(object);
        let mut at = object.wrapping_add(1);
        while let (true, Some(own)) = (at < end, self.nodes.get(at)) {
            let may_be = own.kind == Kind::Escaped || own.end.wrapping_sub(own.start) == length;
            if may_be && self.is_name(at, name) {
                return Some(own.next);
            }
            at = self.next(own.next);
        }
        None
    }

    /// Whether every reader of JSON can take what is in it: no half of a
    /// character, and no number beyond what a double can hold.
    pub(crate) fn is_sound(&self) -> bool {
        (0..self.nodes.len()).all(|place| match self.kind(place) {
            Some(Kind::Escaped) => self.string(place).is_some(),
            Some(Kind::Number) => fits_double(self.raw(place)),
            _ => true,
        })
    }

    /// The places of a value's elements, or of an object's names and values by
    /// turns.
    pub(crate) fn within(&self, place: usize) -> impl Iterator<Item = usize> {
        let end = self.next(place);
        let mut at = place.wrapping_add(1);
        std::iter::from_fn(move || {
            let found = (at < end).then_some(at)?;
            at = self.next(found);
            Some(found)
        })
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    /// The byte that is next; a NUL, which no JSON has, at the end.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    fn step(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\t' | b'\r') {
            self.step();
        }
    }

    /// Takes a byte; `None` if another one is next.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == byte).then(|| self.step())
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        self.skip_space();
        let (start, place) = (self.at, self.nodes.len());
        self.nodes.push(Node { kind: Kind::Null, start, end: start, next: place });
        let kind = match self.peek() {
            b'"' => self.string()?,
            b'{' => self.values(Kind::Object, b'}', depth)?,
            b'[' => self.values(Kind::List, b']', depth)?,
            b't' => self.word(b"true", Kind::True)?,
            b'f' => self.word(b"false", Kind::False)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => self.number()?,
        };
        let (end, next) = (self.at, self.nodes.len());
        if let Some(node) = self.nodes.get_mut(place) {
            *node = Node { kind, start, end, next };
        }
        Some(())
    }

    fn values(&mut self, kind: Kind, end: u8, depth: u32) -> Option<Kind> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.step();
        self.skip_space();
        if self.take(end).is_some() {
            return Some(kind);
        }
        loop {
            if kind == Kind::Object {
                self.skip_space();
                if self.peek() != b'"' {
                    return None;
                }
                self.value(depth)?;
                self.skip_space();
                self.take(b':')?;
            }
            self.value(depth.wrapping_add(1))?;
            self.skip_space();
            if self.take(b',').is_none() {
                self.take(end)?;
                return Some(kind);
            }
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<Kind> {
        for byte in word {
            self.take(*byte)?;
        }
        Some(kind)
    }

    fn string(&mut self) -> Option<Kind> {
        let mut kind = Kind::Text;
        self.step();
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at = self.at.wrapping_add(plain_length(rest));
            match self.peek() {
                b'"' => {
                    self.step();
                    return Some(kind);
                }
                b'\\' => {
                    kind = Kind::Escaped;
                    self.step();
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let letter = self.peek();
        if !matches!(letter, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') {
            return None;
        }
        self.step();
        if letter == b'u' {
            for _ in 0..4 {
                if !self.peek().is_ascii_hexdigit() {
                    return None;
                }
                self.step();
            }
        }
        Some(())
    }

    fn number(&mut self) -> Option<Kind> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(Kind::Number)
    }

    /// One digit at least.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.step();
        }
        (self.at > start).then_some(())
    }
}

/// What a text with well-formed escapes stands for; `None` if one of them is
/// half a character.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut letters = behind.chars();
        let letter = letters.next()?;
        rest = letters.as_str();
        plain.push(match letter {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (character, behind) = code_point(rest)?;
                rest = behind;
                character
            }
            itself => itself,
        });
    }
    plain.push_str(rest);
    Some(plain)
}

/// The character of a `\u` escape, which may be two of them, and the rest.
fn code_point(text: &str) -> Option<(char, &str)> {
    let (high, rest) = code_unit(text)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, rest));
    }
    let (low, rest) = code_unit(rest.strip_prefix("\\u")?)?;
    let unit = |unit: u32| u16::try_from(unit).ok();
    let character = char::decode_utf16([unit(high)?, unit(low)?]).next()?.ok()?;
    Some((character, rest))
}

fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
