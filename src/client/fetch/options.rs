//! What a caller says: the options of a client and of each call.

use std::fmt;

use serde_json::Value;

use super::answer::TransactionType;
use crate::credits::Credits;
use crate::pricing::Tokens;
use crate::time::Timestamp;

/// The options of a client.
#[derive(Clone)]
pub struct Options {
    pub(super) api_key: String,
    pub(super) base_url: Option<String>,
    pub(super) timeout_ms: u32,
    pub(super) max_retries: u32,
    pub(super) prices_max_age_ms: u32,
    pub(super) allow_project_key_in_page: bool,
}

impl Options {
    /// With a key: a customer's (`ck_…`), or a project's (`ce_…`), which must
    /// never be in a page.
    pub fn new(api_key: impl Into<String>) -> Self {
        Self {
            api_key: api_key.into(),
            base_url: None,
            timeout_ms: 10_000,
            max_retries: 2,
            prices_max_age_ms: 60_000,
            allow_project_key_in_page: false,
        }
    }

    /// Where the engine is, such as `https://credits.example.com`. Otherwise
    /// where `npm start` puts it: `http://127.0.0.1:8787`.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// How many milliseconds a call may take with all its tries; 10,000 if not
    /// given.
    #[must_use]
    pub fn timeout_ms(mut self, ms: u32) -> Self {
        self.timeout_ms = ms;
        self
    }

    /// Tries after the first; 2 if not given.
    #[must_use]
    pub fn max_retries(mut self, count: u32) -> Self {
        self.max_retries = count;
        self
    }

    /// How many milliseconds an estimate goes by the prices that were read;
    /// 60,000 if not given.
    #[must_use]
    pub fn prices_max_age_ms(mut self, ms: u32) -> Self {
        self.prices_max_age_ms = ms;
        self
    }

    /// Takes a project's key in a page, where everybody can read it: for tests,
    /// and for pages that only their operator sees.
    #[must_use]
    pub fn dangerously_allow_project_key_in_page(mut self) -> Self {
        self.allow_project_key_in_page = true;
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("base_url", &self.base_url)
            .field("timeout_ms", &self.timeout_ms)
            .field("max_retries", &self.max_retries)
            .finish_non_exhaustive()
    }
}

/// What a single call sets differently.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The same key for the same operation: it is done once, however often it
    /// is asked for. Made if absent; calls that change nothing need none.
    pub idempotency_key: Option<String>,
    /// As [`Options::timeout_ms`].
    pub timeout_ms: Option<u32>,
    /// As [`Options::max_retries`].
    pub max_retries: Option<u32>,
}

/// What a charge costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge<'a> {
    /// This much.
    Amount(Credits),
    /// What the project's price list says of an action.
    Action {
        /// The service.
        service: &'a str,
        /// The action.
        action: &'a str,
        /// How many.
        quantity: u64,
    },
    /// What the project's price list says of a model.
    Model {
        /// The model.
        model: &'a str,
        /// Its tokens.
        tokens: Tokens,
    },
}

impl From<Credits> for Charge<'_> {
    fn from(amount: Credits) -> Self {
        Self::Amount(amount)
    }
}

/// What is held for work whose price is known only afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provision<'a> {
    /// This much.
    Amount(Credits),
    /// What a model's tokens would cost. Without tokens its least price.
    Model {
        /// The model.
        model: &'a str,
        /// Its tokens, as far as they can be foreseen.
        tokens: Option<Tokens>,
    },
}

impl From<Credits> for Provision<'_> {
    fn from(amount: Credits) -> Self {
        Self::Amount(amount)
    }
}

/// How work ended that credits were held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It cost what was held.
    AsHeld,
    /// It cost this much.
    Amount(Credits),
    /// It took so many tokens of the hold's model.
    Tokens(Tokens),
    /// It failed: nothing is charged.
    Failed,
    /// It failed after so many tokens of the hold's model: they are charged.
    FailedAfter(Tokens),
}

/// Options of [`get_balance`](super::CreditEngine::get_balance).
#[derive(Clone, Debug, Default)]
pub struct BalanceOptions {
    /// Also asks for the grants.
    pub include_breakdown: bool,
    /// What the call itself sets differently.
    pub call: CallOptions,
}

/// Options of [`consume`](super::CreditEngine::consume).
#[derive(Clone, Debug, Default)]
pub struct ConsumeOptions {
    /// Words for the transaction.
    pub description: Option<String>,
    /// A JSON object that the transaction keeps, at most 4 KiB.
    pub metadata: Option<Value>,
    /// What it is for: spend limits may go by it.
    pub feature: Option<String>,
    /// Past it the charge is refused.
    pub deadline: Option<Timestamp>,
    /// What the call itself sets differently.
    pub call: CallOptions,
}

/// Options of [`add`](super::CreditEngine::add).
#[derive(Clone, Debug, Default)]
pub struct AddOptions {
    /// Why; a top-up if not given.
    pub kind: AddType,
    /// Words for the transaction.
    pub description: Option<String>,
    /// A JSON object that the transaction keeps, at most 4 KiB.
    pub metadata: Option<Value>,
    /// Where the credits come from.
    pub source: Option<String>,
    /// The product that they belong to.
    pub product: Option<String>,
    /// The lowest burns first.
    pub priority: Option<u32>,
    /// From when they count.
    pub effective_at: Option<Timestamp>,
    /// When the rest of them is lost.
    pub expires_at: Option<Timestamp>,
    /// The charge that is given back.
    pub refund_of: Option<String>,
    /// What the call itself sets differently.
    pub call: CallOptions,
}

/// Why credits are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddType {
    /// New credits.
    #[default]
    Topup,
    /// A correction; it may take credits.
    Adjustment,
    /// A charge given back.
    Refund,
}

/// Options of [`get_transactions`](super::CreditEngine::get_transactions).
#[derive(Clone, Debug, Default)]
pub struct TransactionOptions {
    /// The most rows, 1 to 100; 20 if not given.
    pub limit: Option<u32>,
    /// Rows to leave out.
    pub offset: Option<u32>,
    /// The next page, as a page names it.
    pub cursor: Option<String>,
    /// Only this type.
    pub kind: Option<TransactionType>,
    /// Only from here on.
    pub from: Option<Timestamp>,
    /// Only before.
    pub to: Option<Timestamp>,
    /// What the call itself sets differently.
    pub call: CallOptions,
}

/// Options of [`start_usage`](super::CreditEngine::start_usage).
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// What the work is for.
    pub feature: Option<String>,
    /// Seconds after which the hold is released, 1 to 86,400; 900 if not given.
    pub expires_in: Option<u32>,
    /// What the call itself sets differently.
    pub call: CallOptions,
}

/// What [`create_top_up_session`](super::CreditEngine::create_top_up_session)
/// is asked for.
#[derive(Clone, Copy, Debug)]
pub struct TopUp<'a> {
    /// Who buys.
    pub customer_id: &'a str,
    /// Where the customer comes out after paying.
    pub success_url: &'a str,
    /// Where the customer comes out without.
    pub cancel_url: &'a str,
    /// Which pack; may be absent if the project has one only.
    pub pack_id: Option<&'a str>,
}
