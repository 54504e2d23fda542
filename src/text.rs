//! Names that callers give to things: customers, tiers, models, actions; texts
//! in a row, and numbers in texts.

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

/// A number's digits behind a text. The standard library's formatting takes
/// several times as long.
pub fn push_number(text: &mut String, number: u64) {
    let mut digits = [0_u8; 20];
    let mut rest = number;
    let mut first = digits.len();
    while let (true, Some(place)) = (rest > 0 || first == digits.len(), digits.get_mut(first.wrapping_sub(1)))
    {
        // Below ten.
        *place = b'0' | u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        first = first.wrapping_sub(1);
    }
    let digits = digits.get(first..).unwrap_or_default();
    text.push_str(std::str::from_utf8(digits).unwrap_or_default());
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
