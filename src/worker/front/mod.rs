//! The Worker's front: routes a request, authenticates it, asks the objects,
//! answers. It carries commands; it decides nothing about credits.

pub mod access;
pub mod admin;
mod analytics;
mod answer;
mod catalogue;
pub mod compat;
mod core;
mod customers;
mod events;
mod export;
mod gate;
mod import;
mod incoming;
mod purchases;
mod read;
mod records;
pub mod routes;
mod span;
mod usage;
mod verified;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use serde::Serialize;

pub use self::answer::{Answer, AnswerKind};
pub use self::incoming::{Incoming, MAX_BODY_BYTES};
use self::routes::{Access, Found, Operation};
use self::verified::Verified;
use super::flow::{Effect, Io};
use super::keys::{Key, Mode, Signer};
use super::reply::Reply;
use super::stripe::WebhookSecrets;
use crate::api::{Code, Problem};
use crate::text::Name;

/// The word to a caller whose operation may have been done or not.
const RETRY_SAFELY: &str = "try again with the same idempotency key: nothing is done twice";

/// What the front knows in this isolate.
pub struct Front {
    signer: Option<Signer>,
    admin_token: String,
    webhook_secrets: WebhookSecrets,
    verified: RefCell<Verified>,
    records: RefCell<HashMap<String, records::Known>>,
    background: RefCell<VecDeque<Effect>>,
}

impl Front {
    /// From the Worker's secrets; empty ones are absent.
    pub fn new(admin_token: &str, key_secret: &str, previous_key_secret: &str) -> Self {
        Self {
            // Without the signing secret the previous one must not sign.
            signer: Signer::new(&[key_secret, previous_key_secret]).filter(|_| !key_secret.is_empty()),
            admin_token: admin_token.to_owned(),
            webhook_secrets: WebhookSecrets::new("", ""),
            verified: RefCell::default(),
            records: RefCell::default(),
            background: RefCell::default(),
        }
    }

    /// With the secrets that Stripe signs its webhooks with; blank ones are
    /// absent.
    #[must_use]
    pub fn with_stripe(mut self, webhook_secret: &str, test_webhook_secret: &str) -> Self {
        self.webhook_secrets = WebhookSecrets::new(webhook_secret, test_webhook_secret);
        self
    }

    /// Whether there are effects that no request waits for.
    pub fn has_background(&self) -> bool {
        !self.background.borrow().is_empty()
    }

    /// Takes an effect that no request waits for.
    pub fn next_background(&self) -> Option<Effect> {
        self.background.borrow_mut().pop_front()
    }

    /// Has the shell perform an effect that no request waits for.
    fn spawn(&self, effect: Effect) {
        self.background.borrow_mut().push_back(effect);
    }

    fn verify(&self, text: &str) -> Option<Key> {
        if let Some(key) = self.verified.borrow().get(text) {
            return Some(key.clone());
        }
        let key = self.signer.as_ref()?.verify(text)?;
        self.verified.borrow_mut().keep(text, key.clone());
        Some(key)
    }

    /// The secret by which a project's receivers know that an event is
    /// genuine.
    ///
    /// # Errors
    /// `internal` if the Worker has no secret of its own.
    pub fn webhook_secret(&self, project: &Name, mode: Mode) -> Result<String, Problem> {
        Ok(self.signer()?.webhook_secret(project, mode))
    }

    /// What signs keys and events.
    ///
    /// # Errors
    /// `internal` if there is no `KEY_SECRET`.
    pub fn signer(&self) -> Result<&Signer, Problem> {
        self.signer
            .as_ref()
            .ok_or_else(|| Problem::new(Code::Internal, "the Worker has no KEY_SECRET; see its README"))
    }

    /// Answers one request.
    pub async fn handle(self: Rc<Self>, io: Io, incoming: Incoming) -> Answer {
        match self.dispatch(&io, &incoming).await {
            Ok(answer) => compat::in_their_words(&incoming.path, answer),
            Err(problem) => compat::in_their_words(&incoming.path, problem.into()),
        }
    }

