//! The auditor's view of one object: it reads each row once, asks who wanted
//! it, and keeps its own [`Books`].

use super::books::Happened;
use super::books::{Books, Fact};
use super::caller::{Callers, Expected, OWNERS};
use super::disk::Disk;
use super::event::Deed;
use super::table::Cell;

pub(crate) struct Audit {
    object: usize,
    /// How far debt by charges may go.
    overage: i128,
    pub(crate) facts: Vec<Fact>,
    pub(crate) books: Books,
    /// Entries that somebody was told of: number and operation.
    told: Vec<(u64, u32)>,
    last_told: u64,
    /// Whether an alarm was lost on its way: then none is expected.
    pub(crate) has_lost_alarm: bool,
}

/// What a row's key or words say of the operation that it is of.
fn operation_of(fact: &Fact) -> Option<(u32, Option<usize>)> {
    let Some(key) = &fact.key else {
        return Some((fact.words()?.strip_prefix("op-")?.parse().ok()?, None));
    };
    if let Some(id) = key.strip_prefix("purchase:p") {
        return Some((id.parse().ok()?, None));
    }
    let (id, item) = match key.strip_prefix('k')?.split_once('.') {
        Some((id, item)) => (id, Some(item.parse().ok()?)),
        None => (key.strip_prefix('k')?, None),
    };
    Some((id.parse().ok()?, item))
}

impl Audit {
    pub(crate) fn new(object: usize, overage: i64) -> Self {
        Self {
            object,
            overage: overage.into(),
            facts: Vec::new(),
            books: Books::new(),
            told: Vec::new(),
            last_told: 0,
            has_lost_alarm: false,
        }
    }

    /// Reads what is new, and checks all of it.
    pub(crate) fn catch_up(&mut self, disk: &Disk, callers: &Callers) -> Result<(), String> {
        let undone = disk.take_undone();
        if undone < self.facts.len() {
            self.facts.truncate(undone);
            self.books = Books::new();
            for fact in &self.facts {
                self.books.fold(fact, self.overage)?;
            }
            if let Some((seq, id)) = self.told.iter().find(|(seq, _)| *seq > undone as u64) {
                return Err(format!("entry {seq} was acknowledged (operation {id}) and is lost"));
            }
        }
        if disk.row_count() > self.facts.len() {
            disk.read(|contents| self.read(contents, callers))?;
            self.whole_batches(callers)?;
        }
        Ok(())
    }

    fn read(&mut self, contents: &super::table::Contents, callers: &Callers) -> Result<(), String> {
        let places = ["seq", "at", "amount", "balance_after", "idempotency_key", "fingerprint", "payload"]
            .map(|column| contents.place_of(column));
        for row in &contents.rows[self.facts.len()..] {
            let cell = |index: usize| &row[places[index]];
            let payload = cell(6).text().unwrap();
            let happened: Happened =
                serde_json::from_str(payload).map_err(|error| format!("{error} in the payload {payload}"))?;
            let fact = Fact {
                seq: cell(0).integer() as u64,
                at: cell(1).integer(),
                amount: cell(2).integer(),
                balance_after: cell(3).integer(),
                key: cell(4).text().cloned(),
                fingerprint: cell(5).text().cloned(),
                happened,
            };
            if fact.seq != self.facts.len() as u64 + 1 {
                return Err(format!("entry {} is in place {}", fact.seq, self.facts.len() + 1));
            }
            self.wanted(&fact, callers)?;
            self.books.fold(&fact, self.overage).map_err(|words| {
                let before = self.facts.iter().rev().take(8).rev();
                let lines: Vec<String> = before.chain([&fact]).map(|fact| format!("    {fact:?}")).collect();
                format!("{words}, after\n{}", lines.join("\n"))
            })?;
            self.facts.push(fact);
        }
        let identity = contents.identity().unwrap_or_default();
        let owner = &OWNERS[self.object];
        let is_own = [owner.project, owner.mode, owner.customer]
            .iter()
            .zip(identity)
            .all(|(own, cell)| matches!(cell, Cell::Text(text) if **text == **own));
        if is_own { Ok(()) } else { Err(format!("the object of {owner:?} says that it is {identity:?}")) }
    }

