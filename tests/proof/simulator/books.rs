//! The auditor's own books of one customer: made from the journal's rows by
//! sums of its own, with nothing of the engine's. Amounts are `i128`
//! millionths.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::IgnoredAny;

type Part = (u64, i64);

/// What a row says that happened, as far as credits are concerned.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Happened {
    Granted {
        grant: Lot,
        refund_of: Option<u64>,
        note: Option<Note>,
    },
    Allocated {
        grant: Option<Lot>,
    },
    RolledOver {
        grant: Lot,
    },
    Consumed {
        draws: Vec<Part>,
        #[serde(default)]
        debt: i64,
        note: Option<Note>,
    },
    Deducted {
        draws: Vec<Part>,
        note: Option<Note>,
    },
    Reversed {
        draws: Vec<Part>,
    },
    Held {
        hold: Hold,
    },
    Extended {
        hold: u64,
        expires_at: i64,
    },
    Settled {
        hold: u64,
        held: i64,
        draws: Vec<Part>,
        debt: i64,
        late: bool,
    },
    Released {
        hold: u64,
    },
    Expired {
        grant: u64,
        amount: i64,
    },
    DebtPaid {
        draws: Vec<Part>,
    },
    TierChanged {
        ends_grants: bool,
    },
    Opened(IgnoredAny),
    Updated(IgnoredAny),
    Closed,
    KeyRevoked(IgnoredAny),
    SettingsChanged(IgnoredAny),
    TermsChanged(IgnoredAny),
    PurchaseStarted(IgnoredAny),
    PurchaseFailed(IgnoredAny),
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Lot {
    source: String,
    pub(crate) amount: i64,
    effective_at: i64,
    #[serde(default)]
    expires_at: Option<i64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hold {
    pub(crate) amount: i64,
    draws: Vec<Part>,
    expires_at: i64,
    note: Option<Note>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Note {
    description: Option<String>,
}

/// A row as it was read.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) seq: u64,
    pub(crate) at: i64,
    pub(crate) amount: i64,
    pub(crate) balance_after: i64,
    pub(crate) key: Option<Rc<str>>,
    pub(crate) fingerprint: Option<Rc<str>>,
    pub(crate) happened: Happened,
}

impl Fact {
    /// The caller's own words with it.
    pub(crate) fn words(&self) -> Option<&str> {
        let note = match &self.happened {
            Happened::Granted { note, .. }
            | Happened::Consumed { note, .. }
            | Happened::Deducted { note, .. } => note,
            Happened::Held { hold } => &hold.note,
            _ => return None,
        };
        note.as_ref().and_then(|note| note.description.as_deref())
    }
}

#[derive(Debug)]
struct OpenLot {
    left: i128,
    held: i128,
    from: i64,
    until: Option<i64>,
    is_of_plan: bool,
}

/// How things stand after an entry, for answers that tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) balance: i128,
    pub(crate) held: i128,
    pub(crate) is_open: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    at: i64,
    sum: i128,
    debt: i128,
    lots: BTreeMap<u64, OpenLot>,
    holds: BTreeMap<u64, Hold>,
    /// Holds that ended by their time and may still be completed, once.
    run_out: BTreeMap<u64, bool>,
    refunded: HashMap<u64, i128>,
    charges: HashMap<u64, i128>,
    pub(crate) keys: HashMap<Rc<str>, u64>,
    /// Before the first entry, and after each.
    pub(crate) standings: Vec<Standing>,
}

fn require(holds: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(words()) }
}

impl Books {
    pub(crate) fn new() -> Self {
        Self { standings: vec![Standing { balance: 0, held: 0, is_open: false }], ..Self::default() }
    }

    pub(crate) fn pending(&self) -> usize {
        self.holds.len()
    }

    /// When the first pending hold must end.
    pub(crate) fn first_end(&self) -> Option<i64> {
        self.holds.values().map(|hold| hold.expires_at).min()
    }

    /// When a hold must end, while it is pending.
    pub(crate) fn end_of(&self, seq: u64) -> Option<i64> {
        self.holds.get(&seq).map(|hold| hold.expires_at)
    }

    fn held(&self) -> i128 {
        self.holds.values().map(|hold| i128::from(hold.amount)).sum()
    }

    /// What could be spent at an instant.
    fn available(&self, at: i64) -> i128 {
        let usable = self.lots.values().filter(|lot| lot.from <= at);
        usable.map(|lot| lot.left).sum::<i128>() - self.held() - self.debt
    }

