//! API keys that verify themselves.
//!
//! A key is its prefix (`ce_live_`), then base62 of what it may do, closed by
//! an HMAC-SHA256 tag under the Worker's secret. A forged or mistyped key is
//! refused without a look-up, and a good one works while KV is down.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::base62;
use crate::text::Name;
use crate::time::Timestamp;

/// Bytes of the tag that a key carries: 128 bits cannot be guessed, and
/// RFC 2104 (section 5) allows half of the digest.
const TAG_BYTES: usize = 16;
/// Bytes of a key's own id.
pub const KEY_ID_BYTES: usize = 12;
/// The layout below; a later one gets another number.
const LAYOUT: u8 = 1;

/// One of a project's two worlds. Nothing in one can be seen from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Real money.
    Live,
    /// Everything else.
    Test,
}

impl Mode {
    /// Its word in names and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// What a key may do, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Balances, lists, prices.
    pub const READ: Self = Self(1);
    /// Charges and holds.
    pub const CONSUME: Self = Self(2);
    /// Credits and customers.
    pub const WRITE: Self = Self(4);
    /// Keys, prices, gate rules.
    pub const ADMIN: Self = Self(8);
    /// What a project's first keys may do.
    pub const ALL: Self = Self(15);
    /// What a customer key may do at most.
    pub const CUSTOMER: Self = Self(3);

    /// Their words on the wire.
    pub const WORDS: [(&'static str, Self); 4] =
        [("read", Self::READ), ("consume", Self::CONSUME), ("write", Self::WRITE), ("admin", Self::ADMIN)];

    /// Whether all of `other` is in this set.
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The words of this set.
    pub fn words(self) -> Vec<&'static str> {
        Self::WORDS.iter().filter(|(_, scope)| self.contain(*scope)).map(|(word, _)| *word).collect()
    }
}

/// What a key says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id: what lists show and revocation names.
    pub id: [u8; KEY_ID_BYTES],
    /// Its world.
    pub mode: Mode,
    /// Its project.
    pub project: Name,
    /// A customer key's customer; `None` for a project key.
    pub customer: Option<Name>,
    /// What it may do.
    pub scopes: Scopes,
    /// From then on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// The Worker's secrets for keys: the one that signs, then any that is still
/// accepted while rotating.
#[derive(Clone)]
pub struct Signer {
    macs: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// From the secrets, the signing one first; `None` without a secret.
    pub fn new(secrets: &[&str]) -> Option<Self> {
        let present = secrets.iter().filter(|secret| !secret.is_empty());
        let macs: Vec<_> =
            present.filter_map(|secret| Hmac::new_from_slice(secret.as_bytes()).ok()).collect();
        (!macs.is_empty()).then_some(Self { macs })
    }

    /// The secrets, ready to authenticate a text.
    pub(super) fn macs(&self) -> &[Hmac<Sha256>] {
        &self.macs
    }

    /// An authenticator under another secret.
    pub(super) fn mac(secret: &[u8]) -> Option<Hmac<Sha256>> {
        Hmac::new_from_slice(secret).ok()
    }

    /// The text of a key, to be shown once.
    pub fn issue(&self, key: &Key) -> String {
        let prefix = prefix(key.mode, key.customer.is_some());
        let mut bytes = key.encode();
        if let Some(mac) = self.macs.first() {
            let tag = tag(mac, prefix, &bytes).finalize().into_bytes();
            bytes.extend(tag.iter().take(TAG_BYTES));
        }
        format!("{prefix}{}", base62::encode(&bytes))
    }

    /// Reads a key and checks its tag in constant time. `None` for anything
    /// that this Worker did not issue.
    pub fn verify(&self, text: &str) -> Option<Key> {
        let kinds = [(Mode::Live, false), (Mode::Test, false), (Mode::Live, true), (Mode::Test, true)];
        let (prefix, mode, is_customer, body) = kinds.into_iter().find_map(|(mode, is_customer)| {
            let prefix = prefix(mode, is_customer);
            text.strip_prefix(prefix).map(|body| (prefix, mode, is_customer, body))
        })?;
        let bytes = base62::decode(body)?;
        let (payload, sent) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        let genuine = self.macs.iter().fold(false, |known, mac| {
            let matches = tag(mac, prefix, payload).verify_truncated_left(sent).is_ok();
            known | matches
        });
        if !genuine {
            return None;
        }
        Key::decode(payload, mode).filter(|key| key.customer.is_some() == is_customer)
    }
}

/// Whether two secrets are the same, in a time that tells nothing of where
/// they differ: both are hashed first, so neither length shows.
pub fn same_secret(given: &str, expected: &str) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(b"compare") else {
        return false;
    };
    let expected_tag = mac.clone().chain_update(expected).finalize();
    mac.chain_update(given).verify(&expected_tag.into_bytes()).is_ok()
}

