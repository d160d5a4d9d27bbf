//! Steps on the outbox, and what records say about events.

use std::collections::BTreeMap;
use std::sync::Arc;

use otpmux_engine::{
    EndedEvent, EndpointState, EventEnd, EventId, EventTerms, EventType, NewEvent, Once,
    Unconfirmed, Wanted,
};

use super::World;
use crate::stores::events::{endpoint, terms};
use crate::stores::model::Step;
use crate::stores::whole::KINDS;

impl World {
    pub(super) fn of_events(&mut self) -> Step {
        let name = *self.dice.pick(&["all", "few", "none"]);
        let endpoint = endpoint(name);
        match self.dice.below(10) {
            0..3 => {
                let most = self.dice.place(6);
                let all = [endpoint, super::events::endpoint("few")];
                Step::EventsDue(all.map(|endpoint| Wanted { endpoint, most }).into())
            }
            3..6 => {
                let many = 1 + self.dice.below(4);
                let mut ended = BTreeMap::new();
                for _ in 0..many {
                    let one = self.ended();
                    ended.insert((one.endpoint.clone(), one.id), one);
                }
                Step::EndEvents(ended.into_values().collect())
            }
            6 => {
                let states = [EndpointState::On, EndpointState::Paused, EndpointState::Off];
                let state = *self.dice.pick(&states);
                let state = if self.dice.percent(60) { EndpointState::On } else { state };
                Step::SetEndpoint(endpoint, state)
            }
            7 => Step::EventsWaiting(endpoint),
            8 => Step::Endpoints,
            _ => Step::PutEvent(self.new_event()),
        }
    }

    fn ended(&mut self) -> EndedEvent {
        let name = *self.dice.pick(&["all", "all", "few", "none"]);
        let event = *self.dice.pick(&EventType::ALL);
        let id = EventId::of(self.one().id, event, None);
        let end = match self.dice.below(4) {
            0 => EventEnd::Delivered,
            1 => EventEnd::Dropped,
            2 => EventEnd::Failed(self.soon(20_000)),
            _ => EventEnd::Again(self.soon(20_000)),
        };
        EndedEvent { endpoint: endpoint(name), id, end }
    }

    pub(super) fn new_event(&mut self) -> NewEvent {
        let key = [u8::try_from(self.dice.below(2)).expect("few keys"); 16];
        let releases = self.dice.percent(50).then_some([1 - key[0]; 16]);
        let once = Once { key, until: self.soon(3_000), releases };
        NewEvent {
            endpoints: [endpoint("all"), endpoint("few")].into(),
            id: EventId::of_hash(self.dice.bytes(), EventType::ProviderDown),
            facts: self.facts(),
            reason: self.dice.percent(50).then(|| "timeout".into()),
            once: self.dice.percent(80).then_some(once),
        }
    }

    pub(super) fn facts(&mut self) -> Arc<str> {
        format!("{{\"u\":\"text \\\" {}\"}}", self.dice.below(9)).into()
    }

    pub(super) fn event_terms(&mut self) -> Option<Box<EventTerms>> {
        let facts = self.facts();
        (self.events && self.dice.percent(60)).then(|| Box::new(terms(&facts)))
    }

    pub(super) fn unconfirmed(&mut self) -> Option<Unconfirmed> {
        let place = u8::try_from(self.dice.below(4)).expect("few send attempts");
        let reason = *self.dice.pick(&KINDS);
        self.dice.percent(20).then_some(Unconfirmed { place, reason })
    }
}
