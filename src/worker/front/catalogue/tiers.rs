//! Tiers: what customers can be on.

use serde::Serialize;

use super::{MAX_TERMS, each_once, price, rows};
use crate::api::{Decimal, Field, Problem};
use crate::ledger::{OverageMode, RateLimit, Rollover, Tier, Unit};
use crate::worker::front::{Answer, Call};
use crate::worker::message::RecordList;
use crate::worker::record::ProjectRecord;

/// Carried-over credits live this many periods at most.
const MAX_ROLLOVER_PERIODS: i64 = 120;
/// A higher rate than this one object does not take.
const MAX_REQUESTS: i64 = 1_000_000;
/// A window of a rate limit is a day at most.
const MAX_WINDOW_SECONDS: i64 = 86_400;

#[derive(Serialize)]
struct TierAnswer<'a> {
    id: &'a str,
    name: Option<&'a str>,
    allocation: Decimal,
    period: Unit,
    rollover: Option<RolloverAnswer>,
    overage_mode: Option<OverageMode>,
    rate_limit: Option<RateLimit>,
}

#[derive(Serialize)]
struct RolloverAnswer {
    max: Decimal,
    periods: u32,
}

impl<'a> TierAnswer<'a> {
    fn of(tier: &'a Tier) -> Self {
        let rollover =
            |rollover: Rollover| RolloverAnswer { max: Decimal(rollover.max), periods: rollover.periods };
        Self {
            id: tier.id.as_str(),
            name: tier.name.as_deref(),
            allocation: Decimal(tier.allocation),
            period: tier.period,
            rollover: tier.rollover.map(rollover),
            overage_mode: tier.overage_mode,
            rate_limit: tier.rate_limit,
        }
    }
}

fn tiers(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.terms.tiers.iter().map(TierAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_tiers(&self) -> Result<Answer, Problem> {
        Ok(tiers(&self.fresh_record().await?))
    }

    pub(in crate::worker::front) async fn put_tiers(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, MAX_TERMS, read_tier)?;
        each_once(&rows, |row| row.id.clone(), "tier")?;
        Ok(tiers(&self.put(RecordList::Tiers, &rows).await?))
    }
}

fn read_tier(field: &Field<'_>) -> Result<Tier, Problem> {
    let known = ["id", "name", "allocation", "period", "rollover", "overage_mode", "rate_limit"];
    let row = field.object(&known)?;
    Ok(Tier {
        id: row.require("id")?.name()?,
        name: row.description("name")?,
        allocation: price(&row, "allocation")?.ok_or_else(|| row.missing("allocation"))?,
        period: row.require("period")?.word(&Unit::WORDS)?,
        rollover: row.get("rollover").map(|field| read_rollover(&field)).transpose()?,
        overage_mode: row.get("overage_mode").map(|field| field.word(&OverageMode::WORDS)).transpose()?,
        rate_limit: row.get("rate_limit").map(|field| read_rate_limit(&field)).transpose()?,
    })
}

fn read_rollover(field: &Field<'_>) -> Result<Rollover, Problem> {
    let rollover = field.object(&["max", "periods"])?;
    Ok(Rollover {
        max: price(&rollover, "max")?.ok_or_else(|| rollover.missing("max"))?,
        periods: rollover.require("periods")?.count(1..=MAX_ROLLOVER_PERIODS)?,
    })
}

fn read_rate_limit(field: &Field<'_>) -> Result<RateLimit, Problem> {
    let limit = field.object(&["requests", "window_seconds"])?;
    Ok(RateLimit {
        requests: limit.require("requests")?.count(1..=MAX_REQUESTS)?,
        window_seconds: limit.require("window_seconds")?.count(1..=MAX_WINDOW_SECONDS)?,
    })
}
