//! Analytics: what a project's customers did, day by day. All shards are
//! asked and their parts added up; one customer's own view comes from its
//! ledger.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::incoming::Query;
use super::span::{date, monday};
use super::{Answer, Call, good};
use crate::api::{
    ActionAnswer, BurnRateAnswer, Code, ComparisonAnswer, Exact, PeriodTotals, Problem, SummaryAnswer,
    TopConsumerAnswer, UsageAnswer, UsageRow,
};
use crate::json;
use crate::tally::{Group, Tally, Total};
use crate::text::Name;
use crate::worker::flow::Effect;
use crate::worker::message::Ask;
use crate::worker::objects::rollup::{RollupCall, SHARDS, Span, shard_name};
use crate::worker::sort::sorted;

const DEFAULT_TOP: u64 = 10;
const DEFAULT_BURN_DAYS: u64 = 30;
const MAX_BURN_DAYS: u64 = 365;

/// By what usage is grouped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Day,
    Week,
    Action,
}

impl Call<'_> {
    pub(super) async fn analyze_usage(&self) -> Result<Answer, Problem> {
        let query = self.incoming.query(&["period", "from", "to", "group_by", "customer_id"])?;
        let span = Span::of_query(&query, self.incoming.now)?;
        let by = match query.get("group_by") {
            None | Some("day") => By::Day,
            Some("week") => By::Week,
            Some("action") => By::Action,
            Some(_) => return Err(Query::invalid("group_by", "must be day, week or action")),
        };
        let customer = query.get("customer_id").map(|text| {
            let detail = "must be 1 to 256 bytes of UTF-8 without control characters";
            Name::new(text).ok_or_else(|| Query::invalid("customer_id", detail))
        });
        let customer = customer.transpose()?;
        let data = match (by, &customer) {
            (By::Action, None) => by_action(self.action_groups(span).await?),
            (By::Action, Some(customer)) => by_action(self.customer_groups(customer, span, false).await?),
            (_, None) => series(span, by, self.ask_shards::<Vec<_>>(&RollupCall::Days(span)).await?.concat()),
            (_, Some(customer)) => {
                let groups = self.customer_groups(customer, span, true).await?;
                let days = groups.into_iter().filter_map(|group| Some((group.day?, group.tally)));
                series(span, by, days)
            }
        };
        let customer_id = customer.map(Name::into_string);
        Ok(Answer::ok(&UsageAnswer { data, from: date(span.0), to: date(span.1), customer_id }))
    }

    pub(super) async fn top_consumers(&self) -> Result<Answer, Problem> {
        let query = self.incoming.query(&["period", "limit"])?;
        let limit = Query::whole("limit", query.get("limit"), DEFAULT_TOP, 1..=100)?;
        let span = Span::of_period(&query, self.incoming.now)?;
        let top: Vec<(Name, Tally)> =
            self.ask_shards::<Vec<_>>(&RollupCall::Top { span, limit }).await?.concat();
        let mut top = sorted(top, |(name, tally), (other_name, other)| {
            other.consumed.cmp(&tally.consumed).then_with(|| name.cmp(other_name))
        });
        top.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let answer = |(customer, tally): (Name, Tally)| TopConsumerAnswer {
            customer_id: customer.into_string(),
            total_consumed: Exact(tally.consumed),
            total_added: Exact(tally.added),
            total_removed: Exact(tally.removed),
            overage: Exact(tally.overage),
            transaction_count: tally.count,
        };
        Ok(Answer::ok(&top.into_iter().map(answer).collect::<Vec<_>>()))
    }

    pub(super) async fn analyze_actions(&self) -> Result<Answer, Problem> {
        let span = Span::of_period(&self.incoming.query(&["period"])?, self.incoming.now)?;
        Ok(Answer::ok(&actions(self.action_groups(span).await?)))
    }

    pub(super) async fn burn_rate(&self) -> Result<Answer, Problem> {
        let query = self.incoming.query(&["days"])?;
        let days = Query::whole("days", query.get("days"), DEFAULT_BURN_DAYS, 1..=MAX_BURN_DAYS)?;
        let days = i64::try_from(days).unwrap_or(i64::MAX);
        let span = Span::last_days(days, self.incoming.now);
        let (mut tally, mut balance) = (Tally::default(), Total::ZERO);
        for (of_shard, balances) in self.ask_shards::<(Tally, Total)>(&RollupCall::Burn(span)).await? {
            tally.add(&of_shard);
            balance = balance.plus(balances);
        }
        let burnt = Total::ZERO.minus(tally.net());
        let left = if balance.is_positive() { balance } else { Total::ZERO };
        let remaining = left.ratio(days, burnt).filter(|_| burnt.is_positive());
        Ok(Answer::ok(&BurnRateAnswer {
            daily_avg_consumed: Exact(tally.consumed.shared(days)),
            daily_avg_added: Exact(tally.added.shared(days)),
            daily_avg_removed: Exact(tally.removed.shared(days)),
            net_daily_burn: Exact(burnt.shared(days)),
            projection_days_remaining: remaining.map(|days| Exact(days.to_hundredths())),
            total_balance: Exact(balance),
            days,
        }))
    }

    pub(super) async fn summarize(&self) -> Result<Answer, Problem> {
        let span = Span::of_period(&self.incoming.query(&["period"])?, self.incoming.now)?;
        let spans = [span, span.before()];
        let mut sums = [(Tally::default(), 0_u64); 2];
        for of_shard in self.ask_shards::<Vec<(Tally, u64)>>(&RollupCall::Summary(spans.to_vec())).await? {
            for ((tally, active), (more, also)) in sums.iter_mut().zip(&of_shard) {
                tally.add(more);
                *active = active.saturating_add(*also);
            }
        }
        let ([now, before], [_, span_before]) = (sums, spans);
        let change = now.0.consumed.minus(before.0.consumed).ratio(100, before.0.consumed);
        let change_percent = change.map(|percent| Exact(percent.to_hundredths()));
        let comparison = ComparisonAnswer { totals: totals(span_before, &before), change_percent };
        Ok(Answer::ok(&SummaryAnswer { totals: totals(span, &now), comparison }))
    }

    /// The transactions of all customers, by type and priced action.
    async fn action_groups(&self, span: Span) -> Result<Vec<Group>, Problem> {
        Ok(self.ask_shards::<Vec<Group>>(&RollupCall::Actions(span)).await?.concat())
    }

    /// The transactions of one customer, from its own journal.
    async fn customer_groups(
        &self,
        customer: &Name,
        span: Span,
        by_day: bool,
    ) -> Result<Vec<Group>, Problem> {
        let (from, to) = span.instants();
        let reply = self.ask_ledger(customer, Ask::Totals { from, to, by_day }).await?;
        if reply.status >= 400 {
            return Err(Problem::passed_on(reply.status, &reply.body));
        }
        json::read(&reply.body).map_err(|_| unreadable())
    }

    /// Asks all shards the same.
    async fn ask_shards<T: DeserializeOwned>(&self, ask: &RollupCall) -> Result<Vec<T>, Problem> {
        let key = &self.caller.key;
        let names = (0..SHARDS).map(|shard| shard_name(&key.project, key.mode, shard)).collect();
        let replies = self.io.perform(Effect::Rollup { names, message: json::write(ask) }).await;
        let read = |line| json::read(&good(line)?.body).map_err(|_| unreadable());
        let parts: Vec<T> = replies.lines().map(read).collect::<Result<_, Problem>>()?;
        // A sum of some shards would be a wrong answer.
        if parts.len() == usize::from(SHARDS) { Ok(parts) } else { Err(unreadable()) }
    }
}

