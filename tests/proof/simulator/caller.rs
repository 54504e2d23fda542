//! Callers: what they ask, in the words of the Worker's front, and what they
//! remember of it.

use edge_credits::ledger::{OverageMode, Rollover, Settings, Terms, Tier, Unit};
use edge_credits::text::Name;
use edge_credits::{Credits, Timestamp};

use super::event::{DAY_MS, Deed, HOUR_MS};

const MOST: i64 = 9_000_000_000_000_000;

/// Whose object it is.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) project: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) customer: &'static str,
}

pub(crate) const OWNERS: [Owner; 4] = [
    Owner { project: "shop", mode: "live", customer: "alice" },
    Owner { project: "shop", mode: "live", customer: "bob" },
    Owner { project: "shop", mode: "test", customer: "alice" },
    Owner { project: "bank", mode: "live", customer: "alice" },
];

/// What an operation's entry must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Charge(i64),
    Grant(i64),
    Deduct(i64),
    Hold(i64),
    Extend(u64),
    /// Of a hold, by an amount or by all of it.
    Settle(u64, Option<i64>),
    /// As much as is there of so much.
    TakeBack(i64),
    /// Something that moves nothing.
    Still,
    /// Of all credits.
    Close,
    /// No entry at all.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) object: usize,
    pub(crate) deed: Deed,
    pub(crate) expected: Expected,
    /// `None`: it must not be sent twice.
    pub(crate) key: Option<String>,
    /// Items of a batch; each has a key of its own.
    pub(crate) items: usize,
    ask: String,
    as_whom: usize,
    /// Entries that others had been told of when it was first sent.
    pub(crate) floor: usize,
    /// The entry that its callers were told of, once.
    pub(crate) told: Option<u64>,
    pub(crate) is_over: bool,
}

impl Operation {
    pub(crate) fn fingerprint(&self, id: u32) -> String {
        if matches!(self.deed, Deed::Purchase) { "purchase".to_owned() } else { format!("f{id}") }
    }

    /// As the front sends it: it may know the project's terms by an old
    /// version, and brings them if it was asked for them.
    pub(crate) fn message(&self, version: u64, terms: Option<&str>) -> String {
        let Owner { project, mode, customer } = &OWNERS[self.as_whom];
        let terms = terms.map(|terms| format!(",\"terms\":{terms}")).unwrap_or_default();
        format!(
            "{{\"project\":\"{project}\",\"mode\":\"{mode}\",\"customer\":\"{customer}\",\
             \"terms_version\":{version}{terms},\"ask\":{}}}",
            self.ask
        )
    }
}

/// What callers know by now.
#[derive(Debug, Default)]
pub(crate) struct Callers {
    pub(crate) operations: Vec<Operation>,
    /// Of each object: holds and charges that somebody was told of, and
    /// purchases that were paid.
    pub(crate) holds: [Vec<u64>; 4],
    pub(crate) charges: [Vec<u64>; 4],
    paid: [Vec<(u32, i64)>; 4],
}

fn amount(size: u16) -> i64 {
    match size % 101 {
        0 => MOST,
        1 => 1,
        2 => 333_333,
        _ => i64::from(size % 40 + 1) * 250_000,
    }
}

fn pick<T: Copy>(known: &[T], size: u16) -> Option<T> {
    let place = usize::from(size).checked_rem(known.len())?;
    Some(known[known.len() - 1 - place])
}

