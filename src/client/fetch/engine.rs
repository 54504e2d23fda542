//! [`CreditEngine`]: from what a caller says to the fields of a call, and from
//! its answer to a type.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::super::estimate::{Priced, quote_by};
use super::super::key::check_api_key;
use super::super::operation;
use super::super::request::{Invalid, positive_amount};
use super::answer::{Added, Balance, Charged, Completed, Page, Start, TopUpSession, Transaction, Usage};
use super::error::{Error, Problem};
use super::fields::Fields;
use super::http::{Http, Secret};
use super::options::{
    AddOptions, BalanceOptions, CallOptions, Charge, ConsumeOptions, Options, Outcome, Provision,
    StartOptions, TopUp, TransactionOptions,
};
use super::platform::{Fetch, GlobalFetch, is_page, ticks_ms};
use super::prices::{self, CostRow, Kept, ModelRow};
use crate::credits::Credits;
use crate::pricing::Catalogue;

/// Where `npm start` of the engine listens.
const LOCAL_ENGINE: &str = "http://127.0.0.1:8787";

/// The client of an edge-credits engine. Each call is one request.
///
/// A clone shares everything with it and costs nothing.
pub struct CreditEngine<F = GlobalFetch>(Arc<Inner<F>>);

struct Inner<F> {
    fetch: F,
    http: Http,
    costs: Kept,
    models: Kept,
    prices_max_age_ms: u32,
}

impl<F> Clone for CreditEngine<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for CreditEngine<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreditEngine").field("base_url", &self.0.http.base_url).finish_non_exhaustive()
    }
}

impl CreditEngine {
    /// A client that sends with the global `fetch`.
    ///
    /// # Errors
    /// [`Error::Configuration`] for an option that cannot be, such as a
    /// project's key in a page.
    pub fn new(options: Options) -> Result<Self, Error> {
        Self::with_fetch(options, GlobalFetch)
    }
}

impl<F: Fetch> CreditEngine<F> {
    /// A client that sends otherwise, for example through a service binding.
    ///
    /// # Errors
    /// As [`CreditEngine::new`].
    pub fn with_fetch(options: Options, fetch: F) -> Result<Self, Error> {
        if !cfg!(target_arch = "wasm32") {
            return Err(Error::Configuration("this client runs in wasm, where `fetch` is".to_owned()));
        }
        let in_public = is_page() && !options.allow_project_key_in_page;
        check_api_key(&options.api_key, in_public)
            .map_err(|Invalid { detail, .. }| Error::Configuration(format!("api_key {detail}")))?;
        Ok(Self(Arc::new(Inner {
            fetch,
            http: Http {
                base_url: base_url(options.base_url.as_deref().unwrap_or(LOCAL_ENGINE))?,
                authorization: Secret(["Bearer ", &options.api_key].concat()),
                timeout_ms: options.timeout_ms,
                max_retries: options.max_retries,
            },
            costs: Kept::default(),
            models: Kept::default(),
            prices_max_age_ms: options.prices_max_age_ms,
        })))
    }

    /// A customer's credits.
    ///
    /// # Errors
    /// [`Error`]; `not_found` for an unknown customer.
    pub async fn get_balance(&self, customer_id: &str, options: &BalanceOptions) -> Result<Balance, Error> {
        let include = options.include_breakdown.then_some("breakdown");
        let fields = Fields::default().with("customer_id", customer_id).maybe("include", include);
        self.make("balance", &fields, &options.call).await
    }

    /// Charges a customer.
    ///
    /// # Errors
    /// [`Error`]; [`Error::InsufficientCredits`] if there are too few, and then
    /// nothing was charged.
    pub async fn consume(
        &self,
        customer_id: &str,
        charge: impl Into<Charge<'_>>,
        options: &ConsumeOptions,
    ) -> Result<Charged, Error> {
        let fields = Fields::default()
            .with("customer_id", customer_id)
            .charge(charge.into())
            .maybe("description", options.description.as_deref())
            .json("metadata", options.metadata.as_ref())
            .maybe("feature", options.feature.as_deref())
            .text("deadline", options.deadline);
        self.make("consume", &fields, &options.call).await
    }

