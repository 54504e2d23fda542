//! What a project sells, as the model says it, and the same as the ledger's
//! terms.

use edge_credits::ledger::{
    OverageMode, Pack, Rollover, SettingChange, Settings, SpendLimit, SpendWindow, Terms, Tier, Unit,
};
use edge_credits::text::Name;
use edge_credits::{Credits, Timestamp};

pub(crate) const BLOCK: u8 = 0;
pub(crate) const ALLOW: u8 = 1;
pub(crate) const BUY: u8 = 2;

#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub(crate) version: u64,
    pub(crate) since: i64,
    pub(crate) rules: Rules,
    /// The tier of new customers.
    pub(crate) usual: Option<u8>,
    pub(crate) deals: Vec<Deal>,
    /// Credits and cents.
    pub(crate) packs: Vec<(i64, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deal {
    pub(crate) id: u8,
    pub(crate) gives: i64,
    pub(crate) unit: u8,
    /// The most, and for how many periods.
    pub(crate) rolls: Option<(i64, u32)>,
    pub(crate) mode: Option<u8>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    pub(crate) mode: Option<u8>,
    /// Of debt.
    pub(crate) depth: Option<i64>,
    /// A day.
    pub(crate) buys: Option<u32>,
    pub(crate) caps: Option<Vec<Cap>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cap {
    pub(crate) daily: bool,
    pub(crate) most: i64,
    pub(crate) feature: Option<u8>,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Mode(Option<u8>),
    Depth(Option<i64>),
    Buys(Option<u32>),
    Caps(Option<Vec<Cap>>),
}

pub(crate) fn name(letter: char, number: u8) -> Name {
    Name::new(format!("{letter}{number}")).unwrap()
}

fn credits(millionths: i64) -> Credits {
    Credits::from_millionths(millionths).unwrap()
}

fn mode(mode: u8) -> OverageMode {
    [OverageMode::Block, OverageMode::Allow, OverageMode::AutoPurchase][usize::from(mode)]
}

impl Cap {
    fn limit(&self) -> SpendLimit {
        SpendLimit {
            per: if self.daily { SpendWindow::Day } else { SpendWindow::Period },
            amount: credits(self.most),
            feature: self.feature.map(|feature| name('f', feature)),
        }
    }
}

fn limits(caps: &Option<Vec<Cap>>) -> Option<Vec<SpendLimit>> {
    caps.as_ref().map(|caps| caps.iter().map(Cap::limit).collect())
}

impl Change {
    pub(crate) fn setting(&self) -> SettingChange {
        match self {
            Self::Mode(value) => SettingChange::OverageMode(value.map(mode)),
            Self::Depth(value) => SettingChange::OverageLimit(value.map(credits)),
            Self::Buys(value) => SettingChange::AutoPurchaseLimit(*value),
            Self::Caps(value) => SettingChange::SpendLimits(limits(value)),
        }
    }
}

impl Rules {
    pub(crate) fn change(&mut self, change: &Change) {
        match change {
            Change::Mode(value) => self.mode = *value,
            Change::Depth(value) => self.depth = *value,
            Change::Buys(value) => self.buys = *value,
            Change::Caps(value) => self.caps.clone_from(value),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            overage_mode: self.mode.map(mode),
            overage_limit: self.depth.map(credits),
            auto_purchase_limit: self.buys,
            spend_limits: limits(&self.caps),
            ..Settings::default()
        }
    }
}

impl Deal {
    fn tier(&self) -> Tier {
        Tier {
            id: name('t', self.id),
            name: None,
            allocation: credits(self.gives),
            period: [Unit::Day, Unit::Week, Unit::Month, Unit::Year][usize::from(self.unit)],
            rollover: self.rolls.map(|(max, periods)| Rollover { max: credits(max), periods }),
            overage_mode: self.mode.map(mode),
            rate_limit: None,
        }
    }
}

impl Offer {
    pub(crate) fn deal(&self, id: u8) -> Option<&Deal> {
        self.deals.iter().find(|deal| deal.id == id)
    }

    pub(crate) fn terms(&self) -> Terms {
        let pack = |(number, (amount, price_cents)): (usize, &(i64, u64))| Pack {
            id: name('s', number.try_into().unwrap()),
            name: String::new(),
            credits: credits(*amount),
            price_cents: *price_cents,
            currency: "eur".to_owned(),
            stripe_price_id: None,
        };
        Terms {
            version: self.version,
            since: Timestamp::from_ms(self.since),
            settings: Settings {
                default_tier: self.usual.map(|tier| name('t', tier)),
                ..self.rules.settings()
            },
            tiers: self.deals.iter().map(Deal::tier).collect(),
            packs: self.packs.iter().enumerate().map(pack).collect(),
        }
    }
}
