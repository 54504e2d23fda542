//! How an events object delivers: at least once, each customer's events in
//! order, customers beside each other, again and again for a day.
//!
//! An attempt is written down before it is made, with the time at which it
//! counts as lost. So an object that dies while it waits for an endpoint tries
//! again by its alarm, and nothing about deliveries is kept in memory.

use serde::Serialize;

use super::events::{Payload, advance, owner, prune_at};
use crate::json;
use crate::text::Name;
use crate::time::Timestamp;
use crate::worker::keys::Mode;
use crate::worker::store::{Store, StoreFault};

/// An attempt that has not come back after this long is lost: the shell waits
/// for an endpoint for 15 seconds.
const LOST_AFTER_MS: i64 = 20_000;
/// An event is given up this long after it was received; each is tried once
/// at least.
const GIVE_UP_AFTER_MS: i64 = 86_400_000;
/// What is waited after the first failures, in seconds; after later ones as
/// after the last. A tenth more or less keeps endpoints from being called in
/// bursts.
const DELAYS_S: [i64; 7] = [5, 30, 120, 600, 1_800, 3_600, 7_200];
/// An endpoint may ask for more time, up to this.
const MAX_RETRY_AFTER_S: i64 = 3_600;

/// One attempt to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The event's row.
    pub row: u64,
    /// Which attempt it is, from 1.
    pub attempt: u64,
    /// The header `webhook-id`.
    pub id: String,
    /// The body.
    pub body: String,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered.
    Answered {
        /// With this HTTP status.
        status: u16,
        /// And asked not to be tried again for so many seconds.
        retry_after_s: Option<i64>,
    },
    /// It did not answer in time.
    TimedOut,
    /// There was no connection.
    Unreachable,
}

/// Whose endpoint is needed, if an event is due.
///
/// # Errors
/// The store's fault.
pub fn due_owner<S: Store>(store: &S, now: Timestamp) -> Result<Option<(Name, Mode)>, StoreFault> {
    let due = store.first::<(u64,)>("SELECT n FROM events WHERE next_attempt_at <= ? LIMIT 1", (now,))?;
    match due {
        Some(_) => owner(store),
        None => Ok(None),
    }
}

/// Takes up to `limit` events that are due. Each counts as an attempt that
/// will be lost unless [`finish`] hears of it.
///
/// # Errors
/// The store's fault.
pub fn take<S: Store>(store: &S, limit: u64, now: Timestamp) -> Result<Vec<Delivery>, StoreFault> {
    let select = "SELECT n, id, type, at, data, attempts FROM events
                  WHERE next_attempt_at <= ? ORDER BY next_attempt_at, n LIMIT ?";
    let rows: Vec<(u64, String, String, Timestamp, String, u64)> = store.rows(select, (now, limit))?;
    let update = "UPDATE events SET attempts = ?, last_attempt_at = ?, next_attempt_at = ? WHERE n = ?";
    let mut deliveries = Vec::with_capacity(rows.len());
    for (row, id, kind, at, data, attempts) in rows {
        let attempt = attempts.saturating_add(1);
        store.run(update, (attempt, now, now.after_ms(LOST_AFTER_MS), row))?;
        let fault = |error: json::Unreadable| StoreFault(format!("event {id}: {error}"));
        let data = json::read(&data).map_err(fault)?;
        let payload = Payload { id: &id, kind: &kind, timestamp: at.to_string(), data };
        let body = json::write(&payload);
        deliveries.push(Delivery { row, attempt, id, body });
    }
    Ok(deliveries)
}

/// Keeps events that there is nobody to send to: they are listed and not sent
/// later, when they would be old news.
///
/// # Errors
/// The store's fault.
pub fn drop_due<S: Store>(store: &S) -> Result<(), StoreFault> {
    store.run("UPDATE events SET status = 'no_endpoint', next_attempt_at = NULL WHERE status = 'pending'", ())
}

