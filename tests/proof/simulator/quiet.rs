//! The quiet after a history: without faults everything must come right.

use super::caller::Operation;
use super::event::{DAY_MS, Deed, Event};
use super::world::{Message, World};

impl World {
    /// No more faults. Every caller gets its answer, every hold comes to its
    /// end, and what is on the disks gives the same ledgers again.
    pub(super) fn calm_down(&mut self) -> Result<(), String> {
        self.objects.iter().for_each(|object| object.disk.clear_trap());
        self.finish()?;
        let done: Vec<u32> = (0..self.callers.operations.len() as u32)
            .filter(|ticket| {
                let operation = &self.callers.operations[*ticket as usize];
                operation.told.is_some() && operation.key.is_some() && ticket.is_multiple_of(8)
            })
            .collect();
        self.messages.extend(done.into_iter().map(|ticket| Message { ticket, has_terms: false }));
        self.finish()?;
        self.process.clock.set(self.process.clock.get() + 400 * DAY_MS);
        for object in 0..self.objects.len() {
            self.ask(object, Deed::Balance, 0);
            self.finish()?;
            let pending = self.objects[object].audit.books.pending();
            if pending > 0 {
                return Err(format!("{pending} holds never ended"));
            }
            self.evict(object);
            self.objects[object].disk.crash(0);
            self.look(object)?;
            self.ask(object, Deed::Balance, 0);
            self.ask(object, Deed::Audit, 0);
            self.finish()?;
        }
        Ok(())
    }

    /// Goes on until nothing is under way and nobody waits.
    fn finish(&mut self) -> Result<(), String> {
        for _ in 0..6 {
            // Far more than it takes, unless somebody is refused again and again.
            for _ in 0..20 * (10 + self.under_way()) {
                if self.under_way() == 0 {
                    break;
                }
                let went = self.go(0);
                self.trace(&Event::Go(0));
                went?;
            }
            let is_open = |operation: &Operation| !operation.is_over && operation.may_repeat();
            let open = self.callers.operations.iter().enumerate().filter(|(_, operation)| is_open(operation));
            let open: Vec<u32> = open.map(|(ticket, _)| ticket as u32).collect();
            if open.is_empty() {
                return Ok(());
            }
            self.process.clock.set(self.process.clock.get() + 300);
            self.messages.extend(open.into_iter().map(|ticket| Message { ticket, has_terms: false }));
        }
        Err("callers do not get their answers".to_owned())
    }

    fn under_way(&self) -> usize {
        self.task_count() + self.messages.len() + self.answers.len()
    }
}
