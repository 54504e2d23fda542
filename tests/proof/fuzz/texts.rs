//! Texts that are read by themselves: amounts, ids, keys, signatures.

use edge_credits::Credits;
use edge_credits::credits::AmountError;
use edge_credits::text::Name;
use edge_credits::worker::base62;
use edge_credits::worker::ids::{Naming, Prefix, from_hex, ledger_of_event, locate, to_hex};
use edge_credits::worker::keys::{KEY_ID_BYTES, Key, Mode, Scopes, Signer};
use edge_credits::worker::stripe::WebhookSecrets;

use crate::engine::Fuzz;
use crate::now;
use crate::requests::{SECRETS, signature};

const PREFIXES: &[&str] = &["ce_live_", "ce_test_", "ck_live_", "ck_test_"];
const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What a number is in millionths, by moving the point in its text.
enum Moved {
    Whole(i128),
    /// It has a fraction that is not zero.
    Broken,
    /// Longer than any amount.
    Huge,
}

fn millionths(number: &str) -> Moved {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{}{fraction}", whole.trim_start_matches('-'));
    let digits = all.trim_end_matches('0');
    let dropped = i128::try_from(all.len() - digits.len()).unwrap();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Moved::Whole(0);
    }
    let is_small = exponent.starts_with('-');
    let exponent: i128 = exponent.parse().unwrap_or(if is_small { i128::MIN / 2 } else { i128::MAX / 2 });
    let zeros = exponent - i128::try_from(fraction.len()).unwrap() + 6 + dropped;
    match (zeros, digits.len()) {
        (..0, _) => Moved::Broken,
        (0..20, ..20) => {
            let text = format!("{digits}{}", "0".repeat(usize::try_from(zeros).unwrap()));
            let value: i128 = text.parse().unwrap();
            Moved::Whole(if whole.starts_with('-') { -value } else { value })
        }
        _ => Moved::Huge,
    }
}

#[test]
fn amounts() {
    Fuzz::new("amounts", &["e", "E", "+", "-", ".", "000000", "9000000000", "e-6", "e3"], |input| {
        let text = String::from_utf8_lossy(input);
        let is_json = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok()
            && text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && text.ends_with(|last: char| last.is_ascii_digit());
        let most = i128::from(Credits::MAX.millionths());
        match Credits::parse(&text) {
            Ok(amount) => {
                assert!(is_json, "no number is an amount: {text}");
                let Moved::Whole(expected) = millionths(&text) else {
                    panic!("{text} is {amount}");
                };
                assert_eq!(i128::from(amount.millionths()), expected, "{text}");
                let printed = amount.to_string();
                assert_eq!(Credits::parse(&printed), Ok(amount), "printed as {printed}");
                format!("good, {}", printed.len())
            }
            Err(AmountError::NotANumber) => {
                assert!(!is_json, "a number is none: {text}");
                "no number".to_owned()
            }
            Err(AmountError::OutOfRange) => {
                // What is both too long and too fine may be refused as either.
                let is_beyond = match millionths(&text) {
                    Moved::Whole(value) => value.abs() > most,
                    Moved::Huge | Moved::Broken => true,
                };
                assert!(is_json && is_beyond, "{text}");
                "out of range".to_owned()
            }
            Err(AmountError::TooPrecise) => {
                // Seven digits are too many even if they are zeros.
                let fraction = text.split(['e', 'E']).next().and_then(|text| text.split_once('.'));
                let is_long = fraction.is_some_and(|(_, digits)| digits.len() > 6);
                assert!(is_json && (is_long || matches!(millionths(&text), Moved::Broken)), "{text}");
                "too precise".to_owned()
            }
        }
    })
    .go();
}

