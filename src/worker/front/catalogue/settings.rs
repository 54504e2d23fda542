//! Settings, of a project and of a customer.

use serde::Serialize;

use crate::api::{Body, Field, Problem, SettingsAnswer};
use crate::ledger::{OverageMode, Provider, SettingChange, Settings, SpendLimit, SpendWindow};
use crate::text::Name;
use crate::worker::front::{Answer, Call};
use crate::worker::message::ProjectAsk;
use crate::worker::record::ProjectRecord;
use crate::worker::webhook::{URL_RULE, check_url};

/// What a project and a customer can set.
pub(in crate::worker::front) const SETTING_FIELDS: [&str; 7] = [
    "overage_mode",
    "overage_limit",
    "auto_purchase_limit",
    "ai_provider_priority",
    "credit_name",
    "low_balance_threshold",
    "spend_limits",
];
/// More purchases than this in a day are a mistake.
const MAX_AUTO_PURCHASES: i64 = 100;
/// Each charge is held against each limit.
const MAX_SPEND_LIMITS: usize = 20;
/// What an app calls a credit stands in every balance.
const MAX_CREDIT_NAME_BYTES: usize = 64;

#[derive(Serialize)]
struct ProjectSettingsAnswer<'a> {
    default_tier: Option<&'a str>,
    #[serde(flatten)]
    shared: SettingsAnswer,
    webhook_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<String>,
}

fn answer(record: &ProjectRecord, webhook_secret: Option<String>) -> Answer {
    let settings: &Settings = &record.terms.settings;
    Answer::ok(&ProjectSettingsAnswer {
        default_tier: settings.default_tier.as_ref().map(Name::as_str),
        shared: SettingsAnswer::of(settings),
        webhook_url: settings.webhook_url.as_deref(),
        webhook_secret,
    })
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_settings(&self) -> Result<Answer, Problem> {
        Ok(answer(&self.fresh_record().await?, None))
    }

    /// The merge is made where the record is: of two changes at once neither
    /// is lost.
    pub(in crate::worker::front) async fn patch_settings(&self) -> Result<Answer, Problem> {
        let mut known = SETTING_FIELDS.to_vec();
        known.extend(["default_tier", "webhook_url"]);
        let body = Body::parse(self.incoming.json_body()?, &known)?;
        let mut changes = setting_changes(&body)?;
        let default_tier = change(&body, "default_tier", Field::name)?;
        changes.extend(default_tier.map(SettingChange::DefaultTier));
        let webhook_url = change(&body, "webhook_url", webhook_url)?;
        changes.extend(webhook_url.map(SettingChange::WebhookUrl));
        let record = self.change(ProjectAsk::Configure { changes }).await?;
        // Who may set where events go may know what signs them.
        let key = &self.caller.key;
        let secret = match body.get("webhook_url") {
            Some(_) => Some(self.front.webhook_secret(&key.project, key.mode)?),
            None => None,
        };
        Ok(answer(&record, secret))
    }
}

/// The changes that a body asks for, of what a project and a customer can set.
///
/// # Errors
/// `invalid_amount`, `invalid_field`, `missing_field`, `unknown_field`.
pub(in crate::worker::front) fn setting_changes(body: &Body<'_>) -> Result<Vec<SettingChange>, Problem> {
    let mode = change(body, "overage_mode", |field| field.word(&OverageMode::WORDS))?;
    let limit = change(body, "overage_limit", Field::amount_from_zero)?;
    let purchases = change(body, "auto_purchase_limit", |field| field.count(0..=MAX_AUTO_PURCHASES))?;
    let provider = change(body, "ai_provider_priority", |field| field.word(&Provider::WORDS))?;
    let name = change(body, "credit_name", credit_name)?;
    let threshold = change(body, "low_balance_threshold", Field::amount_from_zero)?;
    let limits = change(body, "spend_limits", spend_limits)?;
    let changes = [
        mode.map(SettingChange::OverageMode),
        limit.map(SettingChange::OverageLimit),
        purchases.map(SettingChange::AutoPurchaseLimit),
        provider.map(SettingChange::AiProviderPriority),
        name.map(SettingChange::CreditName),
        threshold.map(SettingChange::LowBalanceThreshold),
        limits.map(SettingChange::SpendLimits),
    ];
    Ok(changes.into_iter().flatten().collect())
}

/// A field's new value: `None` if the field is absent, `Some(None)` if it is
/// null.
fn change<'a, T>(
    body: &Body<'a>,
    name: &'static str,
    read: impl FnOnce(&Field<'a>) -> Result<T, Problem>,
) -> Result<Option<Option<T>>, Problem> {
    match body.get(name) {
        Some(field) => read(&field).map(|value| Some(Some(value))),
        None => Ok(body.has(name).then_some(None)),
    }
}

fn credit_name(field: &Field<'_>) -> Result<String, Problem> {
    let name = field.name()?.into_string();
    match name.len() <= MAX_CREDIT_NAME_BYTES {
        true => Ok(name),
        false => Err(field.invalid("must be at most 64 bytes")),
    }
}

fn spend_limits(field: &Field<'_>) -> Result<Vec<SpendLimit>, Problem> {
    let fields = field.list()?;
    if fields.len() > MAX_SPEND_LIMITS {
        return Err(field.invalid("has more than 20 limits"));
    }
    let mut limits: Vec<SpendLimit> = Vec::with_capacity(fields.len());
    for field in &fields {
        let limit = spend_limit(field)?;
        if limits.iter().any(|known| known.per == limit.per && known.feature == limit.feature) {
            return Err(field.invalid("limits what a limit above does"));
        }
        limits.push(limit);
    }
    Ok(limits)
}

fn spend_limit(field: &Field<'_>) -> Result<SpendLimit, Problem> {
    let limit = field.object(&["per", "amount", "feature"])?;
    Ok(SpendLimit {
        per: limit.require("per")?.word(&SpendWindow::WORDS)?,
        amount: limit.require("amount")?.amount_from_zero()?,
        feature: limit.name("feature")?,
    })
}

fn webhook_url(field: &Field<'_>) -> Result<String, Problem> {
    let url = field.string()?;
    match check_url(&url) {
        true => Ok(url),
        false => Err(field.invalid(URL_RULE)),
    }
}
