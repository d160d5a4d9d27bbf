//! Compares a store with the memory store: the same random steps, and every answer in full.

use std::fmt;
use std::time::{Duration, SystemTime};

use otpmux_engine::{
    AcceptedAttempt, Create, Created, DeliveryMark, EndedEvent, EndpointName, EndpointState, Guess,
    GuessEnd, Guessed, MemoryStore, NewEvent, ReceiptOf, Received, RecordOutcome, Reschedule,
    StartAttempt, VerificationId, VerificationStore, Wanted,
};

use super::dice::Dice;
use super::events::{LEASE, names, outbox};
use super::records::now;
use super::steps::{begin_at, cancel_at, health_at, in_order, load_at, receive_at, recorded_at};
use super::whole::spelled;
use super::world::World;
use super::{Effort, Store};

/// One step of the contract. `Create` boxes what is much larger than the rest.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create(Box<Create>),
    Begin(VerificationId, Box<StartAttempt>),
    RecordOutcome(VerificationId, RecordOutcome),
    RecordAccepted(Vec<AcceptedAttempt>),
    CheckGuess(Guess),
    Approve(VerificationId, Guess),
    EndGuess(VerificationId, Guess, GuessEnd),
    Receive(ReceiptOf, DeliveryMark),
    PutEvent(NewEvent),
    EventsDue(Vec<Wanted>),
    EndEvents(Vec<EndedEvent>),
    EventsWaiting(EndpointName),
    SetEndpoint(EndpointName, EndpointState),
    Endpoints,
    Cancel(VerificationId),
    Due(Duration, usize),
    Reschedule(VerificationId, Reschedule),
    Load(VerificationId),
    Health,
}

impl Step {
    /// Runs the step, and returns the store's whole answer.
    async fn take(self, store: &dyn VerificationStore, now: SystemTime) -> String {
        match self {
            Self::Create(create) => {
                match store.create(*create, now).await.expect("a store that works") {
                    Created::New(updates) => format!("new, {:?}", in_order(updates)),
                    Created::Replayed(record) => format!("before: {}", spelled(&record)),
                    Created::Live(record) => format!("live: {}", spelled(&record)),
                    other => format!("{other:?}"),
                }
            }
            Self::Begin(id, begin) => format!("{:?}", begin_at(store, id, *begin, now).await),
            Self::RecordOutcome(id, record_outcome) => {
                format!("{:?}", recorded_at(store, id, record_outcome, now).await)
            }
            Self::RecordAccepted(accepted) => {
                format!("{:?}", store.record_accepted(accepted, now).await)
            }
            Self::CheckGuess(guess) => {
                match store.check_guess(&guess, now).await.expect("a store that works") {
                    Guessed::Verdict { verdict, id } => format!("{verdict:?} for {id:?}"),
                    Guessed::AskVendors(record) => format!("ask vendors: {}", spelled(&record)),
                    Guessed::KeyReused => "key reused".to_owned(),
                }
            }
            Self::Approve(id, guess) => format!("{:?}", store.approve(id, &guess, now).await),
            Self::EndGuess(id, guess, end) => {
                format!("{:?}", store.end_guess(id, &guess, end, now).await)
            }
            Self::Receive(attempt, mark) => match receive_at(store, attempt, mark, now).await {
                Received::Changed { record, place, before } => {
                    format!("changed {place} from {before:?}: {}", spelled(&record))
                }
                other => format!("{other:?}"),
            },
            Self::PutEvent(event) => format!("{:?}", outbox(store).put_event(event, now).await),
            Self::EventsDue(wanted) => {
                format!("{:?}", outbox(store).events_due(&wanted, LEASE, now).await)
            }
            Self::EndEvents(ended) => {
                format!("{:?}", outbox(store).end_events(&ended, now).await)
            }
            Self::EventsWaiting(endpoint) => {
                format!("{:?}", outbox(store).events_waiting(&endpoint, 20).await)
            }
            Self::SetEndpoint(endpoint, state) => {
                format!("{:?}", outbox(store).set_endpoint(&endpoint, state).await)
            }
            Self::Endpoints => format!("{:?}", outbox(store).endpoints(&names()).await),
            Self::Cancel(id) => format!("{:?}", cancel_at(store, id, now).await),
            Self::Due(lease, most) => format!("{:?}", store.due(now, lease, most).await),
            Self::Reschedule(id, reschedule) => {
                format!("{:?}", store.reschedule(id, reschedule, now).await)
            }
            Self::Load(id) => {
                load_at(store, id, now).await.map_or("gone".to_owned(), |it| spelled(&it))
            }
            Self::Health => format!("{:?}", health_at(store, now).await),
        }
    }
}

/// An answer that is shown in lines. The walks compare thousands of them and show at most one, so the
/// answers themselves are in one line: indenting takes longer than the steps do.
#[derive(PartialEq, Eq)]
struct Lines<'a>(&'a str);

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace(", ", ",\n"))
    }
}

pub(super) async fn random_steps_are_answered_as_by_the_memory_store(store: Store, effort: Effort) {
    let memory = MemoryStore::new(100_000);
    let mut start = now();
    for seed in 0..effort.walks() {
        let mut world = World::new(Dice::new(u64::from(seed)), start, store.outbox().is_some());
        for number in 0..600 {
            let step = world.step();
            let creates = matches!(step, Step::Create(_));
            let (expected, told) = (
                step.clone().take(&memory, world.now).await,
                step.clone().take(&*store, world.now).await,
            );
            let at = || format!("walk {seed}, step {number}, at {:?}: {step:#?}", world.now);
            assert_eq!(Lines(&told), Lines(&expected), "{}", at());
            let made = told.starts_with("new");
            let look = if number % 25 == 0 { usize::MAX } else { 1 };
            for step in world.looks(look) {
                let (expected, told) = (
                    step.clone().take(&memory, world.now).await,
                    step.clone().take(&*store, world.now).await,
                );
                assert_eq!(Lines(&told), Lines(&expected), "{step:?} after {}", at());
            }
            if creates && !made {
                world.in_vain();
            }
        }
        // By then this walk has left nothing except internal state of the store.
        start = world.now + Duration::from_hours(3);
    }
}
