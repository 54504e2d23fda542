//! The one loop: objects, callers, the network between them, the clock, and
//! an event at a time. After each event the auditor looks.

use std::cell::Cell;
use std::rc::Rc;

use super::audit::Audit;
use super::caller::{Callers, Expected, terms};
use super::disk::{Defect, Disk};
use super::event::{Deed, Event, Random};
use super::judge::{Verdict, judge};
use super::mailbox::Instance;
use super::object::Object;
use super::process::{Bug, Process};
use super::table::Contents;
use super::task::{Given, Rejected, Task, Wait};
use super::twin::Twin;

/// What a run is made of, besides its history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) bug: Bug,
    pub(crate) defect: Defect,
    /// A real SQLite runs beside the simulated storage.
    pub(crate) has_twin: bool,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seeds: u64,
    pub(crate) events: u64,
    pub(crate) operations: u64,
    pub(crate) answered: u64,
    pub(crate) entries: u64,
    pub(crate) faults: u64,
}

pub(super) struct Message {
    pub(super) ticket: u32,
    pub(super) has_terms: bool,
}

pub(crate) struct World {
    pub(super) process: Rc<Process>,
    pub(super) objects: Vec<Object>,
    pub(super) callers: Callers,
    pub(super) messages: Vec<Message>,
    pub(super) answers: Vec<(u32, Verdict)>,
    version: u64,
    terms: String,
    has_default_tier: bool,
    overage: i64,
    figures: Figures,
    pub(super) is_traced: bool,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.operations += other.operations;
        self.answered += other.answered;
        self.entries += other.entries;
        self.faults += other.faults;
    }
}

