//! Keys whose tags were checked, so that a busy key's tag is computed once.
//!
//! A map of texts would compare a guess with a kept key letter by letter, and
//! tell by its time how far they agree. So a key is found by its beginning,
//! which is no secret: what it may do and its id, which lists show. Its whole
//! text is compared in constant time.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::ops::Deref;
use std::rc::Rc;

use ctutils::CtEq;

use crate::worker::keys::Key;
use crate::worker::objects::project::record_key;
use crate::worker::quick_hash::{QuickHasher, QuickMap};

/// Keys that an isolate remembers; beyond it starts anew.
const MAX_KEYS: usize = 4_096;

/// Letters of a key's text up to the end of its id: the prefix, and two blocks
/// of base62.
const PUBLIC_LETTERS: usize = 30;

/// A key whose tag was checked, with what each of its requests needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedKey {
    key: Key,
    public_id: String,
    record_key: String,
}

impl VerifiedKey {
    fn new(key: Key) -> Self {
        Self { public_id: key.public_id(), record_key: record_key(&key.project, key.mode.word()), key }
    }

    /// Its id as lists show it.
    pub fn public_id(&self) -> &str {
        &self.public_id
    }

    /// The KV key of its project's record.
    pub fn record_key(&self) -> &str {
        &self.record_key
    }
}

impl Deref for VerifiedKey {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

/// Verified keys, by the hash of their public part.
#[derive(Debug, Default)]
pub(super) struct Verified {
    keys: QuickMap<u64, (String, Rc<VerifiedKey>)>,
}

impl Verified {
    /// What this very text was verified as.
    pub(super) fn get(&self, text: &str) -> Option<&Rc<VerifiedKey>> {
        let (kept, key) = self.keys.get(&place(text)?)?;
        kept.as_bytes().ct_eq(text.as_bytes()).to_bool().then_some(key)
    }

    /// Remembers a key. Of two with one place the later one is.
    pub(super) fn keep(&mut self, text: &str, key: Key) -> Rc<VerifiedKey> {
        if self.keys.len() >= MAX_KEYS {
            self.keys.clear();
        }
        let key = Rc::new(VerifiedKey::new(key));
        if let Some(place) = place(text) {
            self.keys.insert(place, (text.to_owned(), Rc::clone(&key)));
        }
        key
    }
}

/// Where a key is kept; `None` for a text that is shorter than any key.
fn place(text: &str) -> Option<u64> {
    let public = text.as_bytes().get(..PUBLIC_LETTERS)?;
    Some(BuildHasherDefault::<QuickHasher>::default().hash_one(public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Name;
    use crate::worker::keys::{KEY_ID_BYTES, Mode, Scopes, Signer};

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

    const TEXT: &str = "ce_live_0123456789012345678901abc";

    #[test]
    fn a_kept_key_is_found_by_its_whole_text_only() {
        let mut verified = Verified::default();
        verified.keep(TEXT, key("shop"));
        assert_eq!(**verified.get(TEXT).unwrap(), VerifiedKey::new(key("shop")));
        let (shorter, longer) = (TEXT.trim_end_matches('c'), format!("{TEXT}d"));
        let other_tag = TEXT.replace("abc", "abd");
        let other_id = TEXT.replace("_0", "_1");
        for other in [&other_tag, &other_id, shorter, &longer, "ce_live_", ""] {
            assert_eq!(verified.get(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_found_by_what_is_no_secret() {
        let signer = Signer::new(&["secret"]).unwrap();
        let (one, other) = (key("shop"), Key { scopes: Scopes::READ, id: [2; KEY_ID_BYTES], ..key("shop") });
        let (text, again) = (signer.issue(&one), Signer::new(&["other"]).unwrap().issue(&one));
        assert!(text != again && place(&text) == place(&again), "the tag is not looked at");
        assert_ne!(place(&text), place(&signer.issue(&other)));
        let mut last = [1; KEY_ID_BYTES];
        last[KEY_ID_BYTES - 1] = 2;
        assert_ne!(place(&text), place(&signer.issue(&Key { id: last, ..one })), "the whole id is");
    }

    #[test]
    fn it_starts_anew_when_it_is_full() {
        let mut verified = Verified::default();
        let text = |number: usize| format!("ce_live_{number:022}tag");
        for number in 0..=MAX_KEYS {
            verified.keep(&text(number), key("shop"));
        }
        assert!(verified.keys.len() <= MAX_KEYS && verified.get(&text(0)).is_none());
        assert!(verified.get(&text(MAX_KEYS)).is_some());
    }
}
