//! Stripe's wire: what is sent to it, what comes back, what it reports.
//!
//! In: texts and bytes from Stripe. Out: forms to send, typed answers and
//! events. It knows no routes, no ledger and no secret but those that webhooks
//! are signed with; the shell adds the API key.

mod answer;
mod event;
mod form;
mod order;
mod signature;

pub use answer::{CheckoutSession, Found, PaymentIntent, PaymentMethods, Refused, StripeError, read};
pub use event::{Charge, Dispute, DisputeState, Event};
pub use form::Form;
pub use order::{Order, Origin};
pub use signature::{BadSignature, WebhookSecrets};
