use serde::{Deserialize, Serialize};

use super::{PriceError, Tokens};
use crate::credits::Credits;
use crate::text::Name;

/// What one run of a service's action costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionCost {
    /// The service, such as `images`.
    pub service: Name,
    /// The action, such as `generate`.
    pub action: Name,
    /// Credits for a quantity of one.
    pub credits: Credits,
    /// Words for people.
    pub description: Option<String>,
}

/// What a model's tokens cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// The model, such as `gpt-5`.
    pub model: Name,
    /// Credits per million input tokens.
    pub input_per_million: Credits,
    /// Credits per million output tokens.
    pub output_per_million: Credits,
    /// Credits per million cached input tokens; as other input if absent.
    pub cached_input_per_million: Option<Credits>,
    /// The least that a call costs.
    pub minimum: Option<Credits>,
}

/// One project's prices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Counts the changes of the catalogue; a charge names the one it used.
    pub version: u64,
    /// Prices per action.
    pub costs: Vec<ActionCost>,
    /// Prices per model.
    pub models: Vec<ModelPrice>,
}

const TOKENS_PER_PRICE: i128 = 1_000_000;

impl Catalogue {
    /// The price of `quantity` runs of an action.
    ///
    /// # Errors
    /// [`PriceError::UnknownAction`], [`PriceError::OutOfRange`].
    pub fn action(&self, service: &Name, action: &Name, quantity: u64) -> Result<Credits, PriceError> {
        let cost = self
            .costs
            .iter()
            .find(|cost| cost.service == *service && cost.action == *action)
            .ok_or(PriceError::UnknownAction)?;
        let total = i128::from(cost.credits.millionths()).checked_mul(i128::from(quantity));
        to_credits(total.ok_or(PriceError::OutOfRange)?)
    }

    /// The price list of one model.
    ///
    /// # Errors
    /// [`PriceError::UnknownModel`].
    pub fn model(&self, model: &Name) -> Result<&ModelPrice, PriceError> {
        self.models.iter().find(|price| price.model == *model).ok_or(PriceError::UnknownModel)
    }
}

impl ModelPrice {
    /// The price of these tokens, rounded once, up to the next millionth.
    ///
    /// # Errors
    /// [`PriceError::CachedBeyondInput`], [`PriceError::OutOfRange`].
    pub fn price(&self, tokens: Tokens) -> Result<Credits, PriceError> {
        let fresh = tokens.input.checked_sub(tokens.cached_input).ok_or(PriceError::CachedBeyondInput)?;
        let cached_price = self.cached_input_per_million.unwrap_or(self.input_per_million);
        let parts = [
            (fresh, self.input_per_million),
            (tokens.cached_input, cached_price),
            (tokens.output, self.output_per_million),
        ];
        let mut total: i128 = 0;
        for (count, price) in parts {
            total = i128::from(count)
                .checked_mul(i128::from(price.millionths()))
                .and_then(|part| total.checked_add(part))
                .ok_or(PriceError::OutOfRange)?;
        }
        let rounded_up =
            total.saturating_add(TOKENS_PER_PRICE.saturating_sub(1)).div_euclid(TOKENS_PER_PRICE);
        Ok(to_credits(rounded_up)?.max(self.minimum.unwrap_or_default()))
    }
}

fn to_credits(millionths: i128) -> Result<Credits, PriceError> {
    i64::try_from(millionths).ok().and_then(Credits::from_millionths).ok_or(PriceError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn credits(text: &str) -> Credits {
        Credits::parse(text).unwrap()
    }

    fn model() -> ModelPrice {
        ModelPrice {
            model: name("m"),
            input_per_million: credits("3"),
            output_per_million: credits("15"),
            cached_input_per_million: Some(credits("0.3")),
            minimum: Some(credits("0.00001")),
        }
    }

    #[test]
    fn tokens_are_priced_by_kind_and_rounded_up_once() {
        let tokens = Tokens { input: 1_000, cached_input: 400, output: 200 };
        // 600·3 + 400·0.3 + 200·15 = 4920 credits per million = 0.00492
        assert_eq!(model().price(tokens), Ok(credits("0.00492")));
        // One cached token is 0.0000003 credits: up to a millionth, then up to the minimum.
        assert_eq!(model().price(Tokens { input: 1, cached_input: 1, output: 0 }), Ok(credits("0.00001")));
        let no_minimum = ModelPrice { minimum: None, ..model() };
        assert_eq!(
            no_minimum.price(Tokens { input: 1, cached_input: 1, output: 0 }),
            Ok(credits("0.000001"))
        );
        assert_eq!(no_minimum.price(Tokens::default()), Ok(Credits::ZERO));
    }

    #[test]
    fn impossible_counts_have_no_price() {
        let beyond = Tokens { input: 1, cached_input: 2, output: 0 };
        assert_eq!(model().price(beyond), Err(PriceError::CachedBeyondInput));
        let huge = Tokens { input: u64::MAX, cached_input: 0, output: u64::MAX };
        assert_eq!(model().price(huge), Err(PriceError::OutOfRange));
    }

    #[test]
    fn an_action_costs_its_credits_times_the_quantity() {
        let cost = ActionCost {
            service: name("img"),
            action: name("make"),
            credits: credits("0.1"),
            description: None,
        };
        let catalogue = Catalogue { version: 1, costs: vec![cost], models: vec![] };
        assert_eq!(catalogue.action(&name("img"), &name("make"), 3), Ok(credits("0.3")));
        assert_eq!(catalogue.action(&name("img"), &name("edit"), 1), Err(PriceError::UnknownAction));
        assert_eq!(catalogue.action(&name("img"), &name("make"), u64::MAX), Err(PriceError::OutOfRange));
    }

    #[test]
    fn a_model_is_found_by_its_name_among_others() {
        let other = ModelPrice { model: name("n"), minimum: None, ..model() };
        let catalogue = Catalogue { version: 1, costs: vec![], models: vec![model(), other.clone()] };
        assert_eq!(catalogue.model(&name("m")), Ok(&model()));
        assert_eq!(catalogue.model(&name("n")), Ok(&other));
        assert_eq!(catalogue.model(&name("o")), Err(PriceError::UnknownModel));
    }
}
