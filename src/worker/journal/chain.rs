//! Tamper evidence: each entry's hash covers the entry and the hash before it.
//!
//! In: an entry exactly as it is stored, and the hash before. Out: its own.
//! Whoever changes a stored entry must change every hash after it, and then
//! the last one is not what it was: somebody who noted it down sees that.
//!
//! It is SHA-256, whole: callers choose part of what is hashed (metadata,
//! keys), so half of a digest could be made to collide.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::Identity;
use crate::credits::Credits;
use crate::text::eight;
use crate::time::Timestamp;

const BYTES: usize = 32;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Stands before the first entry; another encoding gets another number.
const ORIGIN: &str = "edge-credits journal 1";
/// The length that says that a text is absent; no text is as long.
const ABSENT: u32 = u32::MAX;

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash([u8; BYTES]);

/// An entry as its row has it: every column but the hash.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // the columns' own names
pub struct Content<'a> {
    pub seq: u64,
    pub at: Timestamp,
    pub kind: &'a str,
    pub amount: Credits,
    pub balance_after: Credits,
    pub idempotency_key: Option<&'a str>,
    pub fingerprint: Option<&'a str>,
    pub about: Option<u64>,
    pub payload: &'a str,
    pub notices: Option<&'a str>,
}

impl Hash {
    /// What the first entry follows: whose journal it is, so that one cannot
    /// be put in another's place.
    pub fn origin(identity: Option<&Identity>) -> Self {
        let mut digest = Sha256::new();
        text(&mut digest, Some(ORIGIN));
        text(&mut digest, identity.map(|identity| identity.project.as_str()));
        text(&mut digest, identity.map(|identity| identity.mode.word()));
        text(&mut digest, identity.map(|identity| identity.customer.as_str()));
        Self(digest.finalize().into())
    }

    /// The hash of the entry that follows. Numbers are 8 bytes and texts have
    /// their length before them, so no two contents give the same bytes.
    #[must_use]
    pub fn then(self, content: &Content<'_>) -> Self {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(content.seq.to_be_bytes());
        digest.update(content.at.ms().to_be_bytes());
        digest.update(content.amount.millionths().to_be_bytes());
        digest.update(content.balance_after.millionths().to_be_bytes());
        // Entries are numbered from 1.
        digest.update(content.about.unwrap_or(0).to_be_bytes());
        text(&mut digest, Some(content.kind));
        text(&mut digest, content.idempotency_key);
        text(&mut digest, content.fingerprint);
        text(&mut digest, Some(content.payload));
        text(&mut digest, content.notices);
        Self(digest.finalize().into())
    }

    /// From 64 hexadecimal digits in lower case; `None` for any other text.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else {
            return None;
        };
        let value =
            |digit: u8| DIGITS.iter().position(|known| *known == digit).and_then(|v| u8::try_from(v).ok());
        let mut bytes = [0; BYTES];
        if pairs.len() != BYTES {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = value(*high)? << 4 | value(*low)?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits. Eight at once, from four bytes: each half of a byte gets a byte of
    /// its own, and 39 more than a digit if it is a letter.
    pub(super) fn hex(self) -> [u8; 2 * BYTES] {
        let mut digits = [0; 2 * BYTES];
        let (fours, _) = self.0.as_chunks();
        for (written, four) in digits.as_chunks_mut::<8>().0.iter_mut().zip(fours) {
            let mut halves = u64::from(u32::from_be_bytes(*four));
            halves = (halves | halves << 16) & 0x0000_ffff_0000_ffff;
            halves = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
            halves = (halves | halves << 4) & eight(15);
            let letters = (halves.wrapping_add(eight(6)) >> 4) & eight(1);
            let ascii = halves.wrapping_add(eight(b'0')).wrapping_add(letters.wrapping_mul(39));
            *written = ascii.to_be_bytes();
        }
        digits
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

/// As 64 hexadecimal digits, and without an allocation: each entry has one.
impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

fn text(digest: &mut Sha256, text: Option<&str>) {
    let Some(text) = text else {
        return digest.update(ABSENT.to_be_bytes());
    };
    // No text of an entry is near 4 GiB.
    digest.update(u32::try_from(text.len()).unwrap_or(ABSENT).to_be_bytes());
    digest.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content<'static> {
        Content {
            seq: 2,
            at: Timestamp::from_ms(1_772_323_200_000),
            kind: "consumption",
            amount: Credits::ZERO,
            balance_after: Credits::MAX,
            idempotency_key: Some("k:a"),
            fingerprint: Some("f"),
            about: None,
            payload: "{}",
            notices: None,
        }
    }

    #[test]
    fn a_hash_is_read_back_from_its_digits_and_from_nothing_else() {
        let hash = Hash::origin(None).then(&content());
        let hex = crate::json::write(&hash);
        let hex = hex.trim_matches('"');
        assert_eq!(Hash::from_hex(hex), Some(hash));
        let pairs = hex.as_bytes();
        let cut = |from: usize| String::from_utf8_lossy(&pairs[from..]).into_owned();
        let foreign = format!("g{}", cut(1));
        for bad in [String::new(), cut(1), cut(2), format!("{hex}00"), hex.to_uppercase(), foreign] {
            assert_eq!(Hash::from_hex(&bad), None, "{bad}");
        }
    }

    #[test]
    fn every_column_counts_and_texts_cannot_run_into_each_other() {
        let origin = Hash::origin(None);
        let moved = Content { idempotency_key: Some("k:af"), fingerprint: Some(""), ..content() };
        let others = [
            Content { seq: 3, ..content() },
            Content { at: Timestamp::from_ms(0), ..content() },
            Content { kind: "refund", ..content() },
            Content { amount: Credits::MAX, ..content() },
            Content { balance_after: Credits::ZERO, ..content() },
            Content { idempotency_key: None, ..content() },
            Content { fingerprint: Some("g"), ..content() },
            Content { about: Some(1), ..content() },
            Content { payload: "{ }", ..content() },
            Content { notices: Some(""), ..content() },
            moved,
        ];
        let mut hashes: Vec<_> = others.iter().map(|content| origin.then(content).0).collect();
        hashes.push(origin.then(&content()).0);
        hashes.push(origin.then(&content()).then(&content()).0);
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), others.len() + 2);
    }
}