fn unreadable() -> Problem {
    Problem::new(Code::Internal, "an object's answer was unreadable")
}

/// A row for each day or week of a span, also for those without transactions.
fn series(span: Span, by: By, tallies: impl IntoIterator<Item = (i64, Tally)>) -> Vec<UsageRow> {
    let start = |day: i64| if by == By::Week { monday(day) } else { day };
    let mut rows: BTreeMap<i64, Tally> = BTreeMap::new();
    let days = (span.0..=span.1).map(|day| (day, Tally::default()));
    for (day, tally) in days.chain(tallies) {
        rows.entry(start(day)).or_default().add(&tally);
    }
    let row = |(day, tally): (i64, Tally)| UsageRow::Period {
        day: date(day),
        week: (by == By::Week).then(|| date(day)),
        consumed: Exact(tally.consumed),
        added: Exact(tally.added),
        removed: Exact(tally.removed),
        net: Exact(tally.net()),
        overage: Exact(tally.overage),
        transaction_count: tally.count,
    };
    rows.into_iter().map(row).collect()
}

type ActionKey = (Option<String>, Option<String>, String);

fn by_action(groups: Vec<Group>) -> Vec<UsageRow> {
    actions(groups).into_iter().map(UsageRow::Action).collect()
}

/// Groups of several shards, each group once, the most consumed first.
fn merged(groups: Vec<Group>) -> Vec<(ActionKey, Tally)> {
    let mut by_key: BTreeMap<ActionKey, Tally> = BTreeMap::new();
    for group in groups {
        by_key.entry((group.service, group.action, group.kind)).or_default().add(&group.tally);
    }
    // What consumed the same stays in the order of names.
    sorted(by_key.into_iter().collect(), |(_, one), (_, other)| other.consumed.cmp(&one.consumed))
}

fn actions(groups: Vec<Group>) -> Vec<ActionAnswer> {
    let answer = |((service, action, kind), tally): (ActionKey, Tally)| ActionAnswer {
        action,
        kind,
        service,
        consumed: Exact(tally.consumed),
        added: Exact(tally.added),
        removed: Exact(tally.removed),
        net: Exact(tally.net()),
        overage: Exact(tally.overage),
        transaction_count: tally.count,
    };
    merged(groups).into_iter().map(answer).collect()
}

fn totals(span: Span, (tally, active): &(Tally, u64)) -> PeriodTotals {
    PeriodTotals {
        from: date(span.0),
        to: date(span.1),
        total_consumed: Exact(tally.consumed),
        total_added: Exact(tally.added),
        total_removed: Exact(tally.removed),
        net_change: Exact(tally.net()),
        overage: Exact(tally.overage),
        total_transactions: tally.count,
        active_customers: *active,
    }
}
