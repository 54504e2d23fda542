use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};

use crate::json::{self, Raw};

/// A Checkout Session, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CheckoutSession {
    /// Stripe's id of it.
    pub id: String,
    /// Where the customer pays; absent once it has ended.
    pub url: Option<String>,
    /// `paid`, `unpaid` or `no_payment_required`.
    pub payment_status: String,
    /// What is paid, in the currency's smallest unit.
    pub amount_total: Option<u64>,
    /// ISO 4217, in small letters.
    pub currency: Option<String>,
    /// Who pays.
    pub customer: Option<Found>,
    /// The payment.
    pub payment_intent: Option<Found>,
    /// What was put with it.
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
}

impl CheckoutSession {
    /// Whether nothing is left to be paid.
    pub fn is_paid(&self) -> bool {
        matches!(self.payment_status.as_str(), "paid" | "no_payment_required")
    }
}

/// A PaymentIntent, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentIntent {
    /// Stripe's id of it.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// In the currency's smallest unit.
    pub amount: u64,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// Who pays.
    pub customer: Option<Found>,
    /// Why the last attempt failed.
    #[serde(default)]
    pub last_payment_error: Option<PaymentError>,
    /// What was put with it.
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
}

/// Why a payment failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentError {
    /// Stripe's word.
    pub code: Option<String>,
    /// The card issuer's word.
    pub decline_code: Option<String>,
}

/// A page of payment methods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PaymentMethods {
    /// The newest first.
    pub data: Vec<Found>,
}

/// Another object: its id, or the object itself where it was expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found(String);

impl Found {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            id: String,
        }
        let text = Raw::deserialize(deserializer)?.get();
        let id = json::read(text).or_else(|_| json::read(text).map(|Object { id }| id));
        id.map(Self).map_err(D::Error::custom)
    }
}

/// Why Stripe did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StripeError {
    /// The Worker has no API key for this mode; Stripe was not asked.
    NoKey,
    /// No answer came, or none that can be read: it may have been done.
    Unknown,
    /// Stripe said why.
    Refused(Refused),
}

/// An error of Stripe's, after <https://docs.stripe.com/api/errors>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// Its kind.
    pub kind: String,
    /// Its word.
    pub code: Option<String>,
    /// The card issuer's word.
    pub decline_code: Option<String>,
    /// The parameter that it is about.
    pub param: Option<String>,
    /// For people.
    pub message: Box<str>,
}

impl StripeError {
    /// Whether it is certain that nothing was paid, and that asking the same
    /// again would not change that.
    pub fn is_final(&self) -> bool {
        match self {
            Self::NoKey | Self::Unknown => false,
            // A key of the operator's that is wrong may be put right; a repeat
            // under one idempotency key with other parameters hides an answer.
            Self::Refused(Refused { status: 400 | 402 | 404, kind, .. }) => kind != "idempotency_error",
            Self::Refused(_) => false,
        }
    }

    /// The most telling word of it.
    pub fn reason(&self) -> &str {
        match self {
            Self::NoKey => "not_configured",
            Self::Unknown => "no_answer",
            Self::Refused(refused) => {
                let words = [&refused.decline_code, &refused.code];
                words.into_iter().flatten().next().unwrap_or(&refused.kind)
            }
        }
    }
}

/// Reads the shell's reply: a status, a line break and Stripe's body, or `!`
/// and a word when there is none.
///
/// # Errors
/// [`StripeError`].
pub fn read<T: DeserializeOwned>(reply: &str) -> Result<T, StripeError> {
    #[derive(Deserialize)]
    struct Failure {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(rename = "type")]
        kind: String,
        code: Option<String>,
        decline_code: Option<String>,
        param: Option<String>,
        message: Option<Box<str>>,
    }
    if reply == "!nokey" {
        return Err(StripeError::NoKey);
    }
    let (status, body) = reply.split_once('\n').ok_or(StripeError::Unknown)?;
    let status: u16 = status.parse().map_err(|_| StripeError::Unknown)?;
    if (200..300).contains(&status) {
        return json::read(body).map_err(|_| StripeError::Unknown);
    }
    let Ok(Failure { error }) = json::read(body) else {
        return Err(StripeError::Unknown);
    };
    let Error { kind, code, decline_code, param, message } = error;
    let message = message.unwrap_or_default();
    Err(StripeError::Refused(Refused { status, kind, code, decline_code, param, message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, error: &str) -> StripeError {
        read::<CheckoutSession>(&format!("{status}\n{{\"error\":{error}}}")).unwrap_err()
    }

    #[test]
    fn a_session_is_read_and_what_is_none_is_unknown() {
        let session: CheckoutSession = read(
            "200\n{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"url\":null,\"payment_status\":\"paid\",\
             \"amount_total\":900,\"currency\":\"usd\",\"customer\":\"cus_1\",\"payment_intent\":{\"id\":\"pi_1\"}}",
        )
        .unwrap();
        assert!(session.is_paid());
        assert_eq!(session.customer.unwrap().id(), "cus_1");
        assert_eq!(session.payment_intent.unwrap().id(), "pi_1");
        for text in ["!network", "", "200\n", "200\n{}", "502\n<html>", "x\n{}"] {
            assert_eq!(read::<CheckoutSession>(text), Err(StripeError::Unknown), "{text}");
        }
        assert_eq!(read::<CheckoutSession>("!nokey"), Err(StripeError::NoKey));
    }

    #[test]
    fn only_an_error_that_a_repeat_meets_again_is_final() {
        let declined =
            error(402, r#"{"type":"card_error","code":"card_declined","decline_code":"lost_card"}"#);
        assert_eq!((declined.is_final(), declined.reason()), (true, "lost_card"));
        let small = error(400, r#"{"type":"invalid_request_error","code":"amount_too_small"}"#);
        assert_eq!((small.is_final(), small.reason()), (true, "amount_too_small"));
        for (status, kind) in [
            (400, "idempotency_error"),
            (401, "invalid_request_error"),
            (409, "idempotency_error"),
            (429, "invalid_request_error"),
            (500, "api_error"),
        ] {
            assert!(!error(status, &format!(r#"{{"type":"{kind}"}}"#)).is_final(), "{status}");
        }
        assert!(!StripeError::Unknown.is_final() && !StripeError::NoKey.is_final());
    }
}