    /// Takes a row in, and says what of it cannot be; debt by charges may
    /// reach `overage`.
    pub(crate) fn fold(&mut self, fact: &Fact, overage: i128) -> Result<(), String> {
        let seq = fact.seq;
        require(fact.at >= self.at, || format!("entry {seq}: time went back"))?;
        self.require_in_time(fact)?;
        self.at = fact.at;
        self.sum += i128::from(fact.amount);
        require(self.sum == i128::from(fact.balance_after), || {
            format!("entry {seq}: the entries add up to {}, and it says {}", self.sum, fact.balance_after)
        })?;
        if let Some(key) = &fact.key
            && let Some(other) = self.keys.insert(Rc::clone(key), seq)
        {
            return Err(format!("entries {other} and {seq} have the same key {key}"));
        }
        self.happen(fact)?;
        let lots = self.lots.values().map(|lot| lot.left).sum::<i128>() - self.debt;
        require(lots == self.sum, || {
            format!("entry {seq}: {lots} in grants less debt, {} by entries", self.sum)
        })?;
        let asks = matches!(
            fact.happened,
            Happened::Consumed { .. } | Happened::Held { .. } | Happened::Deducted { .. }
        );
        let may_owe = if matches!(fact.happened, Happened::Deducted { .. }) { 0 } else { overage };
        let available = self.available(fact.at);
        // Who asks for nothing is not refused for what is owed already.
        let asked = fact.amount != 0 || matches!(&fact.happened, Happened::Held { hold } if hold.amount > 0);
        require(!asks || !asked || available >= -may_owe, || {
            format!("entry {seq} leaves {available} available")
        })?;
        let is_open = match fact.happened {
            Happened::Opened(_) | Happened::Granted { .. } => true,
            Happened::Closed => false,
            _ => self.standings.last().is_some_and(|standing| standing.is_open),
        };
        self.standings.push(Standing { balance: self.sum, held: self.held(), is_open });
        Ok(())
    }

    /// What was due before an entry must have happened before it.
    fn require_in_time(&self, fact: &Fact) -> Result<(), String> {
        let late = self.first_end().is_some_and(|end| end < fact.at);
        require(!late, || format!("entry {}: a hold has outlived its end", fact.seq))?;
        let is_late = |lot: &OpenLot| lot.left > lot.held && lot.until.is_some_and(|until| until < fact.at);
        require(!self.lots.values().any(is_late), || {
            format!("entry {}: a grant has outlived its end", fact.seq)
        })
    }

    fn open(&mut self, seq: u64, lot: &Lot, amount: i64) -> Result<(), String> {
        require(lot.amount == amount && amount > 0, || format!("entry {seq}: the grant is not its amount"))?;
        let is_of_plan = matches!(lot.source.as_str(), "daily" | "period" | "rollover");
        let (left, from, until) = (i128::from(amount), lot.effective_at, lot.expires_at);
        self.lots.insert(seq, OpenLot { left, held: 0, from, until, is_of_plan });
        Ok(())
    }

    /// Takes credits from grants: as much as an entry says, from what is
    /// there, is effective, and is not held by others.
    fn take(&mut self, fact: &Fact, draws: &[Part], debt: i64) -> Result<(), String> {
        let total: i128 = draws.iter().map(|(_, amount)| i128::from(*amount)).sum();
        let seq = fact.seq;
        let is_payment = matches!(fact.happened, Happened::DebtPaid { .. });
        let asked = if is_payment { total } else { -i128::from(fact.amount) };
        require(total + i128::from(debt) == asked && debt >= 0, || {
            format!("entry {seq}: parts are not the whole")
        })?;
        for (id, amount) in draws {
            let lot = self.lots.get_mut(id).ok_or_else(|| format!("entry {seq}: draws on no grant {id}"))?;
            lot.left -= i128::from(*amount);
            let fits = *amount > 0 && lot.left >= lot.held && lot.from <= fact.at;
            require(fits, || format!("entry {seq}: draws more of grant {id} than is free"))?;
            if lot.left == 0 {
                self.lots.remove(id);
            }
        }
        self.debt += i128::from(debt);
        Ok(())
    }

