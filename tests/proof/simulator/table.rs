//! What is in an object's storage: the entries and the few other rows, with
//! the schema's own rules.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use edge_credits::worker::store::StoreFault;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::plan::{By, Plan};

/// All columns of the entries.
const COLUMNS: [&str; 11] = [
    "seq",
    "at",
    "kind",
    "amount",
    "balance_after",
    "idempotency_key",
    "fingerprint",
    "about",
    "payload",
    "notices",
    "hash",
];

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Text(Rc<str>),
}

impl Cell {
    pub(crate) fn integer(&self) -> i64 {
        if let Self::Integer(number) = self { *number } else { panic!("no integer: {self:?}") }
    }

    pub(crate) fn text(&self) -> Option<&Rc<str>> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCell;
        impl<'de> Visitor<'de> for AnyCell {
            type Value = Cell;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("null, a whole number or a text")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Integer(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
                Ok(Cell::Integer(i64::try_from(number).unwrap()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.into()))
            }

            /// A list arrives as its text.
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell, A::Error> {
                let mut values = Vec::<Value>::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Cell::Text(Value::Array(values).to_string().into()))
            }
        }
        deserializer.deserialize_any(AnyCell)
    }
}

/// A journal's row, in the order of [`Contents::columns`].
pub(crate) type Row = Rc<[Cell]>;

#[derive(Clone, Default)]
pub(crate) struct Contents {
    /// Names of tables, indices and triggers.
    made: Rc<Vec<Rc<str>>>,
    pub(crate) columns: Rc<[String]>,
    /// By their numbers, from 1.
    pub(crate) rows: Vec<Row>,
    /// How many rows a mark stands for: a mark keeps no row itself.
    marked_rows: usize,
    keys: HashMap<Rc<str>, usize>,
    snapshot: Rc<Vec<(i64, Rc<str>)>>,
    identity: Option<Rc<[Cell]>>,
    pub(crate) alarm: Option<i64>,
    /// It is ringing: to the object it is gone, after a crash it rings again.
    is_ringing: bool,
    has_changed: bool,
}

fn fault(words: &str) -> StoreFault {
    StoreFault(words.to_owned())
}

impl Contents {
    pub(crate) fn row_count(&self) -> usize {
        self.marked_rows.max(self.rows.len())
    }

    pub(crate) fn has_changed(&self) -> bool {
        self.has_changed
    }

    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// What is needed to come back to here.
    pub(crate) fn mark(&self) -> Self {
        Self {
            made: Rc::clone(&self.made),
            columns: Rc::clone(&self.columns),
            rows: Vec::new(),
            marked_rows: self.rows.len(),
            keys: HashMap::new(),
            snapshot: Rc::clone(&self.snapshot),
            identity: self.identity.clone(),
            alarm: self.alarm,
            is_ringing: false,
            has_changed: false,
        }
    }

    /// Entries are only ever appended, so fewer of them are earlier ones.
    pub(crate) fn restore(&mut self, mark: &Self) {
        let mut rows = std::mem::take(&mut self.rows);
        let mut keys = std::mem::take(&mut self.keys);
        rows.truncate(mark.marked_rows);
        keys.retain(|_, place| *place < rows.len());
        *self = Self { rows, keys, marked_rows: 0, ..mark.mark() };
    }

    pub(crate) fn set_alarm(&mut self, at: Option<i64>) {
        self.has_changed |= self.alarm != at;
        self.alarm = at;
        self.is_ringing = false;
    }

    /// The alarm as the object is told of it.
    pub(crate) fn alarm_to_come(&self) -> Option<i64> {
        self.alarm.filter(|_| !self.is_ringing)
    }

    pub(crate) fn ring(&mut self) {
        self.is_ringing = self.alarm.is_some();
    }

    /// It was heard: unless another was set meanwhile there is none.
    pub(crate) fn was_heard(&mut self) {
        if self.is_ringing {
            self.set_alarm(None);
        }
    }

    /// It was not: it rings again.
    pub(crate) fn was_not_heard(&mut self, now: i64) {
        self.is_ringing = false;
        if self.alarm.is_none() {
            self.set_alarm(Some(now));
        }
    }