    /// Adds credits; an adjustment may be negative.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add(
        &self,
        customer_id: &str,
        amount: Credits,
        options: &AddOptions,
    ) -> Result<Added, Error> {
        let fields = Fields::default()
            .with("customer_id", customer_id)
            .text("amount", Some(amount))
            .with("type", options.kind.word())
            .maybe("description", options.description.as_deref())
            .json("metadata", options.metadata.as_ref())
            .maybe("source", options.source.as_deref())
            .maybe("product", options.product.as_deref())
            .text("priority", options.priority)
            .text("effective_at", options.effective_at)
            .text("expires_at", options.expires_at)
            .maybe("refund_of", options.refund_of.as_deref());
        self.make("add", &fields, &options.call).await
    }

    /// A customer's transactions, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_transactions(
        &self,
        customer_id: &str,
        options: &TransactionOptions,
    ) -> Result<Page<Transaction>, Error> {
        let fields = Fields::default()
            .with("customer_id", customer_id)
            .text("limit", options.limit)
            .text("offset", options.offset)
            .maybe("cursor", options.cursor.as_deref())
            .maybe("type", options.kind.map(|kind| kind.word()))
            .text("from", options.from)
            .text("to", options.to);
        self.make("transactions", &fields, &options.call).await
    }

    /// Holds credits for work whose price is known only afterwards.
    ///
    /// # Errors
    /// [`Error`]. Too few credits are none: see [`Start`].
    pub async fn start_usage(
        &self,
        customer_id: &str,
        provision: impl Into<Provision<'_>>,
        options: &StartOptions,
    ) -> Result<Start, Error> {
        let fields = Fields::default()
            .with("user_id", customer_id)
            .provision(provision.into())
            .maybe("feature_identifier", options.feature.as_deref())
            .text("expires_in", options.expires_in);
        self.make("usage-start", &fields, &options.call).await
    }

    /// Charges what the work cost and releases the rest.
    ///
    /// # Errors
    /// [`Error`]; `already_completed` if it was completed otherwise before.
    pub async fn complete_usage(
        &self,
        transaction_id: &str,
        outcome: Outcome,
        call: &CallOptions,
    ) -> Result<Completed, Error> {
        let fields = Fields::default().with("transaction_id", transaction_id).outcome(outcome);
        self.make("usage-complete", &fields, call).await
    }

    /// A hold as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn get_usage(&self, transaction_id: &str, call: &CallOptions) -> Result<Usage, Error> {
        self.make("usage", &Fields::default().with("transaction_id", transaction_id), call).await
    }

    /// Makes a page where the customer buys a pack of credits.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_top_up_session(
        &self,
        top_up: TopUp<'_>,
        call: &CallOptions,
    ) -> Result<TopUpSession, Error> {
        let fields = Fields::default()
            .with("customer_id", top_up.customer_id)
            .with("success_url", top_up.success_url)
            .with("cancel_url", top_up.cancel_url)
            .maybe("pack_id", top_up.pack_id);
        self.make("create-topup-session", &fields, call).await
    }

    /// What a charge would cost now, by the project's prices: they are read
    /// once and kept for a while.
    ///
    /// # Errors
    /// [`Error`]; `unknown_price` for what has none.
    pub async fn estimate(
        &self,
        charge: impl Into<Charge<'_>>,
        call: &CallOptions,
    ) -> Result<Credits, Error> {
        let (list, priced) = match charge.into() {
            Charge::Amount(amount) => return Ok(positive_amount("amount", &amount.to_string())?),
            Charge::Action { service, action, quantity } => {
                let list = self.prices("costs", &self.0.costs, prices::costs as fn(Vec<CostRow>) -> _, call);
                (list.await?, Priced::Action { service, action, quantity })
            }
            Charge::Model { model, tokens } => {
                let list =
                    self.prices("models", &self.0.models, prices::models as fn(Vec<ModelRow>) -> _, call);
                (list.await?, Priced::Model { model, tokens })
            }
        };
        Ok(quote_by(&list, priced)?)
    }

    /// Makes any call of [`OPERATIONS`](crate::client::OPERATIONS), and reads
    /// its answer as the caller likes; amounts with
    /// [`credits`](super::credits).
    ///
    /// ```no_run
    /// # use edge_credits::fetch::{CallOptions, CreditEngine, Error, credits};
    /// #[derive(serde::Deserialize)]
    /// struct BurnRate {
    ///     #[serde(deserialize_with = "credits")]
    ///     net_daily_burn: edge_credits::Credits,
    /// }
    ///
    /// # async fn example(engine: CreditEngine) -> Result<(), Error> {
    /// let burn: BurnRate = engine.call("burn-rate", &["days", "7"], &CallOptions::default()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// `fields` are names and values in turn, as the wire names them.
    ///
    /// # Errors
    /// [`Error`]; `invalid_answer` for an answer that does not read so.
    pub async fn call<T: DeserializeOwned>(
        &self,
        name: &str,
        fields: &[&str],
        call: &CallOptions,
    ) -> Result<T, Error> {
        let Some(operation) = operation::find(name) else {
            return Err(Invalid { code: "unknown_call", field: name.to_owned(), detail: "is no call" }.into());
        };
        let (answer, idempotency_key) = self.0.http.send(&self.0.fetch, operation, fields, call).await?;
        serde_json::from_str(&answer.text).map_err(|error| {
            Error::Api(Box::new(Problem {
                status: answer.status,
                code: "invalid_answer".to_owned(),
                detail: error.to_string(),
                request_id: answer.request_id,
                idempotency_key,
                body: answer.text,
            }))
        })
    }

    async fn make<T: DeserializeOwned>(
        &self,
        name: &str,
        fields: &Fields<'_>,
        call: &CallOptions,
    ) -> Result<T, Error> {
        self.call(name, &fields.all(), call).await
    }

    /// A price list that is not too old.
    async fn prices<Row: DeserializeOwned>(
        &self,
        name: &str,
        kept: &Kept,
        read: fn(Vec<Row>) -> Option<Catalogue>,
        call: &CallOptions,
    ) -> Result<Arc<Catalogue>, Error> {
        let now_ms = ticks_ms();
        if let Some(list) = kept.get(now_ms - f64::from(self.0.prices_max_age_ms)) {
            return Ok(list);
        }
        let rows = self.call(name, &[], call).await?;
        let list = read(rows).ok_or_else(|| Invalid {
            code: "invalid_answer",
            field: name.to_owned(),
            detail: "has a name that is none",
        })?;
        Ok(kept.put(list, now_ms))
    }
}

