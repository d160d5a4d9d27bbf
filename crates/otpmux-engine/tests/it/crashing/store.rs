use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_engine::{Create, MemoryStore, StartAttempt, VerificationId, VerificationStore};
use otpmux_testkit::{StepInput, StoreWrapper, WrappedStore};
use tokio::sync::Notify;

/// A fault, and the step of the store at which it occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// This many steps succeed before.
    pub(super) after: usize,
    /// The step is carried out, and only its answer is lost.
    pub(super) done: bool,
    /// A step that creates or starts is carried out later, after its caller has given it up.
    pub(super) late: bool,
    /// The process dies at the step; otherwise it gets an error.
    pub(super) dies: bool,
}

/// A memory store that outlives its processes.
pub(super) type CrashingStore = WrappedStore<Crashing>;

#[derive(Debug)]
pub(super) struct Crashing {
    inner: MemoryStore,
    batches: bool,
    fault: Mutex<Option<Fault>>,
    died: Notify,
    late: Mutex<Vec<Late>>,
}

/// A step that is still under way.
#[derive(Debug)]
enum Late {
    Create(Box<Create>, SystemTime),
    Begin(VerificationId, Box<StartAttempt>, SystemTime),
}

impl Crashing {
    pub(super) fn store(batches: bool) -> Arc<CrashingStore> {
        let inner = MemoryStore::new(1_000);
        let (fault, late) = (Mutex::default(), Mutex::default());
        Arc::new(WrappedStore(Self { inner, batches, fault, died: Notify::new(), late }))
    }

    pub(super) fn arm(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Carries out the steps that are still under way.
    pub(super) async fn deliver(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for step in late {
            match step {
                Late::Create(create, now) => drop(self.inner.create(*create, now).await),
                Late::Begin(id, begin, now) => {
                    drop(self.inner.start_attempt(id, *begin, now).await);
                }
            }
        }
    }

    fn comes_late(&self) -> bool {
        let fault = self.fault.lock().unwrap();
        matches!(&*fault, Some(Fault { after: 0, late: true, done: false, .. }))
    }

    /// Returns when a process has died in a step.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// The fault of this step, if there is one.
    fn turn(&self) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        match &mut *fault {
            Some(Fault { after: 0, .. }) => fault.take(),
            Some(fault) => {
                fault.after -= 1;
                None
            }
            None => None,
        }
    }
}

impl StoreWrapper for Crashing {
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
        let Some(fault) = self.turn() else { return step.await };
        if fault.done {
            drop(step.await);
        }
        if fault.dies {
            self.died.notify_one();
            return std::future::pending().await;
        }
        // A step that changes nothing has no unknown effect.
        let reads = matches!(name, "load" | "health");
        let certainty = if reads { Certainty::NotSent } else { Certainty::Unknown };
        Err(Error::new(ErrorKind::Store, certainty, Blame::Internal))
    }

    fn before(&self, input: StepInput<'_>) {
        if !self.comes_late() {
            return;
        }
        let late = match input {
            StepInput::Create(create, now) => Late::Create(Box::new(create.clone()), now),
            StepInput::StartAttempt(id, start, now) => {
                Late::Begin(id, Box::new(start.clone()), now)
            }
            _ => return,
        };
        self.late.lock().unwrap().push(late);
    }

    fn batches_outcomes(&self) -> bool {
        self.batches
    }
}
