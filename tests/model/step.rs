//! Random steps through a customer's life. A step names nothing that might
//! not exist: a hold is "the third from the last", so that a history stays
//! meaningful when shrinking takes steps out of it.

mod selling;

use proptest::prelude::*;

use super::ask::{Adding, Ask, Buying, Order, Used};
use super::offer::{Change, Offer};
use super::world::World;
use selling::Anchor;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// The largest amount in millionths.
const MOST: i64 = 9_000_000_000_000_000;

/// One step: the clock moves, then something is asked.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) clock_ms: i64,
    pub(crate) deed: Deed,
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Only look: what is due happens.
    Look,
    One(Wish),
    /// The same several times: limits are reached by it.
    Repeated(Wish, u8),
    /// All or nothing.
    Together(Vec<Wish>),
    /// The project sells otherwise: since so many eighths of the way to here.
    Sell(Offer, u8),
    /// Overage buys what is missing, under a purchase's id.
    Buy(i64, u8),
}

/// An order before it is known what there is to ask about.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    what: What,
    key: Option<(u8, u8)>,
    deadline_in: Option<i64>,
}

#[derive(Clone, Debug)]
enum What {
    Consume(i64, Option<u8>),
    Add(AddWish),
    Reserve(i64, i64, Option<(i64, i64)>, Option<u8>),
    Extend(u8, i64),
    Complete(u8, bool, Used),
    Open(u8, Option<u8>, Option<Anchor>, Vec<Change>),
    ChangeTier(u8, bool, Option<Anchor>),
    Configure(Vec<Change>, bool),
    Purchase(Buying),
    FailPurchase(u8),
    TakeBack(u8, u64, bool),
    GiveBack(u8),
    Update(u8),
    Close,
    Revoke(u8, i64),
}

#[derive(Clone, Debug)]
struct AddWish {
    amount: i64,
    kind: u8,
    source: Option<u8>,
    priority: Option<i32>,
    from_in: Option<i64>,
    until_in: Option<i64>,
    refund_of: Option<u8>,
}

/// What no history has.
const NOTHING: u8 = u8::MAX;

/// A purchase that nobody ever made.
const NO_PURCHASE: u8 = 99;

/// Counts back from the newest, around the end.
fn newest<T: Copy>(all: &[T], back: u8) -> Option<T> {
    let place = usize::from(back).checked_rem(all.len()).filter(|_| back != NOTHING);
    place.map(|place| all[all.len() - 1 - place])
}

impl Wish {
    pub(crate) fn order(&self, world: &World, now: i64) -> Order {
        let hold = |back| newest(&world.all_holds(), back).unwrap_or(0);
        // The purchase that overage has begun, if there is one.
        let underway = world.purse.underway.as_ref().map(|underway| underway.id);
        let paid = |id: u8| if id == NOTHING { underway.unwrap_or(0) } else { id };
        let bought = |back: &u8| newest(&world.all_bought(), *back).unwrap_or(NO_PURCHASE);
        let anchor = |anchor: &Option<Anchor>| anchor.map(|anchor| anchor.at(now));
        let ask = match &self.what {
            What::Consume(amount, feature) => Ask::Consume(*amount, *feature),
            What::Add(wish) => Ask::Add(Adding {
                amount: wish.amount,
                kind: wish.kind,
                source: wish.source,
                priority: wish.priority,
                from: wish.from_in.map(|ms| now + ms),
                until: wish.until_in.map(|ms| now + ms),
                refund_of: wish.refund_of.map(|back| newest(&world.all_charges(), back).unwrap_or(0)),
            }),
            What::Reserve(amount, lasts, price, feature) => Ask::Reserve(*amount, *lasts, *price, *feature),
            What::Extend(back, lasts) => Ask::Extend(hold(*back), *lasts),
            What::Complete(back, success, used) => Ask::Complete(hold(*back), *success, *used),
            What::Open(tag, tier, from, own) => Ask::Open(*tag, *tier, anchor(from), own.clone()),
            What::ChangeTier(tier, reset, from) => Ask::ChangeTier(*tier, *reset, anchor(from)),
            What::Configure(changes, unblock) => Ask::Configure(changes.clone(), *unblock),
            What::Purchase(buying) => Ask::Purchase(Buying { id: paid(buying.id), ..buying.clone() }),
            What::FailPurchase(id) => Ask::FailPurchase(paid(*id)),
            What::TakeBack(back, cents, dispute) => Ask::TakeBack(bought(back), *cents, *dispute),
            What::GiveBack(back) => Ask::GiveBack(bought(back)),
            What::Update(tag) => Ask::Update(*tag),
            What::Close => Ask::Close,
            What::Revoke(key, ms) => Ask::Revoke(*key, now + ms),
        };
        let key = if let Ask::Purchase(buying) = &ask { Some(buying.key()) } else { self.key };
        Order { ask, key, deadline: self.deadline_in.map(|ms| now + ms) }
    }
}

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let selling = (selling::offer(), 0..=8_u8)
        .prop_map(|(offer, eighths)| Step { clock_ms: 0, deed: Deed::Sell(offer, eighths) });
    // Most begin with something that is sold.
    let first = prop_oneof![3 => selling, 1 => step()];
    (first, prop::collection::vec(step(), 0..most)).prop_map(|(first, mut steps)| {
        steps.insert(0, first);
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    let clock_ms = prop_oneof![
        80 => Just(0),
        40 => 1..=60 * SECOND,
        40 => prop::sample::select(vec![1, SECOND, 10 * SECOND, 900 * SECOND, HOUR, 23 * HOUR, DAY, 7 * DAY]),
        10 => HOUR..=40 * DAY,
        1 => 100 * DAY..=400 * DAY,
        10 => -HOUR..0_i64,
    ];
    let deed = prop_oneof![
        1 => Just(Deed::Look),
        14 => wish().prop_map(Deed::One),
        1 => (wish(), 2..16_u8).prop_map(|(wish, times)| Deed::Repeated(wish, times)),
        1 => prop::collection::vec(wish(), 1..5).prop_map(Deed::Together),
        1 => (selling::offer(), 0..=8_u8).prop_map(|(offer, eighths)| Deed::Sell(offer, eighths)),
        3 => (amount().prop_map(|amount| amount.abs()), purchase()).prop_map(|(missing, id)| Deed::Buy(missing, id)),
    ];
    (clock_ms, deed).prop_map(|(clock_ms, deed)| Step { clock_ms, deed })
}

/// Boxed: unboxed, the types of a step together overflow a test's stack.
fn wish() -> BoxedStrategy<Wish> {
    // Few keys and prints, so that they meet.
    let key = prop::option::weighted(0.25, (0..6_u8, prop_oneof![4 => Just(0), 1 => Just(1)]));
    let deadline_in = prop::option::weighted(0.1, -HOUR..HOUR);
    (what(), key, deadline_in).prop_map(|(what, key, deadline_in)| Wish { what, key, deadline_in }).boxed()
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        20 => (amount(), selling::feature()).prop_map(|(amount, feature)| What::Consume(amount, feature)),
        20 => adding().prop_map(What::Add),
        14 => (amount(), lifetime(), prop::option::of((0..5_000_000_i64, 0..5_000_000_i64)), selling::feature())
            .prop_map(|(amount, lasts, price, feature)| What::Reserve(amount, lasts, price, feature)),
        8 => (back(), lifetime()).prop_map(|(back, lasts)| What::Extend(back, lasts)),
        16 => (back(), prop::bool::weighted(0.8), used())
            .prop_map(|(back, success, used)| What::Complete(back, success, used)),
        2 => (0..4_u8, prop::option::of(0..3_u8), selling::anchor(), changes())
            .prop_map(|(tag, tier, anchor, own)| What::Open(tag, tier, anchor, own)),
        4 => (0..3_u8, prop::bool::ANY, selling::anchor())
            .prop_map(|(tier, reset, anchor)| What::ChangeTier(tier, reset, anchor)),
        3 => (changes(), prop::bool::weighted(0.3)).prop_map(|(changes, unblock)| What::Configure(changes, unblock)),
        6 => (paid(), amount(), 0..40_u64, prop::option::weighted(0.8, 0..2_u8))
            .prop_map(|(id, amount, cents, payer)| What::Purchase(Buying { id, amount, cents, payer })),
        2 => paid().prop_map(What::FailPurchase),
        4 => (back(), 0..50_u64, prop::bool::ANY)
            .prop_map(|(id, cents, dispute)| What::TakeBack(id, cents, dispute)),
        3 => back().prop_map(What::GiveBack),
        1 => (0..4_u8).prop_map(What::Update),
        1 => Just(What::Close),
        1 => (0..3_u8, -HOUR..DAY).prop_map(|(key, ms)| What::Revoke(key, ms)),
    ]
}

