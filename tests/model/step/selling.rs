//! Random offers, and what a customer may do with them.

use proptest::prelude::*;

use super::{DAY, HOUR, MOST, SECOND, amount};
use crate::model::offer::{Cap, Change, Deal, Offer, Rules};

/// When periods are counted from: at an instant, or so long from now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    At(i64),
    In(i64),
}

impl Anchor {
    pub(super) fn at(self, now: i64) -> i64 {
        match self {
            Self::At(at) => at,
            Self::In(ms) => now + ms,
        }
    }
}

/// The ends of months, a leap day, the last millisecond of a day: of
/// 2024-02-29T12:00, 2025-12-31, 2026-01-30T06:00, 2026-08-31T23:59:59.999, 2027-01-29.
const LATE_DAYS: [i64; 5] =
    [1_709_208_000_000, 1_767_139_200_000, 1_769_752_800_000, 1_788_220_799_999, 1_801_180_800_000];

pub(super) fn anchor() -> impl Strategy<Value = Option<Anchor>> {
    let near = prop::sample::select(vec![0, -HOUR, SECOND, -DAY, 45 * DAY, -400 * DAY]);
    prop::option::weighted(
        0.4,
        prop_oneof![prop::sample::select(LATE_DAYS.to_vec()).prop_map(Anchor::At), near.prop_map(Anchor::In)],
    )
}

pub(super) fn feature() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.4, 0..2_u8)
}

fn mode() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(0)), 3 => Just(Some(1)), 3 => Just(Some(2))]
}

fn depth() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        6 => (0..=40_i64).prop_map(|halves| Some(halves * 500_000)),
        1 => Just(Some(MOST)),
    ]
}

fn caps() -> impl Strategy<Value = Option<Vec<Cap>>> {
    let cap = (prop::bool::ANY, 0..=60_i64, feature()).prop_map(|(daily, halves, feature)| Cap {
        daily,
        most: halves * 500_000,
        feature,
    });
    prop_oneof![2 => Just(None), 2 => prop::collection::vec(cap, 0..3).prop_map(Some)]
}

fn rules() -> impl Strategy<Value = Rules> {
    (mode(), depth(), prop::option::of(0..3_u32), caps()).prop_map(|(mode, depth, buys, caps)| Rules {
        mode,
        depth,
        buys,
        caps,
    })
}

pub(super) fn change() -> BoxedStrategy<Change> {
    prop_oneof![
        mode().prop_map(Change::Mode),
        depth().prop_map(Change::Depth),
        prop::option::of(0..3_u32).prop_map(Change::Buys),
        caps().prop_map(Change::Caps),
    ]
    .boxed()
}

fn gives() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 12 => (1..=30_i64).prop_map(|halves| halves * 500_000), 1 => Just(MOST)]
}

fn deal(id: u8) -> impl Strategy<Value = Option<Deal>> {
    let unit = prop_oneof![3 => Just(0_u8), 2 => Just(1_u8), 4 => Just(2_u8), 1 => Just(3_u8)];
    let rolls = prop::option::of((gives(), 1..4_u32));
    prop::option::weighted(
        0.8,
        (gives(), unit, rolls, prop_oneof![4 => Just(None), 1 => mode()])
            .prop_map(move |(gives, unit, rolls, mode)| Deal { id, gives, unit, rolls, mode }),
    )
}

/// Without a version and a time, which history gives it.
pub(super) fn offer() -> BoxedStrategy<Offer> {
    let deals = (deal(0), deal(1), deal(2));
    let packs = prop::collection::vec((amount(), 0..300_u64), 0..5);
    (rules(), prop::option::weighted(0.6, 0..3_u8), deals, packs)
        .prop_map(|(rules, usual, deals, packs)| {
            let deals: Vec<Deal> = [deals.0, deals.1, deals.2].into_iter().flatten().collect();
            let usual = usual.filter(|usual| deals.iter().any(|deal| deal.id == *usual));
            let packs = packs.into_iter().map(|(amount, cents)| (amount.abs().max(1), cents)).collect();
            Offer { version: 0, since: 0, rules, usual, deals, packs }
        })
        .boxed()
}
