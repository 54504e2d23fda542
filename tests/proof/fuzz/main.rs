//! Whatever comes in from outside, or out of storage: no text makes the
//! engine panic, hang, answer 500, or change something that it refused.
//!
//! Each test here is one way in. `PROOF_SECONDS` is how long they take
//! together (a little over a second each if absent), or `PROOF_CPU_SECONDS`
//! how much of a CPU each of them gets. `PROOF_SEED` repeats a run, and
//! `PROOF_KEEP=1` adds what was found to `tests/proof/corpus`.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

mod engine;
#[path = "../../messages/mod.rs"]
mod messages;
mod mutate;
mod requests;
#[path = "../../sqlite/mod.rs"]
mod sqlite;
mod stored;
mod texts;
mod world;

use edge_credits::Timestamp;
use edge_credits::worker::front::routes::{self, Found};
use engine::Fuzz;
use requests::Request;
use world::{Answered, World};

/// 2026-03-01T00:00:00Z.
fn now() -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000)
}

/// A project that has something of everything, and customers: anna has
/// credits, a charge, a hold and a settled hold; ben is on a tier; carl may
/// buy by overage.
const BEGINNING: &str = include_str!("beginning.txt");

/// Words of bodies and queries.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "\"anna\"", "\"ben\"", "\"carl\"", "\"nobody\"", "\"ai\"", "\"draw\"", "\"large\"", "\"basic\"",
    "\"small\"", "\"topup\"", "\"refund\"", "\"adjustment\"", "\"allow\"", "\"block\"", "\"auto_purchase\"",
    "\"month\"", "\"week\"", "\"usd\"", "\"live\"", "\"test\"", "{credits}", "{charge}", "{hold}",
    "{settled}", "\"amount\":", "\"description\":", "\"metadata\":", "\"feature\":", "\"idempotency_key\":",
    "\"deadline\":", "\"service\":", "\"action\":", "\"quantity\":", "\"model\":", "\"tokens\":",
    "\"input_tokens\":", "\"output_tokens\":", "\"cached_input_tokens\":", "\"type\":", "\"source\":",
    "\"product\":", "\"priority\":", "\"effective_at\":", "\"expires_at\":", "\"refund_of\":",
    "\"expires_in\":", "\"success\":", "\"finalized_tokens\":", "\"items\":", "\"atomic\":", "\"tier_id\":",
    "\"anchor\":", "\"reset_balance\":", "\"settings\":", "\"overage_mode\":", "\"overage_limit\":",
    "\"spend_limits\":", "\"low_balance_threshold\":", "\"rollover\":", "\"rate_limit\":",
    "\"allocation\":", "\"period\":", "\"cap\":", "\"per\":", "\"day\"", "limit=", "offset=", "cursor=",
    "from=", "to=", "type=", "period=", "include=breakdown", "consistency=cached", "/v1/", "customers/",
    "\n----\n", "Idempotency-Key: ", "key: live", "key: test", "key: anna", "key: operator",
    "2026-03-01T00:00:00.000Z",
];

/// Sends all requests of an input, in a world that forgets them; what the
/// last answer says, without what differs from caller to caller.
fn send_all(world: &mut World, input: &[u8]) -> String {
    let answers = world.try_out(|world| {
        let answers: Vec<_> =
            Request::all(input).iter().map(|request| (place(request), world.send(request))).collect();
        world.audit();
        answers
    });
    let (place, answered) = answers.last().unwrap();
    format!("{place} {}", said(answered))
}

/// The route that a target leads to.
fn place(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    match routes::find(&request.method, &segments) {
        Found::Route(route) => format!("{} {}", route.method, route.path.join("/")),
        other => format!("{other:?}"),
    }
}

/// A status, and the words of a problem that are the engine's own.
fn said(answered: &Answered) -> String {
    if answered.lacks_randomness {
        return "good, but for randomness".to_owned();
    }
    if answered.status < 400 {
        // What kind of answer it is: how many fields.
        let fields = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&answered.body);
        return format!("{} {:?}", answered.status, fields.ok().map(|fields| fields.len()));
    }
    let problem = answered.json();
    let code = problem["code"].as_str().unwrap_or_default();
    // Of a field's name only what the engine knows: whatever else is the caller's.
    let field = problem["field"].as_str().and_then(|field| field.rsplit('.').next());
    let field = field.filter(|field| WORDS.iter().any(|word| word.trim_matches(['"', ':', '=']) == *field));
    format!("{} {code} {}", answered.status, field.unwrap_or_default())
}

fn world() -> World {
    World::new(now(), BEGINNING)
}

#[test]
fn bodies() {
    let mut world = world();
    Fuzz::new("bodies", WORDS, |input| send_all(&mut world, input)).go();
}

#[test]
fn queries() {
    let mut world = world();
    Fuzz::new("queries", WORDS, |input| send_all(&mut world, input)).go();
}

#[test]
fn imports() {
    let mut world = world();
    Fuzz::new("imports", WORDS, |input| {
        let head = b"POST /v1/import\nkey: live\nContent-Type: application/x-ndjson\n\n";
        let request = Request::all(&[head, input].concat()).remove(0);
        world.try_out(|world| {
            let first = world.send(&request);
            assert_eq!(first.status, 200, "{first:?}");
            world.audit();
            // The same rows again change nothing.
            let again = summary(&world.send(&request));
            let first = summary(&first);
            let (done, refused) =
                (number(&first, "imported") + number(&first, "replayed"), number(&first, "failed"));
            let again = (number(&again, "imported"), number(&again, "replayed"), number(&again, "failed"));
            assert_eq!(again, (0, done, refused), "{first}");
            format!("{} of {}", done.min(3), (done + refused).min(5))
        })
    })
    .go();
}

fn summary(answered: &Answered) -> serde_json::Value {
    serde_json::from_str(answered.body.lines().last().unwrap()).unwrap()
}

fn number(summary: &serde_json::Value, name: &str) -> u64 {
    summary[name].as_u64().unwrap_or_else(|| panic!("no {name}: {summary}"))
}

#[test]
fn stripe_events() {
    let mut world = world();
    Fuzz::new(
        "stripe_events",
        &["\"paid\"", "\"unpaid\"", "\"won\"", "\"lost\"", "\"overage\"", "\"checkout\""],
        |input| {
            let head = b"POST /webhooks/stripe\nStripe-Signature: live\n";
            let requests = Request::all(&[&head[..], input].concat());
            world.try_out(|world| {
                let first = world.send(&requests[0]);
                world.audit();
                // Stripe sends what it has sent once more: nothing is done twice.
                let again = world.send(&requests[0]);
                assert_eq!(first.status, again.status, "{first:?} {again:?}");
                let changed = first.body.contains("granted") || first.body.contains("_back");
                assert!(!changed || again.body.contains("\"replayed\":true"), "{first:?} {again:?}");
                format!("{} {}", said(&first), first.body.split("\"outcome\":").nth(1).unwrap_or_default())
            })
        },
    )
    .go();
}
