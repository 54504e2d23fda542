//! Routes that answer as another vendor's API does, so that its clients need
//! no change but the address and the key.
//!
//! In: a request of theirs, and what the ledger or the project's record says.
//! Out: the same in their names and shapes, errors too. Nothing is decided
//! here.

mod hiveforge;
mod openrouter;
mod predev;

use super::incoming::{Incoming, Query};
use super::path::Segments;
use super::{Answer, AnswerKind, Call, good};
use crate::api::{Code, Problem};
use crate::json;
use crate::text::Name;
use crate::worker::message::Ask;
use crate::worker::standing::Standing;

/// Whose API a route imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// pre.dev.
    Predev,
    /// OpenRouter.
    OpenRouter,
    /// HiveForge.
    HiveForge,
}

impl Vendor {
    /// Whose route a path's segments name, if any vendor's.
    pub fn of(path: &[&str]) -> Option<Self> {
        match path {
            ["credits-balance"] => Some(Self::Predev),
            ["api", "v1", "credits"] => Some(Self::OpenRouter),
            ["api", "v1", "entitlements", "credits"] => Some(Self::HiveForge),
            ["api", "v1", "entitlements", "credits", "usage" | "packs" | "costs" | "settings"] => {
                Some(Self::HiveForge)
            }
            _ => None,
        }
    }

    /// An error as the vendor's clients read it.
    fn error(self, problem: &Problem) -> String {
        match self {
            Self::Predev => predev::error(problem),
            Self::OpenRouter => openrouter::error(problem),
            Self::HiveForge => hiveforge::error(problem),
        }
    }

    /// The key that the vendor's clients send where they send no bearer token;
    /// empty if there is none.
    pub fn key(self, incoming: &Incoming) -> &str {
        match self {
            Self::Predev => incoming.api_key(),
            Self::OpenRouter => "",
            Self::HiveForge => incoming.deployment_secret(),
        }
    }
}

/// An answer to a request for `path`: a problem on a vendor's route becomes an
/// error of that vendor's, and everything else stays as it is.
pub fn in_their_words(path: &str, answer: Answer) -> Answer {
    if answer.kind != AnswerKind::Problem {
        return answer;
    }
    let Some(vendor) = Vendor::of(&Segments::of(path)) else {
        return answer;
    };
    let body = vendor.error(&Problem::passed_on(answer.status, &answer.body));
    Answer { kind: AnswerKind::Json, body, ..answer }
}

/// A status in words (RFC 9110, section 15; RFC 6585).
const fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

impl Call<'_> {
    /// The holder of the key, or whom a project key names by `customer_id`;
    /// and the query, which may have `known` besides.
    ///
    /// # Errors
    /// `unknown_field`, `invalid_field`, `not_found` for another customer's
    /// key; `missing_field` where a project key names nobody.
    fn holder(&self, known: &[&'static str]) -> Result<(Name, Query), Problem> {
        let (named, query) = self.named(known)?;
        match named.or_else(|| self.caller.key.customer.clone()) {
            Some(customer) => Ok((customer, query)),
            None => Err(Problem::field(Code::MissingField, "customer_id", "is required with a project key")),
        }
    }

    /// The customer that the query names, if it names one.
    ///
    /// # Errors
    /// As [`Call::holder`].
    fn named(&self, known: &[&'static str]) -> Result<(Option<Name>, Query), Problem> {
        let known: Vec<_> = known.iter().copied().chain(["customer_id"]).collect();
        let query = self.incoming.query(&known)?;
        let Some(text) = query.get("customer_id") else {
            return Ok((None, query));
        };
        let detail = "must be 1 to 256 bytes of UTF-8 without control characters";
        let customer = Name::new(text).ok_or_else(|| Query::invalid("customer_id", detail))?;
        self.caller.require_customer(&customer)?;
        Ok((Some(customer), query))
    }

    /// How a customer stands.
    ///
    /// # Errors
    /// `invalid_key` for a revoked key, `not_found`, `overloaded`.
    async fn standing(&self, customer: &Name) -> Result<Standing, Problem> {
        self.read(customer, Ask::Standing).await
    }

    /// What a ledger says, as what it is.
    ///
    /// # Errors
    /// The ledger's problem, `overloaded`.
    async fn read<T: serde::de::DeserializeOwned>(&self, customer: &Name, ask: Ask) -> Result<T, Problem> {
        let reply = good(&self.tell_ledger(customer, ask).await?)?;
        json::read(&reply.body).map_err(|_| Problem::new(Code::Internal, "a ledger's answer was unreadable"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::front::routes::{Operation, ROUTES};

    #[test]
    fn the_vendors_routes_are_known_as_theirs_and_no_other_is() {
        for route in ROUTES {
            let vendor = match route.operation {
                Operation::PredevBalance => Some(Vendor::Predev),
                Operation::OpenRouterCredits => Some(Vendor::OpenRouter),
                Operation::HiveForgeBalance
                | Operation::HiveForgeUsage
                | Operation::HiveForgePacks
                | Operation::HiveForgeCosts
                | Operation::HiveForgeSettings => Some(Vendor::HiveForge),
                _ => None,
            };
            assert_eq!(Vendor::of(route.path), vendor, "{:?}", route.path);
        }
    }

    #[test]
    fn every_problem_has_words_of_each_vendor() {
        for code in Code::ALL.iter().copied() {
            let is_vague = code.status() != 500 && reason(code.status()) == "Internal Server Error";
            assert!(!is_vague, "{code:?}");
            for path in ["/credits-balance", "/api/v1/credits", "/api/v1/entitlements/credits/packs"] {
                let told = in_their_words(path, Problem::new(code, "why").into());
                assert_eq!((told.status, told.kind), (code.status(), AnswerKind::Json));
            }
        }
        let problem = Answer::from(Problem::new(Code::NotFound, "why"));
        assert_eq!(in_their_words("/v1/credits", problem.clone()), problem);
    }
}
