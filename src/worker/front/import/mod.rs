//! Opening balances from lines: many rows of many customers, streamed in, and
//! a report streamed out.
//!
//! A part of the body is read, its rows are done, and only then the next part
//! is read. So a report's `progress` means that all lines up to there are done,
//! and nothing piles up.

mod report;
mod row;

use std::collections::HashMap;

use self::report::Report;
use self::row::{Failure, MAX_LINE_BYTES, Row};
use super::{Answer, AnswerKind, Call, ledger_name, reply};
use crate::api::{Code, Problem};
use crate::json;
use crate::ledger::Request;
use crate::text::Name;
use crate::worker::flow::{Effect, SEPARATOR};
use crate::worker::message::{Ask, LedgerCall, RowOutcome};
use crate::worker::reply::Reply;

/// The most rows in one request.
const MAX_ROWS: u64 = 100_000;
/// Of the body this much is read at a time: some hundred to 3,000 rows, so
/// that no object that calls ledgers makes more than 1,000 calls for it.
const PART_BYTES: usize = 128 * 1024;
/// How often a ledger that did not answer is asked: doing a row again is a
/// replay.
const ATTEMPTS: usize = 3;

/// What of the body has been handed over.
struct Part {
    lines: String,
    is_last: bool,
}

/// A customer's rows of one part, on their way to its ledger.
struct Group {
    name: String,
    call: LedgerCall,
    rows: Vec<Row>,
    reply: String,
}

impl Group {
    /// Whether its ledger is to be asked, or asked once more. One that has
    /// too much to do is left alone.
    fn is_open(&self) -> bool {
        self.reply.is_empty() || self.reply == "!broken" || Reply::is_wish_for_terms(&self.reply)
    }
}

impl Call<'_> {
    pub(super) async fn import(&self) -> Result<Answer, Problem> {
        self.incoming.require_media_type("application/x-ndjson")?;
        self.incoming.query(&[])?;
        self.io.perform(Effect::Begin { head: Answer::held(200, AnswerKind::Lines) }).await;
        let mut report = Report::default();
        loop {
            let part = self.next_part().await?;
            let is_full = self.import_part(&part.lines, &mut report).await?;
            if is_full || part.is_last {
                self.write(report.summary(!is_full)).await?;
                return Ok(Answer::held(200, AnswerKind::End));
            }
            self.write(report.progress()).await?;
        }
    }

    async fn next_part(&self) -> Result<Part, Problem> {
        let effect = Effect::NextLines { size: PART_BYTES, longest: MAX_LINE_BYTES };
        let mut text = self.io.perform(effect).await;
        let is_last = match text.get(..1) {
            Some("+") => false,
            Some("$") => true,
            _ => return Err(Problem::new(Code::Internal, "the body was broken off")),
        };
        Ok(Part { lines: text.split_off(1), is_last })
    }

    /// Does the rows of a part; whether there were more than a request may
    /// have.
    async fn import_part(&self, lines: &str, report: &mut Report) -> Result<bool, Problem> {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<Name, usize> = HashMap::new();
        let mut is_full = false;
        for line in lines.split_terminator('\n') {
            let Some(text) = row::text_of(line, report.lines == 0) else {
                report.lines = report.lines.saturating_add(1);
                continue;
            };
            if report.rows >= MAX_ROWS {
                is_full = true;
                break;
            }
            report.rows = report.rows.saturating_add(1);
            report.lines = report.lines.saturating_add(1);
            let (customer, row, request) = match row::read(text, report.lines) {
                Ok(read) => read,
                Err(failure) => {
                    report.failed(failure);
                    continue;
                }
            };
            let place = *places.entry(customer.clone()).or_insert(groups.len());
            if place == groups.len() {
                groups.push(self.group(&customer));
            }
            if let Some(group) = groups.get_mut(place) {
                group.add(row, request);
            }
        }
        self.tell_ledgers(&mut groups).await?;
        groups.into_iter().for_each(|group| take(group, report));
        Ok(is_full)
    }

    fn group(&self, customer: &Name) -> Group {
        let key = &self.caller.key;
        Group {
            name: ledger_name(&key.project, key.mode, customer),
            call: self.ledger_call(Some(customer.clone()), Ask::Import { rows: Vec::new() }),
            rows: Vec::new(),
            reply: String::new(),
        }
    }

    /// Has all ledgers called, and those again that did not answer or want
    /// the project's terms.
    async fn tell_ledgers(&self, groups: &mut [Group]) -> Result<(), Problem> {
        let key = &self.caller.key;
        let importer = format!("{}\u{1f}{}", key.project.as_str(), key.mode.word());
        for _ in 0..ATTEMPTS {
            let mut calls = Vec::new();
            for group in groups.iter_mut().filter(|group| group.is_open()) {
                if Reply::is_wish_for_terms(&group.reply) {
                    group.call.terms = Some(Box::new(self.record().await?.terms.clone()));
                }
                calls.push((group.name.clone(), group.call.to_text()));
            }
            if calls.is_empty() {
                break;
            }
            let replies = self.io.perform(Effect::Ledgers { importer: importer.clone(), calls }).await;
            let open = groups.iter_mut().filter(|group| group.is_open());
            for (group, reply) in open.zip(replies.split(SEPARATOR)) {
                reply.clone_into(&mut group.reply);
            }
        }
        Ok(())
    }
}

impl Group {
    fn add(&mut self, row: Row, request: Request) {
        if let Ask::Import { rows } = &mut self.call.ask {
            rows.push(request);
        }
        self.rows.push(row);
    }
}

/// Takes what became of a customer's rows.
fn take(group: Group, report: &mut Report) {
    let outcomes = reply(&group.reply).and_then(|reply| match reply.status {
        200 => json::read::<Vec<RowOutcome>>(&reply.body)
            .map_err(|_| Problem::new(Code::Internal, "a ledger's answer was unreadable")),
        status => Err(Problem::passed_on(status, &reply.body)),
    });
    match outcomes {
        Ok(outcomes) => {
            for (row, outcome) in group.rows.into_iter().zip(outcomes) {
                match outcome {
                    RowOutcome::Imported => report.imported = report.imported.saturating_add(1),
                    RowOutcome::Replayed => report.replayed = report.replayed.saturating_add(1),
                    RowOutcome::Refused(code, detail) => report.failed(Failure::of(row, &code, &detail)),
                }
            }
        }
        // Nobody knows what became of them: the same rows again tell.
        Err(problem) => {
            for row in group.rows {
                report.failed(Failure::of(row, problem.code.word(), &problem.detail));
            }
        }
    }
}