/// Whatever is read as an id prints as the same text: an id has one spelling.
#[test]
fn ids() {
    let naming = Naming::new(OBJECT).unwrap();
    let prefixes = [Prefix::Transaction, Prefix::Grant, Prefix::Purchase];
    let seeds = [1, 2, 61, 62, 1 << 40, u64::MAX].into_iter().flat_map(|seq| {
        let ids = prefixes.map(|prefix| naming.id(prefix, seq).into_bytes());
        ids.into_iter().chain([naming.event_id(seq, 'a').into_bytes()]).collect::<Vec<_>>()
    });
    Fuzz::new("ids", &["txn_", "grant_", "pur_", "evt_", "0", "z", "00000000000", "LygHa16AHYF"], |input| {
        let text = String::from_utf8_lossy(input);
        let mut read = Vec::new();
        for prefix in prefixes {
            if let Some((object, seq)) = locate(prefix, &text) {
                let again = Naming::new(&object).expect("an object's id").id(prefix, seq);
                assert_eq!(again, text);
                read.push("entry");
            }
        }
        if let Some(object) = ledger_of_event(&text) {
            let naming = Naming::new(&to_hex(&object)).expect("an object's id");
            let seq = base62::decode(&text[48..59]).expect("a number");
            let seq = u64::from_be_bytes(seq.try_into().expect("eight bytes"));
            assert_eq!(naming.event_id(seq, char::from(text.as_bytes()[59])), text);
            read.push("event");
        }
        // The parts, and a cursor, which is such a number.
        if let Some(bytes) = base62::decode(&text) {
            assert_eq!(base62::encode(&bytes), text);
            read.push("bytes");
        }
        if let Some(number) = base62::decode_number(&text) {
            assert_eq!(base62::encode_number(number), text);
            read.push("number");
        }
        if let Some(bytes) = from_hex(&text) {
            assert_eq!(to_hex(&bytes), text.to_lowercase());
            read.push("hex");
        }
        read.join(",")
    })
    .with(seeds)
    .go();
}

/// No text passes for a key but those that were issued, to the letter.
#[test]
fn keys() {
    let name = |text: &str| Name::new(text).unwrap();
    let key = |mode, customer: Option<&str>, expires_at| Key {
        id: [9; KEY_ID_BYTES],
        mode,
        project: name("shop"),
        customer: customer.map(name),
        scopes: if customer.is_some() { Scopes::CUSTOMER } else { Scopes::ALL },
        expires_at,
    };
    let long = "é".repeat(128);
    let keys = [
        key(Mode::Live, None, None),
        key(Mode::Test, None, Some(now())),
        key(Mode::Live, Some("anna"), None),
        key(Mode::Test, Some(&long), Some(now())),
    ];
    let signer = Signer::new(&["secret", "older"]).unwrap();
    let older = Signer::new(&["older"]).unwrap();
    let strange = Signer::new(&["another"]).unwrap();
    let issued: Vec<(String, Key)> = keys
        .iter()
        .flat_map(|key| [(signer.issue(key), key.clone()), (older.issue(key), key.clone())])
        .collect();
    let seeds: Vec<_> = issued.iter().map(|(text, _)| text.clone().into_bytes()).collect();
    let foreign = keys.iter().map(|key| strange.issue(key).into_bytes());
    Fuzz::new("keys", PREFIXES, |input| {
        let text = String::from_utf8_lossy(input);
        let known = issued.iter().find(|(issued, _)| *issued == text).map(|(_, key)| key.clone());
        let read = signer.verify(&text);
        assert_eq!(read, known, "{text}");
        let prefix = PREFIXES.iter().find(|prefix| text.starts_with(**prefix)).copied().unwrap_or_default();
        format!("{} {prefix} {}", read.is_some(), base62::decode(text.get(8..).unwrap_or_default()).is_some())
    })
    .with(seeds.into_iter().chain(foreign))
    .go();
}

/// A header is taken for the very bytes that were signed, and for no others.
#[test]
fn signatures() {
    let secrets = WebhookSecrets::new(SECRETS[0], SECRETS[1]);
    let bodies: [&[u8]; 3] = [b"{}", br#"{"id":"evt_1","object":"event"}"#, b"\xff\n\n"];
    let mut seeds = Vec::new();
    for body in bodies {
        for secret in [SECRETS[0], SECRETS[1], "whsec_another"] {
            seeds.push([signature(now(), body, secret).as_bytes(), b"\n", body].concat());
        }
    }
    let signed = seeds.clone();
    Fuzz::new("signatures", &["t=", "v1=", "v0=", ",", "1772323200", "1772322900", "1772322899"], |input| {
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (header, body) = (String::from_utf8_lossy(&input[..at]), input.get(at + 1..).unwrap_or_default());
        match secrets.verify(&header, body, now()) {
            Err(bad) => format!("{bad:?}"),
            Ok(modes) => {
                assert!(bodies.contains(&body), "not signed: {body:?}");
                // Each mode by a signature that its secret has made of this body.
                for mode in &modes {
                    let secret = SECRETS[usize::from(*mode == Mode::Test)];
                    let genuine = signature(now(), body, secret);
                    let (time, tag) = genuine.split_once(",v1=").unwrap();
                    let header = header.to_lowercase();
                    assert!(header.contains(time) && header.contains(tag), "{header}");
                    assert!(signed.iter().any(|seed| seed.starts_with(genuine.as_bytes())));
                }
                format!("good for {modes:?}")
            }
        }
    })
    .with(seeds)
    .go();
}
