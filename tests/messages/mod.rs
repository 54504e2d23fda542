//! Calls to ledgers, which tests say in JSON.

use edge_credits::worker::message::LedgerCall;
use serde_json::Value;

/// A call as the text that crosses.
pub(crate) fn message(call: Value) -> String {
    serde_json::from_value::<LedgerCall>(call).unwrap().to_text()
}
