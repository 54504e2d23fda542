//! Changes to inputs: bytes, words, and JSON values where there are any.

use std::ops::Range;

/// Values that have broken programs before.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "\"\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"\":{}}",
    "0",
    "-0",
    "-1",
    "1",
    "0.1",
    "1e-6",
    "1e-7",
    "1e400",
    "-1e400",
    "0.1234567",
    "2147483648",
    "4294967296",
    "9000000000",
    "9000000000.000001",
    "-9000000000",
    "9007199254740991",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e99999999999",
    "NaN",
    "\"0\"",
    "\"1\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u001e\"",
    "\"é\"",
    "\"1970-01-01T00:00:00Z\"",
    "\"2026-03-01T00:00:00Z\"",
    "\"2026-03-31T23:59:60Z\"",
    "\"9999-12-31T23:59:59.999Z\"",
    "\"9999-12-31T23:59:59-23:59\"",
];

/// Pieces of any text.
const PIECES: &[&str] = &[
    "\"", "\\", "{", "}", "[", "]", ":", ",", "\n", "\r", "\t", "\0", " ", "%", "%00", "%ff", "%2F", "+",
    "&", "=", "?", "/", "//", "..", ".", "-", "e", "\u{1e}", "\u{1f}", "\u{7f}", "\u{feff}", "\u{202e}", "é",
    "𝄞",
];

/// Steele and Vigna's SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.index(words.len())]
    }

    /// Somewhere in so many bytes, mostly a short piece.
    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.index(length + 1);
        let most = if self.below(4) == 0 { length } else { 8 };
        start..(start + self.index(most + 1)).min(length)
    }
}

/// One change to an input; `other` is another one to take pieces from.
pub(crate) fn mutate(input: &[u8], other: &[u8], tokens: &[&str], dice: &mut Dice) -> Vec<u8> {
    let anywhere = dice.range(input.len());
    let here = anywhere.start..anywhere.start;
    match dice.below(14) {
        0 => replace(input, anywhere, b""),
        1 => replace(input, here, &input[anywhere]),
        2 => replace(input, anywhere, &other[dice.range(other.len())]),
        3 => replace(input, here, &[dice.below(256) as u8]),
        4 => flip(input, dice),
        5 => replace(input, here, dice.of(PIECES).as_bytes()),
        6 => replace(input, anywhere, dice.of(tokens).as_bytes()),
        7 => replace(input, value(input, dice), &other[value(other, dice)]),
        8 => replace(input, value(input, dice), dice.of(tokens).as_bytes()),
        9 => many(input, anywhere, dice),
        10 => digits(input, dice),
        _ => replace(input, value(input, dice), dice.of(VALUES).as_bytes()),
    }
}

fn replace(input: &[u8], range: Range<usize>, with: &[u8]) -> Vec<u8> {
    [&input[..range.start], with, &input[range.end..]].concat()
}

fn flip(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut flipped = input.to_vec();
    if !flipped.is_empty() {
        flipped[dice.index(input.len())] ^= 1 << dice.below(8);
    }
    flipped
}

/// A piece many times over: deep nesting, long names, long lists.
fn many(input: &[u8], range: Range<usize>, dice: &mut Dice) -> Vec<u8> {
    let times = 1 << dice.below(9);
    let most = 70_000_usize.saturating_sub(input.len());
    let piece = input[range.clone()].repeat(times);
    replace(input, range.start..range.start, &piece[..piece.len().min(most)])
}

/// A number with other digits.
fn digits(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let places: Vec<_> = (0..input.len()).filter(|at| input[*at].is_ascii_digit()).collect();
    let mut changed = input.to_vec();
    if !places.is_empty() {
        changed[places[dice.index(places.len())]] = b"0123456789"[dice.index(10)];
    }
    changed
}

/// Where a JSON value stands: behind a colon, a comma or a bracket.
fn value(input: &[u8], dice: &mut Dice) -> Range<usize> {
    let begins = |at: &usize| matches!(input[*at], b':' | b',' | b'[');
    let places: Vec<_> = (0..input.len()).filter(begins).collect();
    if places.is_empty() {
        return dice.range(input.len());
    }
    let start = places[dice.index(places.len())] + 1;
    let (mut depth, mut is_text, mut end) = (0_usize, false, start);
    while end < input.len() {
        match input[end] {
            b'"' => is_text = !is_text,
            b'\\' if is_text => end += 1,
            b'{' | b'[' if !is_text => depth += 1,
            b'}' | b']' | b',' if !is_text && depth == 0 => break,
            b'}' | b']' if !is_text => depth -= 1,
            _ => {}
        }
        end += 1;
    }
    start..end.min(input.len())
}
