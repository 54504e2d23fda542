//! Names that callers give to things: customers, tiers, models, actions; texts
//! in a row, numbers in texts, and where a text has a byte.

use serde::{Deserialize, Serialize};

/// A caller's own id or name: 1–256 bytes of UTF-8 with no control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The longest name in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Takes a text as a name; `None` if it is empty, too long, or carries a
    /// control character (C0, DEL, C1).
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        (fits && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Texts in a row with something between them. The standard library's `join`
/// is made anew for each type.
pub fn joined<T: AsRef<str>>(parts: &[T], between: &str) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(part.as_ref());
    }
    text
}

/// A short text of digits that is made from its end, on the stack. The standard
/// library's formatting takes several times as long, and every answer has some.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    bytes: [u8; Self::MOST],
    first: usize,
}

impl Digits {
    /// Room for a number of 64 bits and for an instant; what is put before that
    /// many is lost.
    const MOST: usize = 24;

    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: [0; Self::MOST], first: Self::MOST }
    }

    /// Puts an ASCII character before what there is.
    pub fn put(&mut self, byte: u8) {
        let first = self.first.wrapping_sub(1);
        if let Some(place) = self.bytes.get_mut(first) {
            *place = byte;
            self.first = first;
        }
    }

    /// Puts a number before what there is, with zeros if it has fewer digits.
    pub fn put_number(&mut self, number: u64, least_digits: usize) {
        let mut rest = number;
        let mut count: usize = 0;
        for place in self.bytes.get_mut(..self.first).unwrap_or_default().iter_mut().rev() {
            if rest == 0 && count >= least_digits {
                break;
            }
            let [digit, ..] = (rest % 10).to_le_bytes();
            *place = b'0' | digit;
            rest /= 10;
            count = count.wrapping_add(1);
        }
        self.first = self.first.wrapping_sub(count);
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(self.first..).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self::new()
    }
}

/// A number's digits behind a text.
pub fn push_number(text: &mut String, number: u64) {
    let mut digits = Digits::new();
    digits.put_number(number, 1);
    text.push_str(digits.as_str());
}

/// Texts in a row, in a text that has just their length.
#[inline(never)]
pub fn concat(parts: &[&str]) -> String {
    let length = parts.iter().fold(0_usize, |length, part| length.wrapping_add(part.len()));
    let mut text = String::with_capacity(length);
    for part in parts {
        text.push_str(part);
    }
    text
}

/// Puts the first places of a byte into `places`, as many as there are and as it has room for.
/// Gives their number.
#[inline(never)]
pub fn positions(bytes: &[u8], wanted: u8, places: &mut [usize]) -> usize {
    let (words, rest) = bytes.as_chunks();
    let mut last = [!wanted; 8];
    last.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    let (mut count, mut start) = (0_usize, 0_usize);
    for word in words.iter().chain([&last]) {
        let mut marks = zeros(u64::from_le_bytes(*word) ^ eight(wanted));
        while let (true, Some(place)) = (marks != 0, places.get_mut(count)) {
            *place = start.wrapping_add((marks.trailing_zeros() / 8) as usize);
            count = count.wrapping_add(1);
            marks &= marks.wrapping_sub(1);
        }
        start = start.wrapping_add(8);
    }
    count
}

/// The high bits of those of eight bytes that are zero: in all others, adding sets it or it was
/// set (<https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>).
const fn zeros(word: u64) -> u64 {
    const LOW_BITS: u64 = eight(0x7f);
    !((word & LOW_BITS).wrapping_add(LOW_BITS) | word | LOW_BITS)
}

/// Eight times the same byte.
pub(crate) const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        for number in [0, 9, 10, 4_294_967_296, u64::MAX] {
            let mut text = "n".to_owned();
            push_number(&mut text, number);
            assert_eq!(text, format!("n{number}"));
        }
    }

    #[test]
    fn the_places_of_a_byte_are_found_wherever_they_are() {
        for wanted in [0, b'\n', b'/', 0x80, 0xff] {
            for (one, other) in (0..20).flat_map(|one| (one + 1..=20).map(move |other| (one, other))) {
                let mut bytes = vec![wanted ^ 1; 24];
                (bytes[one], bytes[other], bytes[21]) = (wanted, wanted, wanted);
                let mut places = [99; 4];
                assert_eq!(positions(&bytes, wanted, &mut places), 3);
                assert_eq!(places, [one, other, 21, 99], "{wanted}");
                let mut first = [99];
                assert_eq!((positions(&bytes, wanted, &mut first), first), (1, [one]));
                assert_eq!(positions(&bytes[..one], wanted, &mut places), 0);
            }
        }
        assert_eq!(positions(b"", b'/', &mut [0]), 0);
    }

    #[test]
    fn a_name_has_1_to_256_bytes_and_no_control_character() {
        assert!(Name::new("a").is_some());
        assert!(Name::new("é".repeat(128)).is_some());
        assert!(Name::new("").is_none());
        assert!(Name::new("a".repeat(257)).is_none());
        assert!(Name::new("é".repeat(129)).is_none());
        for bad in ["a\nb", "\u{0}", "tab\t", "\u{7f}", "\u{85}"] {
            assert!(Name::new(bad).is_none(), "{bad:?}");
        }
    }
}
