//! The storage of one object, simulated: what is written, what of it is
//! durable, and everything that can go wrong with it.
//!
//! The platform's rules: the writes between two awaits belong together and
//! become durable together, in order, some time later. `sync` waits for those
//! that were made before it. When the machine dies, any number of the later
//! ones are lost, but never one from the middle. A statement that fails has no
//! effect, and leaves those before it in place.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use edge_credits::worker::store::{Store, StoreFault};

use super::plan::{Plan, planned};
use super::table::{Cell, Contents};
use super::twin::Twin;

/// What is to happen at a storage call that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trap {
    /// It fails and has no effect.
    Fails,
    /// It has its effect, and is reported as failed.
    FailsAfter,
    /// The machine dies before it.
    DiesBefore,
    /// The machine dies after it.
    DiesAfter,
}

/// A bug of the storage that the harness is to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    /// `sync` says that all is durable at once, and nothing is.
    SyncsNothing,
    /// Each third look-up of a key finds nothing, and no index stands behind it.
    ForgetsKeys,
}

struct State {
    /// What the object reads.
    live: Contents,
    /// The ends of turns: the first is durable, the last is the present.
    turns: VecDeque<(u64, Contents)>,
    turn: u64,
    trap: Option<(u32, Trap)>,
    has_died: bool,
    defect: Defect,
    keys_asked: u32,
    twin: Option<Twin>,
    /// The rows before this one were never undone since it was last asked.
    undone_to: usize,
}

/// A handle on it, as the object holds one.
#[derive(Clone)]
pub(crate) struct Disk(Rc<RefCell<State>>);

