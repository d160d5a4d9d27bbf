//! The outbox: events that wait for their delivery.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;
use otpmux_engine::{
    DueEvents, EndedEvent, EndpointName, EndpointState, EndpointStatus, EventsEnded, NewEvent,
    Outbox, QueuedEvent, Wanted, millis,
};

use crate::codec::events;
use crate::key_names::Key;
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;
use crate::steps::time_until;
use crate::store::RedisStore;

/// The most ends that one script records: each blocks Redis for a moment, and is some arguments.
const MOST_ENDED: usize = 256;

#[async_trait]
impl Outbox for RedisStore {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        let NewEvent { endpoints, id, facts, reason, once } = event;
        let call = ScriptCall::new(Operation::PutEvent, self.names(), now).key(&Key::Endpoints);
        let call = match &once {
            Some(once) => {
                let call = call.key(&Key::Event(&once.key));
                once.releases.iter().fold(call, |call, key| call.key(&Key::Event(key)))
            }
            None => call,
        };
        let until = once.map(|once| once.until);
        let call = call
            .text(id.to_bytes())
            .text(&*facts)
            .text(reason.as_deref().unwrap_or_default())
            .maybe_time(until)
            .time_to_live(time_until(until.unwrap_or(now), now));
        let call = endpoints.iter().fold(call, |call, endpoint| call.text(endpoint.as_str()));
        self.run(call, |reply| {
            let written = reply.is("written", "held")?;
            reply.end(written)
        })
        .await
    }

    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        let due_at = SystemTime::UNIX_EPOCH + Duration::from_millis(millis(now + lease));
        let call = ScriptCall::new(Operation::EventsDue, self.names(), now)
            .key(&Key::Endpoints)
            .text(millis(due_at).to_string());
        let call = wanted
            .iter()
            .fold(call, |call, it| call.text(it.endpoint.as_str()).text(it.most.to_string()));
        self.run(call, |reply| {
            let mut reply = reply.after("events")?;
            let dropped = reply.number()?;
            let events = events::read_taken(&mut reply, wanted, due_at)?;
            reply.end(DueEvents { events, dropped })
        })
        .await
    }

    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        let mut all = EventsEnded::default();
        for ended in ended.chunks(MOST_ENDED) {
            let mut by_endpoint = BTreeMap::<&EndpointName, Vec<&EndedEvent>>::new();
            for one in ended {
                by_endpoint.entry(&one.endpoint).or_default().push(one);
            }
            let call =
                ScriptCall::new(Operation::EndEvents, self.names(), now).key(&Key::Endpoints);
            let call = by_endpoint.iter().fold(call, |call, (endpoint, ended)| {
                let call = call.text(endpoint.as_str()).argument(|bytes| {
                    for it in ended {
                        events::write_end(bytes, it.end);
                    }
                });
                ended.iter().fold(call, |call, it| call.text(it.id.to_bytes()))
            });
            self.run(call, |reply| {
                let mut reply = reply.after("ended")?;
                all.waited += reply.number::<usize>()?;
                for endpoint in by_endpoint.into_keys() {
                    match events::read_since(&mut reply)? {
                        Some(since) => all.failing_since.insert(endpoint.clone(), since),
                        None => all.failing_since.remove(endpoint),
                    };
                }
                reply.end(())
            })
            .await?;
        }
        Ok(all)
    }

    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        let call = ScriptCall::timeless(Operation::EventsWaiting, self.names())
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(most.to_string());
        self.run(call, |reply| {
            let mut reply = reply.after("events")?;
            let events = events::read_waiting(&mut reply, endpoint)?;
            reply.end(events)
        })
        .await
    }

    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        let call = ScriptCall::timeless(Operation::Endpoints, self.names()).key(&Key::Endpoints);
        let call = endpoints.iter().fold(call, |call, endpoint| call.text(endpoint.as_str()));
        self.run(call, |reply| {
            let mut reply = reply.after("endpoints")?;
            let statuses = events::read_endpoints(&mut reply, endpoints)?;
            reply.end(statuses)
        })
        .await
    }

    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        let call = ScriptCall::timeless(Operation::SetEndpoint, self.names())
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(events::letter(state));
        self.run(call, Reply::done).await
    }
}
