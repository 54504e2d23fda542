//! What a payment is for, as Stripe carries it in its metadata: a webhook
//! finds the ledger by it without a look-up table.

use std::collections::HashMap;

use super::Form;
use crate::credits::Credits;
use crate::text::Name;
use crate::worker::keys::Mode;

/// Begins each of our ids of a purchase: metadata without it is not ours.
const ID_PREFIX: &str = "pur_";

/// How a purchase was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By the customer, in Stripe Checkout.
    Checkout,
    /// By overage, with a saved payment method.
    Overage,
}

impl Origin {
    const fn word(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Overage => "overage",
        }
    }
}

/// What a payment is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Our id of the purchase.
    pub purchase: String,
    /// How it was begun.
    pub origin: Origin,
    /// Whose.
    pub project: Name,
    /// In which world.
    pub mode: Mode,
    /// For whom.
    pub customer: Name,
    /// Which pack.
    pub pack: Name,
    /// How many credits.
    pub credits: Credits,
}

impl Order {
    /// Writes it into a form, under `metadata` or a nested name of that kind.
    /// Stripe takes values of 500 characters; the longest here has 256 bytes.
    pub fn write(&self, form: Form, metadata: &str) -> Form {
        form.with(&format!("{metadata}[purchase_id]"), &self.purchase)
            .with(&format!("{metadata}[purchase_origin]"), self.origin.word())
            .with(&format!("{metadata}[project]"), self.project.as_str())
            .with(&format!("{metadata}[mode]"), self.mode.word())
            .with(&format!("{metadata}[customer]"), self.customer.as_str())
            .with(&format!("{metadata}[pack]"), self.pack.as_str())
            .with(&format!("{metadata}[credits]"), self.credits)
    }

    /// From metadata; `None` if it is not ours.
    ///
    /// # Errors
    /// The field of ours that somebody has changed into something else.
    pub fn read(metadata: &HashMap<String, String>) -> Option<Result<Self, &'static str>> {
        let purchase = metadata.get("purchase_id").filter(|id| id.starts_with(ID_PREFIX))?;
        Some(Self::read_fields(purchase, metadata))
    }

    fn read_fields(purchase: &str, metadata: &HashMap<String, String>) -> Result<Self, &'static str> {
        let text = |field: &'static str| metadata.get(field).map(String::as_str).ok_or(field);
        let name = |field: &'static str| Name::new(text(field)?).ok_or(field);
        let origin = text("purchase_origin")?;
        let mode = text("mode")?;
        Ok(Self {
            purchase: purchase.to_owned(),
            origin: [Origin::Checkout, Origin::Overage]
                .into_iter()
                .find(|known| known.word() == origin)
                .ok_or("purchase_origin")?,
            project: name("project")?,
            mode: [Mode::Live, Mode::Test].into_iter().find(|known| known.word() == mode).ok_or("mode")?,
            customer: name("customer")?,
            pack: name("pack")?,
            credits: Credits::parse(text("credits")?)
                .ok()
                .filter(|credits| credits.is_positive())
                .ok_or("credits")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(change: Option<(&str, &str)>) -> HashMap<String, String> {
        let mut fields = HashMap::from(
            [
                ("purchase_id", "pur_1"),
                ("purchase_origin", "checkout"),
                ("project", "shop"),
                ("mode", "test"),
                ("customer", "al ice"),
                ("pack", "small"),
                ("credits", "0.000001"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        fields.extend(change.map(|(name, value)| (name.to_owned(), value.to_owned())));
        fields
    }

    #[test]
    fn what_is_written_is_read_again() {
        let order = Order::read(&metadata(None)).unwrap().unwrap();
        assert_eq!(order.credits, Credits::parse("0.000001").unwrap());
        assert_eq!((order.mode, order.customer.as_str()), (Mode::Test, "al ice"));
        let form = order.write(Form::default(), "metadata").into_text();
        let fields = form.split('&').map(|field| {
            let (name, value) = field.split_once('=').unwrap();
            let name = name.strip_prefix("metadata[").unwrap().strip_suffix(']').unwrap();
            (name.to_owned(), value.replace("%20", " "))
        });
        assert_eq!(Order::read(&fields.collect()), Some(Ok(order)));
    }

    #[test]
    fn metadata_of_others_is_none_of_ours_and_a_changed_one_is_named() {
        assert_eq!(Order::read(&HashMap::new()), None);
        assert_eq!(Order::read(&metadata(Some(("purchase_id", "order-7")))), None);
        for (field, value) in [
            ("mode", "Live"),
            ("credits", "-1"),
            ("credits", "0"),
            ("customer", ""),
            ("purchase_origin", "x"),
        ] {
            assert_eq!(Order::read(&metadata(Some((field, value)))), Some(Err(field)), "{field}={value}");
        }
    }
}
