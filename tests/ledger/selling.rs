//! What the tests of plans, overage and purchases say of a project's terms.

use edge_credits::ledger::{
    Configuration, Opening, OverageMode, Rollover, SettingChange, Settings, Terms, Tier, TierChange, Unit,
};
use edge_credits::text::Name;

use super::*;

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(&if text.contains('T') { format!("{text}Z") } else { format!("{text}T00:00:00Z") })
        .unwrap()
}

pub(super) fn tier(id: &str, allocation: i64, period: Unit) -> Tier {
    Tier {
        id: name(id),
        name: None,
        allocation: whole(allocation),
        period,
        rollover: None,
        overage_mode: None,
        rate_limit: None,
    }
}

pub(super) fn rolling(tier: Tier, max: i64, periods: u32) -> Tier {
    Tier { rollover: Some(Rollover { max: whole(max), periods }), ..tier }
}

pub(super) fn open_on(tier: &str, anchor: Option<&str>) -> Command {
    let tier = Some(name(tier));
    Command::Open(Box::new(Opening { tier, anchor: anchor.map(at), ..Opening::default() }))
}

pub(super) fn change_tier(tier: &str, reset_balance: bool) -> Command {
    Command::ChangeTier(Box::new(TierChange { tier: name(tier), reset_balance, anchor: None }))
}

pub(super) fn configure(changes: Vec<SettingChange>) -> Command {
    Command::Configure(Box::new(Configuration { changes, unblock_purchases: false }))
}

pub(super) fn allowing(limit: i64) -> Settings {
    Settings {
        overage_mode: Some(OverageMode::Allow),
        overage_limit: Some(whole(limit)),
        ..Settings::default()
    }
}

impl Story {
    pub(super) fn on(text: &str) -> Self {
        Self { now: at(text), ..Self::new() }
    }

    /// On a day, a project with these tiers, and a customer on the first.
    pub(super) fn planned(text: &str, tiers: &[Tier]) -> Self {
        let mut story = Self::on(text);
        story.tiers(tiers);
        story.did(open_on(tiers[0].id.as_str(), None));
        story
    }

    pub(super) fn move_to(&mut self, text: &str) -> &mut Self {
        self.now = at(text);
        self
    }

    /// The project's terms are these from now on.
    pub(super) fn terms(&mut self, terms: Terms) {
        let version = self.book.terms_version() + 1;
        self.book.take_terms(Terms { version, since: self.now, ..terms }, self.now);
    }

    pub(super) fn tiers(&mut self, tiers: &[Tier]) {
        self.terms(Terms { tiers: tiers.to_vec(), ..Terms::default() });
    }

    pub(super) fn settings(&mut self, settings: Settings) {
        self.terms(Terms { settings, ..Terms::default() });
    }

    /// Settles what is due, then prints the entries after the first `skipped`:
    /// date, word, amount, balance.
    pub(super) fn told(&mut self, skipped: usize) -> Vec<String> {
        self.book.settle_due(self.now);
        let line = |entry: &Entry| {
            let (amount, balance) = (in_whole(entry.amount), in_whole(entry.balance_after));
            format!("{} {} {amount} = {balance}", date(entry.at), entry.kind().word())
        };
        self.book.journal().entries().iter().skip(skipped).map(line).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.book.journal().entries().len()
    }

    /// The running period.
    pub(super) fn period(&self) -> (String, String) {
        let plan = self.book.ledger().plan().unwrap();
        (date(plan.period_start), date(plan.next_reset))
    }
}

/// Its day; with the time if that is not midnight.
pub(super) fn date(at: Timestamp) -> String {
    let text = at.to_string();
    let minute = text.rsplit_once(':').unwrap().0;
    minute.strip_suffix("T00:00").unwrap_or(minute).to_owned()
}