    pub(crate) fn place_of(&self, column: &str) -> usize {
        self.columns.iter().position(|known| known == column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// All rows or none, as one statement does it.
    pub(crate) fn append(
        &mut self,
        columns: &[(String, usize)],
        text: &str,
        keys_are_unique: bool,
    ) -> Result<String, StoreFault> {
        self.require("entries")?;
        let (continues, is_unique) = (self.has("entries_continue"), self.has("entries_by_key"));
        if self.columns.is_empty() {
            self.columns = COLUMNS.map(str::to_owned).into();
        }
        assert!(columns.iter().all(|(name, _)| COLUMNS.contains(&name.as_str())), "{columns:?}");
        let given: Vec<Vec<Cell>> = serde_json::from_str(text).unwrap();
        // A column that is not named stays empty.
        let cell = |row: &[Cell], name: &str| {
            let place = columns.iter().find(|(column, _)| column == name);
            place.map_or(Cell::Null, |(_, place)| row[*place].clone())
        };
        let new: Vec<Vec<Cell>> =
            given.iter().map(|row| COLUMNS.map(|name| cell(row, name)).into()).collect();
        let [seq, amount, after, key] =
            ["seq", "amount", "balance_after", "idempotency_key"].map(|column| self.place_of(column));
        let before = self.rows.len();
        let mut balance = self.rows.last().map_or(0, |row| row[after].integer());
        for (index, row) in new.iter().enumerate() {
            balance += row[amount].integer();
            let place = (before + index + 1) as i64;
            let fits = row[seq].integer() == place && row[after].integer() == balance;
            let is_known = row[key].text().is_some_and(|key| self.keys.contains_key(key));
            if continues && !fits || is_unique && keys_are_unique && is_known {
                self.rows.truncate(before);
                self.keys.retain(|_, place| *place < before);
                return Err(fault("the entry does not continue the journal"));
            }
            if let Some(key) = row[key].text() {
                self.keys.insert(Rc::clone(key), before + index);
            }
            self.rows.push(row.as_slice().into());
        }
        self.has_changed |= !new.is_empty();
        Ok("[]".to_owned())
    }

    fn has(&self, name: &str) -> bool {
        self.made.iter().any(|made| **made == *name)
    }

    fn require(&self, table: &str) -> Result<(), StoreFault> {
        if self.has(table) { Ok(()) } else { Err(fault("no such table")) }
    }

    pub(crate) fn perform(&mut self, plan: &Plan, bound: &[Cell]) -> Result<String, StoreFault> {
        match plan {
            Plan::TableText | Plan::Create(_) => {}
            Plan::Identity | Plan::PutIdentity | Plan::PutListed => self.require("identity")?,
            Plan::Snapshot | Plan::PutSnapshot | Plan::CutSnapshot => self.require("snapshot")?,
            _ => self.require("entries")?,
        }
        match plan {
            Plan::Create(name) => {
                if !self.has(name) {
                    Rc::make_mut(&mut self.made).push(Rc::clone(name));
                    self.has_changed = true;
                }
            }
            Plan::PutSnapshot => {
                let parts = Rc::make_mut(&mut self.snapshot);
                let part = usize::try_from(bound[0].integer()).unwrap();
                let row = (bound[1].integer(), Rc::clone(bound[2].text().unwrap()));
                if part < parts.len() {
                    parts[part] = row
                } else {
                    parts.push(row)
                }
                self.has_changed = true;
            }
            Plan::CutSnapshot => {
                Rc::make_mut(&mut self.snapshot).truncate(usize::try_from(bound[0].integer()).unwrap());
                self.has_changed = true;
            }
            Plan::PutIdentity => {
                let new = || [bound, &[Cell::Integer(0), Cell::Integer(0)]].concat().into();
                self.has_changed |= self.identity.is_none();
                self.identity.get_or_insert_with(new);
            }
            Plan::PutListed => {
                if let Some(identity) = &self.identity {
                    self.identity = Some([&identity[..3], bound, &identity[4..]].concat().into());
                    self.has_changed = true;
                }
            }
            Plan::TableText => {
                let name = bound[0].text().unwrap();
                let text = |made: &Rc<str>| [Cell::Text(format!("{made} notices hash unchained").into())];
                let found: Vec<[Cell; 1]> = self.made.iter().filter(|made| *made == name).map(text).collect();
                return Ok(printed(&found));
            }
            Plan::Identity => {
                return Ok(printed(&self.identity.iter().map(|row| &**row).collect::<Vec<_>>()));
            }
            Plan::Snapshot => {
                let parts: Vec<(i64, &str)> =
                    self.snapshot.iter().map(|(seq, part)| (*seq, &**part)).collect();
                return Ok(printed(&parts));
            }
            Plan::LastNumber => return Ok(printed(&[[self.rows.len()]])),
            Plan::Unindexed => {}
            Plan::Select { columns, by } => return Ok(self.select(columns, *by, bound)),
            Plan::Append(_) => panic!("entries are appended by another door"),
        }
        Ok("[]".to_owned())
    }

    fn select(&self, columns: &[String], by: By, bound: &[Cell]) -> String {
        let place = |number: usize| usize::try_from(bound[number].integer()).unwrap().min(self.rows.len());
        let rows: Vec<&Row> = match by {
            // Before the first row its columns are not known here.
            _ if self.rows.is_empty() => Vec::new(),
            By::After => self.rows[place(0)..].iter().collect(),
            By::Page => {
                let limit = usize::try_from(bound[2].integer()).unwrap();
                self.rows[place(0)..place(1).max(place(0))].iter().take(limit).collect()
            }
            By::Number => self.by_number(bound[0].integer()).into_iter().collect(),
            By::LastUntil => self.by_number(place(0) as i64).into_iter().collect(),
            By::Last => self.rows.last().into_iter().collect(),
            By::Key => {
                let place = bound[0].text().and_then(|key| self.keys.get(key));
                place.map(|place| &self.rows[*place]).into_iter().collect()
            }
            By::About => {
                let about = self.place_of("about");
                self.rows.iter().filter(|row| row[about] == bound[0]).collect()
            }
        };
        if rows.is_empty() {
            return "[]".to_owned();
        }
        let places: Vec<usize> = columns.iter().map(|column| self.place_of(column)).collect();
        let found: Vec<Vec<&Cell>> =
            rows.into_iter().map(|row| places.iter().map(|place| &row[*place]).collect()).collect();
        printed(&found)
    }

    fn by_number(&self, seq: i64) -> Option<&Row> {
        usize::try_from(seq - 1).ok().and_then(|place| self.rows.get(place))
    }

    /// Whose it says that it is, and whether the directory knows.
    pub(crate) fn identity(&self) -> Option<&[Cell]> {
        self.identity.as_deref()
    }
}

fn printed(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).unwrap()
}
