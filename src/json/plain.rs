//! What of a text stands in JSON as it is (RFC 8259, section 7). Most texts do
//! so whole, and every message, answer and journal row is made of them.

use crate::text::eight;

const ONES: u64 = eight(1);
const HIGH_BITS: u64 = eight(0x80);

/// How many bytes from the front stand as they are: up to a quote, a backslash
/// or a control character.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (words, _) = bytes.as_chunks();
    let whole = words.iter().take_while(|word| is_plain_word(**word)).count().wrapping_mul(8);
    let rest = bytes.get(whole..).unwrap_or_default();
    whole.wrapping_add(rest.iter().take_while(|byte| is_plain(**byte)).count())
}

const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Eight bytes at once: a byte below what is taken from it borrows, and that
/// sets its high bit (<https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>).
const fn is_plain_word(word: [u8; 8]) -> bool {
    let word = u64::from_le_bytes(word);
    let quote = word ^ eight(b'"');
    let backslash = word ^ eight(b'\\');
    let is_control = word.wrapping_sub(eight(b' ')) & !word;
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (is_control | is_quote | is_backslash) & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::plain_length;

    #[test]
    fn every_byte_at_every_place_is_told() {
        for byte in 0..=255_u8 {
            for before in 0..20 {
                let mut bytes = vec![0xe9; 40];
                bytes[before] = byte;
                let ends = byte < 32 || byte == 34 || byte == 92;
                assert_eq!(plain_length(&bytes), if ends { before } else { 40 }, "{byte} at {before}");
                bytes.truncate(before + 1);
                assert_eq!(plain_length(&bytes), before + usize::from(!ends), "{byte}, last at {before}");
            }
        }
        assert_eq!(plain_length(b""), 0);
    }
}
