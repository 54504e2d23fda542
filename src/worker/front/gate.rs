//! The gate: the Worker in front of the user's own service. The charge comes
//! first; a request without enough credits never reaches the origin, and an
//! origin that fails gives the charge back.

use serde::Deserialize;

use super::path::percent_decode;
use super::{Answer, AnswerKind, Call, reply};
use crate::api::{Code, Problem};
use crate::credits::Credits;
use crate::json::{self, Raw};
use crate::ledger::{
    AddKind, Addition, Charge, Command, Completion, IdempotencyKey, Note, Request, Reservation,
};
use crate::text::{Name, concat};
use crate::worker::flow::Effect;
use crate::worker::message::Ask;
use crate::worker::record::{GateMode, GatePrice, GateRule, ProjectRecord, RefundOn};
use crate::worker::reply::Reply;

/// How long a gated request may take before its hold is released.
const HOLD_MS: i64 = 900_000;

/// What an operation's answer says of the customer's credits.
#[derive(Deserialize)]
struct Charged<'a> {
    transaction_id: Option<String>,
    #[serde(borrow)]
    balance: Raw<'a>,
    seq: Option<u64>,
}

/// What became of the call to the origin.
enum Forwarded {
    /// It answered: status and what it says that it cost.
    Answered { status: u16, cost: Option<Credits> },
    /// It could not be reached.
    Unreachable,
}

impl Forwarded {
    fn read(text: &str) -> Self {
        let parts = text.split_once('\n').and_then(|(status, cost)| Some((status.parse().ok()?, cost)));
        match parts {
            // A cost that is no amount is no cost: then the hold is charged.
            Some((status, cost)) => {
                let cost = Credits::parse(cost.trim()).ok().filter(|cost| !cost.is_negative());
                Self::Answered { status, cost }
            }
            None => Self::Unreachable,
        }
    }

    /// Whether the rule gives the charge back. An origin that never answered
    /// did no work that could be charged by reserve.
    fn is_refunded(&self, rule: &GateRule) -> bool {
        match self {
            Self::Answered { status, .. } => {
                *status >= 500 && rule.refund_on.contains(&RefundOn::ServerError)
            }
            Self::Unreachable => {
                rule.mode == GateMode::Reserve || rule.refund_on.contains(&RefundOn::Network)
            }
        }
    }
}

