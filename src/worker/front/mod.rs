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
mod path;
mod purchases;
mod read;
mod records;
pub mod routes;
mod span;
mod usage;
mod verified;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

pub use self::answer::{Answer, AnswerKind};
pub use self::incoming::{Incoming, MAX_BODY_BYTES};
use self::routes::{Access, Found, Operation};
use self::verified::{Verified, VerifiedKey};
use super::flow::{Effect, Io};
use super::keys::{Mode, Signer};
use super::quick_hash::QuickMap;
use super::reply::Reply;
use super::stripe::WebhookSecrets;
use crate::api::{Code, Problem};
use crate::text::{Name, concat, joined};

/// The word to a caller whose operation may have been done or not.
const RETRY_SAFELY: &str = "try again with the same idempotency key: nothing is done twice";

/// What the front knows in this isolate.
pub struct Front {
    signer: Option<Signer>,
    admin_token: String,
    webhook_secrets: WebhookSecrets,
    verified: RefCell<Verified>,
    records: RefCell<QuickMap<String, records::Known>>,
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

    fn verify(&self, text: &str) -> Option<Rc<VerifiedKey>> {
        let mut verified = self.verified.borrow_mut();
        if let Some(key) = verified.get(text) {
            return Some(Rc::clone(key));
        }
        let key = self.signer.as_ref()?.verify(text)?;
        Some(verified.keep(text, key))
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
        let answer = self.dispatch(&io, &incoming).await.unwrap_or_else(Answer::from);
        compat::in_their_words(incoming.path(), answer)
    }

    async fn dispatch(self: &Rc<Self>, io: &Io, incoming: &Incoming) -> Result<Answer, Problem> {
        let route = match routes::find(incoming.method(), &incoming.segments()) {
            Found::Route(route) => route,
            Found::Nothing => return Err(Problem::new(Code::NotFound, "there is no such route")),
            Found::OtherMethods(methods) => {
                let allow = joined(&methods, ", ");
                let problem = Problem::new(Code::MethodNotAllowed, format!("this route takes {allow}"));
                return Ok(Answer::from(problem.with("allow", &methods)).with_header("Allow", allow));
            }
        };
        if route.access == Access::Operator {
            self.require_operator(incoming)?;
        }
        match route.operation {
            Operation::Healthz => return Ok(healthz()),
            Operation::OpenApi => return Ok(Answer::held(200, AnswerKind::OpenApi)),
            Operation::StripeWebhook | Operation::CreateProject | Operation::ListProjects => {
                return self.answer_without_key(route.operation, io, incoming).await;
            }
            _ => {}
        }
        let (caller, record) = self.authenticate(io, incoming, route.access).await?;
        let call = Call { front: self, io, incoming, caller, record };
        match route.operation {
            Operation::Consume => call.consume().await,
            Operation::Balance => call.balance().await,
            // Boxed: a flow takes the room of its largest branch, and most requests are of the two above.
            operation => call.answer(operation).await,
        }
    }

    /// What the routes of Stripe and of the operator do.
    fn answer_without_key<'a>(
        self: &'a Rc<Self>,
        operation: Operation,
        io: &'a Io,
        incoming: &'a Incoming,
    ) -> Answering<'a> {
        match operation {
            Operation::StripeWebhook => Box::pin(self.stripe_webhook(io, incoming)),
            Operation::CreateProject => Box::pin(self.create_project(io, incoming)),
            _ => Box::pin(self.list_projects(io, incoming)),
        }
    }
}

/// A route at work, behind a pointer: the code of one is read by the isolate when it is asked for.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + 'a>>;

