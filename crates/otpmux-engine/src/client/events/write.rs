use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, Error, ErrorKind, ProviderId, SendRequest};

use super::super::inner::Inner;
use crate::events::{Facts, Reason};
use crate::{
    EventId, EventTerms, EventType, HEALTH_TTL, HealthUpdate, LimitExceeded, LimitScope, NewEvent,
    Once, RecipientHash, Record, State, Unconfirmed, background, millis,
};

/// How long one refusal is reported for all of its kind: an attacker may cause thousands.
const BLOCKED_ONCE_IN: Duration = Duration::from_mins(1);
/// The pauses between tries to write an event that no step carries.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_secs(1), Duration::from_secs(5)];

impl Inner {
    /// Gives a new record its events, if an endpoint gets any, and the time at which a process must
    /// report that it has failed.
    pub(in crate::client) fn add_events(
        &self,
        record: &mut Record,
        request: &SendRequest,
        metadata: &BTreeMap<String, String>,
    ) {
        let (events, id) = (&self.events, record.id);
        let wants = if id.is_delivery() { &events.deliveries } else { &events.verifications };
        if wants.is_empty() {
            return;
        }
        let mut facts = Facts::of(&request.purpose, &request.recipient);
        if events.metadata {
            facts = facts.with_metadata(metadata, id, &self.keys, &*self.entropy);
        }
        let terms = EventTerms { wants: Arc::clone(wants), facts: facts.to_text() };
        record.events = Some(Box::new(terms));
        if events.want_failed() && !id.is_delivery() {
            record.due_after_end = Some(record.expires_at);
            record.due_at = record.due_at.or(record.due_after_end);
        }
    }

    /// What the events of a record say once a message goes out by this channel and provider.
    pub(in crate::client) fn event_facts(
        record: &Record,
        channel: &Channel,
        provider: &ProviderId,
    ) -> Option<Arc<str>> {
        let mut facts = Facts::from_text(&record.events.as_ref()?.facts)?;
        facts.channel = Some(channel.as_str().to_owned());
        facts.provider = Some(provider.as_str().to_owned());
        Some(facts.to_text())
    }

    /// What the step that records the end of a send writes, if no vendor has confirmed it.
    pub(in crate::client) fn unconfirmed(
        record: &Record,
        place: usize,
        reason: ErrorKind,
    ) -> Option<Unconfirmed> {
        record.events.as_ref()?;
        Some(Unconfirmed { place: u8::try_from(place).ok()?, reason })
    }

    /// Reports that a limit refused a send: at most once a minute for each limit and purpose, and for
    /// each recipient where the limit is the recipient's.
    pub(in crate::client) fn report_blocked(
        self: &Arc<Self>,
        request: &SendRequest,
        recipient: &RecipientHash,
        limit: &LimitExceeded,
    ) {
        if !self.events.types.contains(EventType::SendBlocked) {
            return;
        }
        let now = self.clock.now();
        let whose = match limit.scope {
            LimitScope::Recipient => recipient.counted(),
            _ => [0; 16],
        };
        let (scope, purpose) = (limit.scope.as_str(), request.purpose.as_str());
        let text = [scope.as_bytes(), &[0], purpose.as_bytes(), &[0], &whose].concat();
        let key = self.keys.tag("event blocked", &text);
        let id = [&key[..], &millis(now).to_be_bytes()].concat();
        let mut facts = Facts::of(&request.purpose, &request.recipient);
        facts.channel = Some(request.channel.as_str().to_owned());
        self.put_event(NewEvent {
            endpoints: self.events.endpoints_for(EventType::SendBlocked),
            id: EventId::of_hash(self.keys.tag("event", &id), EventType::SendBlocked),
            facts: facts.to_text(),
            reason: Some(scope.into()),
            once: Some(Once { key, until: now + BLOCKED_ONCE_IN, releases: None }),
        });
    }

    /// Reports that a verification has expired without an approval, or without its place.
    pub(in crate::client) async fn report_expired(&self, record: &Record) -> Result<(), Error> {
        let event = EventType::VerificationFailed;
        let reason = match record.state {
            State::Pending => Reason::EXPIRED,
            State::Superseded => Reason::SUPERSEDED,
            State::Approved | State::Closed => return Ok(()),
        };
        let Some(event) = of_record(record, event, Some(reason)) else { return Ok(()) };
        self.outbox()?.put_event(event, self.clock.now()).await?;
        self.events.wake();
        Ok(())
    }

