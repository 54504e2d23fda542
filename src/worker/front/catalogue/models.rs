//! Prices per model.

use serde::Serialize;

use super::{MAX_ROWS, each_once, price, rows};
use crate::api::{Decimal, Field, Problem};
use crate::pricing::ModelPrice;
use crate::worker::front::{Answer, Call};
use crate::worker::message::RecordList;
use crate::worker::record::ProjectRecord;

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

fn models(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.catalogue.models.iter().map(ModelAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_models(&self) -> Result<Answer, Problem> {
        Ok(models(&self.fresh_record().await?))
    }

    pub(in crate::worker::front) async fn put_models(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, MAX_ROWS, read_model)?;
        each_once(&rows, |row| row.model.clone(), "model")?;
        Ok(models(&self.put(RecordList::Models, &rows).await?))
    }
}

fn read_model(field: &Field<'_>) -> Result<ModelPrice, Problem> {
    let known = ["model", "input_per_million", "output_per_million", "cached_input_per_million", "minimum"];
    let row = field.object(&known)?;
    let optional = |name: &'static str| {
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
