//! `POST /webhooks/stripe`: what Stripe reports. A report is believed by its
//! signature, and answered well only after the ledger's commit; on any other
//! answer Stripe sends it again, for days.

use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;

use super::{Paid, failed_request, get, paid_request, stripe_problem};
use crate::api::{Code, Problem};
use crate::ledger::{Command, IdempotencyKey, Request, TakeBack, TakeBackReason};
use crate::worker::flow::Io;
use crate::worker::front::{Answer, Front, Incoming};
use crate::worker::keys::Mode;
use crate::worker::reply::{Flag, Reply};
use crate::worker::stripe::{
    BadSignature, Charge, CheckoutSession, Dispute, DisputeState, Event, Found, Order, Origin, PaymentIntent,
};

/// What was done about a report.
#[derive(Serialize)]
struct WebhookAnswer {
    received: bool,
    outcome: Outcome,
    replayed: bool,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Credits came in.
    Granted,
    /// It is not paid yet; another report will say.
    Waiting,
    /// The purchase failed.
    Failed,
    /// Credits were taken back, as far as they were unspent.
    TakenBack,
    /// What a dispute took came back.
    GivenBack,
    /// It is not about a purchase of ours, or changes nothing.
    Ignored,
}

/// What a report asks of a ledger.
struct Task {
    order: Order,
    request: Request,
    outcome: Outcome,
}

type Metadata = Option<HashMap<String, String>>;

impl Front {
    /// Takes a report.
    ///
    /// # Errors
    /// `invalid_field` for a signature or mode that is wrong, and what the
    /// ledger or Stripe refused: Stripe then sends it again.
    pub(in crate::worker::front) async fn stripe_webhook(
        self: &Rc<Self>,
        io: &Io,
        incoming: &Incoming,
    ) -> Result<Answer, Problem> {
        let event = self.genuine_event(incoming)?;
        let task = match event.kind.as_str() {
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                match on_session(&event)? {
                    Some((order, session)) if session.is_paid() => Some(granted(order, session, &event)),
                    Some(_) => return Ok(answer(Outcome::Waiting, false)),
                    None => None,
                }
            }
            "checkout.session.async_payment_failed" => {
                on_session(&event)?.map(|(order, _)| failed(order, "async_payment_failed"))
            }
            "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled" => {
                on_intent(&event)?
            }
            "charge.refunded" => on_refund(&event)?,
            kind if kind.starts_with("charge.dispute.") => self.on_dispute(io, &event).await?,
            _ => None,
        };
        let Some(Task { order, request, outcome }) = task else {
            return Ok(answer(Outcome::Ignored, false));
        };
        let reply = self.tell_order(io, &order, request, incoming.now).await?;
        match (reply.status, outcome) {
            (..400, _) => Ok(answer(outcome, reply.flag == Flag::Replayed)),
            // Whoever never had a credit has nothing that could fail, and who
            // is gone gets nothing back: no repeat changes that.
            (400 | 404, Outcome::Failed | Outcome::GivenBack) => Ok(answer(Outcome::Ignored, false)),
            _ => Ok(Reply { flag: Flag::Plain, ..reply }.into()),
        }
    }

    /// The event, if Stripe has signed these very bytes.
    fn genuine_event(&self, incoming: &Incoming) -> Result<Event, Problem> {
        if self.webhook_secrets.is_empty() {
            let detail = "the Worker has neither STRIPE_WEBHOOK_SECRET nor STRIPE_TEST_WEBHOOK_SECRET";
            return Err(Problem::new(Code::Internal, detail));
        }
        let too_large = || Problem::new(Code::BodyTooLarge, "the body is larger than 262144 bytes");
        let body = incoming.body.as_deref().ok_or_else(too_large)?;
        let verified = self.webhook_secrets.verify(incoming.stripe_signature(), body, incoming.now);
        let modes = verified.map_err(|bad| {
            let (code, detail) = match bad {
                BadSignature::Missing => (Code::MissingField, "is required"),
                BadSignature::Unreadable => (Code::InvalidField, "must be of the form t=<seconds>,v1=<hex>"),
                BadSignature::Mismatch => (
                    Code::InvalidField,
                    "is not of this body under the endpoint's signing secret; the body must arrive unchanged",
                ),
                BadSignature::TooOld => (Code::InvalidField, "is older than 300 seconds"),
            };
            Problem::field(code, "Stripe-Signature", detail)
        })?;
        let event = Event::read(body)
            .ok_or_else(|| Problem::new(Code::InvalidJson, "the body is not an event of Stripe's"))?;
        match modes.contains(&mode_of(&event)) {
            true => Ok(event),
            false => Err(wrong_mode("is not of the mode whose secret the event is signed with")),
        }
    }

    /// A dispute is done by where it stands now: its reports may come in any
    /// order, and none of them has the payment's metadata.
    async fn on_dispute(&self, io: &Io, event: &Event) -> Result<Option<Task>, Problem> {
        let id: Found = event.object().ok_or_else(|| not_understood("dispute"))?;
        let is_plain = id.id().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_plain {
            return Err(not_understood("dispute"));
        }
        let mode = mode_of(event);
        let path = format!("/v1/disputes/{}?expand[]=charge", id.id());
        let dispute: Dispute = get(io, mode, path).await.map_err(|error| stripe_problem(&error, mode))?;
        let Some(order) = order_of(event, &dispute.charge.metadata)? else {
            return Ok(None);
        };
        let purchase = order.purchase.clone();
        let (command, outcome) = match dispute.state() {
            DisputeState::Inquiry => return Ok(None),
            DisputeState::MoneyTaken => {
                let take = TakeBack {
                    purchase,
                    refunded_cents: dispute.cents_back(),
                    reason: TakeBackReason::Dispute,
                    event: event.id.clone(),
                };
                (Command::TakeBack(Box::new(take)), Outcome::TakenBack)
            }
            DisputeState::MoneyBack => {
                (Command::GiveBack { purchase, event: event.id.clone() }, Outcome::GivenBack)
            }
        };
        Ok(Some(Task { order, request: by_event(event, command), outcome }))
    }
}

