//! OpenRouter: `GET /api/v1/credits`. See docs/compatibility.md for what its
//! documentation says.

use serde::Serialize;

use crate::api::{Code, Exact, Problem};
use crate::json;
use crate::tally::Total;
use crate::worker::front::{Answer, Call};

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct Credits {
    total_credits: Exact,
    total_usage: Exact,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: Why<'a>,
}

#[derive(Serialize)]
struct Why<'a> {
    code: u16,
    message: &'a str,
}

impl Call<'_> {
    /// A reader takes one total from the other: the difference is the balance,
    /// whatever expired or was corrected.
    pub(in crate::worker::front) async fn openrouter_credits(&self) -> Result<Answer, Problem> {
        let (customer, _) = self.holder(&[])?;
        let standing = self.standing(&customer).await?;
        let total_credits = Exact(standing.used.plus(Total::of(standing.balance)));
        let total_usage = Exact(standing.used);
        Ok(Answer::ok(&Data { data: Credits { total_credits, total_usage } }))
    }
}

/// The statuses 401, 403 and 500 are documented with these words.
pub(super) fn error(problem: &Problem) -> String {
    let message = match problem.code {
        Code::MissingKey => "Missing Authentication header",
        Code::InsufficientScope => "Only management keys can perform this operation",
        Code::Internal => "Internal Server Error",
        _ => &*problem.detail,
    };
    json::write(&Refused { error: Why { code: problem.code.status(), message } })
}