/// Few, so that they meet.
fn purchase() -> impl Strategy<Value = u8> {
    0..20_u8
}

/// The one that is under way, or any.
fn paid() -> impl Strategy<Value = u8> {
    prop_oneof![2 => Just(NOTHING), 1 => purchase()]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(selling::change(), 0..3)
}

/// Mostly a few credits, so that sums meet exactly; seldom the impossible and
/// the largest that there can be.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        30 => (1..=20_i64).prop_map(|halves| halves * 500_000),
        6 => 1..=3_000_000_i64,
        1 => Just(0),
        1 => -5_000_000..0_i64,
        1 => prop::sample::select(vec![MOST, MOST - 1, MOST / 2]),
    ]
}

fn lifetime() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![SECOND, 60 * SECOND, 900 * SECOND, HOUR, DAY])
}

fn back() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0_u8), 3 => 1..3_u8, 1 => 3..10_u8, 1 => Just(NOTHING)]
}

fn used() -> impl Strategy<Value = Used> {
    prop_oneof![
        2 => Just(Used::Unsaid),
        4 => amount().prop_map(Used::Amount),
        // More than is there: it becomes debt.
        2 => amount().prop_map(|amount| Used::Amount(amount.saturating_mul(8).clamp(-MOST, MOST))),
        2 => (0..3_000_000_u32, 0..3_000_000_u32).prop_map(|(input, output)| Used::Tokens(input, output)),
    ]
}

fn adding() -> impl Strategy<Value = AddWish> {
    let kind = prop_oneof![5 => Just(0_u8), 2 => Just(1_u8), 2 => Just(2_u8)];
    let some = prop_oneof![1 => amount(), 2 => amount().prop_map(|amount| (amount.saturating_mul(8)).clamp(-MOST, MOST))];
    let signed =
        (some, prop::bool::weighted(0.1)).prop_map(|(amount, less)| if less { -amount } else { amount });
    let span = || prop::sample::select(vec![-HOUR, 1, SECOND, HOUR, DAY, 2 * DAY, 10 * DAY, 30 * DAY]);
    (
        signed,
        kind,
        prop::option::weighted(0.4, 0..8_u8),
        prop::option::weighted(0.3, 0..3_i32),
        prop::option::weighted(0.25, span()),
        prop::option::weighted(0.5, span()),
        prop::option::weighted(0.25, back()),
    )
        .prop_map(|(amount, kind, source, priority, from_in, until_in, refund_of)| AddWish {
            amount,
            kind,
            source,
            priority,
            from_in,
            until_in,
            refund_of,
        })
}
