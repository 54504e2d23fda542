//! Customers: created, changed, put on a tier, configured, deleted.

use super::catalogue::{SETTING_FIELDS, setting_changes};
use super::{Answer, Call};
use crate::api::{Body, Problem};
use crate::ledger::{Command, Configuration, Opening, Settings, TierChange};
use crate::worker::message::{Ask, ProjectAsk};

impl Call<'_> {
    pub(super) async fn list_customers(&self) -> Result<Answer, Problem> {
        let page = self.incoming.query(&["limit", "offset", "cursor"])?.page()?;
        let key = &self.caller.key;
        Ok(self.front.ask_project(self.io, &key.project, key.mode, ProjectAsk::Customers(page)).await?.into())
    }

    pub(super) async fn get_customer(&self) -> Result<Answer, Problem> {
        Ok(self.ask_ledger(&self.customer()?, Ask::Customer).await?.into())
    }

    pub(super) async fn create_customer(&self) -> Result<Answer, Problem> {
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &["id", "metadata", "tier_id", "anchor", "settings"])?;
        let customer = body.require("id")?.name()?;
        let settings = match body.get("settings") {
            Some(field) => setting_changes(&field.object(&SETTING_FIELDS)?)?,
            None => Vec::new(),
        };
        let opening = Opening {
            metadata: body.metadata()?,
            tier: body.name("tier_id")?,
            anchor: body.timestamp("anchor")?,
            settings: Settings::default().changed(settings),
        };
        let request = self.request("create", None, bytes, Command::Open(Box::new(opening)))?;
        Ok(self.ask_ledger(&customer, Ask::Execute(request)).await?.into())
    }

    pub(super) async fn update_customer(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &["metadata"])?;
        if !body.has("metadata") {
            return Err(body.missing("metadata"));
        }
        let command = Command::Update { metadata: body.metadata()? };
        let request = self.request("update", None, bytes, command)?;
        Ok(self.ask_ledger(&customer, Ask::Execute(request)).await?.into())
    }

    pub(super) async fn delete_customer(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let request = self.request("delete", None, b"", Command::Close)?;
        Ok(self.ask_ledger(&customer, Ask::Execute(request)).await?.into())
    }

    pub(super) async fn change_tier(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let body = Body::parse(bytes, &["tier_id", "reset_balance", "anchor"])?;
        let change = TierChange {
            tier: body.require("tier_id")?.name()?,
            reset_balance: body.get("reset_balance").map_or(Ok(false), |field| field.boolean())?,
            anchor: body.timestamp("anchor")?,
        };
        let request = self.request("tier", None, bytes, Command::ChangeTier(Box::new(change)))?;
        Ok(self.ask_ledger(&customer, Ask::Execute(request)).await?.into())
    }

    pub(super) async fn get_customer_settings(&self) -> Result<Answer, Problem> {
        Ok(self.ask_ledger(&self.customer()?, Ask::Settings).await?.into())
    }

    /// The merge is made in the ledger: of two changes at once neither is
    /// lost.
    pub(super) async fn patch_customer_settings(&self) -> Result<Answer, Problem> {
        let customer = self.customer()?;
        let bytes = self.incoming.json_body()?;
        let mut known = SETTING_FIELDS.to_vec();
        known.push("auto_purchase_blocked");
        let body = Body::parse(bytes, &known)?;
        let unblock_purchases = match body.get("auto_purchase_blocked") {
            Some(field) if field.boolean()? => {
                return Err(field.invalid("can only be set to false; a purchase that fails sets it to true"));
            }
            field => field.is_some(),
        };
        let change = Configuration { changes: setting_changes(&body)?, unblock_purchases };
        let request = self.request("settings", None, bytes, Command::Configure(Box::new(change)))?;
        Ok(self.ask_ledger(&customer, Ask::Execute(request)).await?.into())
    }
}
