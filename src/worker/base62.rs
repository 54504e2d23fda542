//! Bytes as letters and digits, safe in a URL, a header and a double click.
//!
//! Blocks of eight bytes become eleven characters, so that encoding is linear
//! and each text has one reading only: a text that encodes a number beyond
//! its block is refused.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BLOCK_BYTES: usize = 8;
const BLOCK_CHARS: usize = 11;

/// Characters for a last block of 0 to 8 bytes: the least that hold them.
const CHARS_FOR_BYTES: [usize; 9] = [0, 2, 3, 5, 6, 7, 9, 10, 11];

/// Bytes as base62.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(11).div_ceil(8));
    for block in bytes.chunks(BLOCK_BYTES) {
        let value = block.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        let width = CHARS_FOR_BYTES.get(block.len()).copied().unwrap_or(BLOCK_CHARS);
        push_block(&mut text, value, width);
    }
    text
}

/// The bytes of a base62 text; `None` for a text that [`encode`] never gives.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().chunks(BLOCK_CHARS) {
        let length = CHARS_FOR_BYTES.iter().position(|chars| *chars == chunk.len())?;
        let value = number(chunk)?;
        let block = value.to_be_bytes();
        let (above, kept) = block.split_at_checked(BLOCK_BYTES.checked_sub(length)?)?;
        if above.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

/// A number in as few characters as it needs.
pub fn encode_number(value: u64) -> String {
    let mut text = String::new();
    push_number(&mut text, value);
    text
}

/// The same behind a text.
pub fn push_number(text: &mut String, value: u64) {
    let mut width: usize = 1;
    let mut rest = value.checked_div(62).unwrap_or_default();
    while rest > 0 {
        width = width.saturating_add(1);
        rest = rest.checked_div(62).unwrap_or_default();
    }
    push_block(text, value, width);
}

/// The number of [`encode_number`]; `None` for any other text.
pub fn decode_number(text: &str) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    number(text.as_bytes())
}

fn push_block(text: &mut String, mut value: u64, width: usize) {
    let mut characters = [b'0'; BLOCK_CHARS];
    for place in characters.iter_mut().take(width).rev() {
        let digit = usize::try_from(value.checked_rem(62).unwrap_or_default()).unwrap_or_default();
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value = value.checked_div(62).unwrap_or_default();
    }
    text.extend(characters.iter().take(width).map(|byte| char::from(*byte)));
}

fn number(characters: &[u8]) -> Option<u64> {
    characters.iter().try_fold(0_u64, |value, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte.checked_sub(b'0')?,
            b'A'..=b'Z' => byte.checked_sub(b'A')?.checked_add(10)?,
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(36)?,
            _ => return None,
        };
        value.checked_mul(62)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_bytes_have_their_known_text() {
        assert_eq!(encode(&[]), "");
        assert_eq!(encode(&[0]), "00");
        assert_eq!(encode(&[61]), "0z");
        assert_eq!(encode(&[62]), "10");
        assert_eq!(encode(&[255; 8]), "LygHa16AHYF");
        assert_eq!(encode_number(0), "0");
        assert_eq!(encode_number(62), "10");
    }

    #[test]
    fn a_text_beyond_its_block_is_refused() {
        for text in ["zz", "LygHa16AHYG", "zzzzzzzzzzz", "0", "0000", "0-", "é0"] {
            assert_eq!(decode(text), None, "{text}");
        }
        for text in ["", "00", "01", "zzzzzzzzzzzz", "-1"] {
            assert_eq!(decode_number(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn bytes_come_back_and_no_two_texts_mean_the_same(bytes: Vec<u8>, text in "[0-9A-Za-z]{0,40}", value: u64) {
            proptest::prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
            if let Some(read) = decode(&text) {
                proptest::prop_assert_eq!(encode(&read), text);
            }
            proptest::prop_assert_eq!(decode_number(&encode_number(value)), Some(value));
        }
    }
}
