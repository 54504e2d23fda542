//! Who is calling, and whether they may.

use std::rc::Rc;

use super::Front;
use super::compat::Vendor;
use super::incoming::Incoming;
use super::routes::Access;
use super::verified::VerifiedKey;
use crate::api::{Code, Problem};
use crate::text::{Name, joined};
use crate::worker::flow::Io;
use crate::worker::keys::{Key, same_secret};
use crate::worker::record::ProjectRecord;

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What its key says.
    pub key: Rc<VerifiedKey>,
}

impl Caller {
    /// The id of a customer key, which its ledger may have revoked.
    pub fn customer_key_id(&self) -> Option<String> {
        self.key.customer.is_some().then(|| self.key.public_id().to_owned())
    }

    /// Whether it may act for this customer. A customer key sees its own
    /// only: others do not exist for it.
    ///
    /// # Errors
    /// `not_found`.
    pub fn require_customer(&self, customer: &Name) -> Result<(), Problem> {
        match &self.key.customer {
            Some(own) if own != customer => Err(Problem::new(Code::NotFound, "there is no such customer")),
            _ => Ok(()),
        }
    }
}

/// The key that a request comes with: as a bearer token, or on a vendor's
/// route as that vendor's clients send it.
///
/// # Errors
/// As [`bearer`].
fn key_of(incoming: &Incoming) -> Result<&str, Problem> {
    if incoming.authorization().is_empty() {
        let vendor = Vendor::of(&incoming.segments());
        let key = vendor.map_or("", |vendor| vendor.key(incoming));
        if !key.is_empty() {
            return Ok(key);
        }
    }
    bearer(incoming)
}

/// Whether a key that came as the secret of a deployment is that deployment's:
/// the key of the customer that the request names.
fn is_of_deployment(key: &Key, incoming: &Incoming) -> bool {
    let is_secret = incoming.authorization().is_empty() && !incoming.deployment_secret().is_empty();
    let customer = key.customer.as_ref().map(Name::as_str);
    !is_secret || customer == Some(incoming.deployment_id())
}

/// The token of `Authorization: Bearer …`.
///
/// # Errors
/// `missing_key`, `invalid_key` for another scheme.
fn bearer(incoming: &Incoming) -> Result<&str, Problem> {
    if incoming.authorization().is_empty() {
        return Err(Problem::new(Code::MissingKey, "send the API key as Authorization: Bearer <key>"));
    }
    // As nearly everybody writes it, then in any case.
    let token = incoming.authorization().strip_prefix("Bearer ").or_else(|| {
        let (scheme, token) = incoming.authorization().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    token
        .map(str::trim)
        .ok_or_else(|| Problem::new(Code::InvalidKey, "send the API key as Authorization: Bearer <key>"))
}

impl Front {
    /// Lets the operator through.
    ///
    /// # Errors
    /// `missing_key`, `invalid_key`, `insufficient_scope` for any API key.
    pub fn require_operator(&self, incoming: &Incoming) -> Result<(), Problem> {
        let token = bearer(incoming)?;
        if !self.admin_token.is_empty() && same_secret(token, &self.admin_token) {
            return Ok(());
        }
        match self.signer.as_ref().and_then(|signer| signer.verify(token)) {
            Some(_) => Err(Problem::new(Code::InsufficientScope, "this takes the operator token")),
            None => Err(Problem::new(Code::InvalidKey, "this is not the operator token")),
        }
    }

    /// Authenticates a key and checks what it may do. A project key's record
    /// comes along, since its revocation stands there.
    ///
    /// # Errors
    /// `missing_key`, `invalid_key`, `insufficient_scope`; `overloaded` when
    /// neither KV nor the project's object can be reached.
    pub async fn authenticate(
        self: &Rc<Self>,
        io: &Io,
        incoming: &Incoming,
        access: Access,
    ) -> Result<(Caller, Option<Rc<ProjectRecord>>), Problem> {
        let invalid = |detail: &'static str| Problem::new(Code::InvalidKey, detail);
        let token = key_of(incoming)?;
        let key = self.verify(token).ok_or_else(|| invalid("this API key is not valid"))?;
        if !is_of_deployment(&key, incoming) {
            return Err(invalid("X-Deployment-Secret is not a key of the customer in X-Deployment-ID"));
        }
        if key.expires_at.is_some_and(|expires_at| expires_at <= incoming.now) {
            return Err(invalid("this API key has expired"));
        }
        let mut record = None;
        if key.customer.is_none() {
            let known = self.record_of(io, &key, incoming.now).await?;
            if known.refuses_key(key.public_id(), incoming.now) {
                return Err(invalid("this API key was revoked"));
            }
            record = Some(known);
        }
        let (scope, customer_may) = match access {
            Access::Customer(scope) => (scope, true),
            Access::Either { project, own } => (if key.customer.is_some() { own } else { project }, true),
            Access::Project(scope) => (scope, false),
            Access::Public | Access::Operator => {
                return Err(invalid("this takes the operator token"));
            }
        };
        if key.customer.is_some() && !customer_may {
            return Err(Problem::new(Code::InsufficientScope, "a customer key may not do this"));
        }
        if !key.scopes.contain(scope) {
            let detail = format!("this API key lacks the scope {}", joined(&scope.words(), ", "));
            return Err(Problem::new(Code::InsufficientScope, detail));
        }
        Ok((Caller { key }, record))
    }
}
