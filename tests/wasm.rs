//! The seam as JavaScript sees it, run in a real wasm engine: requests go in
//! as text and bytes, steps come out as text.
#![cfg(all(target_arch = "wasm32", feature = "worker"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

use edge_credits::worker::face::{answered, begin, configure, failed_answer, next_background, resume};
use edge_credits::worker::ids::to_hex;
use wasm_bindgen_test::wasm_bindgen_test;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_node_experimental);

const NOW_MS: f64 = 1_772_323_200_000.0;

fn head(method: &str, target: &str, authorization: &str) -> String {
    format!("{method}\n{target}\n{authorization}\n\napplication/json\n\nreq_1")
}

/// Makes a project by answering its effects as empty objects would, and
/// gives its live key.
fn live_key(task: u32) -> String {
    let body = br#"{"id":"shop"}"#.to_vec();
    let mut step = begin(task, head("POST", "/v1/projects", "Bearer operator"), Some(body), NOW_MS);
    while !step.starts_with('A') {
        assert!(step.starts_with('R') || step.starts_with('P'), "{step}");
        step = resume(task, "200-true".to_owned());
    }
    let start = step.find("ce_live_").unwrap();
    step[start..].split('"').next().unwrap().to_owned()
}

/// The public id of a key: 12 bytes of its text, after layout and scopes.
fn authorization_id(authorization: &str) -> String {
    let body = authorization.split("_live_").nth(1).unwrap();
    let bytes = edge_credits::worker::base62::decode(body).unwrap();
    edge_credits::worker::keys::public_id(&bytes[2..14])
}

#[wasm_bindgen_test]
fn a_request_that_needs_nobody_is_answered_at_once() {
    configure("operator", "secret", "", "", "");
    let step = begin(1, head("GET", "/healthz", ""), Some(vec![]), NOW_MS);
    assert!(step.starts_with("A200j\n\n{\"status\":\"ok\""), "{step}");
}

#[wasm_bindgen_test]
fn a_charge_asks_the_record_then_the_ledger_then_answers() {
    configure("operator", "secret", "", "", "");
    let key = live_key(2);
    let head = head("POST", "/v1/customers/al%20ice/consume", &format!("Bearer {key}"));
    let step = begin(3, head, Some(br#"{"amount":0.3}"#.to_vec()), NOW_MS);
    assert_eq!(step, "Gproject:shop:live");
    let step = resume(3, "=".to_owned() + r#"{"version":1}"#);
    // Packed: of the project "shop" in live mode, for the first kind of ask and of command.
    let call = "a(4:shopA6:al ice~0;~tA(A(300000;~)~~))";
    assert_eq!(step, format!("lshop\u{1f}live\u{1f}al ice\n{call}"));
    assert_eq!(resume(3, "200r{}".to_owned()), "A200j\nIdempotent-Replayed:true\n\n{}");
    // The flow is over: there is nothing to bring a reply to.
    assert!(resume(3, "200-{}".to_owned()).starts_with("A500p"));
}

#[wasm_bindgen_test]
fn a_revoked_key_is_found_out_within_30_s_however_long_the_isolate_slept() {
    configure("operator", "secret", "", "", "");
    let authorization = format!("Bearer {}", live_key(20));
    let ask =
        |task, now| begin(task, head("GET", "/v1/customers/a/balance", &authorization), Some(vec![]), now);
    assert_eq!(ask(21, NOW_MS), "Gproject:shop:live");
    assert!(resume(21, "={\"version\":1}".to_owned()).starts_with('l'));
    // Known and young: nobody is asked.
    assert!(ask(22, NOW_MS + 4_000.0).starts_with('l'));
    answered(22);
    assert!(resume(22, "200-{}".to_owned()).starts_with("A500p"), "it is over");
    // Older: KV is asked behind the request's back.
    assert!(ask(23, NOW_MS + 6_000.0).starts_with("+l"));
    assert_eq!(next_background().as_deref(), Some("Gproject:shop:live"));
    // Not confirmed for 25 s: the object is asked first, by one request.
    assert!(ask(24, NOW_MS + 26_000.0).starts_with("Pshop\u{1f}live\n"));
    assert!(!ask(25, NOW_MS + 26_000.0).starts_with('P'));
    assert!(next_background().is_some());
    let key_id = authorization_id(&authorization);
    let revoked =
        format!(r#"200-{{"version":2,"revoked":[{{"id":"{key_id}","at":{NOW_MS},"expires_at":null}}]}}"#);
    assert!(resume(24, revoked).starts_with("A401p"));
    assert!(ask(26, NOW_MS + 27_000.0).starts_with("A401p"));
}

#[wasm_bindgen_test]
fn a_body_that_was_too_large_is_refused_after_the_key() {
    configure("operator", "secret", "", "", "");
    let target = "/v1/customers/a/consume";
    assert!(begin(4, head("POST", target, ""), None, NOW_MS).starts_with("A401p"));
    let key = live_key(5);
    let mut step = begin(6, head("POST", target, &format!("Bearer {key}")), None, NOW_MS);
    if step.starts_with('G') {
        step = resume(6, "={\"version\":1}".to_owned());
    }
    assert!(step.starts_with("A413p"), "{step}");
}

#[wasm_bindgen_test]
fn an_object_that_did_not_answer_is_overloaded_and_can_be_retried() {
    configure("operator", "secret", "", "", "");
    let key = live_key(7);
    let step = begin(8, head("GET", "/v1/keys", &format!("Bearer {key}")), Some(vec![]), NOW_MS);
    let step = if step.starts_with('G') { resume(8, "={\"version\":1}".to_owned()) } else { step };
    assert!(step.starts_with('P'), "{step}");
    let step = resume(8, "!broken".to_owned());
    assert!(step.starts_with("A503p\nRetry-After:1\n\n"), "{step}");
}

#[wasm_bindgen_test]
fn a_request_that_lost_its_engine_can_be_retried() {
    assert!(failed_answer("restarted", "/v1/customers").starts_with("A503p\nRetry-After:1\n\n"));
    assert!(failed_answer("broken", "/v1/customers").starts_with("A400p\n\n"));
    assert!(failed_answer("failed", "/v1/customers").starts_with("A500p\n\n"));
}

#[wasm_bindgen_test]
fn random_ids_come_from_the_platform() {
    let bytes = edge_credits::worker::face::random_bytes::<16>();
    assert_ne!(to_hex(&bytes), "0".repeat(32));
}