    /// Reports that the guesses of a verification are used up whose code is a vendor's.
    pub(in crate::client) fn report_exhausted(self: &Arc<Self>, record: &Record) {
        if let Some(event) = of_record(record, EventType::CheckExhausted, None) {
            self.put_event(event);
        }
    }

    /// The health updates that the store does not have yet, for the next write of any call; an
    /// endpoint may get them as events.
    pub(in crate::client) fn take_updates(self: &Arc<Self>) -> Vec<HealthUpdate> {
        let updates = self.providers.take_updates();
        for update in &updates {
            self.report_health(update);
        }
        updates
    }

    /// Reports that a provider is down, or up again: once, however many processes notice.
    fn report_health(self: &Arc<Self>, update: &HealthUpdate) {
        let (event, other, since) = match &update.state {
            Some(open) => (EventType::ProviderDown, EventType::ProviderUp, open.since),
            None => (EventType::ProviderUp, EventType::ProviderDown, update.at),
        };
        if !self.events.types.contains(EventType::ProviderDown)
            && !self.events.types.contains(EventType::ProviderUp)
        {
            return;
        }
        let provider = &update.provider;
        let key = |event: EventType| {
            self.keys.tag("event provider", format!("{}/{provider}", event.letter()).as_bytes())
        };
        let text = format!("{}/{}/{provider}", event.letter(), millis(since));
        self.put_event(NewEvent {
            endpoints: self.events.endpoints_for(event),
            id: EventId::of_hash(self.keys.tag("event", text.as_bytes()), event),
            facts: Facts::of_provider(provider).to_text(),
            reason: update.state.as_ref().map(|open| open.why.as_str().into()),
            once: Some(Once {
                key: key(event),
                until: self.clock.now() + HEALTH_TTL,
                releases: Some(key(other)),
            }),
        });
    }

    /// Writes an event in the background.
    fn put_event(self: &Arc<Self>, event: NewEvent) {
        let inner = Arc::clone(self);
        background::spawn(async move {
            let kind = event.id.event();
            if let Err(error) = inner.write_event(event).await {
                tracing::warn!(%error, event = kind.as_str(), "an event could not be written");
            }
        });
    }

    pub(in crate::client) async fn write_event(&self, event: NewEvent) -> Result<bool, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            match self.outbox()?.put_event(event.clone(), self.clock.now()).await {
                Ok(written) => {
                    self.events.wake();
                    return Ok(written);
                }
                Err(error) => match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                },
            }
        }
    }

    /// Writes an event that says it is a test, for every endpoint that gets its type. Returns its id,
    /// and how many endpoints there are.
    pub(in crate::client) async fn trigger_event(
        &self,
        event: EventType,
    ) -> Result<(EventId, usize), Error> {
        let mut about = [0; 16];
        self.entropy.fill(&mut about).map_err(super::super::inner::no_entropy)?;
        about[15] &= !1;
        let id = EventId::of_hash(about, event);
        let endpoints = self.events.endpoints_for(event);
        let count = endpoints.len();
        let facts = Facts {
            purpose: Some("test".to_owned()),
            channel: Some("sms".to_owned()),
            country: Some("IN".to_owned()),
            provider: Some("test".to_owned()),
            ..Facts::default()
        };
        let reason = Some("test".into());
        self.write_event(NewEvent { endpoints, id, facts: facts.to_text(), reason, once: None })
            .await?;
        Ok((id, count))
    }

    /// The time of the store, for those that schedule tries.
    pub(in crate::client) fn event_time(&self) -> SystemTime {
        self.clock.now()
    }
}

/// An event about a record; `None` if no endpoint gets it.
fn of_record(record: &Record, event: EventType, reason: Option<Reason>) -> Option<NewEvent> {
    let terms = record.events.as_deref()?;
    let wants = terms.wants.iter().filter(|want| want.1.contains(event));
    let endpoints: Vec<_> = wants.map(|want| want.0.clone()).collect();
    (!endpoints.is_empty()).then(|| NewEvent {
        endpoints,
        id: EventId::of(record.id, event, None),
        facts: Arc::clone(&terms.facts),
        reason: reason.map(|reason| reason.as_str().into()),
        once: None,
    })
}

impl super::Events {
    fn endpoints_for(&self, event: EventType) -> Vec<crate::EndpointName> {
        let endpoints = self.settings.endpoints().iter().filter(|it| it.types.contains(event));
        endpoints.map(|it| it.name.clone()).collect()
    }
}
