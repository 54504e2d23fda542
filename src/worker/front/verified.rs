//! Keys whose tags were checked, so that a busy key's tag is computed once.
//!
//! A map of texts would compare a guess with a kept key letter by letter, and
//! tell by its time how far they agree. So keys are found by a hash, and their
//! texts compared in constant time.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use ctutils::CtEq;

use crate::worker::keys::Key;

/// Keys that an isolate remembers; beyond it starts anew.
const MAX_KEYS: usize = 4_096;

/// Verified keys, by their whole text.
#[derive(Debug, Default)]
pub(super) struct Verified {
    hasher: RandomState,
    keys: HashMap<u64, (String, Key)>,
}

impl Verified {
    /// What this very text was verified as.
    pub(super) fn get(&self, text: &str) -> Option<&Key> {
        let (kept, key) = self.keys.get(&self.hasher.hash_one(text))?;
        kept.as_bytes().ct_eq(text.as_bytes()).to_bool().then_some(key)
    }

    /// Remembers a key. Of two with one hash the later one is.
    pub(super) fn keep(&mut self, text: &str, key: Key) {
        if self.keys.len() >= MAX_KEYS {
            self.keys.clear();
        }
        self.keys.insert(self.hasher.hash_one(text), (text.to_owned(), key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Name;
    use crate::worker::keys::{KEY_ID_BYTES, Mode, Scopes};

    fn key(project: &str) -> Key {
        Key {
            id: [1; KEY_ID_BYTES],
            mode: Mode::Live,
            project: Name::new(project).unwrap(),
            customer: None,
            scopes: Scopes::ALL,
            expires_at: None,
        }
    }

    #[test]
    fn a_kept_key_is_found_by_its_whole_text_only() {
        let mut verified = Verified::default();
        verified.keep("ce_live_abc", key("shop"));
        assert_eq!(verified.get("ce_live_abc"), Some(&key("shop")));
        for other in ["ce_live_abd", "ce_live_ab", "ce_live_abcd", ""] {
            assert_eq!(verified.get(other), None, "{other}");
        }
    }

    #[test]
    fn another_text_of_the_same_hash_is_not_taken_for_it() {
        let mut verified = Verified::default();
        let hash = verified.hasher.hash_one("guess");
        verified.keys.insert(hash, ("kept!".to_owned(), key("shop")));
        assert_eq!(verified.get("guess"), None);
    }

    #[test]
    fn it_starts_anew_when_it_is_full() {
        let mut verified = Verified::default();
        for number in 0..=MAX_KEYS {
            verified.keep(&format!("key {number}"), key("shop"));
        }
        assert!(verified.keys.len() <= MAX_KEYS && verified.get("key 0").is_none());
        assert!(verified.get(&format!("key {MAX_KEYS}")).is_some());
    }
}