/// An address as it is put before paths.
fn base_url(given: &str) -> Result<String, Error> {
    let host = given.strip_prefix("https://").or_else(|| given.strip_prefix("http://"));
    let is_plain = |host: &str| !host.contains(|c: char| c <= ' ' || "?#@\\".contains(c));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && is_plain(host) => {
            Ok(given.trim_end_matches('/').to_owned())
        }
        _ => Err(Error::Configuration(
            "base_url must be an http or https URL without query or user, such as https://credits.example.com"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_plain_http_url() {
        assert_eq!(base_url("https://credits.example.com/v//").unwrap(), "https://credits.example.com/v");
        assert_eq!(base_url("http://127.0.0.1:8787").unwrap(), "http://127.0.0.1:8787");
        for wrong in
            ["", "credits.example.com", "ftp://a", "https://", "https:///a", "http://u:p@a", "http://a?b"]
        {
            assert_eq!(base_url(wrong).unwrap_err().code(), "configuration", "{wrong}");
        }
    }

    #[test]
    fn a_client_can_be_shared_between_threads_and_tells_no_key() {
        fn shared<T: Send + Sync + Clone + 'static>() {}
        shared::<CreditEngine>();
        let options = Options::new("ce_live_secret1");
        assert!(!format!("{options:?}").contains("secret1"));
        let error = CreditEngine::new(options).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret1"));
    }
}
