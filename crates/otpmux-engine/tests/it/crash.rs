//! The state after a call, or the store, fails half-way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_engine::{
    AttemptState, MemoryStore, NewVerification, OtpClient, VerificationId, VerificationStore,
};
use otpmux_testkit::{ScriptedProvider, StepInput, StoreWrapper, WrappedStore};

use crate::world::{World, builder, carrier, down, keys, lenient, phone, unknown};

/// A send attempt is stored before its call, so that a call which never returns leaves a record of
/// it.
#[tokio::test]
async fn a_send_that_dies_in_the_call_leaves_a_attempt_that_counts() {
    let a = carrier("a");
    a.sends.hang();
    let world = World::of(&[&a]);
    let client = world.client.clone();
    let send = tokio::spawn(async move { client.send(NewVerification::to(phone())).await });
    a.sends.called(1).await;
    send.abort();
    assert!(send.await.unwrap_err().is_cancelled());
    assert_eq!(world.store.len(), 1);
    // The user got that message: its code is valid like any other.
    let next = a.sends.requests().remove(0);
    assert!(next.code.otpmux_code().is_some());
}

/// A store that fails after this many calls.
pub(crate) type FailingStore = WrappedStore<Failing>;

#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) inner: MemoryStore,
    pub(crate) left: AtomicUsize,
    ids: Mutex<Vec<VerificationId>>,
    /// Whether accepted sends are recorded later, and how many were at a time.
    batches: Option<Mutex<Vec<usize>>>,
}

impl Failing {
    pub(crate) fn after(operations: usize) -> Arc<FailingStore> {
        let left = AtomicUsize::new(operations);
        let inner = MemoryStore::new(100);
        Arc::new(WrappedStore(Self { inner, left, ids: Mutex::default(), batches: None }))
    }

    /// One that records accepted sends later.
    pub(crate) fn batching(operations: usize) -> Arc<FailingStore> {
        let left = AtomicUsize::new(operations);
        let inner = MemoryStore::new(1_000);
        let batches = Some(Mutex::default());
        Arc::new(WrappedStore(Self { inner, left, ids: Mutex::default(), batches }))
    }

    /// How many accepted sends were recorded at a time.
    pub(crate) fn recorded(&self) -> Vec<usize> {
        self.batches.as_ref().map(|it| it.lock().unwrap().clone()).unwrap_or_default()
    }

    /// The calls before it fails.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

impl StoreWrapper for Failing {
    fn store(&self) -> &dyn VerificationStore {
        &self.inner
    }

    async fn step<T: Send>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if matches!(name, "check_keys" | "probe" | "time") {
            return step.await;
        }
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        left.map_err(|_| Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal))?;
        step.await
    }

    fn before(&self, input: StepInput<'_>) {
        match (input, &self.batches) {
            (StepInput::Create(create, _), _) => self.ids.lock().unwrap().push(create.record.id),
            (StepInput::RecordAccepted(accepted), Some(batches)) => {
                batches.lock().unwrap().push(accepted.len());
            }
            _ => {}
        }
    }

    fn batches_outcomes(&self) -> bool {
        self.batches.is_some()
    }
}

pub(crate) fn client(providers: &[&Arc<ScriptedProvider>], store: &Arc<FailingStore>) -> OtpClient {
    let shared: Arc<dyn VerificationStore> = Arc::<FailingStore>::clone(store);
    builder(providers, lenient(), &Arc::default()).store(shared, keys()).build().unwrap()
}

#[tokio::test]
async fn nothing_is_sent_that_could_not_be_written_down() {
    let a = carrier("a");
    let error =
        client(&[&a], &Failing::after(0)).send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::NotSent));
    assert_eq!(a.count(), 0);

    let (a, b) = (carrier("a"), carrier("b"));
    a.sends.answer(Err(down()));
    let error = client(&[&a, &b], &Failing::after(1)).send(NewVerification::to(phone())).await;
    assert_eq!(error.unwrap_err().certainty(), Certainty::NotSent, "the first attempt was refused");
    assert_eq!(b.count(), 0, "and the second was never written down");

    let (a, b) = (carrier("a"), carrier("b"));
    a.sends.answer(Err(unknown()));
    let error = client(&[&a, &b], &Failing::after(1)).send(NewVerification::to(phone())).await;
    assert_eq!(error.unwrap_err().certainty(), Certainty::Unknown, "the first may be out");
    assert_eq!(b.count(), 0);
}

#[tokio::test]
async fn a_message_that_went_out_and_could_not_be_settled_still_counts() {
    let a = carrier("a");
    let store = Failing::after(1);
    let error = client(&[&a], &store).send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::Unknown));
    let id = store.ids.lock().unwrap()[0];
    let now = otpmux_core::Clock::now(&otpmux_testkit::ManualClock::default());
    let record = store.inner.load(id, now).await.unwrap().unwrap();
    assert_eq!(record.send_attempts[0].state, AttemptState::Intended);
    assert!(record.code_is_out(), "an intended attempt counts as sent");
}

/// Health updates of this process are written when the store can be reached again.
#[tokio::test(start_paused = true)]
async fn health_updates_that_could_not_be_told_are_told_with_the_next_write() {
    let updates = async |store: &FailingStore| {
        let now = otpmux_core::Clock::now(&otpmux_testkit::ManualClock::default());
        store.inner.health(now).await.unwrap()
    };
    let (a, b) = (carrier("a"), carrier("b"));
    let penniless =
        || Error::new(ErrorKind::InsufficientFunds, Certainty::Rejected, Blame::Provider);
    // Either the second send attempt could not be stored, or there is none and the outcome could
    // not.
    for providers in [&[&a, &b][..], &[&a]] {
        a.sends.answer(Err(penniless()));
        let store = Failing::after(1);
        let client = client(providers, &store);
        client.send(NewVerification::to(phone())).await.unwrap_err();
        assert_eq!(updates(&store).await, []);
        store.left.store(100, Ordering::SeqCst);
        let _ = client.send(NewVerification::to(phone())).await;
        let told = updates(&store).await;
        assert_eq!(told.len(), 1, "{} providers", providers.len());
        assert_eq!(told[0].provider.as_str(), "a");
    }
}

/// The first request with this idempotency key may have been sent, from any process.
#[tokio::test]
async fn a_store_that_fails_while_a_named_request_is_waited_for_leaves_it_unknown() {
    let a = carrier("a");
    a.sends.hang();
    let client = client(&[&a], &Failing::after(2));
    let named = || NewVerification::to(phone()).with_idempotency_key("k");
    let first = client.clone();
    let first = tokio::spawn(async move { first.send(named()).await });
    a.sends.called(1).await;
    let error = client.send(named()).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::Unknown));
    first.abort();
}

/// Never approve in doubt.
#[tokio::test]
async fn a_store_that_is_down_approves_no_code() {
    let a = carrier("a");
    let store = Failing::after(2);
    let client = client(&[&a], &store);
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    let code = a.otpmux_codes().remove(0).parse().unwrap();
    assert_eq!(client.verify(sent.id, &code).await.unwrap_err().kind(), ErrorKind::Store);
    store.left.store(1, Ordering::SeqCst);
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
}
