//! Webhooks: where events may be sent, and how they are signed (Standard
//! Webhooks 1.0.0, symmetric: HMAC-SHA256 over id, time and body).
//!
//! A project's signing secret is derived from `KEY_SECRET`, so that it is
//! stored nowhere. While `KEY_SECRET` is being rotated events carry a
//! signature of both, and receivers change theirs without a gap.

use std::net::Ipv4Addr;

use hmac::Mac;

use super::keys::{Mode, Signer};
use crate::text::{Name, joined};

/// A URL longer than this is a mistake.
const MAX_URL_BYTES: usize = 2_048;

/// What [`check_url`] wants, in words that follow the field's name.
pub const URL_RULE: &str = "must be an https URL without credentials or fragment, of 2048 bytes at most; \
                            http goes to this machine and to private networks only";

/// What a webhook is signed for. No API key's tag begins with this word, so
/// that no secret can be had from a key.
const PURPOSE: &str = "webhook";

impl Signer {
    /// The secret that a project's receivers check signatures with, as the
    /// specification writes it: `whsec_` and base64. For the newest
    /// `KEY_SECRET`.
    pub fn webhook_secret(&self, project: &Name, mode: Mode) -> String {
        let secret = self.webhook_secrets(project, mode).next();
        format!("whsec_{}", base64(&secret.unwrap_or_default()))
    }

    /// The header `webhook-signature`: one signature for each `KEY_SECRET`
    /// that is accepted, the newest first.
    pub fn webhook_signature(
        &self,
        project: &Name,
        mode: Mode,
        id: &str,
        unix_seconds: i64,
        body: &str,
    ) -> String {
        let signatures: Vec<_> = self
            .webhook_secrets(project, mode)
            .filter_map(|secret| {
                let mac = Self::mac(&secret)?.chain_update(format!("{id}.{unix_seconds}.{body}"));
                Some(format!("v1,{}", base64(&mac.finalize().into_bytes())))
            })
            .collect();
        joined(&signatures, " ")
    }

    fn webhook_secrets(&self, project: &Name, mode: Mode) -> impl Iterator<Item = Vec<u8>> {
        let purpose = format!("{PURPOSE}\u{1f}{}\u{1f}{}", project.as_str(), mode.word());
        self.macs().iter().map(move |mac| mac.clone().chain_update(&purpose).finalize().into_bytes().to_vec())
    }
}

/// Whether events may be sent there. What they say is signed and not secret
/// by itself, so it must be encrypted on its way over the public internet.
pub fn check_url(url: &str) -> bool {
    let plain = url.len() <= MAX_URL_BYTES
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && !url.contains(['#', '\\']);
    let (rest, encrypted) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return false,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some(host) = host(authority) else {
        return false;
    };
    plain && !authority.contains('@') && (encrypted || is_private(host))
}

/// The host of an authority, without its port.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    (port && !host.is_empty()).then_some(host)
}

/// Whether a host is this machine, or in a network that is not the public
/// one: by its address, or by a name that the public one does not have.
fn is_private(host: &str) -> bool {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return address.is_loopback() || address.is_private();
    }
    if host == "::1" {
        return true;
    }
    let host = host.to_ascii_lowercase();
    // A name that begins with a digit may be an address in other clothes.
    let is_name = host.starts_with(|first: char| first.is_ascii_lowercase());
    let private_end = [".localhost", ".internal", ".local"].iter().any(|end| host.ends_with(end));
    is_name && (!host.contains(['.', ':', '%']) || private_end)
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, at| (group << 8) | chunk.get(at).map_or(0, |b| u32::from(*b)));
        for place in 0..4_usize {
            let digit = usize::try_from((group >> (18_usize.saturating_sub(place.saturating_mul(6)))) & 63);
            let letter = digit.ok().and_then(|digit| ALPHABET.get(digit)).filter(|_| place <= chunk.len());
            text.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // Section 10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn a_secret_and_a_signature_are_what_openssl_makes_of_them() {
        // printf 'webhook\037shop\037live' | openssl dgst -sha256 -hmac secret -binary | base64
        // printf 'evt_1.1700000000.{}' | openssl dgst -sha256 -mac hmac -macopt hexkey:<the secret>
        let shop = Name::new("shop").unwrap();
        let signer = Signer::new(&["secret", "old"]).unwrap();
        assert_eq!(
            signer.webhook_secret(&shop, Mode::Live),
            "whsec_pMFcUAMG7tq19YMWCyO94Tw37c2Rnkf2eUPSGUm9dk0="
        );
        assert_eq!(
            signer.webhook_signature(&shop, Mode::Live, "evt_1", 1_700_000_000, "{}"),
            "v1,yQn1DNUjTdYwbjT6kfSXBDL4WkBBTpdjMx4qbU9nm2w= v1,zBol5opdZ/A4D+kMQdlWgJA2TiNTqNcdSCY0c8a94iE="
        );
        assert_ne!(signer.webhook_secret(&shop, Mode::Test), signer.webhook_secret(&shop, Mode::Live));
    }

    #[test]
    fn events_go_to_https_or_stay_in_private_networks() {
        for good in [
            "https://example.com",
            "https://example.com:8443/hooks?shop=1&x=a@b",
            "https://192.0.2.1/x",
            "http://localhost:3000/hooks",
            "http://127.0.0.1/",
            "http://[::1]:3000/",
            "http://10.0.0.7/x",
            "http://192.168.1.2:80",
            "http://app:3000/hooks",
            "http://hooks.internal/x",
        ] {
            assert!(check_url(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://:443/",
            "https://example.com:0/",
            "https://example.com:port/",
            "https://user:pass@example.com/",
            "https://user@example.com/",
            "https://example.com/#x",
            "https://example.com\\@evil.test/",
            "https://example.com/a b",
            "https://exämple.com/",
            "http://example.com/",
            "http://203.0.113.1/",
            "http://172.32.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://localhost.example.com/",
            "http://[::1/",
            "http://[2001:db8::1]/",
            "http://app%2eexample/",
        ] {
            assert!(!check_url(bad), "{bad}");
        }
        assert!(!check_url(&format!("https://example.com/{}", "a".repeat(2048))));
    }
}
