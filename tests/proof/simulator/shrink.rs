//! Makes a history that fails smaller: events are taken out, numbers are made
//! less, as long as it fails.

use super::event::Event;

/// The smallest history found, by so many tries, that still fails.
pub(crate) fn smallest(
    history: &[Event],
    tries: usize,
    mut fails: impl FnMut(&[Event]) -> bool,
) -> Vec<Event> {
    let mut left = tries;
    let mut fails = |history: &[Event]| {
        left = left.saturating_sub(1);
        left > 0 && fails(history)
    };
    let mut best = history.to_vec();
    loop {
        let before = best.clone();
        take_out(&mut best, &mut fails);
        simplify(&mut best, &mut fails);
        if best == before {
            return best;
        }
    }
}

/// Takes out spans of events, large ones first.
fn take_out(best: &mut Vec<Event>, fails: &mut impl FnMut(&[Event]) -> bool) {
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.len() {
            let to = (from + size).min(best.len());
            let shorter = [&best[..from], &best[to..]].concat();
            if fails(&shorter) {
                *best = shorter;
            } else {
                from = to;
            }
        }
        size /= 2;
    }
}

/// Makes the numbers of each event less.
fn simplify(best: &mut Vec<Event>, fails: &mut impl FnMut(&[Event]) -> bool) {
    for place in 0..best.len() {
        while let Some(simpler) = simpler(&best[place]) {
            let mut history = best.clone();
            history[place] = simpler;
            if !fails(&history) {
                break;
            }
            *best = history;
        }
    }
}

/// The same event with less of a number.
fn simpler(event: &Event) -> Option<Event> {
    let halved = |number: u16| (number > 0).then_some(number / 2);
    match *event {
        Event::Ask { object, deed, size } if size > 0 || object > 3 => {
            Some(Event::Ask { object: object % 4, deed, size: size / 2 })
        }
        // Where nothing can be left out, the first thing under way often does it.
        Event::Go(place @ 1..) => Some(Event::Go(if place > 8 { place % 8 } else { place - 1 })),
        Event::Retry(place) => halved(place).map(Event::Retry),
        Event::Reject(place) => halved(place).map(Event::Reject),
        Event::Clock(ms) if ms > 1 => Some(Event::Clock(ms / 2)),
        _ => None,
    }
}
