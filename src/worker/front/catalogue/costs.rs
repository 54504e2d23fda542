//! Costs per action.

use serde::Serialize;

use super::{MAX_ROWS, each_once, price, rows};
use crate::api::{Decimal, Field, Problem};
use crate::pricing::ActionCost;
use crate::worker::front::{Answer, Call};
use crate::worker::message::RecordList;
use crate::worker::record::ProjectRecord;

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

fn costs(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.catalogue.costs.iter().map(CostAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_costs(&self) -> Result<Answer, Problem> {
        Ok(costs(&self.fresh_record().await?))
    }

    pub(in crate::worker::front) async fn put_costs(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, MAX_ROWS, read_cost)?;
        each_once(&rows, |row| (row.service.clone(), row.action.clone()), "service and action")?;
        Ok(costs(&self.put(RecordList::Costs, &rows).await?))
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
