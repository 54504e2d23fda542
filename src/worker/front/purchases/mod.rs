//! Money in: checkout sessions, Stripe's webhook, and what overage buys. It
//! carries what Stripe says to the customer's ledger, which decides.

mod checkout;
mod overage;
mod webhook;

use std::rc::Rc;

use serde::de::DeserializeOwned;

use super::{Front, ledger_name, reply};
use crate::api::{Code, Problem};
use crate::ledger::{Command, IdempotencyKey, Purchase, Request, purchase_key};
use crate::time::Timestamp;
use crate::worker::flow::{Effect, Io};
use crate::worker::keys::Mode;
use crate::worker::message::{Ask, LedgerCall};
use crate::worker::reply::Reply;
use crate::worker::stripe::{Form, Order, StripeError, read};

/// What was paid for an order, and what Stripe calls it.
#[derive(Default)]
struct Paid {
    cents: u64,
    currency: String,
    session: Option<String>,
    payment_intent: Option<String>,
    event: Option<String>,
    payer: Option<String>,
}

/// An order that was paid, as its ledger is told. The purchase's id protects:
/// however often and by whatever way the ledger hears of it, it comes in once.
fn paid_request(order: &Order, paid: Paid) -> Request {
    let purchase = Purchase {
        id: order.purchase.clone(),
        pack: Some(order.pack.clone()),
        credits: order.credits,
        price_cents: paid.cents,
        currency: paid.currency,
        session: paid.session,
        payment_intent: paid.payment_intent,
        event: paid.event,
        stripe_customer: paid.payer,
    };
    let key = Some(purchase_key(&order.purchase));
    Request { command: Command::Purchase(Box::new(purchase)), key, deadline: None }
}

/// An order whose payment failed.
fn failed_request(order: &Order, reason: &str) -> Request {
    let command = Command::FailPurchase { id: order.purchase.clone(), reason: reason.to_owned() };
    let key = format!("purchase-failed:{}", order.purchase);
    let key = Some(IdempotencyKey { key, fingerprint: "purchase-failed".to_owned() });
    Request { command, key, deadline: None }
}

impl Front {
    /// Tells the ledger that an order is for, by no key of a caller's: what
    /// was paid must come in also when the key was revoked meanwhile.
    async fn tell_order(
        self: &Rc<Self>,
        io: &Io,
        order: &Order,
        request: Request,
        now: Timestamp,
    ) -> Result<Reply, Problem> {
        let mut call = LedgerCall {
            project: order.project.clone(),
            mode: order.mode,
            customer: Some(order.customer.clone()),
            key_id: None,
            terms_version: None,
            terms: None,
            may_buy: false,
            ask: Ask::Execute(request),
        };
        let name = ledger_name(&order.project, order.mode, &order.customer);
        let message = call.to_text();
        let mut text = io.perform(Effect::LedgerByName { name: name.clone(), message }).await;
        if Reply::is_wish_for_terms(&text) {
            let record = self.record(io, &order.project, order.mode, now).await?;
            call.terms = Some(Box::new(record.terms.clone()));
            text = io.perform(Effect::LedgerByName { name, message: call.to_text() }).await;
        }
        reply(&text)
    }
}

/// Reads from Stripe.
async fn get<T: DeserializeOwned>(io: &Io, mode: Mode, path: String) -> Result<T, StripeError> {
    let effect = Effect::Stripe { mode, method: "GET", path, key: String::new(), form: String::new() };
    read(&io.perform(effect).await)
}

/// Has Stripe do something, once per key.
async fn post<T: DeserializeOwned>(
    io: &Io,
    mode: Mode,
    path: &str,
    key: &str,
    form: Form,
) -> Result<T, StripeError> {
    let (path, key) = (path.to_owned(), key.to_owned());
    read(&io.perform(Effect::Stripe { mode, method: "POST", path, key, form: form.into_text() }).await)
}

/// What it means to a caller that Stripe did not do what it was asked, where
/// that is not about what the caller sent.
fn stripe_problem(error: &StripeError, mode: Mode) -> Problem {
    let mode = mode.word();
    match error {
        StripeError::NoKey => Problem::new(
            Code::Internal,
            format!("the Worker has no Stripe key for {mode} mode; see docs/stripe.md"),
        ),
        StripeError::Refused(refused) if matches!(refused.status, 401 | 403) => {
            Problem::new(Code::Internal, format!("Stripe does not accept the Worker's key for {mode} mode"))
        }
        StripeError::Refused(refused) if matches!(refused.status, 409 | 429) => {
            Problem::new(Code::Overloaded, super::RETRY_SAFELY)
        }
        _ => Problem::new(
            Code::OriginUnreachable,
            "Stripe could not be reached or failed; try again with the same idempotency key",
        ),
    }
}
