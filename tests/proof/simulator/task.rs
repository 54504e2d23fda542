//! An object's asynchronous functions, polled by hand: each pauses where the
//! shell awaits, and goes on when the world says so, with what the world gives.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What an object awaits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    GetAlarm,
    SetAlarm,
    /// Until the writes up to this turn are durable.
    Sync(u64),
    /// The project's object: its name and the call.
    Project(String),
}

/// What it is given: for the project a reply, for `GetAlarm` the instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Nothing,
    Alarm(Option<i64>),
    Reply(String),
}

/// The promise was rejected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rejected;

impl<E: std::fmt::Debug> From<E> for Rejected
where
    E: Into<edge_credits::worker::store::StoreFault>,
{
    fn from(_: E) -> Self {
        Self
    }
}

#[derive(Default)]
struct Slot {
    wait: Option<Wait>,
    given: Option<Result<Given, Rejected>>,
}

/// A function's way to the outside.
#[derive(Clone, Default)]
pub(crate) struct Io(Rc<RefCell<Slot>>);

impl Io {
    pub(crate) async fn wait(&self, wait: Wait) -> Result<Given, Rejected> {
        self.0.borrow_mut().wait = Some(wait);
        std::future::poll_fn(|_| match self.0.borrow_mut().given.take() {
            Some(given) => Poll::Ready(given),
            None => Poll::Pending,
        })
        .await
    }
}

pub(crate) struct Task {
    io: Io,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

impl Task {
    /// Runs to the first pause; `None`: it came to its end.
    pub(crate) fn start<F: Future<Output = ()> + 'static>(begin: impl FnOnce(Io) -> F) -> Option<Self> {
        let io = Io::default();
        let task = Self { future: Box::pin(begin(io.clone())), io };
        task.polled()
    }

    /// Runs on to the next pause.
    pub(crate) fn resume(self, given: Result<Given, Rejected>) -> Option<Self> {
        self.io.0.borrow_mut().given = Some(given);
        self.polled()
    }

    pub(crate) fn waits_for(&self) -> Wait {
        self.io.0.borrow().wait.clone().unwrap()
    }

    fn polled(mut self) -> Option<Self> {
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => None,
            Poll::Pending => Some(self),
        }
    }
}