impl Callers {
    /// A new operation; its number is its place.
    pub(crate) fn begin(&mut self, object: usize, deed: Deed, size: u16, now: i64) -> Option<u32> {
        let id = self.operations.len() as u32;
        let (small, large) = (size % 32, size / 32);
        let amount = amount(size);
        let note = format!("\"note\":{{\"description\":\"op-{id}\"}}");
        let hold = pick(&self.holds[object], small).unwrap_or(u64::from(small));
        let mut items = 0;
        let (command, expected) = match deed {
            Deed::Consume | Deed::ConsumeOnce | Deed::Stranger => {
                (format!("{{\"consume\":{{\"amount\":{amount},{note}}}}}"), Expected::Charge(amount))
            }
            Deed::KeyAgain => ("{\"consume\":{\"amount\":1}}".to_owned(), Expected::Nothing),
            Deed::Topup => {
                let amount = amount.min(MOST / 2).saturating_mul(2);
                let add = format!("{{\"add\":{{\"amount\":{amount},\"kind\":\"topup\",{note}}}}}");
                (add, Expected::Grant(amount))
            }
            Deed::TopupInTime => {
                let from = now + [0, HOUR_MS, 2 * DAY_MS, -DAY_MS][usize::from(size % 4)];
                let until = from.max(now) + [1, HOUR_MS, DAY_MS, 45 * DAY_MS][usize::from(large % 4)];
                let add = format!(
                    "{{\"add\":{{\"amount\":{amount},\"kind\":\"topup\",\"priority\":{},\
                     \"effective_at\":{from},\"expires_at\":{until},{note}}}}}",
                    large % 3 * 20
                );
                (add, Expected::Grant(amount))
            }
            Deed::Deduct => {
                let add = format!("{{\"add\":{{\"amount\":-{amount},\"kind\":\"adjustment\",{note}}}}}");
                (add, Expected::Deduct(amount))
            }
            Deed::Reserve => {
                let lasts = [1_000, 60_000, HOUR_MS, DAY_MS, 45 * DAY_MS][usize::from(large % 5)];
                let reserve =
                    format!("{{\"reserve\":{{\"amount\":{amount},\"expires_in_ms\":{lasts},{note}}}}}");
                (reserve, Expected::Hold(amount))
            }
            Deed::Extend => {
                let lasts = [1_000, HOUR_MS, DAY_MS][usize::from(large % 3)];
                let extend = format!("{{\"extend\":{{\"hold\":{hold},\"expires_in_ms\":{lasts}}}}}");
                (extend, Expected::Extend(hold))
            }
            Deed::Complete => {
                let charge = (large % 3 > 0).then_some(amount / i64::from(large % 4 + 1));
                let text =
                    charge.map(|charge| format!(",\"charge\":{{\"amount\":{charge}}}")).unwrap_or_default();
                let complete = format!("{{\"complete\":{{\"hold\":{hold},\"success\":true{text}}}}}");
                (complete, Expected::Settle(hold, charge))
            }
            Deed::Refund => {
                let charge = pick(&self.charges[object], small).unwrap_or(u64::from(small));
                let add = format!(
                    "{{\"add\":{{\"amount\":{amount},\"kind\":\"refund\",\"refund_of\":{charge},{note}}}}}"
                );
                (add, Expected::Grant(amount))
            }
            Deed::Batch | Deed::BatchOfEach => {
                items = if large % 8 == 0 { 40 } else { usize::from(large % 5) + 1 };
                let amount = amount / if items == 40 { 16 } else { 1 };
                let item = |index| {
                    format!(
                        "{{\"command\":{{\"consume\":{{\"amount\":{amount}}}}},\
                         \"key\":{{\"key\":\"k{id}.{index}\",\"fingerprint\":\"f{id}\"}}}}"
                    )
                };
                let list: Vec<String> = (0..items).map(item).collect();
                (list.join(","), Expected::Charge(amount))
            }
            Deed::Purchase => {
                self.paid[object].push((id, amount));
                let purchase = format!(
                    "{{\"purchase\":{{\"id\":\"p{id}\",\"credits\":{amount},\"price_cents\":100,\
                     \"currency\":\"eur\",\"stripe_customer\":\"cus\"}}}}"
                );
                (purchase, Expected::Grant(amount))
            }
            Deed::TakeBack => {
                let (bought, credits) = pick(&self.paid[object], small)?;
                let take_back = format!(
                    "{{\"take_back\":{{\"purchase\":\"p{bought}\",\"refunded_cents\":{},\"reason\":\"{}\",\
                     \"event\":\"\"}}}}",
                    large % 120,
                    if size.is_multiple_of(2) { "refund" } else { "dispute" }
                );
                (take_back, Expected::TakeBack(credits))
            }
            Deed::Open => ("{\"open\":{}}".to_owned(), Expected::Still),
            Deed::ChangeTier => {
                let change = format!(
                    "{{\"change_tier\":{{\"tier\":\"{}\",\"reset_balance\":{}}}}}",
                    ["free", "pro"][usize::from(small % 2)],
                    large % 2 == 0
                );
                (change, Expected::Still)
            }
            // Rarely: a life that ends early shows little.
            Deed::Close if !size.is_multiple_of(4) => return None,
            Deed::Close => ("\"close\"".to_owned(), Expected::Close),
            Deed::Balance | Deed::Audit => (String::new(), Expected::Nothing),
        };
        let mut operation = Operation {
            object,
            deed,
            expected,
            key: None,
            items,
            ask: String::new(),
            as_whom: if deed == Deed::Stranger { (object + 1 + usize::from(large % 3)) % 4 } else { object },
            floor: 0,
            told: None,
            is_over: false,
        };
        operation.key = match deed {
            Deed::ConsumeOnce | Deed::Balance | Deed::Audit | Deed::Batch | Deed::BatchOfEach => None,
            Deed::Purchase => Some(format!("purchase:p{id}")),
            Deed::KeyAgain => {
                // Of one that is done, by an entry of its own: any other key could still
                // be this one's.
                let done = |known: &&Operation| {
                    known.object == object && known.told.is_some() && known.deed != Deed::Complete
                };
                let keyed = self.operations.iter().filter(done).filter_map(|known| known.key.as_ref());
                let keyed: Vec<&String> = keyed.collect();
                Some(pick(&keyed, small)?.clone())
            }
            _ => Some(format!("k{id}")),
        };
        let key = operation.key.as_ref().map(|key| {
            format!(",\"key\":{{\"key\":\"{key}\",\"fingerprint\":\"{}\"}}", operation.fingerprint(id))
        });
        operation.ask = match deed {
            Deed::Balance => "{\"balance\":{\"breakdown\":false}}".to_owned(),
            Deed::Audit => "{\"audit\":{}}".to_owned(),
            Deed::Batch | Deed::BatchOfEach => {
                format!("{{\"batch\":{{\"items\":[{command}],\"atomic\":{}}}}}", deed == Deed::Batch)
            }
            _ => format!("{{\"execute\":{{\"command\":{command}{}}}}}", key.unwrap_or_default()),
        };
        self.operations.push(operation);
        Some(id)
    }
}

