//! pre.dev: `GET /credits-balance`. See docs/compatibility.md for what its
//! documentation says.

use serde::Serialize;

use super::reason;
use crate::api::{Code, Decimal, Problem};
use crate::json;
use crate::worker::front::{Answer, Call};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditsBalance {
    success: bool,
    credits_remaining: Decimal,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
    message: &'a str,
}

impl Call<'_> {
    pub(in crate::worker::front) async fn predev_balance(&self) -> Result<Answer, Problem> {
        let (customer, _) = self.holder(&[])?;
        let standing = self.standing(&customer).await?;
        Ok(Answer::ok(&CreditsBalance { success: true, credits_remaining: Decimal(standing.available) }))
    }
}

/// A key that stands for no one customer, and a fault, are documented word for
/// word; for the rest there is a table of statuses.
pub(super) fn error(problem: &Problem) -> String {
    let (error, message) = match problem.code {
        Code::MissingField => ("Missing context", "Unable to determine user or organization from API key"),
        code if code.status() >= 500 => ("Failed to retrieve credits balance", &*problem.detail),
        code => (reason(code.status()), &*problem.detail),
    };
    json::write(&Refused { error, message })
}
