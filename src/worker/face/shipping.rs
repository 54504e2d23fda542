//! The seam of what ledgers tell: see `worker/objects/shipping.rs`.

use wasm_bindgen::prelude::*;

use super::with_ledger;
use crate::worker::objects::shipping::Lane;

/// What the ledger has to tell on one of its lanes, as the effect that tells
/// it; nothing if all is told, or if there is no such lane.
///
/// # Errors
/// As [`ledger_call`](super::ledger_call).
#[wasm_bindgen]
pub fn ledger_shipment(handle: u32, lane: u8) -> Result<Option<String>, JsError> {
    let Some(lane) = Lane::from_number(lane) else {
        return Ok(None);
    };
    with_ledger(handle, |ledger| Ok(ledger.shipment(lane)?.map(|effect| effect.to_text())))
}

/// Whether there may be something to tell; 0 is the lane to the rollup shard, 1
/// that to the events object.
///
/// # Errors
/// As [`ledger_call`](super::ledger_call).
#[wasm_bindgen]
pub fn ledger_has_news(handle: u32, lane: u8) -> Result<bool, JsError> {
    with_ledger(handle, |ledger| Ok(Lane::from_number(lane).is_some_and(|lane| ledger.has_news(lane))))
}

/// Whether [`ledger_shipment`] would use no storage: it may be had then while
/// another object's is at hand.
///
/// # Errors
/// As [`ledger_call`](super::ledger_call).
#[wasm_bindgen]
pub fn ledger_tells_from_memory(handle: u32, lane: u8) -> Result<bool, JsError> {
    with_ledger(handle, |ledger| {
        Ok(Lane::from_number(lane).is_some_and(|lane| ledger.tells_from_memory(lane)))
    })
}

/// Brings the reply to a shipment. Whether the next one is to be made at once.
///
/// # Errors
/// If it was not taken: it must be made again, later.
#[wasm_bindgen]
pub fn ledger_shipped(handle: u32, lane: u8, reply: &str) -> Result<bool, JsError> {
    with_ledger(handle, |ledger| match Lane::from_number(lane) {
        Some(lane) => ledger.shipped(lane, reply),
        None => Ok(false),
    })
}
