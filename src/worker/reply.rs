//! How the objects answer the Worker's front: the HTTP body already printed,
//! and what the front must know besides.

use serde::Serialize;

use crate::api::Problem;
use crate::json;
use crate::ledger::RateLimit;
use crate::text::push_number;

/// An object's answer, ready for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// What the front must know besides.
    pub flag: Flag,
    /// How the customer's rate limit stands, if there is one.
    pub rate: Option<RateState>,
    /// The HTTP body.
    pub body: String,
}

/// What an object tells the front besides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Nothing.
    Plain,
    /// The operation had been done before.
    Replayed,
    /// A purchase must be made before the operation is tried again.
    Buy,
    /// Nothing was done: bring the project's terms.
    WantsTerms,
}

impl Flag {
    const LETTERS: [(char, Self); 4] =
        [('-', Self::Plain), ('r', Self::Replayed), ('b', Self::Buy), ('t', Self::WantsTerms)];

    fn letter(self) -> char {
        Self::LETTERS.iter().find(|(_, flag)| *flag == self).map_or('-', |(letter, _)| *letter)
    }
}

/// How a rate limit stands after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// The limit.
    pub limit: RateLimit,
    /// Requests that the window has left.
    pub remaining: u32,
    /// Seconds until it begins anew.
    pub reset_seconds: i64,
    /// Whether this request was one too many.
    pub is_exceeded: bool,
}

impl RateState {
    fn to_text(self) -> String {
        let RateLimit { requests, window_seconds } = self.limit;
        format!("#{requests},{window_seconds},{},{}\n", self.remaining, self.reset_seconds)
    }

    fn from_text(text: &str, is_exceeded: bool) -> Option<Self> {
        let mut numbers = text.split(',');
        Some(Self {
            limit: RateLimit {
                requests: numbers.next()?.parse().ok()?,
                window_seconds: numbers.next()?.parse().ok()?,
            },
            remaining: numbers.next()?.parse().ok()?,
            reset_seconds: numbers.next()?.parse().ok()?,
            is_exceeded,
        })
    }
}

impl Reply {
    /// A good answer.
    pub fn ok(answer: &impl Serialize) -> Self {
        Self::of(200, answer)
    }

    /// An answer with a status.
    pub fn of(status: u16, answer: &impl Serialize) -> Self {
        Self { status, flag: Flag::Plain, rate: None, body: json::write(answer) }
    }

    /// Asks for the project's terms; nothing was done.
    pub fn wants_terms() -> Self {
        Self { status: 409, flag: Flag::WantsTerms, rate: None, body: String::new() }
    }

    /// Whether a text that crossed is [`Reply::wants_terms`].
    pub fn is_wish_for_terms(text: &str) -> bool {
        text.starts_with("409t")
    }

    /// Whether a text that crossed says that a purchase is to be made.
    pub fn is_wish_to_buy(text: &str) -> bool {
        text.starts_with("402b")
    }

    /// As the text that crosses: status, flag, a line about the rate limit if
    /// there is one, body.
    pub fn to_text(&self) -> String {
        let rate = self.rate.map(RateState::to_text).unwrap_or_default();
        let mut text = String::with_capacity(rate.len().saturating_add(self.body.len()).saturating_add(8));
        push_number(&mut text, u64::from(self.status));
        text.push(self.flag.letter());
        text.push_str(&rate);
        text.push_str(&self.body);
        text
    }

    /// From the text that crossed; `None` for any other text.
    pub fn from_text(text: &str) -> Option<Self> {
        let (status, rest) = text.split_at_checked(3)?;
        let status = status.parse().ok()?;
        let mut rest = rest.chars();
        let letter = rest.next()?;
        let flag = Flag::LETTERS.iter().find(|(known, _)| *known == letter)?.1;
        let body = rest.as_str();
        let (rate, body) = match body.strip_prefix('#').and_then(|body| body.split_once('\n')) {
            Some((rate, body)) => (RateState::from_text(rate, status == 429), body),
            None => (None, body),
        };
        Some(Self { status, flag, rate, body: body.to_owned() })
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self { status: problem.code.status(), flag: Flag::Plain, rate: None, body: problem.to_json() }
    }
}