impl Call<'_> {
    /// What the routes of an API key do, but for the two that are asked most.
    fn answer(&self, operation: Operation) -> Answering<'_> {
        match operation {
            Operation::Gate => Box::pin(self.gate()),
            Operation::Check => Box::pin(self.check()),
            Operation::ConsumeBatch => Box::pin(self.consume_batch()),
            Operation::AddCredits => Box::pin(self.add_credits()),
            Operation::StartUsage => Box::pin(self.start_usage()),
            Operation::GetUsage => Box::pin(self.get_usage()),
            Operation::CompleteUsage => Box::pin(self.complete_usage()),
            Operation::ExtendUsage => Box::pin(self.extend_usage()),
            Operation::ListTransactions => Box::pin(self.list_transactions()),
            Operation::GetTransaction => Box::pin(self.get_transaction()),
            Operation::Audit => Box::pin(self.audit()),
            Operation::Export => Box::pin(self.export()),
            Operation::ListEvents => Box::pin(self.list_events()),
            Operation::GetEvent => Box::pin(self.get_event()),
            Operation::AnalyzeUsage => Box::pin(self.analyze_usage()),
            Operation::TopConsumers => Box::pin(self.top_consumers()),
            Operation::AnalyzeActions => Box::pin(self.analyze_actions()),
            Operation::BurnRate => Box::pin(self.burn_rate()),
            Operation::Summarize => Box::pin(self.summarize()),
            Operation::Import => Box::pin(self.import()),
            Operation::ListCustomers => Box::pin(self.list_customers()),
            Operation::CreateCustomer => Box::pin(self.create_customer()),
            Operation::GetCustomer => Box::pin(self.get_customer()),
            Operation::UpdateCustomer => Box::pin(self.update_customer()),
            Operation::DeleteCustomer => Box::pin(self.delete_customer()),
            Operation::ChangeTier => Box::pin(self.change_tier()),
            Operation::GetCustomerSettings => Box::pin(self.get_customer_settings()),
            Operation::PatchCustomerSettings => Box::pin(self.patch_customer_settings()),
            Operation::ListKeys => Box::pin(self.list_keys()),
            Operation::CreateKey => Box::pin(self.create_key()),
            Operation::RevokeKey => Box::pin(self.revoke_key()),
            Operation::RotateKey => Box::pin(self.rotate_key()),
            Operation::GetGateRules => Box::pin(self.get_gate_rules()),
            Operation::PutGateRules => Box::pin(self.put_gate_rules()),
            Operation::GetCosts => Box::pin(self.get_costs()),
            Operation::PutCosts => Box::pin(self.put_costs()),
            Operation::GetModels => Box::pin(self.get_models()),
            Operation::PutModels => Box::pin(self.put_models()),
            Operation::GetTiers => Box::pin(self.get_tiers()),
            Operation::PutTiers => Box::pin(self.put_tiers()),
            Operation::GetPacks => Box::pin(self.get_packs()),
            Operation::PutPacks => Box::pin(self.put_packs()),
            Operation::GetSettings => Box::pin(self.get_settings()),
            Operation::PatchSettings => Box::pin(self.patch_settings()),
            Operation::PredevBalance => Box::pin(self.predev_balance()),
            Operation::OpenRouterCredits => Box::pin(self.openrouter_credits()),
            Operation::HiveForgeBalance => Box::pin(self.hiveforge_balance()),
            Operation::HiveForgeUsage => Box::pin(self.hiveforge_usage()),
            Operation::HiveForgePacks => Box::pin(self.hiveforge_packs()),
            Operation::HiveForgeCosts => Box::pin(self.hiveforge_costs()),
            Operation::HiveForgeSettings => Box::pin(self.hiveforge_settings()),
            Operation::CreateTopupSession => Box::pin(self.create_topup_session()),
            Operation::Consume
            | Operation::Balance
            | Operation::Healthz
            | Operation::OpenApi
            | Operation::StripeWebhook
            | Operation::CreateProject
            | Operation::ListProjects => Box::pin(ready(Ok(Answer::internal()))),
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
    let body = concat!(r#"{"status":"ok","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
    Answer { body: body.to_owned(), ..Answer::held(200, AnswerKind::Json) }
}

/// The name of a customer's ledger object. The separator is a control
/// character, which no project or customer id may contain, so that no two
/// customers share a name.
pub fn ledger_name(project: &Name, mode: Mode, customer: &Name) -> String {
    concat(&[project.as_str(), "\u{1f}", mode.word(), "\u{1f}", customer.as_str()])
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