    /// Whether somebody asked for just this, of this customer; or time brings
    /// it about.
    fn wanted(&self, fact: &Fact, callers: &Callers) -> Result<(), String> {
        let seq = fact.seq;
        let Some((id, item)) = operation_of(fact) else {
            let comes_by_itself = matches!(
                fact.happened,
                Happened::Expired { .. }
                    | Happened::Released { .. }
                    | Happened::Allocated { .. }
                    | Happened::RolledOver { .. }
                    | Happened::DebtPaid { .. }
                    | Happened::TermsChanged(_)
                    | Happened::Opened(_)
            );
            return match comes_by_itself && fact.key.is_none() {
                true => Ok(()),
                false => Err(format!("entry {seq}: nobody asked for {:?} {:?}", fact.key, fact.happened)),
            };
        };
        let operation =
            callers.operations.get(id as usize).ok_or_else(|| format!("entry {seq}: of nobody"))?;
        if operation.object != self.object || operation.deed == Deed::Stranger {
            return Err(format!("entry {seq} is of operation {id}, which is another customer's"));
        }
        let own_key = match item {
            Some(item) => item < operation.items,
            None => operation.key.as_deref() == fact.key.as_deref(),
        };
        let print = fact.fingerprint.as_deref();
        if !own_key || print != fact.key.is_some().then(|| operation.fingerprint(id)).as_deref() {
            return Err(format!("entry {seq}: operation {id} has not the key {:?} {print:?}", fact.key));
        }
        let is_first = || {
            let earlier = |known: &&Fact| known.key.is_none() && operation_of(known) == Some((id, None));
            fact.key.is_some() || !self.facts.iter().any(|known| earlier(&known))
        };
        if !is_first() {
            return Err(format!("entry {seq}: operation {id} was done before"));
        }
        match as_expected(operation.expected, fact) {
            true => Ok(()),
            false => Err(format!("entry {seq}: {:?} became {fact:?}", operation.expected)),
        }
    }

    /// A batch of all or none is here as a whole, or not at all.
    fn whole_batches(&self, callers: &Callers) -> Result<(), String> {
        let Some((id, Some(_))) = self.facts.last().and_then(operation_of) else { return Ok(()) };
        let operation = &callers.operations[id as usize];
        let items =
            (0..operation.items).filter(|item| self.books.keys.contains_key(&*format!("k{id}.{item}")));
        let count = items.count();
        match operation.deed == Deed::Batch && count < operation.items {
            true => Err(format!("{count} of {} items of batch {id} are here", operation.items)),
            false => Ok(()),
        }
    }

    /// Keeps that somebody was told of an entry.
    pub(crate) fn tell(&mut self, seq: u64, id: u32) {
        self.told.push((seq, id));
        self.last_told = self.last_told.max(seq);
    }

    /// The last entry that somebody was told of.
    pub(crate) fn last_told(&self) -> u64 {
        self.last_told
    }
}

fn as_expected(expected: Expected, fact: &Fact) -> bool {
    let amount = fact.amount;
    match (expected, &fact.happened) {
        (Expected::Charge(charge), Happened::Consumed { .. })
        | (Expected::Deduct(charge), Happened::Deducted { .. }) => amount == -charge,
        (Expected::Grant(granted), Happened::Granted { .. }) => amount == granted,
        (Expected::Hold(held), Happened::Held { hold }) => amount == 0 && hold.amount == held,
        (Expected::Extend(hold), Happened::Extended { hold: of, .. }) => amount == 0 && *of == hold,
        (Expected::Settle(hold, charge), Happened::Settled { hold: of, .. }) => {
            *of == hold && charge.is_none_or(|charge| amount == -charge)
        }
        (Expected::TakeBack(credits), Happened::Reversed { .. }) => amount <= 0 && -amount <= credits,
        (Expected::Still, Happened::Opened(_) | Happened::TierChanged { .. }) => amount == 0,
        (Expected::Close, Happened::Closed) => true,
        _ => false,
    }
}