    async fn dispatch(self: &Rc<Self>, io: &Io, incoming: &Incoming) -> Result<Answer, Problem> {
        let route = match routes::find(&incoming.method, &incoming.segments()) {
            Found::Route(route) => route,
            Found::Nothing => return Err(Problem::new(Code::NotFound, "there is no such route")),
            Found::OtherMethods(methods) => {
                let allow = methods.join(", ");
                let problem = Problem::new(Code::MethodNotAllowed, format!("this route takes {allow}"));
                return Ok(Answer::from(problem.with("allow", &methods)).with_header("Allow", allow));
            }
        };
        match route.operation {
            Operation::Healthz => return Ok(healthz()),
            Operation::OpenApi => return Ok(Answer::held(200, AnswerKind::OpenApi)),
            Operation::StripeWebhook => return self.stripe_webhook(io, incoming).await,
            _ => {}
        }
        if route.access == Access::Operator {
            self.require_operator(incoming)?;
            return match route.operation {
                Operation::CreateProject => self.create_project(io, incoming).await,
                _ => self.list_projects(io, incoming).await,
            };
        }
        let (caller, record) = self.authenticate(io, incoming, route.access).await?;
        let call = Call { front: self, io, incoming, caller, record };
        match route.operation {
            Operation::Consume => call.consume().await,
            Operation::Balance => call.balance().await,
            Operation::Gate => call.gate().await,
            Operation::Check => call.check().await,
            Operation::ConsumeBatch => call.consume_batch().await,
            Operation::AddCredits => call.add_credits().await,
            Operation::StartUsage => call.start_usage().await,
            Operation::GetUsage => call.get_usage().await,
            Operation::CompleteUsage => call.complete_usage().await,
            Operation::ExtendUsage => call.extend_usage().await,
            Operation::ListTransactions => call.list_transactions().await,
            Operation::GetTransaction => call.get_transaction().await,
            Operation::Audit => call.audit().await,
            Operation::Export => call.export().await,
            Operation::ListEvents => call.list_events().await,
            Operation::GetEvent => call.get_event().await,
            Operation::AnalyzeUsage => call.analyze_usage().await,
            Operation::TopConsumers => call.top_consumers().await,
            Operation::AnalyzeActions => call.analyze_actions().await,
            Operation::BurnRate => call.burn_rate().await,
            Operation::Summarize => call.summarize().await,
            Operation::Import => call.import().await,
            Operation::ListCustomers => call.list_customers().await,
            Operation::CreateCustomer => call.create_customer().await,
            Operation::GetCustomer => call.get_customer().await,
            Operation::UpdateCustomer => call.update_customer().await,
            Operation::DeleteCustomer => call.delete_customer().await,
            Operation::ChangeTier => call.change_tier().await,
            Operation::GetCustomerSettings => call.get_customer_settings().await,
            Operation::PatchCustomerSettings => call.patch_customer_settings().await,
            Operation::ListKeys => call.list_keys().await,
            Operation::CreateKey => call.create_key().await,
            Operation::RevokeKey => call.revoke_key().await,
            Operation::RotateKey => call.rotate_key().await,
            Operation::GetGateRules => call.get_gate_rules().await,
            Operation::PutGateRules => call.put_gate_rules().await,
            Operation::GetCosts => call.get_costs().await,
            Operation::PutCosts => call.put_costs().await,
            Operation::GetModels => call.get_models().await,
            Operation::PutModels => call.put_models().await,
            Operation::GetTiers => call.get_tiers().await,
            Operation::PutTiers => call.put_tiers().await,
            Operation::GetPacks => call.get_packs().await,
            Operation::PutPacks => call.put_packs().await,
            Operation::GetSettings => call.get_settings().await,
            Operation::PatchSettings => call.patch_settings().await,
            Operation::PredevBalance => call.predev_balance().await,
            Operation::OpenRouterCredits => call.openrouter_credits().await,
            Operation::HiveForgeBalance => call.hiveforge_balance().await,
            Operation::HiveForgeUsage => call.hiveforge_usage().await,
            Operation::HiveForgePacks => call.hiveforge_packs().await,
            Operation::HiveForgeCosts => call.hiveforge_costs().await,
            Operation::HiveForgeSettings => call.hiveforge_settings().await,
            Operation::CreateTopupSession => call.create_topup_session().await,
            Operation::Healthz
            | Operation::OpenApi
            | Operation::StripeWebhook
            | Operation::CreateProject
            | Operation::ListProjects => Ok(Answer::internal()),
        }
    }
}

/// One authenticated request on its way.
struct Call<'a> {
    front: &'a Rc<Front>,
    io: &'a Io,
    incoming: &'a Incoming,
    caller: access::Caller,
    record: Option<Rc<super::record::ProjectRecord>>,
}

fn healthz() -> Answer {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        version: &'static str,
    }
    Answer::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// The name of a customer's ledger object. The separator is a control
/// character, which no project or customer id may contain, so that no two
/// customers share a name.
pub fn ledger_name(project: &Name, mode: Mode, customer: &Name) -> String {
    format!("{}\u{1f}{}\u{1f}{}", project.as_str(), mode.word(), customer.as_str())
}

/// A call as the text that crosses.
fn to_message(call: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(call).map_err(|_| Problem::new(Code::Internal, "the call could not be written"))
}

/// An object's reply, or what its failure means to the caller. The shell
/// writes `!` and a word when the object did not answer.
///
/// # Errors
/// `overloaded`, `internal`.
fn reply(text: &str) -> Result<Reply, Problem> {
    match text {
        "!unknown" => Err(Problem::new(Code::NotFound, "there is no such id")),
        "!failed" => Err(Problem::new(Code::Internal, "something went wrong on our side")),
        text if text.starts_with('!') => Err(Problem::new(Code::Overloaded, RETRY_SAFELY)),
        text => Reply::from_text(text)
            .ok_or_else(|| Problem::new(Code::Internal, "an object's answer was unreadable")),
    }
}

/// As [`reply`], and an object's own refusal is the problem that the caller
/// of this function passes on.
///
/// # Errors
/// As [`reply`], and whatever the object refused.
fn good(text: &str) -> Result<Reply, Problem> {
    let reply = reply(text)?;
    if reply.status < 400 {
        return Ok(reply);
    }
    Err(Problem::passed_on(reply.status, &reply.body))
}
