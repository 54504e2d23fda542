//! What overage buys: a charge met too few credits, and the ledger has begun a
//! purchase. It is paid by a saved card, then the charge is tried once more.

use serde::Deserialize;

use super::{Paid, failed_request, get, paid_request, post};
use crate::api::{Code, Problem};
use crate::credits::Credits;
use crate::json::{self, Raw};
use crate::ledger::NoPurchase;
use crate::text::Name;
use crate::worker::front::Call;
use crate::worker::front::core::Address;
use crate::worker::message::LedgerCall;
use crate::worker::reply::Reply;
use crate::worker::stripe::{Form, Order, Origin, PaymentIntent, PaymentMethods, StripeError};

/// A ledger's refusal, with the purchase that it has begun.
#[derive(Deserialize)]
struct Refusal<'a> {
    detail: String,
    #[serde(borrow)]
    balance: Raw<'a>,
    #[serde(borrow)]
    available: Raw<'a>,
    #[serde(borrow)]
    requested: Raw<'a>,
    #[serde(borrow)]
    shortfall: Raw<'a>,
    #[serde(borrow)]
    purchase: Begun<'a>,
}

#[derive(Deserialize)]
struct Begun<'a> {
    id: String,
    pack_id: Name,
    #[serde(borrow)]
    credits: Raw<'a>,
    price_cents: u64,
    currency: String,
    stripe_customer: String,
}

/// What came of asking for the money.
enum Payment {
    /// It is paid.
    Done(PaymentIntent),
    /// It will not be: why, and the word for the caller.
    Failed(String, NoPurchase),
    /// That is not known yet.
    Open,
}

impl Call<'_> {
    /// Makes the purchase that a ledger's refusal speaks of, and then the call
    /// once more; gives the text that came of it. If the payment's outcome is
    /// not known the purchase stays begun: the next call that falls short, or
    /// Stripe's webhook, brings it to its end, and Stripe makes one payment of
    /// however many tries.
    pub(in crate::worker::front) async fn buy_and_repeat(
        &self,
        mut call: LedgerCall,
        refused: &str,
        address: &Address,
    ) -> Result<String, Problem> {
        let unreadable = || Problem::new(Code::Internal, "the ledger's purchase was unreadable");
        let reply = Reply::from_text(refused).ok_or_else(unreadable)?;
        let refusal: Refusal<'_> = json::read(&reply.body).map_err(|_| unreadable())?;
        let begun = &refusal.purchase;
        let order = Order {
            purchase: begun.id.clone(),
            origin: Origin::Overage,
            project: call.project.clone(),
            mode: call.mode,
            customer: call.customer.clone().ok_or_else(unreadable)?,
            pack: begun.pack_id.clone(),
            credits: Credits::parse(begun.credits.get()).map_err(|_| unreadable())?,
        };
        let now = self.incoming.now;
        let why = match self.pay(&order, begun).await {
            Payment::Done(intent) => {
                let paid = Paid {
                    cents: intent.amount,
                    currency: intent.currency,
                    payment_intent: Some(intent.id),
                    payer: Some(begun.stripe_customer.clone()),
                    ..Paid::default()
                };
                let bought = self.front.tell_order(self.io, &order, paid_request(&order, paid), now).await?;
                if bought.status >= 400 {
                    return Ok(bought.to_text());
                }
                // Whatever it meets now, it buys no more.
                call.may_buy = false;
                return Ok(self.io.perform(address.effect(call.to_text())).await);
            }
            Payment::Failed(reason, why) => {
                // Should it not be heard, the purchase stays begun, and the
                // next try is refused by Stripe in the same way.
                let _ = self.front.tell_order(self.io, &order, failed_request(&order, &reason), now).await;
                why
            }
            Payment::Open => NoPurchase::Pending,
        };
        let problem = Problem::new(Code::InsufficientCredits, refusal.detail)
            .with("balance", &refusal.balance)
            .with("available", &refusal.available)
            .with("requested", &refusal.requested)
            .with("shortfall", &refusal.shortfall)
            .with("auto_purchase", &why.word());
        Ok(Reply { rate: reply.rate, ..Reply::from(problem) }.to_text())
    }

    /// Asks Stripe for the money: the card that the customer saved last is
    /// charged without the customer's being there.
    async fn pay(&self, order: &Order, begun: &Begun<'_>) -> Payment {
        let cards =
            Form::default().with("customer", &begun.stripe_customer).with("type", "card").with("limit", 1);
        let path = format!("/v1/payment_methods?{}", cards.into_text());
        let card = match get::<PaymentMethods>(self.io, order.mode, path).await {
            Ok(cards) => cards.data.into_iter().next(),
            Err(error) => return not_paid(&error),
        };
        let Some(card) = card else {
            return Payment::Failed("no_payment_method".to_owned(), NoPurchase::NoPaymentMethod);
        };
        let form = Form::default()
            .with("amount", begun.price_cents)
            .with("currency", &begun.currency)
            .with("customer", &begun.stripe_customer)
            .with("payment_method", card.id())
            .with("confirm", true)
            .with("off_session", true)
            // Nobody is there to be sent to another page.
            .with("automatic_payment_methods[enabled]", true)
            .with("automatic_payment_methods[allow_redirects]", "never");
        let form = order.write(form, "metadata");
        let path = "/v1/payment_intents";
        match post::<PaymentIntent>(self.io, order.mode, path, &order.purchase, form).await {
            Ok(intent) => match intent.status.as_str() {
                "succeeded" => Payment::Done(intent),
                "processing" => Payment::Open,
                status => Payment::Failed(status.to_owned(), NoPurchase::Declined),
            },
            Err(error) => not_paid(&error),
        }
    }
}

fn not_paid(error: &StripeError) -> Payment {
    match error.is_final() {
        true => Payment::Failed(error.reason().to_owned(), NoPurchase::Declined),
        false => Payment::Open,
    }
}