/// Writes down what came of an attempt. An attempt that was given up as lost
/// before has no say any more.
///
/// # Errors
/// The store's fault.
pub fn finish<S: Store>(
    store: &S,
    row: u64,
    attempt: u64,
    outcome: Outcome,
    now: Timestamp,
) -> Result<(), StoreFault> {
    let select = "SELECT ledger, id, received_at FROM events
                  WHERE n = ? AND attempts = ? AND status = 'pending'";
    let found = store.first::<(String, String, Timestamp)>(select, (row, attempt))?;
    let Some((ledger, id, received_at)) = found else {
        return Ok(());
    };
    let next = next_attempt(outcome, attempt, &id, received_at, now);
    let status = match (outcome.is_delivered(), next) {
        (true, _) => "delivered",
        (false, Some(_)) => "pending",
        (false, None) => "failed",
    };
    let update = "UPDATE events SET status = ?, next_attempt_at = ?, last_status = ?, last_error = ?
                  WHERE n = ?";
    store.run(update, (status, next, outcome.status(), outcome.error(), row))?;
    match next {
        Some(_) => Ok(()),
        None => advance(store, &ledger, now),
    }
}

/// When the object must be woken: to deliver, or to remove what is old.
///
/// # Errors
/// The store's fault.
pub fn wake_at<S: Store>(store: &S) -> Result<Option<Timestamp>, StoreFault> {
    let next = "SELECT min(next_attempt_at) FROM events WHERE next_attempt_at IS NOT NULL";
    let next = store.first::<(Option<Timestamp>,)>(next, ())?.and_then(|(next,)| next);
    Ok(next.into_iter().chain(prune_at(store)?).min())
}

impl Outcome {
    const fn is_delivered(self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    const fn status(self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(status),
            Self::TimedOut | Self::Unreachable => None,
        }
    }

    /// In words; they say nothing of the endpoint's URL or of what it sent.
    const fn error(self) -> Option<&'static str> {
        match self {
            Self::Answered { status: 200..=299, .. } => None,
            Self::Answered { status: 300..=399, .. } => Some("the endpoint redirects, which is not followed"),
            Self::Answered { status: 410, .. } => Some("the endpoint wants no more of this"),
            Self::Answered { .. } => Some("the endpoint did not answer with a 2xx status"),
            Self::TimedOut => Some("the endpoint did not answer in time"),
            Self::Unreachable => Some("the endpoint could not be reached"),
        }
    }
}

/// When to try again after an attempt; `None`: never. The last one is when
/// the event's time is over.
fn next_attempt(
    outcome: Outcome,
    attempt: u64,
    id: &str,
    received_at: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = received_at.after_ms(GIVE_UP_AFTER_MS);
    let is_gone = matches!(outcome, Outcome::Answered { status: 410, .. });
    if outcome.is_delivered() || is_gone || now >= end {
        return None;
    }
    let asked_s = match outcome {
        Outcome::Answered { retry_after_s: Some(seconds), .. } => seconds.clamp(0, MAX_RETRY_AFTER_S),
        _ => 0,
    };
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay_s = DELAYS_S.get(place).or(DELAYS_S.last()).copied().unwrap_or_default();
    // Seconds times a thousandth's share are milliseconds.
    let delay_ms = delay_s.saturating_mul(spread(id, attempt)).max(asked_s.saturating_mul(1000));
    Some(now.after_ms(delay_ms).min(end))
}

/// From 900 to 1,099, by the event and the attempt (FNV-1a), so that the
/// schedule needs no randomness.
fn spread(id: &str, attempt: u64) -> i64 {
    let start = 0xcbf2_9ce4_8422_2325_u64 ^ attempt;
    let hash =
        id.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let share = (hash >> 32).checked_rem(200).unwrap_or_default();
    900_i64.saturating_add(i64::try_from(share).unwrap_or_default())
}
