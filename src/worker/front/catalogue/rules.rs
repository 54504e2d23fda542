//! What the gate charges for which route.

use serde::Serialize;

use super::{MAX_ROWS, price, rows};
use crate::api::{Decimal, Field, Problem};
use crate::worker::front::{Answer, Call};
use crate::worker::message::RecordList;
use crate::worker::record::{GateMode, GatePrice, GateRule, ProjectRecord, RefundOn};

#[derive(Serialize)]
struct RuleAnswer<'a> {
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    mode: GateMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    refund_on: &'a [RefundOn],
}

impl<'a> RuleAnswer<'a> {
    fn of(rule: &'a GateRule) -> Self {
        let (amount, service, action) = match &rule.price {
            GatePrice::Amount(amount) => (Some(Decimal(*amount)), None, None),
            GatePrice::Action { service, action } => (None, Some(service.as_str()), Some(action.as_str())),
        };
        Self {
            method: &rule.method,
            path: &rule.path,
            amount,
            service,
            action,
            mode: rule.mode,
            origin: rule.origin.as_deref(),
            refund_on: &rule.refund_on,
        }
    }
}

fn gate_rules(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.gate_rules.iter().map(RuleAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_gate_rules(&self) -> Result<Answer, Problem> {
        Ok(gate_rules(&self.fresh_record().await?))
    }

    pub(in crate::worker::front) async fn put_gate_rules(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, MAX_ROWS, read_rule)?;
        Ok(gate_rules(&self.put(RecordList::GateRules, &rows).await?))
    }
}

fn read_rule(field: &Field<'_>) -> Result<GateRule, Problem> {
    let known = ["method", "path", "amount", "service", "action", "mode", "origin", "refund_on"];
    let row = field.object(&known)?;
    let method = row.require("method")?.name()?.into_string();
    if method != "*" && !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(row.invalid("method", "must be an HTTP method in capitals, or *"));
    }
    let path = row.require("path")?.name()?.into_string();
    if !path.starts_with('/') || path.contains(['?', '#']) {
        return Err(row.invalid("path", "must begin with / and have no query"));
    }
    let named = row.get("service").is_some() || row.get("action").is_some();
    let price = match price(&row, "amount")? {
        Some(_) if named => {
            return Err(row.invalid("amount", "cannot be combined with service and action"));
        }
        Some(amount) => GatePrice::Amount(amount),
        None if named => GatePrice::Action {
            service: row.require("service")?.name()?,
            action: row.require("action")?.name()?,
        },
        None => return Err(row.missing("amount")),
    };
    let origin = row.get("origin").map(|field| field.string()).transpose()?;
    if origin.as_deref().is_some_and(|origin| !is_origin(origin)) {
        return Err(
            row.invalid("origin", "must be an http or https URL without credentials, query or fragment")
        );
    }
    let outcomes = row.get("refund_on").map(|field| field.list()).transpose()?.unwrap_or_default();
    let mut refund_on = Vec::new();
    for outcome in outcomes {
        let word = outcome.word(&RefundOn::WORDS)?;
        if refund_on.contains(&word) {
            return Err(outcome.invalid("is there twice"));
        }
        refund_on.push(word);
    }
    Ok(GateRule {
        method,
        path,
        price,
        mode: row.get("mode").map_or(Ok(GateMode::Consume), |field| field.word(&GateMode::WORDS))?,
        origin: origin.map(|origin| origin.trim_end_matches('/').to_owned()),
        refund_on,
    })
}

fn is_origin(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next());
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['?', '#', '\\']);
    host.is_some_and(|host| !host.is_empty() && !host.contains('@')) && plain(url)
}
