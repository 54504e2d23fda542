//! What the model is asked: plain numbers, and their translation into the
//! ledger's own request. Instants are milliseconds since 1970, amounts are
//! millionths.

use edge_credits::ledger::{
    AddKind, Addition, Charge, Command, Completion, IdempotencyKey, Opening, Request, Reservation, Source,
};
use edge_credits::pricing::{ModelPrice, Tokens};
use edge_credits::text::Name;
use edge_credits::{Credits, Timestamp};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) ask: Ask,
    /// A key and the fingerprint it comes with.
    pub(crate) key: Option<(u8, u8)>,
    pub(crate) deadline: Option<i64>,
}

#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Consume(i64),
    Add(Adding),
    /// Amount, lifetime, and the price of a million input and output tokens.
    Reserve(i64, i64, Option<(i64, i64)>),
    Extend(u64, i64),
    /// Hold, success, what was used.
    Complete(u64, bool, Used),
    Open(u8),
    Update(u8),
    Close,
    Revoke(u8, i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Adding {
    pub(crate) amount: i64,
    /// 0 topup, 1 adjustment, 2 refund.
    pub(crate) kind: u8,
    /// Index into the ledger's list of sources.
    pub(crate) source: Option<u8>,
    pub(crate) priority: Option<i32>,
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
    pub(crate) refund_of: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Used {
    Unsaid,
    Amount(i64),
    /// Input and output.
    Tokens(u32, u32),
}

fn credits(millionths: i64) -> Credits {
    Credits::from_millionths(millionths).unwrap()
}

fn metadata(tag: u8) -> Option<String> {
    (tag > 0).then(|| format!("{{\"tag\":{tag}}}"))
}

impl Order {
    pub(crate) fn request(&self) -> Request {
        Request {
            command: self.ask.command(),
            key: self.key.map(|(key, fingerprint)| IdempotencyKey {
                key: format!("key-{key}"),
                fingerprint: format!("print-{fingerprint}"),
            }),
            deadline: self.deadline.map(Timestamp::from_ms),
        }
    }
}

impl Ask {
    fn command(&self) -> Command {
        match self {
            Self::Consume(amount) => Command::Consume { amount: credits(*amount), note: None },
            Self::Add(adding) => Command::Add(Box::new(adding.addition())),
            Self::Reserve(amount, lasts, price) => Command::Reserve(Box::new(Reservation {
                amount: credits(*amount),
                expires_in_ms: *lasts,
                price: price.map(|(input, output)| {
                    Box::new(ModelPrice {
                        model: Name::new("m").unwrap(),
                        input_per_million: credits(input),
                        output_per_million: credits(output),
                        cached_input_per_million: None,
                        minimum: None,
                    })
                }),
                note: None,
            })),
            Self::Extend(hold, lasts) => Command::Extend { hold: *hold, expires_in_ms: *lasts },
            Self::Complete(hold, success, used) => Command::Complete(Completion {
                hold: *hold,
                success: *success,
                charge: match *used {
                    Used::Unsaid => None,
                    Used::Amount(amount) => Some(Charge::Amount(credits(amount))),
                    Used::Tokens(input, output) => Some(Charge::Tokens(Tokens {
                        input: input.into(),
                        cached_input: 0,
                        output: output.into(),
                    })),
                },
            }),
            Self::Open(tag) => {
                Command::Open(Box::new(Opening { metadata: metadata(*tag), ..Opening::default() }))
            }
            Self::Update(tag) => Command::Update { metadata: metadata(*tag) },
            Self::Close => Command::Close,
            Self::Revoke(key, from) => {
                Command::RevokeKey { key_id: format!("k{key}"), at: Timestamp::from_ms(*from) }
            }
        }
    }
}

impl Adding {
    fn addition(&self) -> Addition {
        Addition {
            amount: credits(self.amount),
            kind: [AddKind::Topup, AddKind::Adjustment, AddKind::Refund][usize::from(self.kind)],
            source: self.source.map(|index| Source::ALL[usize::from(index)]),
            product: None,
            priority: self.priority,
            effective_at: self.from.map(Timestamp::from_ms),
            expires_at: self.until.map(Timestamp::from_ms),
            refund_of: self.refund_of,
            note: None,
        }
    }
}