fn answer(outcome: Outcome, replayed: bool) -> Answer {
    Answer::ok(&WebhookAnswer { received: true, outcome, replayed })
}

fn mode_of(event: &Event) -> Mode {
    if event.livemode { Mode::Live } else { Mode::Test }
}

fn wrong_mode(detail: &'static str) -> Problem {
    Problem::field(Code::InvalidField, "livemode", detail)
}

fn not_understood(what: &str) -> Problem {
    Problem::field(Code::InvalidField, "data.object", &format!("is not a {what} that can be read"))
}

/// Whose purchase something is about, by its metadata; `None`: not ours.
fn order_of(event: &Event, metadata: &Metadata) -> Result<Option<Order>, Problem> {
    let order = match metadata.as_ref().and_then(Order::read) {
        None => return Ok(None),
        Some(order) => order.map_err(|field| {
            let detail = "was changed after the purchase began";
            Problem::field(Code::InvalidField, &format!("data.object.metadata.{field}"), detail)
        })?,
    };
    match order.mode == mode_of(event) {
        true => Ok(Some(order)),
        false => Err(wrong_mode("is not the mode in which the purchase began")),
    }
}

fn on_session(event: &Event) -> Result<Option<(Order, CheckoutSession)>, Problem> {
    let session: CheckoutSession = event.object().ok_or_else(|| not_understood("checkout session"))?;
    Ok(order_of(event, &session.metadata)?.map(|order| (order, session)))
}

fn granted(order: Order, session: CheckoutSession, event: &Event) -> Task {
    let id = |found: Option<Found>| found.map(|found| found.id().to_owned());
    let paid = Paid {
        cents: session.amount_total.unwrap_or_default(),
        currency: session.currency.unwrap_or_default(),
        session: Some(session.id),
        payment_intent: id(session.payment_intent),
        event: Some(event.id.clone()),
        payer: id(session.customer),
    };
    Task { request: paid_request(&order, paid), order, outcome: Outcome::Granted }
}

fn failed(order: Order, reason: &str) -> Task {
    Task { request: failed_request(&order, reason), order, outcome: Outcome::Failed }
}

/// Only what overage began is settled by its payment's reports. In Checkout a
/// declined card is no end: the customer may take another, and the session
/// reports what came of it.
fn on_intent(event: &Event) -> Result<Option<Task>, Problem> {
    let intent: PaymentIntent = event.object().ok_or_else(|| not_understood("payment intent"))?;
    let order = order_of(event, &intent.metadata)?.filter(|order| order.origin == Origin::Overage);
    let Some(order) = order else {
        return Ok(None);
    };
    if event.kind != "payment_intent.succeeded" {
        let error = intent.last_payment_error;
        let word = error.and_then(|error| error.decline_code.or(error.code));
        return Ok(Some(failed(order, word.as_deref().unwrap_or("canceled"))));
    }
    let paid = Paid {
        cents: intent.amount,
        currency: intent.currency,
        payment_intent: Some(intent.id),
        event: Some(event.id.clone()),
        payer: intent.customer.map(|customer| customer.id().to_owned()),
        ..Paid::default()
    };
    Ok(Some(Task { request: paid_request(&order, paid), order, outcome: Outcome::Granted }))
}

fn on_refund(event: &Event) -> Result<Option<Task>, Problem> {
    let charge: Charge = event.object().ok_or_else(|| not_understood("charge"))?;
    let Some(order) = order_of(event, &charge.metadata)? else {
        return Ok(None);
    };
    let take = TakeBack {
        purchase: order.purchase.clone(),
        refunded_cents: charge.amount_refunded,
        reason: TakeBackReason::Refund,
        event: event.id.clone(),
    };
    let request = by_event(event, Command::TakeBack(Box::new(take)));
    Ok(Some(Task { order, request, outcome: Outcome::TakenBack }))
}

/// Once per event, whatever it asks for.
fn by_event(event: &Event, command: Command) -> Request {
    let key = format!("stripe:{}", event.id);
    let key = Some(IdempotencyKey { key, fingerprint: "stripe".to_owned() });
    Request { command, key, deadline: None }
}