const BEGINNING: i64 = 1_772_323_200_000;

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let mut random = Random::new(!scenario.seed);
        let process = Rc::new(Process {
            clock: Cell::new(BEGINNING),
            generation: Cell::new(0),
            bug: scenario.bug,
            charges: Cell::new(0),
        });
        let overage = [0, 0, 2_500_000, 20_000_000][random.below(4) as usize];
        let count = 1 + random.below(4) as usize;
        let objects = (0..count).map(|index| {
            let id = format!("{:064x}", index + 1);
            let disk = Disk::new(scenario.defect, scenario.has_twin.then(Twin::new));
            Object {
                instance: Instance::new(Rc::clone(&process), id.clone(), disk.clone()),
                id,
                disk,
                tasks: Vec::new(),
                audit: Audit::new(index, overage),
                heard: Rc::default(),
            }
        });
        let mut world = Self {
            objects: objects.collect(),
            process,
            callers: Callers::default(),
            messages: Vec::new(),
            answers: Vec::new(),
            version: 0,
            terms: String::new(),
            has_default_tier: random.below(2) == 0,
            overage,
            figures: Figures::default(),
            is_traced: std::env::var_os("PROOF_TRACE").is_some(),
        };
        world.change_terms();
        world
    }

    fn change_terms(&mut self) {
        self.version += 1;
        let terms = terms(self.version, self.process.clock.get(), self.has_default_tier, self.overage);
        self.terms = serde_json::to_string(&terms).unwrap();
    }

    fn object(&self, number: u8) -> usize {
        usize::from(number) % self.objects.len()
    }

    /// Lives through a history to its end, and through the quiet after it.
    pub(crate) fn live(mut self, history: &[Event]) -> Result<Figures, String> {
        for event in history {
            let happened = self.happen(event);
            self.trace(event);
            happened?;
            self.figures.events += 1;
        }
        self.calm_down()?;
        self.figures.seeds = 1;
        self.figures.entries = self.objects.iter().map(|object| object.audit.facts.len() as u64).sum();
        Ok(self.figures)
    }

    fn happen(&mut self, event: &Event) -> Result<(), String> {
        let ordinary = matches!(event, Event::Ask { .. } | Event::Go(_) | Event::Alarm(_) | Event::Clock(_));
        self.figures.faults += u64::from(!ordinary);
        match *event {
            Event::Ask { object, deed, size } => self.ask(self.object(object), deed, size),
            Event::Go(place) => return self.go(place.into()),
            Event::Retry(place) => self.retry(place.into()),
            Event::DuplicateMessage(place) => {
                if let Some(place) = usize::from(place).checked_rem(self.messages.len()) {
                    let Message { ticket, has_terms } = self.messages[place];
                    if self.callers.operations[ticket as usize].may_repeat() {
                        self.messages.push(Message { ticket, has_terms });
                    }
                }
            }
            Event::LoseMessage(place) => {
                if let Some(place) = usize::from(place).checked_rem(self.messages.len()) {
                    self.messages.swap_remove(place);
                }
            }
            Event::DuplicateAnswer(place) => {
                if let Some(place) = usize::from(place).checked_rem(self.answers.len()) {
                    let (ticket, verdict) = self.answers[place];
                    if self.callers.operations[ticket as usize].may_repeat() {
                        self.answers.push((ticket, verdict));
                    }
                }
            }
            Event::LoseAnswer(place) => {
                if let Some(place) = usize::from(place).checked_rem(self.answers.len()) {
                    self.answers.swap_remove(place);
                }
            }
            Event::Reject(place) => return self.resume(place, |_, _| Err(Rejected)),
            Event::Hang(place) => {
                if let Some((object, (_, is_alarm))) = self.pull(place) {
                    self.objects[object].heard.set(is_alarm.then_some(false));
                    return self.look(object);
                }
            }
            Event::DoneUnanswered(place) => {
                if let Some((object, (task, _))) = self.pull(place) {
                    self.perform(object, &task.waits_for());
                    self.evict(object);
                    return self.look(object);
                }
            }
            Event::Break { object, kept } => return self.break_storage(self.object(object), kept.into()),
            Event::Evict(object) => self.evict(self.object(object)),
            Event::Crash { kept } => {
                for object in 0..self.objects.len() {
                    self.evict(object);
                    self.objects[object].disk.crash(kept.into());
                    self.look(object)?;
                }
            }
            Event::Abort => self.process.generation.set(self.process.generation.get() + 1),
            Event::Trap { object, calls, trap } => {
                self.objects[self.object(object)].disk.set_trap(calls.into(), trap);
            }
            Event::Deputy(object) => {
                let object = self.object(object);
                let task = self.objects[object].instance.deputize();
                return self.began(object, task, false);
            }
            Event::Alarm(object) => {
                let object = self.object(object);
                if self.objects[object].disk.alarm().is_some_and(|at| at <= self.process.clock.get()) {
                    return self.ring(object);
                }
            }
            Event::StrayAlarm(object) => return self.ring(self.object(object)),
            Event::LoseAlarm(object) => {
                let object = self.object(object);
                self.objects[object].audit.has_lost_alarm = true;
                self.objects[object].disk.change_alarm(|disk| disk.set_alarm(None));
                return self.look(object);
            }
            Event::Clock(ms) => self.process.clock.set(self.process.clock.get() + ms),
            Event::NewTerms(_) => self.change_terms(),
        }
        Ok(())
    }

    pub(super) fn ask(&mut self, object: usize, deed: Deed, size: u16) {
        // A stranger to an object that nobody owns yet would become its owner.
        if deed == Deed::Stranger && self.objects[object].disk.durable_rows() == 0 {
            return;
        }
        if let Some(ticket) = self.callers.begin(object, deed, size, self.process.clock.get()) {
            self.figures.operations += 1;
            self.callers.operations[ticket as usize].floor = self.objects[object].audit.last_told() as usize;
            self.messages.push(Message { ticket, has_terms: false });
        }
    }

    fn retry(&mut self, place: usize) {
        let is_open = |ticket: &u32| {
            let operation = &self.callers.operations[*ticket as usize];
            !operation.is_over && operation.may_repeat()
        };
        let open: Vec<u32> = (0..self.callers.operations.len() as u32).filter(is_open).collect();
        if let Some(place) = place.checked_rem(open.len()) {
            self.messages.push(Message { ticket: open[place], has_terms: false });
        }
    }

    pub(super) fn task_count(&self) -> usize {
        self.objects.iter().map(|object| object.tasks.len()).sum()
    }

    pub(super) fn go(&mut self, place: usize) -> Result<(), String> {
        let tasks = self.task_count();
        let Some(place) = place.checked_rem(tasks + self.messages.len() + self.answers.len()) else {
            return Ok(());
        };
        if place < tasks {
            return self.resume(place as u16, |world, (object, wait)| Ok(world.perform(object, &wait)));
        }
        if let Some(message) = place.checked_sub(tasks).filter(|place| *place < self.messages.len()) {
            let message = self.messages.remove(message);
            return self.deliver(&message);
        }
        let (ticket, verdict) = self.answers.remove(place - tasks - self.messages.len());
        let operation = &mut self.callers.operations[ticket as usize];
        match verdict {
            Verdict::Over => operation.is_over = true,
            Verdict::WantsTerms => self.messages.push(Message { ticket, has_terms: true }),
            Verdict::Retry if operation.may_repeat() && !operation.is_over => {
                self.messages.push(Message { ticket, has_terms: false });
            }
            // Its caller never learns what became of it.
            Verdict::Retry => {}
        }
        Ok(())
    }

    fn deliver(&mut self, message: &Message) -> Result<(), String> {
        let operation = &self.callers.operations[message.ticket as usize];
        // An isolate's knowledge of the terms may be old.
        let version = self.version - u64::from(self.version > 1 && message.ticket.is_multiple_of(3));
        let text = operation.message(version, message.has_terms.then_some(self.terms.as_str()));
        let object = operation.object;
        let task = self.objects[object].instance.call(text, message.ticket);
        self.began(object, task, false)
    }

    fn ring(&mut self, object: usize) -> Result<(), String> {
        let place = &mut self.objects[object];
        place.disk.change_alarm(Contents::ring);
        let task = place.instance.ring(Rc::clone(&place.heard));
        self.began(object, task, true)
    }

    fn began(&mut self, object: usize, task: Option<Task>, is_alarm: bool) -> Result<(), String> {
        self.objects[object].tasks.extend(task.map(|task| (task, is_alarm)));
        self.look(object)
    }

    /// One of all functions under way, taken out.
    fn pull(&mut self, place: u16) -> Option<(usize, (Task, bool))> {
        let mut place = usize::from(place).checked_rem(self.task_count())?;
        for (index, object) in self.objects.iter_mut().enumerate() {
            match place.checked_sub(object.tasks.len()) {
                Some(rest) => place = rest,
                None => return Some((index, object.tasks.remove(place))),
            }
        }
        None
    }

    fn resume(
        &mut self,
        place: u16,
        give: impl FnOnce(&mut Self, (usize, Wait)) -> Result<Given, Rejected>,
    ) -> Result<(), String> {
        let Some((object, (task, is_alarm))) = self.pull(place) else { return Ok(()) };
        let given = give(self, (object, task.waits_for()));
        let task = task.resume(given);
        self.began(object, task, is_alarm)
    }

    /// What the world does for an object that awaits it.
    fn perform(&mut self, object: usize, wait: &Wait) -> Given {
        let disk = &self.objects[object].disk;
        match wait {
            Wait::GetAlarm => Given::Alarm(disk.alarm()),
            Wait::SetAlarm => Given::Nothing,
            Wait::Sync(turn) => {
                disk.sync_ends(*turn);
                Given::Nothing
            }
            Wait::Project(call) if call.contains("\"terms\"") => Given::Reply(format!("200-{}", self.terms)),
            Wait::Project(_) => Given::Reply("200-{}".to_owned()),
        }
    }

    /// Drops an object's memory, and all that is under way in it.
    pub(super) fn evict(&mut self, object: usize) {
        let place = &mut self.objects[object];
        // The platform rings again for an alarm whose handler did not end.
        let rings = place.tasks.iter().any(|(_, is_alarm)| *is_alarm);
        if rings {
            place.heard.set(Some(false));
        }
        place.tasks.clear();
        place.disk.clear_trap();
        place.instance = Instance::new(Rc::clone(&self.process), place.id.clone(), place.disk.clone());
    }

    /// All that the object awaits fails, and it is replaced.
    fn break_storage(&mut self, object: usize, kept: usize) -> Result<(), String> {
        self.objects[object].disk.crash(kept);
        let tasks = std::mem::take(&mut self.objects[object].tasks);
        let rings = tasks.iter().any(|(_, is_alarm)| *is_alarm);
        for (task, _) in tasks {
            // Nothing that a broken storage is asked for is done.
            self.objects[object].disk.set_trap(0, super::disk::Trap::DiesBefore);
            // All of them end here: an alarm's handler among them was not heard.
            self.objects[object].heard.set(rings.then_some(false));
            drop(task.resume(Err(Rejected)));
            self.answer(object)?;
            self.objects[object].disk.crash(usize::MAX);
        }
        self.evict(object);
        self.look(object)
    }

    /// After something happened in an object: the turn ends, the auditor
    /// reads, and the answers leave.
    pub(super) fn look(&mut self, object: usize) -> Result<(), String> {
        if self.objects[object].disk.has_died() {
            self.evict(object);
            let kept = self.process.clock.get().unsigned_abs() as usize;
            self.objects[object].disk.crash(kept);
        }
        let now = self.process.clock.get();
        let place = &mut self.objects[object];
        match place.heard.take() {
            Some(true) => place.disk.change_alarm(Contents::was_heard),
            Some(false) => place.disk.change_alarm(|disk| disk.was_not_heard(now)),
            None => {}
        }
        place.disk.end_turn();
        place.audit.catch_up(&place.disk, &self.callers)?;
        self.answer(object)
    }

    fn answer(&mut self, object: usize) -> Result<(), String> {
        let place = &mut self.objects[object];
        for sent in place.instance.take_sent() {
            let verdict = judge(&sent, &mut self.callers, &mut place.audit, &place.disk)?;
            self.figures.answered += u64::from(matches!(verdict, Verdict::Over));
            self.answers.push((sent.ticket, verdict));
            let operation = &self.callers.operations[sent.ticket as usize];
            if let (Expected::Hold(_), Some(seq)) = (operation.expected, operation.told) {
                place.require_alarm(seq)?;
            }
        }
        Ok(())
    }
}
