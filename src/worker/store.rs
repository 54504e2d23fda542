//! SQL storage as the objects see it: statements in, rows out.
//!
//! Parameters and rows cross as JSON text: one crossing per statement, exact
//! integers in `json_each` (a bound number would arrive as a double), and a
//! store that a native test can play with a real SQLite.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;

/// Storage refused or could not be read. Its words go to the log only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFault(pub String);

/// By what the words of a fault tell that a file or a row is damaged: SQLite's
/// own, and ours.
const DAMAGE: [&str; 4] = ["malformed", "SQLITE_CORRUPT", "unexpected rows", "cannot be read"];

impl StoreFault {
    /// Whether what is stored is damaged, so that trying again does not help.
    pub fn is_damage(&self) -> bool {
        DAMAGE.iter().any(|word| self.0.contains(word))
    }
}

/// A SQLite database.
pub trait Store {
    /// Runs one statement with a JSON list of parameters; gives its rows as a
    /// JSON list of lists.
    ///
    /// # Errors
    /// [`StoreFault`]: the statement had no effect.
    fn query(&self, sql: &str, parameters: &str) -> Result<String, StoreFault>;

    /// Runs one statement that takes one text and gives nothing: the way in
    /// for entries, with the least that must cross.
    ///
    /// # Errors
    /// [`StoreFault`]: the statement had no effect.
    fn execute(&self, sql: &str, text: &str) -> Result<(), StoreFault>;

    /// Runs one statement that takes numbers, then texts, and gives nothing.
    /// Each number is bound as a double, so it must be below 2^53 and meant
    /// for a column of integers, which makes it one again.
    ///
    /// # Errors
    /// [`StoreFault`]: the statement had no effect.
    fn insert(&self, sql: &str, numbers: [i64; 4], texts: [&str; 3]) -> Result<(), StoreFault> {
        let ([first, second, third, fourth], [one, two, three]) = (numbers, texts);
        let parameters = (first, second, third, fourth, one, two, three);
        self.query(sql, &json::write(&parameters)).map(drop)
    }

    /// Runs one statement and reads its rows.
    ///
    /// # Errors
    /// [`StoreFault`], also for rows that are not as expected.
    fn rows<T: DeserializeOwned>(&self, sql: &str, parameters: impl Serialize) -> Result<Vec<T>, StoreFault>
    where
        Self: Sized,
    {
        json::read_rows(&answer(self, sql, parameters)?).map_err(unexpected)
    }

    /// Runs one statement that gives no rows.
    ///
    /// # Errors
    /// [`StoreFault`].
    fn run(&self, sql: &str, parameters: impl Serialize) -> Result<(), StoreFault>
    where
        Self: Sized,
    {
        answer(self, sql, parameters).map(drop)
    }

    /// Runs one statement and reads its first row.
    ///
    /// # Errors
    /// [`StoreFault`].
    fn first<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: impl Serialize,
    ) -> Result<Option<T>, StoreFault>
    where
        Self: Sized,
    {
        json::read_first(&answer(self, sql, parameters)?).map_err(unexpected)
    }
}

// Apart, so that there is one for the parameters of a type, and not one for every
// pair of parameters and rows.
#[inline(never)]
fn answer<S: Store>(store: &S, sql: &str, parameters: impl Serialize) -> Result<String, StoreFault> {
    store.query(sql, &json::write(&parameters))
}

#[inline(never)]
fn unexpected(error: json::Unreadable) -> StoreFault {
    StoreFault(format!("unexpected rows: {error}"))
}
