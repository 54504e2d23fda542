//! What something would cost, by the code that charges it.

use super::request::Invalid;
use crate::credits::Credits;
use crate::pricing::{ActionCost, Catalogue, ModelPrice, PriceError, Tokens};
use crate::text::Name;

/// Between the fields of a row, and between rows: names hold no control
/// characters, so nothing needs an escape.
const FIELD_SEPARATOR: char = '\u{1f}';
const ROW_SEPARATOR: char = '\u{1e}';

/// What is to be priced.
#[derive(Clone, Copy, Debug)]
pub enum Priced<'a> {
    /// Runs of an action.
    Action {
        /// The service.
        service: &'a str,
        /// The action.
        action: &'a str,
        /// How many.
        quantity: u64,
    },
    /// Tokens of a model.
    Model {
        /// The model.
        model: &'a str,
        /// Its tokens.
        tokens: Tokens,
    },
}

/// The price.
///
/// `prices` are the engine's lists as one text, a row each: `service`,
/// `action`, `credits` of a cost; or `model`, `input_per_million`,
/// `output_per_million`, `cached_input_per_million`, `minimum` of a model, the
/// last two empty where absent.
///
/// # Errors
/// [`Invalid`]: `unknown_price` as the engine would say, or
/// `invalid_answer` for a list that cannot be read.
pub fn quote(prices: &str, priced: Priced<'_>) -> Result<Credits, Invalid> {
    let catalogue = read(prices).ok_or_else(|| wrong("invalid_answer", "prices", "cannot be read"))?;
    quote_by(&catalogue, priced)
}

/// The same by lists that were read.
///
/// # Errors
/// [`Invalid`]: `unknown_price` as the engine would say.
#[inline]
pub fn quote_by(catalogue: &Catalogue, priced: Priced<'_>) -> Result<Credits, Invalid> {
    let name =
        |field, text: &str| Name::new(text).ok_or_else(|| wrong("invalid_field", field, "is not a name"));
    let price = match priced {
        Priced::Action { service, action, quantity } => {
            catalogue.action(&name("service", service)?, &name("action", action)?, quantity)
        }
        Priced::Model { model, tokens } => {
            catalogue.model(&name("model", model)?).and_then(|price| price.price(tokens))
        }
    };
    price.map_err(|error| match error {
        PriceError::UnknownAction => wrong("unknown_price", "action", "has no cost in the catalogue"),
        PriceError::UnknownModel => wrong("unknown_price", "model", "has no price in the catalogue"),
        PriceError::CachedBeyondInput => {
            wrong("invalid_field", "tokens.cached_input_tokens", "must not exceed input_tokens")
        }
        PriceError::OutOfRange => wrong("invalid_amount", "amount", "is beyond 9000000000 credits"),
    })
}

fn wrong(code: &'static str, field: &str, detail: &'static str) -> Invalid {
    Invalid { code, field: field.to_owned(), detail }
}

fn read(prices: &str) -> Option<Catalogue> {
    let mut catalogue = Catalogue::default();
    for row in prices.split(ROW_SEPARATOR).filter(|row| !row.is_empty()) {
        let fields: Vec<&str> = row.split(FIELD_SEPARATOR).collect();
        let amount = |text: &str| Credits::parse(text).ok();
        let optional = |text: &str| match text {
            "" => Some(None),
            text => amount(text).map(Some),
        };
        match *fields.as_slice() {
            [service, action, credits] => catalogue.costs.push(ActionCost {
                service: Name::new(service)?,
                action: Name::new(action)?,
                credits: amount(credits)?,
                description: None,
            }),
            [model, input, output, cached, minimum] => catalogue.models.push(ModelPrice {
                model: Name::new(model)?,
                input_per_million: amount(input)?,
                output_per_million: amount(output)?,
                cached_input_per_million: optional(cached)?,
                minimum: optional(minimum)?,
            }),
            _ => return None,
        }
    }
    Some(catalogue)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: &str = "images\u{1f}generate\u{1f}0.3\u{1e}gpt\u{1f}2.5\u{1f}10\u{1f}0.25\u{1f}0.01\u{1e}plain\u{1f}1\u{1f}2\u{1f}\u{1f}";

    fn tokens(input: u64, cached_input: u64, output: u64) -> Tokens {
        Tokens { input, cached_input, output }
    }

    #[test]
    fn a_quote_is_exact() {
        let quote = |priced| quote(PRICES, priced).map(|credits| credits.to_string());
        let action = Priced::Action { service: "images", action: "generate", quantity: 3 };
        assert_eq!(quote(action).unwrap(), "0.9");
        // 900 × 2.5 + 100 × 0.25 + 500 × 10 = 7,275 millionths: below the minimum.
        let small = Priced::Model { model: "gpt", tokens: tokens(1_000, 100, 500) };
        assert_eq!(quote(small).unwrap(), "0.01");
        let large = Priced::Model { model: "gpt", tokens: tokens(10_000, 1_000, 5_000) };
        assert_eq!(quote(large).unwrap(), "0.07275");
        // Rounded up: a token at 1 credit per million is a millionth.
        let one = Priced::Model { model: "plain", tokens: tokens(1, 1, 0) };
        assert_eq!(quote(one).unwrap(), "0.000001");
    }

    #[test]
    fn what_has_no_price_is_said() {
        let code = |prices, priced| quote(prices, priced).unwrap_err().code;
        let action = Priced::Action { service: "images", action: "delete", quantity: 1 };
        assert_eq!(code(PRICES, action), "unknown_price");
        assert_eq!(code("", action), "unknown_price");
        assert_eq!(code(PRICES, Priced::Model { model: "x", tokens: tokens(1, 0, 0) }), "unknown_price");
        assert_eq!(code(PRICES, Priced::Model { model: "gpt", tokens: tokens(1, 2, 0) }), "invalid_field");
        assert_eq!(code("a\u{1f}b", action), "invalid_answer");
        let beyond = Priced::Action { service: "images", action: "generate", quantity: u64::MAX };
        assert_eq!(code(PRICES, beyond), "invalid_amount");
    }
}
