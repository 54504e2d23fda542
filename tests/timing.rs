//! How long it takes to refuse a guess must not tell how much of it is right.
//!
//! After dudect (<https://eprint.iacr.org/2016/1123>): guesses that are wrong
//! in the first byte and guesses that are right up to the last one are refused
//! in random order, each is timed, and Welch's t-test says whether the two
//! classes differ. The genuine values are many and random, so that but for
//! the place of the wrong byte the classes look the same to the processor. The
//! same is done to a comparison that stops at the first difference: if the
//! measurement does not see that one, it sees nothing.
#![cfg(feature = "worker")]
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]

mod welch;

use edge_credits::text::Name;
use edge_credits::time::Timestamp;
use edge_credits::worker::base62;
use edge_credits::worker::ids::to_hex;
use edge_credits::worker::keys::{KEY_ID_BYTES, Key, Mode, Scopes, Signer, same_secret};
use edge_credits::worker::stripe::WebhookSecrets;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use welch::{Class, Random, greatest_difference, least_difference, seed};

/// Genuine values: more than a processor learns by heart.
const GENUINE: u32 = 2_000;
const TAG_BYTES: usize = 16;
const SECRET: &[u8] = b"secret";
const NOW: i64 = 1_772_323_200;

/// A value that is refused, in both classes.
struct Guess<T> {
    wrong_first: T,
    wrong_last: T,
}

impl<T> Guess<T> {
    fn of(&self, class: Class) -> &T {
        match class {
            Class::WrongFirst => &self.wrong_first,
            Class::WrongLast => &self.wrong_last,
        }
    }
}

/// Random bytes, as many as a digest has.
fn digest(what: &str, number: u32) -> [u8; 32] {
    Sha256::digest(format!("{what} {number} {}", seed())).into()
}

/// The genuine bytes with one of them changed.
fn spoil(genuine: &[u8], place: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    bytes[place] ^= 1 + random.below(127) as u8;
    bytes
}

fn guesses<T>(genuine: impl Fn(u32) -> Vec<u8>, write: impl Fn(u32, &[u8]) -> T) -> Vec<Guess<T>> {
    let mut random = Random::new(seed());
    let guess = |number| {
        let tag = genuine(number);
        Guess {
            wrong_first: write(number, &spoil(&tag, 0, &mut random)),
            wrong_last: write(number, &spoil(&tag, tag.len() - 1, &mut random)),
        }
    };
    (0..GENUINE).map(guess).collect()
}

/// The t of an engine's comparison must be small, and was measured as that of
/// the control: by the same function.
fn assert_blind(what: &str, refuse: impl Fn(usize, Class)) {
    let t = least_difference(GENUINE as usize, refuse);
    println!("figures: {what}: |t| = {:.1} between wrong early and wrong late", t.abs());
    assert!(t.abs() < Class::TELLING, "{what}: t = {t:.1}, seed {}", seed());
}

#[test]
fn a_comparison_that_stops_early_is_seen() {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    let bodies: Vec<_> = (0..GENUINE).map(|number| digest("body", number)).collect();
    let tag = |number: u32| mac.clone().chain_update(bodies[number as usize]).finalize().into_bytes();
    let guesses = guesses(|number| tag(number).to_vec(), |_, bytes| bytes.to_vec());
    let refuse = |number: usize, class| {
        let genuine = tag(number as u32);
        let guess = guesses[number].of(class);
        let same = genuine.iter().zip(guess).all(|(one, other)| std::hint::black_box(one) == other);
        assert!(!same);
    };
    let t = greatest_difference(GENUINE as usize, refuse);
    println!("figures: control, which stops early: |t| = {:.1}", t.abs());
    assert!(t.abs() > Class::TELLING, "the measurement sees nothing: t = {t:.1}, seed {}", seed());
}

#[test]
fn an_api_keys_tag_is_compared_in_constant_time() {
    let signer = Signer::new(&["secret", "previous"]).unwrap();
    let key = |number| Key {
        id: digest("key", number)[..KEY_ID_BYTES].try_into().unwrap(),
        mode: Mode::Live,
        project: Name::new("shop").unwrap(),
        customer: None,
        scopes: Scopes::ALL,
        expires_at: None,
    };
    let bytes = |number| base62::decode(signer.issue(&key(number)).trim_start_matches("ce_live_")).unwrap();
    let tag = |number| bytes(number).split_off(bytes(number).len() - TAG_BYTES);
    let guesses = guesses(tag, |number, tag| {
        let payload = bytes(number);
        let payload = &payload[..payload.len() - TAG_BYTES];
        format!("ce_live_{}", base62::encode(&[payload, tag].concat()))
    });
    assert_blind("API key", |number, class| assert_eq!(signer.verify(guesses[number].of(class)), None));
}

#[test]
fn stripes_signature_is_compared_in_constant_time() {
    let secrets = WebhookSecrets::new("whsec_live", "whsec_test");
    let mac = Hmac::<Sha256>::new_from_slice(b"whsec_live").unwrap();
    let tag = |number| {
        let signed = mac.clone().chain_update(format!("{NOW}.")).chain_update(digest("body", number));
        signed.finalize().into_bytes().to_vec()
    };
    let guesses = guesses(tag, |_, tag| format!("t={NOW},v1={}", to_hex(tag)));
    let bodies: Vec<_> = (0..GENUINE).map(|number| digest("body", number)).collect();
    let now = Timestamp::from_ms(NOW * 1000);
    let genuine = format!("t={NOW},v1={}", to_hex(&tag(0)));
    assert!(secrets.verify(&genuine, &bodies[0], now).is_ok());
    assert_blind("Stripe-Signature", |number, class| {
        assert!(secrets.verify(guesses[number].of(class), &bodies[number], now).is_err());
    });
}

#[test]
fn the_operator_token_is_compared_in_constant_time() {
    let token = |number| to_hex(&digest("token", number));
    let tokens: Vec<_> = (0..GENUINE).map(token).collect();
    let guesses = guesses(
        |number| token(number).into_bytes(),
        |_, bytes| bytes.iter().map(|byte| char::from(*byte)).collect::<String>(),
    );
    assert_blind("operator token", |number, class| {
        assert!(!same_secret(guesses[number].of(class), &tokens[number]));
    });
}
