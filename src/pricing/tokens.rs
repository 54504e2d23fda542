use serde::{Deserialize, Serialize};

/// Tokens that a model call took in and gave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tokens {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// Those of the input that the provider served from its cache.
    pub cached_input: u64,
    /// Output tokens.
    pub output: u64,
}