impl Disk {
    pub(crate) fn new(defect: Defect, twin: Option<Twin>) -> Self {
        let live = Contents::default();
        Self(Rc::new(RefCell::new(State {
            turns: VecDeque::from([(0, live.mark())]),
            live,
            turn: 0,
            trap: None,
            has_died: false,
            defect,
            keys_asked: 0,
            twin,
            undone_to: usize::MAX,
        })))
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&Contents) -> T) -> T {
        look(&self.0.borrow().live)
    }

    /// How many entries no crash can undo.
    pub(crate) fn durable_rows(&self) -> usize {
        self.0.borrow().turns[0].1.row_count()
    }

    /// The alarm that rings also after a crash.
    pub(crate) fn durable_alarm(&self) -> Option<i64> {
        self.0.borrow().turns[0].1.alarm
    }

    pub(crate) fn row_count(&self) -> usize {
        self.0.borrow().live.row_count()
    }

    /// From which entry on there may be others than when it was last asked.
    pub(crate) fn take_undone(&self) -> usize {
        std::mem::replace(&mut self.0.borrow_mut().undone_to, usize::MAX)
    }

    /// The object pauses: what it wrote since the last pause belongs together.
    pub(crate) fn end_turn(&self) {
        let state = &mut *self.0.borrow_mut();
        if !state.live.take_changed() {
            return;
        }
        state.turn += 1;
        state.turns.push_back((state.turn, state.live.mark()));
        if let Some(twin) = &state.twin {
            twin.end_turn(state.turn);
        }
    }

    /// What `sync` has to wait for, called in the present turn.
    pub(crate) fn sync_begins(&self) -> u64 {
        let state = self.0.borrow();
        // The present turn has its number only when it ends.
        state.turn + u64::from(state.live.has_changed())
    }

    pub(crate) fn sync_ends(&self, turn: u64) {
        let state = &mut *self.0.borrow_mut();
        if state.defect == Defect::SyncsNothing {
            return;
        }
        while state.turns.get(1).is_some_and(|(number, _)| *number <= turn) {
            state.turns.pop_front();
        }
    }

    /// The machine dies, or the storage breaks. Of the turns that are not
    /// durable so many stay.
    pub(crate) fn crash(&self, kept: usize) {
        let state = &mut *self.0.borrow_mut();
        state.turns.truncate(1 + kept % state.turns.len());
        let (turn, mark) = state.turns.back().unwrap();
        state.live.restore(mark);
        state.undone_to = state.undone_to.min(state.live.row_count());
        if let Some(twin) = &state.twin {
            twin.back_to(*turn);
        }
        // What came through is on the disk.
        while state.turns.len() > 1 && state.defect != Defect::SyncsNothing {
            state.turns.pop_front();
        }
        state.has_died = false;
        state.trap = None;
    }

    pub(crate) fn set_trap(&self, calls: u32, trap: Trap) {
        self.0.borrow_mut().trap = Some((calls, trap));
    }

    pub(crate) fn clear_trap(&self) {
        self.0.borrow_mut().trap = None;
    }

    /// Whether the machine died in the middle of the present turn.
    pub(crate) fn has_died(&self) -> bool {
        self.0.borrow().has_died
    }

    pub(crate) fn alarm(&self) -> Option<i64> {
        self.0.borrow().live.alarm_to_come()
    }

    /// The platform's side of the alarm, which is no storage call of the object.
    pub(crate) fn change_alarm(&self, change: impl FnOnce(&mut Contents)) {
        change(&mut self.0.borrow_mut().live);
    }

    /// # Errors
    /// As a statement: it is a storage call as well.
    pub(crate) fn set_alarm(&self, at: i64) -> Result<(), StoreFault> {
        let trap = self.0.borrow_mut().spring();
        trap.before()?;
        self.0.borrow_mut().live.set_alarm(Some(at));
        trap.after()
    }

    fn run(&self, sql: &str, parameters: &str, is_text: bool) -> Result<String, StoreFault> {
        let state = &mut *self.0.borrow_mut();
        let trap = state.spring();
        trap.before()?;
        let plan = planned(sql);
        let forgets = state.defect == Defect::ForgetsKeys;
        if forgets && matches!(*plan, Plan::Select { by: super::plan::By::Key, .. }) {
            state.keys_asked += 1;
            if state.keys_asked.is_multiple_of(3) {
                return Ok("[]".to_owned());
            }
        }
        let found = match (&*plan, is_text) {
            (Plan::Append(columns), true) => state.live.append(columns, parameters, !forgets),
            // One row, its cells bound one by one.
            (Plan::Append(columns), false) => {
                state.live.append(columns, &format!("[{parameters}]"), !forgets)
            }
            (plan, _) => {
                let bound: Option<Vec<Cell>> = serde_json::from_str(parameters).unwrap();
                state.live.perform(plan, &bound.unwrap_or_default())
            }
        };
        if let Some(twin) = &state.twin {
            twin.run(sql, parameters, is_text, &found);
        }
        trap.after().and(found)
    }
}

impl State {
    /// What happens at this storage call.
    fn spring(&mut self) -> Sprung {
        if self.has_died {
            return Sprung(Some(Trap::Fails));
        }
        match &mut self.trap {
            Some((0, trap)) => {
                let trap = *trap;
                self.trap = None;
                self.has_died = matches!(trap, Trap::DiesBefore | Trap::DiesAfter);
                Sprung(Some(trap))
            }
            Some((calls, _)) => {
                *calls -= 1;
                Sprung(None)
            }
            None => Sprung(None),
        }
    }
}

struct Sprung(Option<Trap>);

impl Sprung {
    fn before(&self) -> Result<(), StoreFault> {
        match self.0 {
            Some(Trap::Fails | Trap::DiesBefore) => Err(StoreFault("the storage does not answer".to_owned())),
            _ => Ok(()),
        }
    }

    fn after(&self) -> Result<(), StoreFault> {
        match self.0 {
            Some(_) => Err(StoreFault("the storage was not heard of again".to_owned())),
            None => Ok(()),
        }
    }
}

impl Store for Disk {
    fn query(&self, sql: &str, parameters: &str) -> Result<String, StoreFault> {
        self.run(sql, parameters, false)
    }

    fn execute(&self, sql: &str, text: &str) -> Result<(), StoreFault> {
        // The platform's own limit.
        if text.len() > 2_000_000 {
            return Err(StoreFault("string or blob too big".to_owned()));
        }
        self.run(sql, text, true).map(drop)
    }
}
