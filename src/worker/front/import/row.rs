//! One line of an import.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::api::{Body, Code, Problem};
use crate::json;
use crate::ledger::{AddKind, Command, IdempotencyKey, Request};
use crate::text::Name;
use crate::worker::front::core::addition;
use crate::worker::front::read::fingerprint;

/// The longest line, without its end: metadata and description at their
/// largest fit.
pub(super) const MAX_LINE_BYTES: usize = 8 * 1024;
/// What is told of a name or a sentence in a report at most.
const MAX_TOLD_BYTES: usize = 300;
/// What the shell hands over for a line that is not UTF-8.
const NOT_UTF8: &str = "\0";

const FIELDS: [&str; 11] = [
    "id",
    "customer_id",
    "amount",
    "type",
    "source",
    "product",
    "priority",
    "effective_at",
    "expires_at",
    "description",
    "metadata",
];

/// A row as a report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    line: u64,
    id: Option<String>,
    customer_id: Option<String>,
}

/// A row that was not imported.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    #[serde(rename = "type")]
    kind: &'static str,
    line: u64,
    id: Option<String>,
    customer_id: Option<String>,
    code: String,
    detail: String,
}

impl Failure {
    /// The number of its line.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn of(row: Row, code: &str, detail: &str) -> Self {
        let Row { line, id, customer_id } = row;
        let detail = told(detail).to_owned();
        Self { kind: "error", line, id, customer_id, code: code.to_owned(), detail }
    }
}

/// A line's text; `None` for a blank line. Before the first one there may be a
/// byte order mark.
pub(super) fn text_of(line: &str, is_first: bool) -> Option<&str> {
    let line = if is_first { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
    let line = line.strip_suffix('\r').unwrap_or(line);
    (!line.trim_matches([' ', '\t']).is_empty()).then_some(line)
}

/// Reads a row as the body of an addition of credits is read.
pub(super) fn read(text: &str, line: u64) -> Result<(Name, Row, Request), Failure> {
    parse(text, line).map_err(|problem| {
        // Of a row that cannot be read its names are told where they can.
        let names = Names::of(text);
        let detail =
            problem.detail.replace("the body", "the line").replace(" at line 1 column", " at column");
        Failure::of(Row { line, ..names }, problem.code.word(), &detail)
    })
}

fn parse(text: &str, line: u64) -> Result<(Name, Row, Request), Problem> {
    if text.len() > MAX_LINE_BYTES {
        let detail = format!("the line is longer than {MAX_LINE_BYTES} bytes");
        return Err(Problem::new(Code::BodyTooLarge, detail));
    }
    if text == NOT_UTF8 {
        return Err(Problem::new(Code::InvalidJson, "the line is not UTF-8"));
    }
    let body = Body::parse(text.as_bytes(), &FIELDS)?;
    let id = body.require("id")?.name()?;
    let customer = body.require("customer_id")?.name()?;
    let (addition, _) = addition(&body, Some(AddKind::Topup))?;
    let key = format!("import:{}", id.as_str());
    let request = Request {
        command: Command::Add(Box::new(addition)),
        key: Some(IdempotencyKey { key, fingerprint: fingerprint("import", text.as_bytes()) }),
        deadline: None,
    };
    let row = Row { line, id: Some(id.into_string()), customer_id: Some(customer.as_str().to_owned()) };
    Ok((customer, row, request))
}

/// The names in a row that may be wrong in every other way.
#[derive(Default, Deserialize)]
struct Names<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    customer_id: Option<Cow<'a, str>>,
}

impl Names<'_> {
    fn of(text: &str) -> Row {
        let names: Names<'_> = json::read(text).unwrap_or_default();
        let name = |name: Option<Cow<'_, str>>| name.map(|name| told(&name).to_owned());
        Row { line: 0, id: name(names.id), customer_id: name(names.customer_id) }
    }
}

/// A text as it is told: its first part if it is long.
fn told(text: &str) -> &str {
    let mut end = text.len().min(MAX_TOLD_BYTES);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}
