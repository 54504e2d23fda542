//! A real SQLite beside the simulated storage. Each statement is run on both,
//! and both must give the same: so the simulated one can be trusted where it
//! runs alone.

use std::cell::RefCell;

use edge_credits::worker::store::{Store, StoreFault};

use super::sqlite::Sqlite;

pub(crate) struct Twin {
    sqlite: Sqlite,
    /// The turns that it can go back to.
    turns: RefCell<Vec<u64>>,
}

impl Twin {
    pub(crate) fn new() -> Self {
        let twin = Self { sqlite: Sqlite::new(), turns: RefCell::default() };
        twin.end_turn(0);
        twin
    }

    pub(crate) fn run(&self, sql: &str, parameters: &str, is_text: bool, found: &Result<String, StoreFault>) {
        let own = match is_text {
            true => self.sqlite.execute(sql, parameters).map(|()| "[]".to_owned()),
            false => self.sqlite.query(sql, parameters),
        };
        let read = |text: &String| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let (found, own) = (found.as_ref().map(read).ok(), own.as_ref().map(read).ok());
        // The simulated store keeps names only, and the words that are looked for.
        if sql.starts_with("SELECT sql FROM sqlite_master") {
            let count =
                |rows: &Option<serde_json::Value>| rows.as_ref().map(|rows| rows.as_array().unwrap().len());
            assert_eq!(count(&found), count(&own), "the simulated store beside SQLite: {sql}");
            return;
        }
        assert_eq!(found, own, "the simulated store beside SQLite: {sql} {parameters}");
    }

    pub(crate) fn end_turn(&self, turn: u64) {
        self.sqlite.connection.execute_batch(&format!("SAVEPOINT turn_{turn}")).unwrap();
        self.turns.borrow_mut().push(turn);
    }

    pub(crate) fn back_to(&self, turn: u64) {
        self.sqlite.connection.execute_batch(&format!("ROLLBACK TO turn_{turn}")).unwrap();
        self.turns.borrow_mut().retain(|known| *known <= turn);
    }
}
