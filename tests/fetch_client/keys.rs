//! Which keys may be where.

use edge_credits::fetch::{BalanceOptions, ConsumeOptions, CreditEngine, Options};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{credits, is_page, knowledge, stage_url};

#[wasm_bindgen_test]
async fn a_project_key_is_refused_in_a_page_and_nowhere_else() {
    let key = knowledge().await.project_key;
    let made = CreditEngine::new(Options::new(key.clone()).base_url(stage_url()));
    assert_eq!(made.is_err(), is_page());
    let Err(refused) = made else { return };
    assert_eq!(refused.code(), "configuration");
    assert!(!format!("{refused:?} {refused}").contains(&key));
}

#[wasm_bindgen_test]
async fn a_customer_key_serves_its_customer_anywhere() {
    let key = knowledge().await.customer_key;
    let engine = CreditEngine::new(Options::new(key).base_url(stage_url() + "/")).unwrap();
    let charged = engine.consume("holder", credits("2.5"), &ConsumeOptions::default()).await.unwrap();
    assert_eq!(charged.balance, credits("7.5"));
    let other = engine.get_balance("somebody else", &BalanceOptions::default()).await.unwrap_err();
    assert!(["not_found", "insufficient_scope"].contains(&other.code()), "{other:?}");
}
