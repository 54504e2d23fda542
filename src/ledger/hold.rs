use serde::{Deserialize, Serialize};

use super::{Draws, Note};
use crate::credits::Credits;
use crate::pricing::ModelPrice;
use crate::time::Timestamp;

/// Credits set aside for work that is under way. Each hold ends: completed,
/// failed or expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The number of the entry that made it.
    pub seq: u64,
    /// The sum of its draws, and what of it reaches into overage.
    pub amount: Credits,
    /// From which grants it is set aside.
    pub draws: Draws,
    /// Then it is released, unless it was completed before.
    pub expires_at: Timestamp,
    /// How often it was extended.
    #[serde(default)]
    pub extensions: u8,
    /// The model's price when the hold was made: completion charges by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Box<ModelPrice>>,
    /// What the hold is for; the charge carries it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<Note>>,
}
