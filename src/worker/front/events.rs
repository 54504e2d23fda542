//! The list of events: all shards are asked, and their parts merged.

use super::incoming::Query;
use super::{Answer, Call, good};
use crate::api::{Code, List, Pagination, Problem};
use crate::json::{self, JsonText};
use crate::ledger::Notice;
use crate::text::{Name, joined};
use crate::time::Timestamp;
use crate::worker::base62;
use crate::worker::flow::Effect;
use crate::worker::ids::ledger_of_event;
use crate::worker::objects::events::{EventQuery, EventsCall, Listed, Page, SHARDS, events_name, shard_of};
use crate::worker::reply::Reply;
use crate::worker::sort::sorted;

impl Call<'_> {
    pub(super) async fn list_events(&self) -> Result<Answer, Problem> {
        let query = self.incoming.query(&["limit", "cursor", "type", "customer_id"])?;
        let limit = query.limit()?;
        let kind = query.get("type");
        if kind.is_some_and(|kind| Notice::ALL.iter().all(|notice| notice.word() != kind)) {
            let words = joined(&Notice::ALL.map(Notice::word), ", ");
            return Err(Query::invalid("type", &format!("must be one of {words}")));
        }
        let customer = query.get("customer_id").map(|text| {
            let detail = "must be 1 to 256 bytes of UTF-8 without control characters";
            Name::new(text).ok_or_else(|| Query::invalid("customer_id", detail))
        });
        let ask = EventsCall::List(EventQuery {
            // One more than asked for tells whether there are more.
            limit: limit.saturating_add(1),
            before: query.get("cursor").map(read_cursor).transpose()?,
            kind: kind.map(str::to_owned),
            customer: customer.transpose()?,
        });
        let (mut total, mut events) = (0_u64, Vec::new());
        for reply in self.ask_events(0..SHARDS, &ask).await? {
            let mut page: Page = json::read(&reply.body).map_err(|_| unreadable())?;
            total = total.saturating_add(page.total);
            events.append(&mut page.events);
        }
        let mut events = sorted(events, |one: &Listed, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = events.len() > wanted;
        events.truncate(wanted);
        let next_cursor = events.last().filter(|_| has_more).map(cursor);
        let data: Vec<JsonText> = events.into_iter().map(|listed| listed.event).collect();
        Ok(Answer::ok(&List {
            data,
            pagination: Pagination { limit, offset: 0, total, has_more, next_cursor },
        }))
    }

    pub(super) async fn get_event(&self) -> Result<Answer, Problem> {
        let id = self.incoming.parameter().unwrap_or_default();
        // An id of another project leads to a shard of the caller's own, which does not know it.
        let shard = shard_of(&ledger_of_event(&id).unwrap_or_default());
        let replies = self.ask_events(shard..shard.saturating_add(1), &EventsCall::Event { id }).await?;
        replies.into_iter().next().map(Answer::from).ok_or_else(unreadable)
    }

    async fn ask_events(&self, shards: std::ops::Range<u8>, ask: &EventsCall) -> Result<Vec<Reply>, Problem> {
        let key = &self.caller.key;
        let names = shards.map(|shard| events_name(&key.project, key.mode, shard)).collect();
        let replies = self.io.perform(Effect::Events { names, message: json::write(ask) }).await;
        replies.lines().map(good).collect()
    }
}

fn unreadable() -> Problem {
    Problem::new(Code::Internal, "an object's answer was unreadable")
}

fn cursor(last: &Listed) -> String {
    format!("{}-{}", base62::encode_number(last.at.ms().unsigned_abs()), last.id)
}

fn read_cursor(text: &str) -> Result<(Timestamp, String), Problem> {
    let read = || {
        let (at, id) = text.split_once('-')?;
        let at = Timestamp::from_ms(i64::try_from(base62::decode_number(at)?).ok()?);
        ledger_of_event(id).map(|_| (at, id.to_owned()))
    };
    read().ok_or_else(|| Query::invalid("cursor", "is not a cursor of this list"))
}
