//! What stands around the rules in the Worker: keys, the chain, and a whole
//! ledger object over a store that takes everything and keeps nothing.

use std::hint::black_box;

use edge_credits::json;
use edge_credits::text::Name;
use edge_credits::worker::journal::chain::{Content, Hash};
use edge_credits::worker::keys::{KEY_ID_BYTES, Key, Mode, Scopes, Signer};
use edge_credits::worker::message::LedgerCall;
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::store::{Store, StoreFault};

use super::Run;
use super::ledger::{charged, start};

const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TOPUP: &str = r#"{"execute":{"command":{"add":{"amount":1000000000000,"kind":"topup"}}}}"#;
const CHARGE: &str = r#"{"command":{"consume":{"amount":1}}}"#;

#[derive(Debug)]
struct Nowhere;

impl Store for Nowhere {
    fn query(&self, _: &str, _: &str) -> Result<String, StoreFault> {
        Ok("[]".to_owned())
    }

    fn execute(&self, _: &str, text: &str) -> Result<(), StoreFault> {
        black_box(text);
        Ok(())
    }

    fn insert(&self, _: &str, numbers: [i64; 4], texts: [&str; 3]) -> Result<(), StoreFault> {
        black_box((numbers, texts));
        Ok(())
    }
}

fn call(ask: &str) -> String {
    let call =
        format!(r#"{{"project":"shop","mode":"live","customer":"alice","terms_version":0,"ask":{ask}}}"#);
    json::read::<LedgerCall>(&call).unwrap().to_text()
}

/// An ask of one customer with credits, and its commit.
fn repeated(status: u16, ask: &str) -> Run {
    let mut object = LedgerObject::open(Nowhere, OBJECT).unwrap();
    assert_eq!(object.call(&call(TOPUP), start()).unwrap().status, 200);
    object.commit().unwrap();
    let message = call(ask);
    Box::new(move || {
        let reply = object.call(black_box(&message), black_box(start())).unwrap();
        assert_eq!(black_box(reply.to_text()).get(..3), Some(status.to_string().as_str()));
        black_box(object.commit()).unwrap();
    })
}

pub(super) fn consume() -> Run {
    repeated(200, &format!(r#"{{"execute":{CHARGE}}}"#))
}

pub(super) fn consume_with_key() -> Run {
    let key = r#"{"key":"k:8f14e45f-ceea-467f-a9d0-1f2b3c4d5e6f","fingerprint":"0123456789abcdef0123456789abcdef"}"#;
    repeated(200, &format!(r#"{{"execute":{{"command":{{"consume":{{"amount":1}}}},"key":{key}}}}}"#))
}

pub(super) fn refuse() -> Run {
    repeated(402, r#"{"execute":{"command":{"consume":{"amount":2000000000000}}}}"#)
}

pub(super) fn balance() -> Run {
    repeated(200, r#"{"balance":{"breakdown":false}}"#)
}

pub(super) fn batch() -> Run {
    repeated(200, &format!(r#"{{"batch":{{"items":[{}],"atomic":false}}}}"#, [CHARGE; 100].join(",")))
}

pub(super) fn hash() -> Run {
    let entry = charged();
    let payload = json::write(&entry.event);
    let mut hash = Hash::origin(None);
    Box::new(move || {
        hash = hash.then(black_box(&Content {
            seq: entry.seq,
            at: entry.at,
            kind: "consumption",
            amount: entry.amount,
            balance_after: entry.balance_after,
            idempotency_key: None,
            fingerprint: None,
            about: None,
            payload: &payload,
            notices: None,
        }));
    })
}

pub(super) fn verify_key() -> Run {
    let signer = Signer::new(&["key-secret"]).unwrap();
    let key = Key {
        id: [7; KEY_ID_BYTES],
        mode: Mode::Live,
        project: Name::new("shop").unwrap(),
        customer: None,
        scopes: Scopes::ALL,
        expires_at: None,
    };
    let text = signer.issue(&key);
    Box::new(move || {
        black_box(signer.verify(black_box(&text))).unwrap();
    })
}