impl Call<'_> {
    pub(super) async fn gate(&self) -> Result<Answer, Problem> {
        let customer = self.payer()?;
        let path = self.incoming.path().strip_prefix("/gate").unwrap_or_default();
        if !is_plain(path) {
            return Err(Problem::field(
                Code::InvalidField,
                "path",
                "must not contain . or .. segments or a backslash",
            ));
        }
        let record = self.record().await?;
        let rule =
            record.gate_rules.iter().find(|rule| matches(rule, self.incoming.method(), path)).ok_or_else(
                || {
                    Problem::new(
                        Code::NoGateRule,
                        concat(&["no gate rule matches ", self.incoming.method(), " ", path]),
                    )
                },
            )?;
        let (amount, note) = price(rule, &record)?;
        match rule.mode {
            GateMode::Consume => self.gate_by_consume(&customer, rule, path, amount, note).await,
            GateMode::Reserve => self.gate_by_reserve(&customer, rule, path, amount, note).await,
        }
    }

    /// The customer who pays: of a customer key its own, of a project key the
    /// one that `X-Customer-Id` names.
    fn payer(&self) -> Result<Name, Problem> {
        if let Some(own) = &self.caller.key.customer {
            return Ok(own.clone());
        }
        let field = "X-Customer-Id";
        if self.incoming.customer_id().is_empty() {
            return Err(Problem::field(Code::MissingField, field, "is required with a project key"));
        }
        let detail = "must be 1 to 256 bytes without control characters";
        Name::new(self.incoming.customer_id())
            .ok_or_else(|| Problem::field(Code::InvalidField, field, detail))
    }

    async fn gate_by_consume(
        &self,
        customer: &Name,
        rule: &GateRule,
        path: &str,
        amount: Credits,
        note: Option<Box<Note>>,
    ) -> Result<Answer, Problem> {
        if !amount.is_positive() {
            return self.gate_for_free(customer, rule, path).await;
        }
        let charged = self.ask_surely(customer, "gate", Command::Consume { amount, note }).await?;
        if charged.status >= 400 {
            return Ok(charged.into());
        }
        let charge = read_charged(&charged)?;
        let transaction = charge.transaction_id.clone().unwrap_or_default();
        let forwarded = self.forward(rule, path, customer, &transaction).await;
        if !forwarded.is_refunded(rule) {
            return Ok(finish(&forwarded, charge.balance.get(), amount));
        }
        let refund = Command::Add(Box::new(Addition {
            amount,
            kind: AddKind::Refund,
            source: None,
            product: None,
            priority: None,
            effective_at: None,
            expires_at: None,
            refund_of: charge.seq,
            note: Some(Box::new(Note {
                description: Some("the origin failed".to_owned()),
                ..Note::default()
            })),
        }));
        match self.ask_surely(customer, "gate-refund", refund).await {
            Ok(refunded) if refunded.status < 400 => {
                Ok(finish(&forwarded, read_charged(&refunded)?.balance.get(), Credits::ZERO))
            }
            // The caller is told the truth: it was charged.
            _ => Ok(finish(&forwarded, charge.balance.get(), amount)),
        }
    }

    async fn gate_by_reserve(
        &self,
        customer: &Name,
        rule: &GateRule,
        path: &str,
        amount: Credits,
        note: Option<Box<Note>>,
    ) -> Result<Answer, Problem> {
        let reservation = Reservation { amount, expires_in_ms: HOLD_MS, price: None, note };
        let held = self.ask_surely(customer, "gate", Command::Reserve(Box::new(reservation))).await?;
        if held.status >= 400 {
            return Ok(held.into());
        }
        let hold = read_charged(&held)?;
        let seq = hold.seq.unwrap_or_default();
        let transaction = hold.transaction_id.clone().unwrap_or_default();
        let forwarded = self.forward(rule, path, customer, &transaction).await;
        let (success, charge) = match &forwarded {
            forwarded if forwarded.is_refunded(rule) => (false, None),
            Forwarded::Answered { cost, .. } => (true, cost.map(Charge::Amount)),
            Forwarded::Unreachable => (false, None),
        };
        let complete = Command::Complete(Completion { hold: seq, success, charge });
        let used = match charge {
            Some(Charge::Amount(cost)) => cost,
            _ if success => amount,
            _ => Credits::ZERO,
        };
        match self.ask_surely(customer, "gate-settle", complete).await {
            Ok(settled) if settled.status < 400 => {
                Ok(finish(&forwarded, read_charged(&settled)?.balance.get(), used))
            }
            // The hold runs out by itself; the answer need not wait for it.
            _ => Ok(finish(&forwarded, hold.balance.get(), used)),
        }
    }

    /// A rule that costs nothing: the customer must exist, no more.
    async fn gate_for_free(&self, customer: &Name, rule: &GateRule, path: &str) -> Result<Answer, Problem> {
        let checked = self.ask_ledger(customer, Ask::Check { amount: Credits::ZERO, feature: None }).await?;
        if checked.status >= 400 {
            return Ok(checked.into());
        }
        let balance = read_charged(&checked)?.balance.get().to_owned();
        let forwarded = self.forward(rule, path, customer, "").await;
        Ok(finish(&forwarded, &balance, Credits::ZERO))
    }

    /// Does an operation under a key of this request's own, and once more if
    /// the object broke off and cannot be known to have done it.
    ///
    /// The caller's `Idempotency-Key` is not used here: with it one charge
    /// would buy any number of calls to the origin.
    async fn ask_surely(&self, customer: &Name, what: &str, command: Command) -> Result<Reply, Problem> {
        let key = format!("{what}:{}", self.incoming.request_id());
        let key = Some(IdempotencyKey { key, fingerprint: what.to_owned() });
        let request = Request { command, key, deadline: None };
        let first = self.tell_ledger(customer, Ask::Execute(request.clone())).await?;
        // An overloaded object is left alone; it has done nothing.
        match first.as_str() {
            "!broken" => self.ask_ledger(customer, Ask::Execute(request)).await,
            answered => reply(answered),
        }
    }

    async fn forward(&self, rule: &GateRule, path: &str, customer: &Name, transaction: &str) -> Forwarded {
        let query = match self.incoming.query_text() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let headers = vec![
            ("X-Customer-Id", header_text(customer.as_str())),
            ("X-Credits-Transaction", transaction.to_owned()),
            ("X-Request-Id", self.incoming.request_id().to_owned()),
        ];
        let url = rule.origin.clone().unwrap_or_default();
        let effect = Effect::Origin { url, path: format!("{path}{query}"), headers };
        Forwarded::read(&self.io.perform(effect).await)
    }
}

fn finish(forwarded: &Forwarded, balance: &str, cost: Credits) -> Answer {
    let answer = match forwarded {
        Forwarded::Answered { status, .. } => Answer::held(*status, AnswerKind::Origin),
        Forwarded::Unreachable => {
            Problem::new(Code::OriginUnreachable, "the service behind the gate could not be reached").into()
        }
    };
    answer.with_header("X-Credits-Remaining", balance).with_header("X-Credits-Cost", cost.to_string())
}

