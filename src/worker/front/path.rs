//! A path's segments, and what their encoding stands for.

use std::borrow::Cow;
use std::ops::Deref;

use crate::text::positions;

/// One more than any route has.
pub(super) const MOST_SEGMENTS: usize = 7;

/// The segments of a path, as sent; of a longer one the first [`MOST_SEGMENTS`],
/// for no route looks further.
#[derive(Debug)]
pub struct Segments<'a> {
    first: [&'a str; MOST_SEGMENTS],
    count: usize,
}

impl<'a> Segments<'a> {
    /// Of a path, from its `/`.
    pub(super) fn of(path: &'a str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut ends = [path.len(); MOST_SEGMENTS];
        let count = positions(path.as_bytes(), b'/', &mut ends).wrapping_add(1).min(MOST_SEGMENTS);
        let mut first = [""; MOST_SEGMENTS];
        let mut start = 0;
        for (segment, end) in first.iter_mut().zip(ends).take(count) {
            *segment = path.get(start..end).unwrap_or_default();
            start = end.wrapping_add(1);
        }
        Self { first, count }
    }
}

/// The third segment of a path: there each route has its parameter.
pub(super) fn third(path: &str) -> Option<&str> {
    let mut slashes = [path.len(); 4];
    positions(path.as_bytes(), b'/', &mut slashes);
    let [_, _, before, behind] = slashes;
    path.get(before.wrapping_add(1)..behind)
}

impl<'a> Deref for Segments<'a> {
    type Target = [&'a str];

    fn deref(&self) -> &Self::Target {
        self.first.get(..self.count).unwrap_or(&self.first)
    }
}

/// Undoes percent-encoding (RFC 3986, section 2.1), and `+` in a query.
/// `None` for a broken escape or for bytes that are not UTF-8.
pub(super) fn percent_decode(text: &str, plus_is_space: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || (plus_is_space && byte == b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                (digit()? << 4) | digit()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_its_segments_and_an_empty_one_behind_its_last_slash() {
        for (path, segments) in [
            ("/", &[""][..]),
            ("/v1/customers/a%2Fb/consume", &["v1", "customers", "a%2Fb", "consume"]),
            ("/v1/keys/", &["v1", "keys", ""]),
            ("//é/", &["", "é", ""]),
            ("/1/2/3/4/5/6/7/8", &["1", "2", "3", "4", "5", "6", "7"]),
        ] {
            assert_eq!(&*Segments::of(path), segments, "{path}");
            assert_eq!(third(path), segments.get(2).copied(), "{path}");
        }
    }

    #[test]
    fn escapes_are_undone_or_refused() {
        let decoded = |text| percent_decode(text, true).map(Cow::into_owned);
        assert_eq!(decoded("a%20b%2Fc"), Some("a b/c".to_owned()));
        assert_eq!(decoded("a+%C3%A9"), Some("a é".to_owned()));
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