fn tag(mac: &Hmac<Sha256>, prefix: &str, payload: &[u8]) -> Hmac<Sha256> {
    mac.clone().chain_update(prefix).chain_update(payload)
}

const fn prefix(mode: Mode, is_customer: bool) -> &'static str {
    match (mode, is_customer) {
        (Mode::Live, false) => "ce_live_",
        (Mode::Test, false) => "ce_test_",
        (Mode::Live, true) => "ck_live_",
        (Mode::Test, true) => "ck_test_",
    }
}

impl Key {
    /// Its id as lists show it.
    pub fn public_id(&self) -> String {
        public_id(&self.id)
    }

    /// layout, scopes, id, expiry (ms, 0 for never), length of the project's
    /// id (2 bytes) and the id, then the customer's id.
    fn encode(&self) -> Vec<u8> {
        let project = self.project.as_str().as_bytes();
        let customer = self.customer.as_ref().map_or(&b""[..], |name| name.as_str().as_bytes());
        let expires_at = self.expires_at.map_or(0, Timestamp::ms);
        let mut bytes = vec![LAYOUT, self.scopes.0];
        bytes.extend_from_slice(&self.id);
        bytes.extend_from_slice(&expires_at.to_be_bytes());
        bytes.extend_from_slice(&u16::try_from(project.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(project);
        bytes.extend_from_slice(customer);
        bytes
    }

    fn decode(bytes: &[u8], mode: Mode) -> Option<Self> {
        let ([layout, scopes], rest) = bytes.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (expires_at, rest) = rest.split_first_chunk()?;
        let (project_length, rest) = rest.split_first_chunk()?;
        let (project, customer) = rest.split_at_checked(usize::from(u16::from_be_bytes(*project_length)))?;
        let name = |bytes: &[u8]| Name::new(std::str::from_utf8(bytes).ok()?);
        let expires_at = match i64::from_be_bytes(*expires_at) {
            0 => None,
            ms => Some(Timestamp::from_ms(ms)),
        };
        let customer = match customer {
            [] => None,
            bytes => Some(name(bytes)?),
        };
        (*layout == LAYOUT).then_some(Self {
            id: *id,
            mode,
            project: name(project)?,
            customer,
            scopes: Scopes(*scopes),
            expires_at,
        })
    }
}

/// A key's id as lists show it.
pub fn public_id(id: &[u8]) -> String {
    format!("key_{}", base62::encode(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(customer: Option<&str>) -> Key {
        Key {
            id: [7; KEY_ID_BYTES],
            mode: Mode::Test,
            project: Name::new("shop").unwrap(),
            customer: customer.and_then(Name::new),
            scopes: Scopes::READ.and(Scopes::CONSUME),
            expires_at: Some(Timestamp::from_ms(1_772_323_200_000)),
        }
    }

    #[test]
    fn a_key_verifies_under_its_secret_and_under_the_previous_one() {
        let old = Signer::new(&["old secret"]).unwrap();
        let rotated = Signer::new(&["new secret", "old secret"]).unwrap();
        for key in [key(None), key(Some("alice")), key(Some(&"é".repeat(128)))] {
            let text = old.issue(&key);
            assert!(text.starts_with(if key.customer.is_some() { "ck_test_" } else { "ce_test_" }));
            assert_eq!(old.verify(&text), Some(key.clone()));
            assert_eq!(rotated.verify(&text), Some(key.clone()));
            assert_eq!(Signer::new(&["new secret"]).unwrap().verify(&text), None);
        }
    }

    #[test]
    fn no_changed_character_passes() {
        let signer = Signer::new(&["secret"]).unwrap();
        let text = signer.issue(&key(Some("alice")));
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(signer.verify(&changed), None, "{changed}");
        }
        for bad in
            ["", "ce_test_", "ck_live_0", &text.replace("ck_test_", "ck_live_"), &text.replace("ck_", "ce_")]
        {
            assert_eq!(signer.verify(bad), None, "{bad}");
        }
    }

    #[test]
    fn without_a_secret_there_is_no_signer() {
        assert!(Signer::new(&["", ""]).is_none());
        assert!(same_secret("token", "token") && !same_secret("token", "tokem") && !same_secret("", "token"));
    }
}