fn read_charged(reply: &Reply) -> Result<Charged<'_>, Problem> {
    json::read(&reply.body).map_err(|_| Problem::new(Code::Internal, "the ledger's answer was unreadable"))
}

fn price(rule: &GateRule, record: &ProjectRecord) -> Result<(Credits, Option<Box<Note>>), Problem> {
    let mut note =
        Note { description: Some(format!("gate {} {}", rule.method, rule.path)), ..Note::default() };
    let amount = match &rule.price {
        GatePrice::Amount(amount) => *amount,
        GatePrice::Action { service, action } => {
            note.service = Some(service.as_str().to_owned());
            note.action = Some(action.as_str().to_owned());
            note.price_version = Some(record.catalogue.version);
            record.catalogue.action(service, action, 1)?
        }
    };
    Ok((amount, Some(Box::new(note))))
}

/// Whether a rule is for this method and path: segment by segment, `*` for
/// any one, a last `*` for any rest.
fn matches(rule: &GateRule, method: &str, path: &str) -> bool {
    if rule.method != "*" && rule.method != method {
        return false;
    }
    let mut pattern = rule.path.split('/').peekable();
    let mut segments = path.split('/');
    while let Some(expected) = pattern.next() {
        let is_last = pattern.peek().is_none();
        match segments.next() {
            Some(_) if expected == "*" && is_last => return true,
            Some(segment) if expected == "*" || reads_as(segment, expected) => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Whether a segment is the expected one, also in another spelling: an origin
/// reads `%61` as `a`, so it must cost the same.
fn reads_as(segment: &str, expected: &str) -> bool {
    let decoded = |text| percent_decode(text, false);
    expected == segment
        || decoded(segment).zip(decoded(expected)).is_some_and(|(segment, expected)| segment == expected)
}

/// Whether a URL parser leaves the path as it is, so that the origin sees
/// the path that the rule was matched against.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.contains('\\') && !path.split('/').any(is_dots)
}

/// Whether a segment is one dot or two, also in another spelling.
fn is_dots(segment: &str) -> bool {
    let dot_length = |text: &str| match text.get(..3) {
        _ if text.starts_with('.') => 1,
        Some(start) if start.eq_ignore_ascii_case("%2e") => 3,
        _ => 0,
    };
    let mut rest = segment;
    for _ in 0..2 {
        rest = rest.get(dot_length(rest)..).unwrap_or_default();
    }
    !segment.is_empty() && rest.is_empty()
}

/// A name as a header can carry it: anything beyond visible ASCII, and `%`,
/// percent-encoded.
fn header_text(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'%' | 0x00..=0x1f | 0x7f.. => text.push_str(&format!("%{byte:02X}")),
            byte => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(method: &str, path: &str) -> GateRule {
        GateRule {
            method: method.to_owned(),
            path: path.to_owned(),
            price: GatePrice::Amount(Credits::ZERO),
            mode: GateMode::Consume,
            origin: None,
            refund_on: vec![],
        }
    }

    #[test]
    fn a_rule_matches_by_method_and_segments() {
        for (pattern, path, expected) in [
            ("/v1/chat", "/v1/chat", true),
            ("/v1/chat", "/v1/chat/", false),
            ("/v1/chat", "/v1", false),
            ("/v1/*", "/v1/chat/more", true),
            ("/v1/*", "/v1", false),
            ("/*/chat", "/v2/chat", true),
            ("/*/chat", "/v2/talk", false),
            ("/*", "/", true),
            ("/chat/*", "/%63hat/a", true),
            ("/c%68at", "/chat", true),
            ("/c%68at", "/%63h%61t", true),
            ("/a/b", "/a%2Fb", false),
        ] {
            assert_eq!(matches(&rule("*", pattern), "GET", path), expected, "{pattern} {path}");
        }
        assert!(!matches(&rule("POST", "/a"), "GET", "/a"));
    }

    #[test]
    fn a_path_that_a_url_parser_would_change_is_refused() {
        for path in ["/v1/chat.json", "/a/...", "/%2e%2e%2e", "/", "//", "/.a", "/a.", "/%2f", "/%2"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["/a/../b", "/a/.", "/%2e%2E/b", "/a\\b", "a", "/.%2e"] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_customer_travels_in_a_header() {
        assert_eq!(header_text("al ice"), "al ice");
        assert_eq!(header_text("é%"), "%C3%A9%25");
    }
}
