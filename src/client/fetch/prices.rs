//! The project's price lists, kept for a while.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::exact::{credits, optional_credits};
use crate::credits::Credits;
use crate::pricing::{ActionCost, Catalogue, ModelPrice};
use crate::text::Name;

/// A row of `GET /v1/costs`.
#[derive(Deserialize)]
pub(super) struct CostRow {
    service: String,
    action: String,
    #[serde(deserialize_with = "credits")]
    credits: Credits,
}

impl CostRow {
    fn into_cost(self) -> Option<ActionCost> {
        let (service, action) = (Name::new(self.service)?, Name::new(self.action)?);
        Some(ActionCost { service, action, credits: self.credits, description: None })
    }
}

/// A row of `GET /v1/models`.
#[derive(Deserialize)]
pub(super) struct ModelRow {
    model: String,
    #[serde(deserialize_with = "credits")]
    input_per_million: Credits,
    #[serde(deserialize_with = "credits")]
    output_per_million: Credits,
    #[serde(default, deserialize_with = "optional_credits")]
    cached_input_per_million: Option<Credits>,
    #[serde(default, deserialize_with = "optional_credits")]
    minimum: Option<Credits>,
}

impl ModelRow {
    fn into_price(self) -> Option<ModelPrice> {
        Some(ModelPrice {
            model: Name::new(self.model)?,
            input_per_million: self.input_per_million,
            output_per_million: self.output_per_million,
            cached_input_per_million: self.cached_input_per_million,
            minimum: self.minimum,
        })
    }
}

/// A list as it was read, and when on the clock of [`super::platform::ticks_ms`].
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<(Arc<Catalogue>, f64)>>);

impl Kept {
    /// The list, unless it was read before `oldest_ms`.
    pub(super) fn get(&self, oldest_ms: f64) -> Option<Arc<Catalogue>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(_, read_ms)| *read_ms >= oldest_ms).map(|(list, _)| Arc::clone(list))
    }

    /// Keeps a list.
    pub(super) fn put(&self, list: Catalogue, read_ms: f64) -> Arc<Catalogue> {
        let list = Arc::new(list);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&list), read_ms));
        list
    }
}

/// The prices of actions. `None` if a name is none.
pub(super) fn costs(rows: Vec<CostRow>) -> Option<Catalogue> {
    let costs = rows.into_iter().map(CostRow::into_cost).collect::<Option<_>>()?;
    Some(Catalogue { costs, ..Catalogue::default() })
}

/// The prices of models. `None` if a name is none.
pub(super) fn models(rows: Vec<ModelRow>) -> Option<Catalogue> {
    let models = rows.into_iter().map(ModelRow::into_price).collect::<Option<_>>()?;
    Some(Catalogue { models, ..Catalogue::default() })
}
