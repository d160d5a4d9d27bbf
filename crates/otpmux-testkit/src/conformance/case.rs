use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::Capabilities;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::stand::Bench;
use super::{Fixture, Instance};

/// The time limit of a trial: a provider that never completes a call must fail, not block.
const LIMIT: Duration = Duration::from_mins(1);

/// Result of one trial; the text of a failure says what was expected and what came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrialResult {
    /// The trial's name, such as `sends/sms`.
    pub name: String,
    /// Its outcome.
    pub outcome: Result<(), String>,
}

pub(super) type Outcome = Result<(), String>;

type Run = Box<dyn FnOnce(Bench) -> Pin<Box<dyn Future<Output = Outcome>>> + Send>;

/// Ends a trial with this text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}
pub(super) use ensure;

pub(super) struct Case {
    name: String,
    bench: Bench,
    run: Run,
}

impl Case {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn run(self) -> Outcome {
        let Self { bench, run, .. } = self;
        on_own_runtime(async move {
            let ended = timeout(LIMIT, run(bench)).await;
            ended.unwrap_or_else(|_| Err("a call has not ended within a minute".to_owned()))
        })
    }

    pub(super) fn into_result(self) -> TrialResult {
        let name = self.name.clone();
        let outcome = self.run();
        TrialResult { name, outcome }
    }
}

fn on_own_runtime<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    runtime.shutdown_background();
    ended.unwrap_or_else(|panic| Err(format!("panicked: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

/// The list of trials so far.
pub(super) struct Cases {
    bench: Bench,
    list: Vec<Case>,
}

impl Cases {
    /// Starts the fixture once to read what its provider claims. If that fails, the list has one
    /// failing trial.
    pub(super) fn new(fixture: Arc<dyn Fixture>) -> Self {
        let started = on_own_runtime(async {
            let instance: Box<dyn Instance> = fixture.start().await;
            Ok(instance.provider().capabilities().clone())
        });
        let (capabilities, failure) = match started {
            Ok(capabilities) => (capabilities, None),
            Err(failure) => (Capabilities::new([]), Some(failure)),
        };
        let mut cases = Self { bench: Bench::new(fixture, capabilities), list: Vec::new() };
        if let Some(failure) = failure {
            cases.add("starts", async |_| Err(failure));
        }
        cases
    }

    pub(super) fn capabilities(&self) -> &Capabilities {
        &self.bench.capabilities
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn add<F>(&mut self, name: impl Into<String>, run: F)
    where
        F: AsyncFnOnce(Bench) -> Outcome + Send + 'static,
    {
        self.list.push(Case {
            name: name.into(),
            bench: self.bench.clone(),
            run: Box::new(|bench| Box::pin(async move { run(bench).await })),
        });
    }

    /// Returns the trials that the fixture's vendor can play.
    pub(super) fn into_list(self) -> Vec<Case> {
        let Self { bench, mut list } = self;
        list.retain(|case| bench.fixture.cannot_play(&case.name).is_none());
        list
    }
}
