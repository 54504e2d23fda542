//! The journal's statements, understood by their text. One that is not
//! understood fails the run at once, so that nobody adds a statement to the
//! journal without the simulated store.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// What a statement does.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Reads what a table was made by.
    TableText,
    Identity,
    Snapshot,
    Select {
        columns: Vec<String>,
        by: By,
    },
    /// The number of the last entry, 0 without one.
    LastNumber,
    /// Entries that an index misses: none, for there are no indices here that could.
    Unindexed,
    /// Makes a table, an index or a trigger, if there is none of that name: its name.
    Create(Rc<str>),
    /// Columns, and where in a row's list their cells are.
    Append(Vec<(String, usize)>),
    PutSnapshot,
    CutSnapshot,
    PutIdentity,
    PutListed,
}

/// Which entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    After,
    Number,
    Key,
    About,
    LastUntil,
    /// The last one.
    Last,
    /// After one number and up to another, so many.
    Page,
}

const CONDITIONS: [(&str, By); 7] = [
    ("WHERE seq > ? ORDER BY seq", By::After),
    ("WHERE seq = ?", By::Number),
    ("WHERE idempotency_key = ?", By::Key),
    ("WHERE about = ? ORDER BY seq", By::About),
    ("WHERE seq <= ? ORDER BY seq DESC LIMIT 1", By::LastUntil),
    ("ORDER BY seq DESC LIMIT 1", By::Last),
    ("WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?", By::Page),
];

/// What there is one fixed text for.
fn fixed(sql: &str) -> Option<Plan> {
    Some(match sql {
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?" => Plan::TableText,
        "SELECT project, mode, customer, listed, unchained FROM identity" => Plan::Identity,
        "SELECT seq, state FROM snapshot ORDER BY part" => Plan::Snapshot,
        "SELECT coalesce(max(seq), 0) FROM entries" => Plan::LastNumber,
        "INSERT INTO snapshot (part, seq, state) VALUES (?, ?, ?) ON CONFLICT (part) \
         DO UPDATE SET seq = excluded.seq, state = excluded.state" => Plan::PutSnapshot,
        "DELETE FROM snapshot WHERE part >= ?" => Plan::CutSnapshot,
        "INSERT OR IGNORE INTO identity (id, project, mode, customer, listed) VALUES (1, ?, ?, ?, 0)" => {
            Plan::PutIdentity
        }
        "UPDATE identity SET listed = ?" => Plan::PutListed,
        _ => return None,
    })
}

thread_local! {
    static PLANS: RefCell<HashMap<String, Rc<Plan>>> = RefCell::default();
}

/// The plan of a statement, kept by its text.
pub(crate) fn planned(sql: &str) -> Rc<Plan> {
    PLANS.with_borrow_mut(|plans| match plans.get(sql) {
        Some(plan) => Rc::clone(plan),
        None => {
            let plan = Rc::new(plan(sql));
            plans.insert(sql.to_owned(), Rc::clone(&plan));
            plan
        }
    })
}

fn columns(list: &str) -> Vec<String> {
    list.split(',').map(|column| column.trim().to_owned()).collect()
}

fn plan(sql: &str) -> Plan {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let sql = words.join(" ");
    if let Some(plan) = fixed(&sql) {
        return plan;
    }
    if sql.starts_with("CREATE ") {
        let (_, rest) =
            sql.split_once(" IF NOT EXISTS ").unwrap_or_else(|| panic!("not to be repeated: {sql}"));
        return Plan::Create(rest.split(' ').next().unwrap().into());
    }
    if sql.starts_with("SELECT seq FROM entries AS entry WHERE seq BETWEEN ?1 AND ?2 AND (") {
        return Plan::Unindexed;
    }
    if let Some((list, values)) =
        sql.strip_prefix("INSERT INTO entries (").and_then(|rest| rest.split_once(')'))
    {
        let columns = columns(list);
        if values.trim().starts_with("VALUES (?") {
            assert_eq!(values.matches('?').count(), columns.len(), "{sql}");
            return Plan::Append(columns.into_iter().zip(0..).collect());
        }
        let cells =
            values.trim().strip_prefix("SELECT ").and_then(|rest| rest.strip_suffix(" FROM json_each(?)"));
        let cells = cells.unwrap_or_else(|| panic!("no list of cells: {values}")).split(", ");
        let places: Vec<usize> =
            cells.map(|cell| cell.strip_prefix("value->>").unwrap().parse().unwrap()).collect();
        assert_eq!(places.len(), columns.len(), "{sql}");
        return Plan::Append(columns.into_iter().zip(places).collect());
    }
    if let Some((list, condition)) =
        sql.strip_prefix("SELECT ").and_then(|rest| rest.split_once(" FROM entries "))
        && let Some((_, by)) = CONDITIONS.iter().find(|(known, _)| *known == condition)
    {
        return Plan::Select { columns: columns(list), by: *by };
    }
    panic!("the simulated store does not know this statement: {sql}");
}
