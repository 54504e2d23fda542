//! What a project's record holds: costs, model prices, gate rules.

use std::collections::HashSet;
use std::hash::Hash;

use serde::Serialize;

use super::{Answer, Call};
use crate::api::{Body, Code, Decimal, Field, Problem};
use crate::credits::Credits;
use crate::pricing::{ActionCost, ModelPrice};
use crate::worker::message::{ProjectAsk, RecordList};
use crate::worker::objects::project::record_key;
use crate::worker::record::{GateMode, GatePrice, GateRule, ProjectRecord, RefundOn};

/// The most rows of one list: the record stays within what KV and an isolate
/// take with ease.
const MAX_ROWS: usize = 1_000;

#[derive(Serialize)]
struct CostAnswer<'a> {
    service: &'a str,
    action: &'a str,
    credits: Decimal,
    description: Option<&'a str>,
}

impl<'a> CostAnswer<'a> {
    fn of(cost: &'a ActionCost) -> Self {
        Self {
            service: cost.service.as_str(),
            action: cost.action.as_str(),
            credits: Decimal(cost.credits),
            description: cost.description.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct ModelAnswer<'a> {
    model: &'a str,
    input_per_million: Decimal,
    output_per_million: Decimal,
    cached_input_per_million: Option<Decimal>,
    minimum: Option<Decimal>,
}

impl<'a> ModelAnswer<'a> {
    fn of(price: &'a ModelPrice) -> Self {
        Self {
            model: price.model.as_str(),
            input_per_million: Decimal(price.input_per_million),
            output_per_million: Decimal(price.output_per_million),
            cached_input_per_million: price.cached_input_per_million.map(Decimal),
            minimum: price.minimum.map(Decimal),
        }
    }
}

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

fn costs(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.catalogue.costs.iter().map(CostAnswer::of).collect::<Vec<_>>())
}

fn models(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.catalogue.models.iter().map(ModelAnswer::of).collect::<Vec<_>>())
}

fn gate_rules(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.gate_rules.iter().map(RuleAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(super) async fn get_costs(&self) -> Result<Answer, Problem> {
        Ok(costs(&self.fresh_record().await?))
    }

    pub(super) async fn get_models(&self) -> Result<Answer, Problem> {
        Ok(models(&self.fresh_record().await?))
    }

    pub(super) async fn get_gate_rules(&self) -> Result<Answer, Problem> {
        Ok(gate_rules(&self.fresh_record().await?))
    }

    pub(super) async fn put_costs(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, read_cost)?;
        each_once(&rows, |row| (row.service.clone(), row.action.clone()), "service and action")?;
        Ok(costs(&self.put(RecordList::Costs, &rows).await?))
    }

    pub(super) async fn put_models(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, read_model)?;
        each_once(&rows, |row| row.model.clone(), "model")?;
        Ok(models(&self.put(RecordList::Models, &rows).await?))
    }

    pub(super) async fn put_gate_rules(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, read_rule)?;
        Ok(gate_rules(&self.put(RecordList::GateRules, &rows).await?))
    }

    /// The record as its object has it: who edits must see the last edit.
    async fn fresh_record(&self) -> Result<ProjectRecord, Problem> {
        let key = &self.caller.key;
        let reply = self.front.ask_project(self.io, &key.project, key.mode, ProjectAsk::Record).await?;
        self.read_record(&reply.body)
    }

    async fn put(&self, list: RecordList, rows: &impl Serialize) -> Result<ProjectRecord, Problem> {
        let key = &self.caller.key;
        let ask = ProjectAsk::Put { list, json: super::to_message(rows)? };
        let reply = self.front.ask_project(self.io, &key.project, key.mode, ask).await?;
        self.read_record(&reply.body)
    }

    /// Reads a record and keeps it, so that this isolate goes by it at once.
    fn read_record(&self, body: &str) -> Result<ProjectRecord, Problem> {
        let record: Result<ProjectRecord, _> = serde_json::from_str(body);
        let record =
            record.map_err(|_| Problem::new(Code::Internal, "the project's record could not be read"))?;
        let key = record_key(&self.caller.key.project, self.caller.key.mode.word());
        self.front.remember(key, record.clone(), self.incoming.now);
        Ok(record)
    }
}

fn rows<T>(bytes: &[u8], read: impl Fn(&Field<'_>) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    let whole = Field::whole(bytes)?;
    let fields = whole.list()?;
    if fields.len() > MAX_ROWS {
        return Err(whole.invalid("has more than 1000 rows"));
    }
    fields.iter().map(read).collect()
}

fn each_once<T, K: Eq + Hash>(rows: &[T], key: impl Fn(&T) -> K, what: &str) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    match rows.iter().position(|row| !seen.insert(key(row))) {
        Some(index) => {
            let detail = format!("names a {what} that stands above already");
            Err(Problem::field(Code::InvalidField, &format!("body[{index}]"), &detail))
        }
        None => Ok(()),
    }
}

fn price(row: &Body<'_>, name: &str) -> Result<Option<Credits>, Problem> {
    match row.amount(name)? {
        Some(amount) if amount.is_negative() => {
            let path = row.invalid(name, "must not be negative");
            Err(Problem { code: Code::InvalidAmount, ..path })
        }
        amount => Ok(amount),
    }
}

fn read_cost(field: &Field<'_>) -> Result<ActionCost, Problem> {
    let row = field.object(&["service", "action", "credits", "description"])?;
    Ok(ActionCost {
        service: row.require("service")?.name()?,
        action: row.require("action")?.name()?,
        credits: price(&row, "credits")?.ok_or_else(|| row.missing("credits"))?,
        description: row.description("description")?,
    })
}

fn read_model(field: &Field<'_>) -> Result<ModelPrice, Problem> {
    let known = ["model", "input_per_million", "output_per_million", "cached_input_per_million", "minimum"];
    let row = field.object(&known)?;
    let optional = |name: &str| {
        if row.get(name).is_some() { price(&row, name) } else { Ok(None) }
    };
    Ok(ModelPrice {
        model: row.require("model")?.name()?,
        input_per_million: price(&row, "input_per_million")?
            .ok_or_else(|| row.missing("input_per_million"))?,
        output_per_million: price(&row, "output_per_million")?
            .ok_or_else(|| row.missing("output_per_million"))?,
        cached_input_per_million: optional("cached_input_per_million")?,
        minimum: optional("minimum")?,
    })
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
    let refund_on: Result<Vec<_>, _> = outcomes.iter().map(|field| field.word(&RefundOn::WORDS)).collect();
    Ok(GateRule {
        method,
        path,
        price,
        mode: row.get("mode").map_or(Ok(GateMode::Consume), |field| field.word(&GateMode::WORDS))?,
        origin: origin.map(|origin| origin.trim_end_matches('/').to_owned()),
        refund_on: refund_on?,
    })
}

fn is_origin(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next());
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['?', '#', '\\']);
    host.is_some_and(|host| !host.is_empty() && !host.contains('@')) && plain(url)
}
