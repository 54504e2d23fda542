//! Prices: what an action or a count of tokens costs in credits.
//!
//! In: a catalogue and what was done. Out: an exact amount. Pure: the Worker
//! charges with it and the client estimates with it, so that a quote equals
//! the charge.
//!
//! Rounding happens once, at the end, up to the next millionth of a credit.

mod catalogue;
mod tokens;

pub use catalogue::{ActionCost, Catalogue, ModelPrice};
pub use tokens::Tokens;

/// Why something has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceError {
    /// The catalogue does not name this action.
    UnknownAction,
    /// The catalogue does not name this model.
    UnknownModel,
    /// More cached input tokens than input tokens.
    CachedBeyondInput,
    /// The price is beyond [`crate::Credits::MAX`].
    OutOfRange,
}
