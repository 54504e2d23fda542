//! HiveForge: `/api/v1/entitlements/credits` and what is below it. See
//! docs/compatibility.md for what its documentation says.

use serde::Serialize;

use super::reason;
use crate::api::{Body, Code, Decimal, Exact, Problem};
use crate::json;
use crate::ledger::{Command, Configuration, Kind, OverageMode, Provider, SettingChange};
use crate::tally::{Group, Total};
use crate::time::Timestamp;
use crate::worker::front::incoming::Query;
use crate::worker::front::{Answer, Call};
use crate::worker::message::Ask;
use crate::worker::standing::Standing;

const DAY_MS: i64 = 86_400_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditBalance {
    period_balance: Decimal,
    purchased_balance: Decimal,
    total_available: Decimal,
    monthly_allocation: Decimal,
    period_end: String,
    overage_mode: OverageMode,
    ai_provider_priority: Provider,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditUsage {
    start_date: String,
    end_date: String,
    total_used: Exact,
    usage: Vec<ActionUsage>,
}

#[derive(Serialize)]
struct ActionUsage {
    service: Option<String>,
    action: Option<String>,
    credits: Exact,
    count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditPack<'a> {
    id: &'a str,
    name: &'a str,
    credits: Decimal,
    price_cents: u64,
    currency: &'a str,
}

#[derive(Serialize)]
struct CreditCost<'a> {
    service: &'a str,
    action: &'a str,
    credits: Decimal,
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    code: &'a str,
    message: &'a str,
}

impl CreditBalance {
    /// The two pools add up to what is available: debt is in the one that a
    /// purchase fills.
    fn of(standing: &Standing) -> Self {
        Self {
            period_balance: Decimal(standing.of_plan),
            purchased_balance: Decimal(standing.available.minus(standing.of_plan)),
            total_available: Decimal(standing.available),
            monthly_allocation: Decimal(standing.allocation),
            period_end: standing.period_end.to_string(),
            overage_mode: standing.overage_mode,
            ai_provider_priority: standing.provider.unwrap_or(Provider::Openai),
        }
    }
}

impl Call<'_> {
    pub(in crate::worker::front) async fn hiveforge_balance(&self) -> Result<Answer, Problem> {
        let (customer, _) = self.holder(&[])?;
        Ok(Answer::ok(&CreditBalance::of(&self.standing(&customer).await?)))
    }

    pub(in crate::worker::front) async fn hiveforge_usage(&self) -> Result<Answer, Problem> {
        let (customer, query) = self.holder(&["startDate", "endDate"])?;
        let (start, end) = (date(&query, "startDate", 0)?, date(&query, "endDate", DAY_MS)?);
        let (from, to) = match (start, end) {
            (Some(start), Some(end)) => (start, end),
            (start, end) => {
                let running = self.standing(&customer).await?;
                (start.unwrap_or(running.period_start), end.unwrap_or(running.period_end))
            }
        };
        if from > to {
            return Err(Query::invalid("startDate", "must not be after endDate"));
        }
        let groups: Vec<Group> = self.read(&customer, Ask::Totals { from, to, by_day: false }).await?;
        let charges = groups.into_iter().filter(|group| group.kind == Kind::Consumption.word());
        let usage: Vec<_> = charges
            .map(|Group { service, action, tally, .. }| ActionUsage {
                service,
                action,
                credits: Exact(tally.consumed),
                count: tally.count,
            })
            .collect();
        let total = usage.iter().fold(Total::ZERO, |sum, part| sum.plus(part.credits.0));
        Ok(Answer::ok(&CreditUsage {
            start_date: from.to_string(),
            end_date: to.to_string(),
            total_used: Exact(total),
            usage,
        }))
    }

    pub(in crate::worker::front) async fn hiveforge_packs(&self) -> Result<Answer, Problem> {
        self.require_live_key().await?;
        let record = self.fresh_record().await?;
        let packs = record.terms.packs.iter().map(|pack| CreditPack {
            id: pack.id.as_str(),
            name: &pack.name,
            credits: Decimal(pack.credits),
            price_cents: pack.price_cents,
            currency: &pack.currency,
        });
        Ok(Answer::ok(&packs.collect::<Vec<_>>()))
    }

    pub(in crate::worker::front) async fn hiveforge_costs(&self) -> Result<Answer, Problem> {
        self.require_live_key().await?;
        let record = self.fresh_record().await?;
        let costs = record.catalogue.costs.iter().map(|cost| CreditCost {
            service: cost.service.as_str(),
            action: cost.action.as_str(),
            credits: Decimal(cost.credits),
            description: cost.description.as_deref(),
        });
        Ok(Answer::ok(&costs.collect::<Vec<_>>()))
    }

    pub(in crate::worker::front) async fn hiveforge_settings(&self) -> Result<Answer, Problem> {
        let (customer, _) = self.holder(&[])?;
        let bytes = self.incoming.json_body()?;
        let changes = changes(&Body::parse(bytes, &["overageMode", "aiProviderPriority"])?)?;
        let command = Command::Configure(Box::new(Configuration { changes, unblock_purchases: false }));
        let request = self.request("configure", None, bytes, command)?;
        let _: serde::de::IgnoredAny = self.read(&customer, Ask::Execute(request)).await?;
        Ok(Answer::ok(&CreditBalance::of(&self.standing(&customer).await?)))
    }

    /// Refuses a customer key that its ledger knows to be revoked. That there
    /// is no such customer yet is no reason not to tell what it could buy.
    ///
    /// # Errors
    /// `invalid_key`, and those of the query.
    async fn require_live_key(&self) -> Result<(), Problem> {
        self.named(&[])?;
        let Some(own) = &self.caller.key.customer else {
            return Ok(());
        };
        match self.standing(own).await {
            Err(problem) if problem.code != Code::NotFound => Err(problem),
            _ => Ok(()),
        }
    }
}

fn changes(body: &Body<'_>) -> Result<Vec<SettingChange>, Problem> {
    let mut changes = Vec::new();
    if body.has("overageMode") {
        let mode = body.require("overageMode")?.word(&OverageMode::WORDS)?;
        changes.push(SettingChange::OverageMode(Some(mode)));
    }
    if body.has("aiProviderPriority") {
        let provider = body.require("aiProviderPriority")?.word(&Provider::WORDS)?;
        changes.push(SettingChange::AiProviderPriority(Some(provider)));
    }
    match changes.is_empty() {
        true => Err(body.missing("overageMode")),
        false => Ok(changes),
    }
}

/// An instant, or a day in UTC: its first instant, or `whole_day_ms` later.
fn date(query: &Query, name: &str, whole_day_ms: i64) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    let day = || Timestamp::parse(&format!("{text}T00:00:00Z")).map(|at| at.after_ms(whole_day_ms));
    let detail = "must be a date such as 2026-03-01, or an RFC 3339 time";
    Timestamp::parse(text).or_else(day).map(Some).ok_or_else(|| Query::invalid(name, detail))
}

/// The documentation shows `invalid_credentials` for a 401; other codes are
/// the engine's own.
pub(super) fn error(problem: &Problem) -> String {
    let status = problem.code.status();
    let code = if status == 401 { "invalid_credentials" } else { problem.code.word() };
    json::write(&Refused { error: reason(status), code, message: &problem.detail })
}
