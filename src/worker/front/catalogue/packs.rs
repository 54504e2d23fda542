//! Packs: what customers can buy.

use serde::Serialize;

use super::{MAX_TERMS, each_once, rows};
use crate::api::{Code, Decimal, Field, Problem};
use crate::ledger::Pack;
use crate::text::Name;
use crate::worker::front::{Answer, Call};
use crate::worker::message::RecordList;
use crate::worker::record::ProjectRecord;

/// Stripe takes amounts of twelve digits at most.
const MAX_PRICE_CENTS: i64 = 999_999_999_999;

#[derive(Serialize)]
struct PackAnswer<'a> {
    id: &'a str,
    name: &'a str,
    credits: Decimal,
    price_cents: u64,
    currency: &'a str,
    stripe_price_id: Option<&'a str>,
}

impl<'a> PackAnswer<'a> {
    fn of(pack: &'a Pack) -> Self {
        Self {
            id: pack.id.as_str(),
            name: &pack.name,
            credits: Decimal(pack.credits),
            price_cents: pack.price_cents,
            currency: &pack.currency,
            stripe_price_id: pack.stripe_price_id.as_deref(),
        }
    }
}

fn packs(record: &ProjectRecord) -> Answer {
    Answer::ok(&record.terms.packs.iter().map(PackAnswer::of).collect::<Vec<_>>())
}

impl Call<'_> {
    pub(in crate::worker::front) async fn get_packs(&self) -> Result<Answer, Problem> {
        Ok(packs(&self.fresh_record().await?))
    }

    pub(in crate::worker::front) async fn put_packs(&self) -> Result<Answer, Problem> {
        let rows = rows(self.incoming.json_body()?, MAX_TERMS, read_pack)?;
        each_once(&rows, |row| row.id.clone(), "pack")?;
        Ok(packs(&self.put(RecordList::Packs, &rows).await?))
    }
}

fn read_pack(field: &Field<'_>) -> Result<Pack, Problem> {
    let known = ["id", "name", "credits", "price_cents", "currency", "stripe_price_id"];
    let row = field.object(&known)?;
    let credits = row.require_amount("credits")?;
    if !credits.is_positive() {
        let problem = row.invalid("credits", "must be above zero");
        return Err(problem.with_code(Code::InvalidAmount));
    }
    let currency = row.require("currency")?.string()?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(row.invalid("currency", "must be three small letters such as usd"));
    }
    let price_cents = row.require("price_cents")?.integer(0..=MAX_PRICE_CENTS)?;
    Ok(Pack {
        id: row.require("id")?.name()?,
        name: row.require("name")?.name()?.into_string(),
        credits,
        price_cents: price_cents.unsigned_abs(),
        currency,
        stripe_price_id: row.name("stripe_price_id")?.map(Name::into_string),
    })
}
