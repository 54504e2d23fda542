//! One object: its storage, its memory, what is under way in it, and its
//! auditor.

use std::cell::Cell;
use std::rc::Rc;

use super::audit::Audit;
use super::disk::Disk;
use super::event::Event;
use super::mailbox::Instance;
use super::task::{Task, Wait};
use super::world::World;

pub(super) struct Object {
    pub(super) id: String,
    pub(super) disk: Disk,
    pub(super) instance: Rc<Instance>,
    /// What is under way, and whether it is the alarm's.
    pub(super) tasks: Vec<(Task, bool)>,
    pub(super) audit: Audit,
    /// Whether a handler of the alarm came to a good end.
    pub(super) heard: Rc<Cell<Option<bool>>>,
}

impl Object {
    /// A hold that somebody was told of ends also if nobody comes back: an alarm
    /// that outlives a crash rings by then.
    pub(super) fn require_alarm(&self, seq: u64) -> Result<(), String> {
        // Or it rings again at once, for its handler has just failed.
        let has_failed = self.heard.get() == Some(false);
        let is_ringing = has_failed || self.tasks.iter().any(|(_, is_alarm)| *is_alarm);
        // Another end of it may be on its way to the disk, with its alarm.
        let is_changing = self.disk.durable_rows() < self.disk.row_count();
        if is_ringing || is_changing || self.audit.has_lost_alarm {
            return Ok(());
        }
        match (self.audit.books.end_of(seq), self.disk.durable_alarm()) {
            (Some(end), alarm) if alarm.is_none_or(|alarm| alarm > end) => {
                Err(format!("hold {seq} ends at {end} and the alarm rings at {alarm:?}"))
            }
            _ => Ok(()),
        }
    }
}

impl World {
    /// Prints how each object stands, for people who ask for it.
    pub(super) fn trace(&self, event: &Event) {
        if !self.is_traced {
            return;
        }
        eprintln!("{event:?} at {}", self.process.clock.get());
        for (index, object) in self.objects.iter().enumerate() {
            let waits: Vec<Wait> = object.tasks.iter().map(|(task, _)| task.waits_for()).collect();
            let (rows, durable) = (object.disk.row_count(), object.disk.durable_rows());
            let (alarm, kept) = (object.disk.alarm(), object.disk.durable_alarm());
            eprintln!("  {index}: {durable}/{rows} entries, alarm {kept:?}/{alarm:?}, waits {waits:?}");
        }
    }
}
