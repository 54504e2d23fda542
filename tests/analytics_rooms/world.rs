//! Customers' ledgers and the shards that count for them, with a network
//! between them that loses, repeats and delays, and shards that forget.

use edge_credits::Timestamp;
use edge_credits::text::Name;
use edge_credits::worker::flow::Effect;
use edge_credits::worker::keys::Mode;
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::objects::rollup::{self, SHARDS, shard_name};
use edge_credits::worker::objects::shipping::Lane;
use serde_json::{Value, json};

use crate::messages::message;
use crate::sqlite::Sqlite;

/// Steele and Vigna's SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

pub(super) struct Shards(pub(super) Vec<(String, Sqlite)>);

impl Shards {
    pub(super) fn new() -> Self {
        let shop = Name::new("shop").unwrap();
        Self((0..SHARDS).map(|shard| (shard_name(&shop, Mode::Live, shard), Sqlite::new())).collect())
    }

    fn store(&self, name: &str) -> &Sqlite {
        &self.0.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// As the shell does it: all of a call or nothing of it.
    pub(super) fn call(&self, name: &str, message: &str) -> String {
        let store = self.store(name);
        store.connection.execute_batch("SAVEPOINT call").unwrap();
        let reply = rollup::call(store, message, rollup::is_made(store).unwrap()).unwrap().to_text();
        store.connection.execute_batch("RELEASE call").unwrap();
        reply
    }

    /// What each shard answers to one question.
    pub(super) fn ask(&self, question: &Value) -> Vec<Value> {
        let question = question.to_string();
        let answer = |(_, store): &(String, Sqlite)| {
            let reply = rollup::call(store, &question, rollup::is_made(store).unwrap()).unwrap();
            assert_eq!(reply.status, 200);
            serde_json::from_str(&reply.body).unwrap()
        };
        self.0.iter().map(answer).collect()
    }

    /// From here on what a shard is told may be forgotten.
    fn begin(&self, shard: usize) {
        let connection = &self.0[shard].1.connection;
        if connection.is_autocommit() {
            connection.execute_batch("BEGIN").unwrap();
        }
    }

    /// A shard forgets what it was told since then, or keeps it for good.
    fn end(&self, shard: usize, how: &str) {
        let connection = &self.0[shard].1.connection;
        if !connection.is_autocommit() {
            connection.execute_batch(how).unwrap();
        }
    }

    pub(super) fn forget_or_keep(&self, dice: &mut Dice) {
        let shard = usize::try_from(dice.below(u64::from(SHARDS))).unwrap();
        match dice.below(3) {
            0 => self.begin(shard),
            1 => self.end(shard, "ROLLBACK"),
            _ => self.end(shard, "COMMIT"),
        }
    }

    pub(super) fn keep_all(&self) {
        (0..self.0.len()).for_each(|shard| self.end(shard, "COMMIT"));
    }
}

pub(super) struct Customer {
    pub(super) id: String,
    object: String,
    pub(super) store: Sqlite,
    pub(super) ledger: LedgerObject<Sqlite>,
}

impl Customer {
    pub(super) fn new(number: u64) -> Self {
        let (object, store) = (format!("{number:064x}"), Sqlite::new());
        let ledger = LedgerObject::open(store.clone(), &object).unwrap();
        Self { id: format!("customer {number}"), object, store, ledger }
    }

    /// Asks it to do something, which it may refuse, and commits.
    pub(super) fn order(&mut self, command: &Value, now: Timestamp) -> Value {
        let ask = json!({ "execute": { "command": command } });
        let call =
            json!({ "project": "shop", "mode": "live", "customer": self.id, "terms_version": 0, "ask": ask });
        let reply = self.ledger.call(&message(call), now).unwrap();
        self.ledger.commit().unwrap();
        serde_json::from_str(&reply.body).unwrap()
    }

    /// Its ledger, loaded anew.
    pub(super) fn twin(&self) -> LedgerObject<Sqlite> {
        LedgerObject::open(self.store.clone(), &self.object).unwrap()
    }

    /// The object leaves memory.
    pub(super) fn fall_asleep(&mut self) {
        self.ledger = self.twin();
    }

    /// What is to be told next: a shard and a message.
    pub(super) fn shipment(&mut self) -> Option<(String, String)> {
        match self.ledger.shipment(Lane::Rollup).unwrap() {
            Some(Effect::Rollup { names, message }) => Some((names.concat(), message)),
            None => None,
            other => panic!("not a shipment: {other:?}"),
        }
    }

    pub(super) fn ship_all(&mut self, shards: &Shards) {
        while let Some((name, message)) = self.shipment() {
            let reply = shards.call(&name, &message);
            self.ledger.shipped(Lane::Rollup, &reply).unwrap();
        }
    }

    /// The journal's rows: day, type, amount.
    pub(super) fn rows(&self) -> Vec<(i64, String, i64)> {
        let connection = &self.store.connection;
        if !self.has_entries() {
            return Vec::new();
        }
        let mut select = connection.prepare("SELECT at / 86400000, kind, amount FROM entries").unwrap();
        let rows = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn has_entries(&self) -> bool {
        self.store.connection.table_exists(None, "entries").unwrap()
    }

    /// The number of the last hold that was made.
    pub(super) fn last_hold(&self) -> i64 {
        let last = "SELECT coalesce(max(seq), 0) FROM entries WHERE kind = 'hold'";
        self.store.connection.query_row(last, (), |row| row.get(0)).unwrap_or(0)
    }

    pub(super) fn balance(&self) -> i64 {
        let last = "SELECT balance_after FROM entries ORDER BY seq DESC LIMIT 1";
        self.store.connection.query_row(last, (), |row| row.get(0)).unwrap_or(0)
    }
}
