//! What the model is asked: plain numbers, and their translation into the
//! ledger's own request. Instants are milliseconds since 1970, amounts are
//! millionths.

use edge_credits::ledger::{
    AddKind, Addition, Charge, Command, Completion, Configuration, IdempotencyKey, Note, Opening, Purchase,
    Request, Reservation, Settings, Source, TakeBack, TakeBackReason, TierChange, purchase_key,
};
use edge_credits::pricing::{ModelPrice, Tokens};
use edge_credits::text::Name;
use edge_credits::{Credits, Timestamp};

use super::offer::{Change, name};

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
    /// Amount and feature.
    Consume(i64, Option<u8>),
    Add(Adding),
    /// Amount, lifetime, the price of a million input and output tokens, and
    /// the feature.
    Reserve(i64, i64, Option<(i64, i64)>, Option<u8>),
    Extend(u64, i64),
    /// Hold, success, what was used.
    Complete(u64, bool, Used),
    /// Metadata, tier, anchor, own settings.
    Open(u8, Option<u8>, Option<i64>, Vec<Change>),
    /// Tier, with reset, anchor.
    ChangeTier(u8, bool, Option<i64>),
    /// Changes, and whether overage may buy again.
    Configure(Vec<Change>, bool),
    Purchase(Buying),
    FailPurchase(u8),
    /// Purchase, cents in all, by a dispute.
    TakeBack(u8, u64, bool),
    GiveBack(u8),
    Update(u8),
    Close,
    Revoke(u8, i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Buying {
    pub(crate) id: u8,
    pub(crate) amount: i64,
    pub(crate) cents: u64,
    pub(crate) payer: Option<u8>,
}

/// Purchases' keys are numbered from here.
const FIRST_PURCHASE_KEY: u8 = 100;

impl Buying {
    /// The one key that its order has.
    pub(crate) fn key(&self) -> (u8, u8) {
        (FIRST_PURCHASE_KEY + self.id, 0)
    }
}

/// Our id of a purchase.
pub(crate) fn purchase_id(number: u8) -> String {
    format!("p{number}")
}

pub(crate) fn payer_id(number: u8) -> String {
    format!("cus_{number}")
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
            key: self.key.map(|(key, fingerprint)| match &self.ask {
                Ask::Purchase(buying) => purchase_key(&purchase_id(buying.id)),
                _ => {
                    IdempotencyKey { key: format!("key-{key}"), fingerprint: format!("print-{fingerprint}") }
                }
            }),
            deadline: self.deadline.map(Timestamp::from_ms),
        }
    }
}

impl Ask {
    fn command(&self) -> Command {
        match self {
            Self::Consume(amount, feature) => {
                Command::Consume { amount: credits(*amount), note: note(*feature) }
            }
            Self::Add(adding) => Command::Add(Box::new(adding.addition())),
            Self::Reserve(amount, lasts, price, feature) => Command::Reserve(Box::new(Reservation {
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
                note: note(*feature),
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
            Self::Open(tag, tier, anchor, own) => Command::Open(Box::new(Opening {
                metadata: metadata(*tag),
                tier: tier.map(|tier| name('t', tier)),
                anchor: anchor.map(Timestamp::from_ms),
                settings: Settings::default().changed(own.iter().map(Change::setting).collect()),
            })),
            Self::ChangeTier(tier, reset_balance, anchor) => Command::ChangeTier(Box::new(TierChange {
                tier: name('t', *tier),
                reset_balance: *reset_balance,
                anchor: anchor.map(Timestamp::from_ms),
            })),
            Self::Configure(changes, unblock) => Command::Configure(Box::new(Configuration {
                changes: changes.iter().map(Change::setting).collect(),
                unblock_purchases: *unblock,
            })),
            Self::Purchase(buying) => Command::Purchase(Box::new(buying.purchase())),
            Self::FailPurchase(id) => {
                Command::FailPurchase { id: purchase_id(*id), reason: "declined".to_owned() }
            }
            Self::TakeBack(id, cents, dispute) => Command::TakeBack(Box::new(TakeBack {
                purchase: purchase_id(*id),
                refunded_cents: *cents,
                reason: if *dispute { TakeBackReason::Dispute } else { TakeBackReason::Refund },
                event: String::new(),
            })),
            Self::GiveBack(id) => Command::GiveBack { purchase: purchase_id(*id), event: String::new() },
            Self::Update(tag) => Command::Update { metadata: metadata(*tag) },
            Self::Close => Command::Close,
            Self::Revoke(key, from) => {
                Command::RevokeKey { key_id: format!("k{key}"), at: Timestamp::from_ms(*from) }
            }
        }
    }
}

fn note(feature: Option<u8>) -> Option<Box<Note>> {
    feature
        .map(|feature| Box::new(Note { feature: Some(name('f', feature).into_string()), ..Note::default() }))
}

impl Buying {
    fn purchase(&self) -> Purchase {
        Purchase {
            id: purchase_id(self.id),
            pack: None,
            credits: credits(self.amount),
            price_cents: self.cents,
            currency: "eur".to_owned(),
            session: None,
            payment_intent: None,
            event: None,
            stripe_customer: self.payer.map(payer_id),
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
