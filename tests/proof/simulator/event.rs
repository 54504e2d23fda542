//! What can happen, as plain numbers. An event names nothing that might not
//! exist ("the third of what is under way"), so that a history stays
//! meaningful when events are taken out of it.

use super::disk::Trap;

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Consume,
    /// Without a key, so it is never sent twice.
    ConsumeOnce,
    Topup,
    /// That comes into effect later, or ends.
    TopupInTime,
    Deduct,
    Reserve,
    Extend,
    /// By so much as was held, or by another amount.
    Complete,
    Refund,
    /// All or none.
    Batch,
    /// Each by itself.
    BatchOfEach,
    Purchase,
    TakeBack,
    Open,
    ChangeTier,
    Close,
    Balance,
    Audit,
    /// The key of an earlier operation with another body.
    KeyAgain,
    /// A call in another project's, mode's or customer's name.
    Stranger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A caller begins an operation on an object.
    Ask {
        object: u8,
        deed: Deed,
        size: u16,
    },
    /// One of all things under way goes on: a message arrives, a wait ends
    /// well, an answer arrives.
    Go(u16),
    /// A caller that has no answer asks again, whatever is still on its way.
    Retry(u16),
    DuplicateMessage(u16),
    LoseMessage(u16),
    DuplicateAnswer(u16),
    LoseAnswer(u16),
    /// What is awaited fails, and nothing else does.
    Reject(u16),
    /// The call whose context a function runs in ends, and the function with it.
    Hang(u16),
    /// What is awaited happened, but the object's memory is gone by then.
    DoneUnanswered(u16),
    /// The object's storage breaks: of what is not durable a part is kept, and
    /// all that is awaited fails.
    Break {
        object: u8,
        kept: u8,
    },
    /// The object is evicted from memory.
    Evict(u8),
    /// The machine dies; each object keeps a part of what was not durable.
    Crash {
        kept: u8,
    },
    /// The wasm instance aborts, and with it the memory of all ledgers.
    Abort,
    /// At one of the next storage calls.
    Trap {
        object: u8,
        calls: u8,
        trap: Trap,
    },
    /// A flush's deputy wakes up.
    Deputy(u8),
    /// The alarm rings, if it is time.
    Alarm(u8),
    /// It rings though nobody set it, or once more.
    StrayAlarm(u8),
    /// It will never ring.
    LoseAlarm(u8),
    /// The clock moves by so many milliseconds; back, too.
    Clock(i64),
    /// The project changes its terms.
    NewTerms(u8),
}

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A generator of numbers (splitmix64): small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn u16(&mut self) -> u16 {
        self.next() as u16
    }

    fn u8(&mut self) -> u8 {
        self.next() as u8
    }

    fn deed(&mut self) -> Deed {
        const DEEDS: [(u64, Deed); 20] = [
            (22, Deed::Consume),
            (3, Deed::ConsumeOnce),
            (9, Deed::Topup),
            (4, Deed::TopupInTime),
            (3, Deed::Deduct),
            (12, Deed::Reserve),
            (3, Deed::Extend),
            (11, Deed::Complete),
            (4, Deed::Refund),
            (3, Deed::Batch),
            (2, Deed::BatchOfEach),
            (3, Deed::Purchase),
            (2, Deed::TakeBack),
            (2, Deed::Open),
            (2, Deed::ChangeTier),
            (1, Deed::Close),
            (7, Deed::Balance),
            (1, Deed::Audit),
            (2, Deed::KeyAgain),
            (4, Deed::Stranger),
        ];
        *self.choose(&DEEDS)
    }

    fn choose<'a, T>(&mut self, weighed: &'a [(u64, T)]) -> &'a T {
        let mut place = self.below(weighed.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in weighed {
            match place.checked_sub(*weight) {
                Some(rest) => place = rest,
                None => return value,
            }
        }
        &weighed[0].1
    }

    fn clock(&mut self) -> i64 {
        match self.below(40) {
            0 => -HOUR_MS,
            1 => 40 * DAY_MS,
            2 => DAY_MS,
            3..=5 => HOUR_MS,
            6..=9 => 60_000,
            10..=15 => 11_000,
            16..=25 => 260,
            _ => 1 + self.below(3_000) as i64,
        }
    }

    fn trap(&mut self) -> Trap {
        [Trap::Fails, Trap::FailsAfter, Trap::DiesBefore, Trap::DiesAfter][self.below(4) as usize]
    }

    fn event(&mut self, faults: bool) -> Event {
        let object = self.u8();
        match self.below(1_000) {
            0..200 => Event::Ask { object, deed: self.deed(), size: self.u16() },
            200..850 => Event::Go(self.u16()),
            850..890 => Event::Clock(self.clock()),
            890..905 => Event::Alarm(object),
            905..910 => Event::Deputy(object),
            _ if !faults => Event::Go(self.u16()),
            910..930 => Event::Retry(self.u16()),
            930..938 => Event::DuplicateMessage(self.u16()),
            938..946 => Event::LoseMessage(self.u16()),
            946..950 => Event::DuplicateAnswer(self.u16()),
            950..956 => Event::LoseAnswer(self.u16()),
            956..962 => Event::Reject(self.u16()),
            962..966 => Event::Hang(self.u16()),
            966..970 => Event::DoneUnanswered(self.u16()),
            970..973 => Event::Break { object, kept: self.u8() },
            973..977 => Event::Evict(object),
            977..981 => Event::Crash { kept: self.u8() },
            981..983 => Event::Abort,
            983..990 => Event::Trap { object, calls: self.below(8) as u8, trap: self.trap() },
            990..994 => Event::StrayAlarm(object),
            994..996 => Event::LoseAlarm(object),
            _ => Event::NewTerms(object),
        }
    }
}

/// The history that a seed stands for. Each tenth is without faults: what they
/// would hide is seen there.
pub(crate) fn history(seed: u64, events: usize) -> Vec<Event> {
    let mut random = Random::new(seed);
    let faults = random.below(10) > 0;
    (0..events).map(|_| random.event(faults)).collect()
}
