//! `POST /v1/topup-sessions`: a page of Stripe's where a customer buys a pack.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{post, stripe_problem};
use crate::api::{Body, Code, Field, Problem};
use crate::json;
use crate::ledger::Pack;
use crate::text::{Name, joined};
use crate::worker::base62;
use crate::worker::face::random_bytes;
use crate::worker::front::{Answer, Call, good};
use crate::worker::keys::Mode;
use crate::worker::message::Ask;
use crate::worker::stripe::{CheckoutSession, Form, Order, Origin, Refused, StripeError};

/// Stripe takes no longer URL.
const MAX_URL_BYTES: usize = 5_000;
/// Bytes of a purchase's id: 128 bits, so that no two are the same.
const ID_BYTES: usize = 16;

#[derive(Serialize)]
struct SessionAnswer {
    checkout_url: String,
    session_id: String,
}

impl Call<'_> {
    pub(in crate::worker::front) async fn create_topup_session(&self) -> Result<Answer, Problem> {
        let known = ["customer_id", "success_url", "cancel_url", "pack_id", "idempotency_key"];
        let body = Body::parse(self.incoming.json_body()?, &known)?;
        let customer = body.require("customer_id")?.name()?;
        let success_url = url(&body.require("success_url")?)?;
        let cancel_url = url(&body.require("cancel_url")?)?;
        let pack_id = body.name("pack_id")?;
        let key = self.caller_key(Some(&body))?;
        let pack = self.pack(&body, pack_id).await?;
        let own = &self.caller.key;
        let order = Order {
            purchase: self.purchase_id(&customer, key),
            origin: Origin::Checkout,
            project: own.project.clone(),
            mode: own.mode,
            customer,
            pack: pack.id.clone(),
            credits: pack.credits,
        };
        let payer = self.payer_of(&order.customer).await?;
        let session = self.session(&order, &pack, &success_url, &cancel_url, payer).await;
        let session = session.map_err(|error| session_problem(error, own.mode))?;
        let checkout_url =
            session.url.ok_or_else(|| Problem::new(Code::Internal, "Stripe's session has no page"))?;
        Ok(Answer::ok(&SessionAnswer { checkout_url, session_id: session.id }))
    }

    /// The pack that is named, else the first.
    async fn pack(&self, body: &Body<'_>, id: Option<Name>) -> Result<Pack, Problem> {
        let packs = self.fresh_record().await?.terms.packs;
        let found = match &id {
            Some(id) => packs.into_iter().find(|pack| pack.id == *id),
            None => packs.into_iter().next(),
        };
        found.ok_or_else(|| match id {
            Some(_) => body.invalid("pack_id", "is not a pack of this project"),
            None => body.invalid("pack_id", "cannot be chosen: this project has no packs; see PUT /v1/packs"),
        })
    }

    /// A new purchase's id, which is also Stripe's idempotency key. A repeat
    /// under the caller's key must send the same id, or Stripe takes it for
    /// another request; but once Stripe has forgotten the key, which it does
    /// after 24 hours at the earliest, a session is a new one and needs a new
    /// id, or its payment would pass for the first one's. So the day is in it.
    fn purchase_id(&self, customer: &Name, key: Option<Name>) -> String {
        let own = &self.caller.key;
        let id = match key {
            None => random_bytes::<ID_BYTES>().to_vec(),
            Some(key) => {
                let day = self.incoming.now.day().to_string();
                let parts = [own.project.as_str(), own.mode.word(), customer.as_str(), key.as_str(), &day];
                // No name has this separator in it.
                let digest = Sha256::digest(joined(&parts, "\u{1f}"));
                digest.get(..ID_BYTES).unwrap_or_default().to_vec()
            }
        };
        format!("pur_{}", base62::encode(&id))
    }

    /// Who paid for this customer before, in Stripe's words.
    async fn payer_of(&self, customer: &Name) -> Result<Option<String>, Problem> {
        #[derive(Deserialize)]
        struct Payer {
            stripe_customer: Option<String>,
        }
        let reply = good(&self.tell_ledger(customer, Ask::Payer).await?)?;
        let payer: Payer = json::read(&reply.body)
            .map_err(|_| Problem::new(Code::Internal, "the ledger's answer was unreadable"))?;
        Ok(payer.stripe_customer)
    }

    async fn session(
        &self,
        order: &Order,
        pack: &Pack,
        success_url: &str,
        cancel_url: &str,
        payer: Option<String>,
    ) -> Result<CheckoutSession, StripeError> {
        let path = "/v1/checkout/sessions";
        let form = session_form(order, pack, success_url, cancel_url);
        let anew = form.clone().with("customer_creation", "always");
        let Some(payer) = payer else {
            return post(self.io, order.mode, path, &order.purchase, anew).await;
        };
        match post(self.io, order.mode, path, &order.purchase, form.with("customer", payer)).await {
            // Deleted in Stripe: the next payment makes a new one.
            Err(StripeError::Refused(Refused { code: Some(code), param: Some(param), .. }))
                if code == "resource_missing" && param == "customer" =>
            {
                let key = format!("{}-anew", order.purchase);
                post(self.io, order.mode, path, &key, anew).await
            }
            answer => answer,
        }
    }
}

fn session_form(order: &Order, pack: &Pack, success_url: &str, cancel_url: &str) -> Form {
    let form = Form::default()
        .with("mode", "payment")
        .with("success_url", success_url)
        .with("cancel_url", cancel_url)
        .with("client_reference_id", &order.purchase)
        .with("line_items[0][quantity]", 1);
    let form = match &pack.stripe_price_id {
        Some(price) => form.with("line_items[0][price]", price),
        None => form
            .with("line_items[0][price_data][currency]", &pack.currency)
            .with("line_items[0][price_data][unit_amount]", pack.price_cents)
            .with("line_items[0][price_data][product_data][name]", &pack.name),
    };
    // Saved for overage to charge later; Stripe tells the customer so.
    let form = form.with("payment_intent_data[setup_future_usage]", "off_session");
    order.write(order.write(form, "metadata"), "payment_intent_data[metadata]")
}

/// A URL that Stripe may send a browser to; all else about it is Stripe's to
/// check.
fn url(field: &Field<'_>) -> Result<String, Problem> {
    let text = field.string()?;
    let has_scheme = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = !text.chars().any(|letter| letter.is_control() || letter == ' ');
    match has_scheme && is_plain && text.len() <= MAX_URL_BYTES {
        true => Ok(text),
        false => Err(field.invalid("must be an http or https URL of at most 5000 bytes")),
    }
}

/// Stripe's refusal of a session, as far as the caller or the project's packs
/// are the cause.
fn session_problem(error: StripeError, mode: Mode) -> Problem {
    match error {
        StripeError::Refused(Refused { kind, status: 400, .. }) if kind == "idempotency_error" => {
            Problem::new(
                Code::IdempotencyKeyReused,
                "this idempotency key was used with other parameters, or the pack was changed meanwhile",
            )
        }
        StripeError::Refused(Refused { status: 400 | 402 | 404, param, message, .. }) => {
            let field = match param.as_deref() {
                Some("success_url") => "success_url",
                Some("cancel_url") => "cancel_url",
                _ => "pack_id",
            };
            Problem::field(Code::InvalidField, field, &format!("is refused by Stripe: {message}"))
        }
        error => stripe_problem(&error, mode),
    }
}
