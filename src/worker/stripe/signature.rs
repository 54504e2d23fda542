//! Who sent a webhook: the header `Stripe-Signature`, after
//! <https://docs.stripe.com/webhooks/signature>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::time::Timestamp;
use crate::worker::ids::from_hex;
use crate::worker::keys::Mode;

/// A signature older than this is not taken, as in Stripe's own libraries.
const TOLERANCE_SECONDS: i64 = 300;
/// Stripe signs with each secret of an endpoint; there are two while one is
/// being rolled. More than this is none of Stripe's headers.
const MAX_SIGNATURES: usize = 16;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadSignature {
    /// There is no header.
    Missing,
    /// The header is not `t=…,v1=…`.
    Unreadable,
    /// No signature is of this body under a secret of ours.
    Mismatch,
    /// It was signed too long ago.
    TooOld,
}

/// The secrets that webhooks are signed with, per mode.
#[derive(Clone)]
pub struct WebhookSecrets {
    secrets: Vec<(Mode, Hmac<Sha256>)>,
}

impl WebhookSecrets {
    /// From the Worker's secrets; blank ones are absent.
    pub fn new(live: &str, test: &str) -> Self {
        let secrets = [(Mode::Live, live), (Mode::Test, test)].into_iter().filter_map(|(mode, secret)| {
            // A blank key would be everybody's.
            let secret = Some(secret.trim()).filter(|secret| !secret.is_empty())?;
            Some((mode, Hmac::new_from_slice(secret.as_bytes()).ok()?))
        });
        Self { secrets: secrets.collect() }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Checks a body's exact bytes against the header: the modes whose secret
    /// it was signed with. All secrets and signatures are tried, each compared
    /// in constant time.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<Vec<Mode>, BadSignature> {
        if header.is_empty() {
            return Err(BadSignature::Missing);
        }
        let mut signed_at = None;
        let mut sent = Vec::new();
        for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
            match name {
                "t" if signed_at.is_none() => signed_at = Some(value),
                "t" => return Err(BadSignature::Unreadable),
                "v1" => sent.push(from_hex(value).ok_or(BadSignature::Unreadable)?),
                _ => {}
            }
        }
        let signed_at = signed_at.filter(|at| at.bytes().all(|byte| byte.is_ascii_digit()));
        let seconds: i64 = signed_at.and_then(|at| at.parse().ok()).ok_or(BadSignature::Unreadable)?;
        if sent.is_empty() || sent.len() > MAX_SIGNATURES {
            return Err(BadSignature::Unreadable);
        }
        let mut genuine = Vec::new();
        for (mode, secret) in &self.secrets {
            let mac = secret.clone().chain_update(signed_at.unwrap_or_default());
            let mac = mac.chain_update(".").chain_update(body);
            let matches = sent.iter().fold(false, |known, tag| known | mac.clone().verify_slice(tag).is_ok());
            if matches {
                genuine.push(*mode);
            }
        }
        if genuine.is_empty() {
            return Err(BadSignature::Mismatch);
        }
        let age = now.ms().div_euclid(1000).saturating_sub(seconds);
        if age > TOLERANCE_SECONDS { Err(BadSignature::TooOld) } else { Ok(genuine) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by the package stripe 23.1.0, `webhooks.generateTestHeaderString`.
    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const AT: i64 = 1_772_323_200;
    const SIGNATURE: &str = "4c3762c06c800709759320cf73ec69dca1b8d1c2a1b1d9fe83677e04909530cf";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds.saturating_mul(1000))
    }

    fn header(signature: &str) -> String {
        format!("t={AT},v1={signature},v0=00")
    }

    #[test]
    fn the_official_packages_signature_is_taken_for_300_seconds() {
        let secrets = WebhookSecrets::new("whsec_live", "whsec_test");
        let header = header(SIGNATURE);
        assert_eq!(secrets.verify(&header, BODY, at(AT)), Ok(vec![Mode::Test]));
        assert_eq!(secrets.verify(&header, BODY, at(AT + 300)), Ok(vec![Mode::Test]));
        assert_eq!(secrets.verify(&header, BODY, at(AT + 301)), Err(BadSignature::TooOld));
        assert_eq!(secrets.verify(&header, b"{}", at(AT + 301)), Err(BadSignature::Mismatch));
    }

    #[test]
    fn one_good_signature_of_several_is_enough() {
        let secrets = WebhookSecrets::new("", " whsec_test\n");
        let other = "00".repeat(32);
        let both = header(&format!("{other},v1={SIGNATURE}"));
        assert_eq!(secrets.verify(&both, BODY, at(AT)), Ok(vec![Mode::Test]));
        assert_eq!(secrets.verify(&header(&other), BODY, at(AT)), Err(BadSignature::Mismatch));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let secrets = WebhookSecrets::new("whsec_live", "whsec_test");
        assert_eq!(secrets.verify("", BODY, at(AT)), Err(BadSignature::Missing));
        let many = format!("t={AT}{}", format!(",v1={SIGNATURE}").repeat(17));
        for bad in [
            "x",
            &format!("v1={SIGNATURE}"),
            &format!("t={AT}"),
            &format!("t={AT},v0={SIGNATURE}"),
            &format!("t={AT},t={AT},v1={SIGNATURE}"),
            &format!("t=,v1={SIGNATURE}"),
            &format!("t=-{AT},v1={SIGNATURE}"),
            &format!("t={AT}.0,v1={SIGNATURE}"),
            &format!("t={AT},v1=zz"),
            &many,
        ] {
            assert_eq!(secrets.verify(bad, BODY, at(AT)), Err(BadSignature::Unreadable), "{bad}");
        }
        for bad in ["00", SIGNATURE.get(..62).unwrap(), &SIGNATURE.replace('a', "b")] {
            assert_eq!(secrets.verify(&header(bad), BODY, at(AT)), Err(BadSignature::Mismatch), "{bad}");
        }
    }

    #[test]
    fn blank_secrets_are_none() {
        assert!(WebhookSecrets::new("", " \n").is_empty());
        let blank = WebhookSecrets::new("", "");
        assert_eq!(blank.verify(&header(SIGNATURE), BODY, at(AT)), Err(BadSignature::Mismatch));
    }
}
