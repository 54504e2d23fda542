//! The audit of a ledger, some entries at a time: others are served between
//! two parts of it.

use super::ledger::LedgerObject;
use super::ledger_views::no_customer;
use crate::api::{AuditAnswer, AuditFault, ChainAnswer, Code, Decimal, Problem};
use crate::worker::journal::audit::{Audit, Fault};
use crate::worker::message::Ask;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// Pages that one call checks: some 20 milliseconds.
const PAGES: usize = 2;
/// Audits of one customer that may be under way at once; a further one ends
/// the oldest, whose caller begins anew.
const MAX_RUNS: usize = 4;

/// The audits that are under way.
#[derive(Debug, Default)]
pub(super) struct Audits {
    last: u64,
    runs: Vec<(u64, Audit)>,
}

/// What a call for a part of an audit says: the number to go on with, or that
/// it is over.
const MORE: &str = "more ";

/// The audit that goes on, if a reply says that it does.
pub fn goes_on(reply: &Reply) -> Option<u64> {
    reply.body.strip_prefix(MORE)?.parse().ok()
}

impl<S: Store> LedgerObject<S> {
    /// A part of an audit: of one that is under way, or of a new one. When all
    /// entries were checked, what they make against what is in memory.
    pub(super) fn audit(&mut self, run: Option<u64>) -> Result<Reply, StoreFault> {
        self.write()?;
        if self.book.journal().is_empty() {
            return Ok(no_customer());
        }
        let place = self.audits.runs.iter().position(|(number, _)| Some(*number) == run);
        let mut audit = match place {
            Some(place) => self.audits.runs.remove(place).1,
            None => Audit::begin(self.book.journal())?,
        };
        for _ in 0..PAGES {
            if !audit.go_on(self.book.journal())? {
                return Ok(self.audited(audit));
            }
        }
        if self.audits.runs.len() >= MAX_RUNS {
            self.audits.runs.remove(0);
        }
        self.audits.last = self.audits.last.saturating_add(1);
        let number = self.audits.last;
        self.audits.runs.push((number, audit));
        Ok(Reply { body: format!("{MORE}{number}"), ..Reply::ok(&()) })
    }

    fn audited(&self, mut audit: Audit) -> Reply {
        match self.book.journal().damage() {
            Some(damage) => audit.add(damage),
            None => audit.compare(self.book.ledger()),
        }
        let sum = audit.sum();
        let live = self.book.ledger().balance();
        let fault = |Fault { seq, fault, detail }: &Fault| AuditFault {
            seq: *seq,
            fault: fault.word(),
            detail: detail.clone(),
        };
        Reply::ok(&AuditAnswer {
            journal_balance: Decimal(sum.unwrap_or_default()),
            live_balance: Decimal(live),
            entries: audit.entries(),
            consistent: audit.faults().is_empty() && sum == Some(live),
            chain: ChainAnswer {
                from: audit.chained_from(),
                head: audit.head().map(|head| head.to_string()),
            },
            faults: audit.faults().iter().map(fault).collect(),
        })
    }

    /// What is answered while the journal cannot be folded: what it holds can
    /// be looked at, and nothing else can be done.
    pub(super) fn damaged(&mut self, ask: &Ask) -> Result<Option<Reply>, StoreFault> {
        let Some(damage) = self.book.journal().damage() else {
            return Ok(None);
        };
        match ask {
            Ask::Audit { run } => self.audit(*run).map(Some),
            Ask::Export { after, until, limit } => self.export(*after, *until, *limit).map(Some),
            _ => {
                let detail = format!("the journal of this customer is damaged at entry {}", damage.seq);
                Ok(Some(Problem::new(Code::Internal, detail).into()))
            }
        }
    }
}
