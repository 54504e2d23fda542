//! A real SQLite behind the objects' store, in memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edge_credits::worker::store::{Store, StoreFault};
use rusqlite::Connection;
use rusqlite::types::{Value, ValueRef};
use serde_json::json;

/// SQLite as the platform binds it: a number is always a double.
#[derive(Clone)]
pub(crate) struct Sqlite {
    pub(crate) connection: Rc<Connection>,
    /// What was run, in order.
    pub(crate) statements: Rc<RefCell<Vec<String>>>,
    /// Inserts fail from now on.
    pub(crate) fails: Rc<Cell<bool>>,
    /// So many more statements that write are done; then they fail.
    pub(crate) fails_after: Rc<Cell<Option<u32>>>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let connection = Rc::new(Connection::open_in_memory().unwrap());
        Self { connection, statements: Rc::default(), fails: Rc::default(), fails_after: Rc::default() }
    }

    #[allow(dead_code)] // not by every test
    pub(crate) fn count(&self, table: &str) -> i64 {
        self.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

impl Store for Sqlite {
    fn query(&self, sql: &str, parameters: &str) -> Result<String, StoreFault> {
        let fault = |error: rusqlite::Error| StoreFault(error.to_string());
        if self.fails.get() && sql.starts_with("INSERT") {
            return Err(StoreFault("the disk is full".to_owned()));
        }
        if let Some(left) = self.fails_after.get().filter(|_| !sql.starts_with("SELECT")) {
            let left = left.checked_sub(1).ok_or_else(|| StoreFault("the disk is full".to_owned()))?;
            self.fails_after.set(Some(left));
        }
        self.statements.borrow_mut().push(sql.to_owned());
        let parameters: serde_json::Value = serde_json::from_str(parameters).unwrap();
        let bound = parameters.as_array().cloned().unwrap_or_default().into_iter().map(|value| match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Number(number) => Value::Real(number.as_f64().unwrap()),
            serde_json::Value::String(text) => Value::Text(text),
            other => panic!("not bindable: {other}"),
        });
        let mut statement = self.connection.prepare_cached(sql).map_err(fault)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(bound)).map_err(fault)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let cell = |index| match row.get_ref(index).unwrap() {
                ValueRef::Null => serde_json::Value::Null,
                ValueRef::Integer(number) => json!(number),
                ValueRef::Real(number) => json!(number),
                // The platform, too, gives text that is none in UTF-8 with replacement characters.
                ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
                ValueRef::Blob(_) => panic!("no blobs here"),
            };
            read.push((0..columns).map(cell).collect::<Vec<_>>());
        }
        Ok(serde_json::to_string(&read).unwrap())
    }

    fn execute(&self, sql: &str, text: &str) -> Result<(), StoreFault> {
        // The platform's own limit, and its word for it.
        if text.len() > 2_000_000 {
            return Err(StoreFault("string or blob too big: SQLITE_TOOBIG".to_owned()));
        }
        self.query(sql, &json!([text]).to_string()).map(drop)
    }
}