    fn end_hold(&mut self, id: u64, fact: &Fact) -> Result<Hold, String> {
        let seq = fact.seq;
        let hold = self.holds.remove(&id).ok_or_else(|| format!("entry {seq}: hold {id} had ended"))?;
        for (lot, amount) in &hold.draws {
            if let Some(lot) = self.lots.get_mut(lot) {
                lot.held -= i128::from(*amount);
                // What was held could not leave before now.
                lot.until = lot.until.map(|until| until.max(fact.at));
            }
        }
        Ok(hold)
    }

    fn happen(&mut self, fact: &Fact) -> Result<(), String> {
        let (seq, amount) = (fact.seq, fact.amount);
        match &fact.happened {
            Happened::Granted { grant, refund_of, .. } => {
                self.open(seq, grant, amount)?;
                if let Some(charge) = refund_of {
                    let charged = self.charges.get(charge).copied().unwrap_or(0);
                    let refunded = self.refunded.entry(*charge).or_default();
                    *refunded += i128::from(amount);
                    require(*refunded <= charged, || format!("entry {seq}: refunds more than was charged"))?;
                }
            }
            Happened::RolledOver { grant } | Happened::Allocated { grant: Some(grant) } => {
                self.open(seq, grant, amount)?;
            }
            Happened::Consumed { draws, debt, .. } => {
                self.take(fact, draws, *debt)?;
                self.charges.insert(seq, -i128::from(amount));
            }
            Happened::Deducted { draws, .. } | Happened::Reversed { draws } => self.take(fact, draws, 0)?,
            Happened::DebtPaid { draws } => {
                self.take(fact, draws, 0)?;
                self.debt -= draws.iter().map(|(_, amount)| i128::from(*amount)).sum::<i128>();
                require(self.debt >= 0, || format!("entry {seq}: pays more than is owed"))?;
            }
            Happened::Held { hold } => {
                for (id, part) in &hold.draws {
                    let lot =
                        self.lots.get_mut(id).ok_or_else(|| format!("entry {seq}: holds of no grant"))?;
                    lot.held += i128::from(*part);
                    require(lot.held <= lot.left, || {
                        format!("entry {seq}: holds more of {id} than is free")
                    })?;
                }
                self.holds.insert(seq, hold.clone());
            }
            Happened::Extended { hold, expires_at } => match self.holds.get_mut(hold) {
                Some(hold) => hold.expires_at = *expires_at,
                None => return Err(format!("entry {seq}: extends hold {hold}, which had ended")),
            },
            Happened::Settled { hold, held, draws, debt, late } => {
                let was_held = if *late {
                    require(self.run_out.insert(*hold, true) == Some(false), || {
                        format!("entry {seq}: hold {hold} did not run out, or was completed before")
                    })?;
                    0
                } else {
                    self.end_hold(*hold, fact)?.amount
                };
                require(*held == was_held, || format!("entry {seq}: {was_held} was held, not {held}"))?;
                self.take(fact, draws, *debt)?;
                self.charges.insert(seq, -i128::from(amount));
            }
            Happened::Released { hold } => {
                let ended = self.end_hold(*hold, fact)?;
                require(ended.expires_at <= fact.at, || format!("entry {seq}: ends hold {hold} too early"))?;
                self.run_out.insert(*hold, false);
            }
            Happened::Expired { grant, amount } => self.take(fact, &[(*grant, *amount)], 0)?,
            Happened::TierChanged { ends_grants } => {
                for lot in self.lots.values_mut().filter(|lot| *ends_grants && lot.is_of_plan) {
                    lot.until = Some(lot.until.map_or(fact.at, |until| until.min(fact.at)));
                }
            }
            Happened::Closed => {
                self.lots.clear();
                self.holds.clear();
                self.run_out.clear();
                self.debt = 0;
            }
            _ => {}
        }
        let is_still = matches!(
            fact.happened,
            Happened::Held { .. }
                | Happened::Extended { .. }
                | Happened::Released { .. }
                | Happened::DebtPaid { .. }
                | Happened::Allocated { grant: None }
                | Happened::TierChanged { .. }
                | Happened::Opened(_)
                | Happened::Updated(_)
                | Happened::KeyRevoked(_)
                | Happened::SettingsChanged(_)
                | Happened::TermsChanged(_)
                | Happened::PurchaseStarted(_)
                | Happened::PurchaseFailed(_)
        );
        require(!is_still || amount == 0, || format!("entry {seq}: moves {amount} where nothing can move"))
    }
}
