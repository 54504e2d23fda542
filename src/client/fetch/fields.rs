//! From what a caller says to the fields of a call, as the wire names them.

use std::borrow::Cow;

use serde_json::Value;

use super::answer::TransactionType;
use super::options::{AddType, Charge, Outcome, Provision};
use crate::pricing::Tokens;

/// Names and values in turn.
#[derive(Default)]
pub(super) struct Fields<'a>(Vec<Cow<'a, str>>);

/// The three fields of tokens.
type TokenNames = [&'static str; 3];

const TOKENS: TokenNames = ["tokens.input_tokens", "tokens.output_tokens", "tokens.cached_input_tokens"];
const PROVISIONAL: TokenNames = [
    "provisional_tokens.input_tokens",
    "provisional_tokens.output_tokens",
    "provisional_tokens.cached_input_tokens",
];
const FINALIZED: TokenNames = [
    "finalized_tokens.input_tokens",
    "finalized_tokens.output_tokens",
    "finalized_tokens.cached_input_tokens",
];

impl<'a> Fields<'a> {
    pub(super) fn all(&self) -> Vec<&str> {
        self.0.iter().map(AsRef::as_ref).collect()
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.0.extend([name.into(), value.into()]);
        self
    }

    pub(super) fn maybe(self, name: &'static str, value: Option<&'a str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A value that its text says, such as an amount or a time.
    pub(super) fn text(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value.to_string()),
            None => self,
        }
    }

    pub(super) fn json(self, name: &'static str, value: Option<&Value>) -> Self {
        self.text(name, value)
    }

    pub(super) fn charge(self, charge: Charge<'a>) -> Self {
        match charge {
            Charge::Amount(amount) => self.text("amount", Some(amount)),
            Charge::Action { service, action, quantity } => {
                self.with("service", service).with("action", action).text("quantity", Some(quantity))
            }
            Charge::Model { model, tokens } => self.with("model", model).tokens(TOKENS, Some(tokens)),
        }
    }

    pub(super) fn provision(self, provision: Provision<'a>) -> Self {
        match provision {
            Provision::Amount(amount) => self.text("amount", Some(amount)),
            Provision::Model { model, tokens } => self.with("model", model).tokens(PROVISIONAL, tokens),
        }
    }

    pub(super) fn outcome(self, outcome: Outcome) -> Self {
        let (success, amount, tokens) = match outcome {
            Outcome::AsHeld => ("true", None, None),
            Outcome::Amount(amount) => ("true", Some(amount), None),
            Outcome::Tokens(tokens) => ("true", None, Some(tokens)),
            Outcome::Failed => ("false", None, None),
            Outcome::FailedAfter(tokens) => ("false", None, Some(tokens)),
        };
        self.with("success", success).tokens(FINALIZED, tokens).text("amount", amount)
    }

    fn tokens(self, [input, output, cached]: TokenNames, tokens: Option<Tokens>) -> Self {
        let Some(tokens) = tokens else {
            return self;
        };
        self.text(input, Some(tokens.input))
            .text(output, Some(tokens.output))
            .text(cached, (tokens.cached_input > 0).then_some(tokens.cached_input))
    }
}

impl AddType {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Topup => "topup",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
        }
    }
}

impl TransactionType {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Consumption => "consumption",
            Self::Topup => "topup",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
            Self::Allocation => "allocation",
            Self::Rollover => "rollover",
            Self::Expiry => "expiry",
            Self::Purchase => "purchase",
            Self::Other => "other",
        }
    }
}
