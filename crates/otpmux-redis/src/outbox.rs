//! The outbox: events that wait for their delivery.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;
use otpmux_engine::{
    DueEvents, EndpointName, EndpointState, EndpointStatus, EventEnd, EventEnded, EventId,
    NewEvent, Outbox, QueuedEvent, Wanted,
};

use crate::codec::events;
use crate::encoder::Encode;
use crate::key_names::Key;
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;
use crate::steps::time_until;
use crate::store::RedisStore;

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
        let call = ScriptCall::new(Operation::EventsDue, self.names(), now)
            .key(&Key::Endpoints)
            .argument(|bytes| bytes.time(now + lease));
        let call = wanted
            .iter()
            .fold(call, |call, it| call.text(it.endpoint.as_str()).text(it.most.to_string()));
        self.run(call, |reply| {
            let mut reply = reply.after("events")?;
            let dropped = reply.number()?;
            let events = events::read(&mut reply)?;
            reply.end(DueEvents { events, dropped })
        })
        .await
    }

    async fn end_event(
        &self,
        endpoint: &EndpointName,
        id: EventId,
        end: EventEnd,
        now: SystemTime,
    ) -> Result<EventEnded, Error> {
        let call = ScriptCall::new(Operation::EndEvent, self.names(), now)
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(id.to_bytes())
            .text(end.letter())
            .maybe_time(end.due_at());
        self.run(call, |mut reply| {
            let waited = reply.is("done", "gone")?;
            let since = reply.maybe_number()?.map(Duration::from_millis);
            let failing_since = since.map(|since| SystemTime::UNIX_EPOCH + since);
            reply.end(EventEnded { waited, failing_since })
        })
        .await
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
            let events = events::read(&mut reply)?;
            reply.end(events)
        })
        .await
    }

    async fn endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        let call = ScriptCall::timeless(Operation::Endpoints, self.names()).key(&Key::Endpoints);
        self.run(call, |reply| {
            let mut reply = reply.after("endpoints")?;
            let endpoints = events::read_endpoints(&mut reply)?;
            reply.end(endpoints)
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