impl Operation {
    /// Whether a caller may send it again.
    pub(crate) fn may_repeat(&self) -> bool {
        self.deed != Deed::ConsumeOnce
    }
}

/// What the project sells: another allocation by each version.
pub(crate) fn terms(version: u64, since: i64, has_default: bool, overage: i64) -> Terms {
    let name = |text: &str| Name::new(text.to_owned()).unwrap();
    let credits = |millionths: i64| Credits::from_millionths(millionths).unwrap();
    let tier = |id: &str, whole: i64, period, rollover| Tier {
        id: name(id),
        name: None,
        allocation: credits(whole * 1_000_000),
        period,
        rollover,
        overage_mode: None,
        rate_limit: None,
    };
    let rollover = Rollover { max: credits(4_000_000), periods: 2 };
    Terms {
        version,
        since: Timestamp::from_ms(since),
        settings: Settings {
            default_tier: has_default.then(|| name("free")),
            overage_mode: (overage > 0).then_some(OverageMode::Allow),
            overage_limit: (overage > 0).then(|| credits(overage)),
            ..Settings::default()
        },
        tiers: vec![
            tier("free", (3 + version % 5) as i64, Unit::Month, None),
            tier("pro", (10 + version % 7) as i64, Unit::Week, Some(rollover)),
        ],
        packs: Vec::new(),
    }
}
