//! The rules on every path: providers with every outcome of every call, slow and hedged ones, a
//! store that fails, processes that die between any two steps, and a clock that moves.

mod journal;
mod provider;
mod steps;
mod store;
mod track;

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Clock, Code, OtpProvider as _};
use otpmux_engine::{
    EscalationStep, NewVerification, OtpClient, Resend, Route, Routes, VerificationId,
    VerificationStore,
};
use otpmux_testkit::ManualClock;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::world::{keys, lenient, phone, wrong};
use journal::Journal;
use provider::{Kind, Provider, Turn};
use steps::Steps;
use store::{Crashing, CrashingStore, Fault};
use track::Track;

#[derive(Clone, Debug)]
enum Action {
    /// A new send, with a new idempotency key.
    Send,
    /// A repeat of the last send with its key, as by a caller that did not get the result.
    SendAgain,
    Resend,
    Right,
    Wrong,
    /// The code of a verification before the last one.
    Earlier,
    Cancel,
    Status,
    /// Begins the steps of escalation that are due.
    RunDue,
    Wait(u64),
}

/// One operation, and the store's fault meanwhile.
#[derive(Clone, Debug)]
struct Step {
    action: Action,
    fault: Option<Fault>,
}

#[derive(Clone, Debug)]
struct Setting {
    kinds: Vec<Kind>,
    duplicates: u32,
    hedge: bool,
    escalates: bool,
    /// The store hears of accepted sends later.
    batches: bool,
}

impl Setting {
    /// When each step of escalation is due after the message before it, in seconds.
    const STEPS: [u64; 2] = [10, 60];

    fn steps(&self) -> Vec<EscalationStep> {
        let next = |after| EscalationStep::next(Duration::from_secs(after));
        let escalates = self.escalates && self.kinds.len() > 1;
        if escalates { Self::STEPS.map(next).into() } else { Vec::new() }
    }
}

struct Play {
    setting: Setting,
    journal: Arc<Journal>,
    providers: Vec<Arc<Provider>>,
    store: Arc<CrashingStore>,
    clock: Arc<ManualClock>,
    client: OtpClient,
    track: Track,
    steps: Steps,
    /// The number of sends; the idempotency key of the last.
    sends: usize,
    /// The current verification.
    id: Option<VerificationId>,
}

impl Play {
    fn new(setting: Setting, turns: Vec<Turn>) -> Self {
        let journal = Arc::new(Journal::new(turns));
        let providers: Vec<_> = setting
            .kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| Arc::new(Provider::new(at, *kind, &journal)))
            .collect();
        let (store, clock) = (Crashing::store(setting.batches), Arc::<ManualClock>::default());
        let client = client(&setting, &providers, &store, &clock);
        let track = Track::default();
        let steps = Steps::default();
        Self { setting, journal, providers, store, clock, client, track, steps, sends: 0, id: None }
    }

    async fn step(&mut self, operation: usize, step: &Step) -> Result<(), TestCaseError> {
        self.journal.begin(operation);
        self.store.arm(step.fault);
        let earlier = self.track.earlier(self.id);
        let done = tokio::select! {
            biased;
            done = Self::act(&self.client, &step.action, self.sends, self.id, earlier, &self.journal) => Some(done),
            () = self.store.died() => None,
        };
        self.store.arm(None);
        // Queued outcomes are written now that the store answers; then late steps are carried out.
        tokio::time::sleep(Duration::from_secs(10)).await;
        self.store.deliver().await;
        // A process that died is followed by one that knows only the store.
        if done.is_none() {
            self.client = client(&self.setting, &self.providers, &self.store, &self.clock);
        }
        let calls = self.journal.calls_of(operation);
        journal::check(&calls, &self.setting)?;
        match &step.action {
            Action::Send => self.sends += 1,
            Action::Wait(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            _ => {}
        }
        let is_send = matches!(step.action, Action::Send | Action::SendAgain);
        if is_send {
            self.track.named(self.sends, &calls, self.setting.duplicates)?;
            let by = match &done {
                Some(Done::Sent(Ok(sent))) => Some(sent.id),
                _ => None,
            };
            self.track.overtaken(by, &calls, step.fault.is_some_and(|fault| fault.dies));
        } else if let (Some(id), true) = (self.id, step.fault.is_some()) {
            self.track.doubt(id);
        }
        if let (Action::Resend | Action::RunDue, Some(id)) = (&step.action, self.id) {
            self.track.resent(id, &calls)?;
        }
        match &step.action {
            Action::Send => self.steps.sent(operation),
            Action::SendAgain if !calls.all.is_empty() => self.steps.sent(operation),
            Action::RunDue => {
                let before = self.journal.calls_between(self.steps.first(), operation);
                self.steps.began(&calls, &before, &self.setting)?;
            }
            _ => self.steps.acted(&step.action, done.as_ref(), step.fault.is_some()),
        }
        let Some(done) = done else {
            if matches!(step.action, Action::Send) {
                self.id = None;
            }
            return Ok(());
        };
        let now = self.clock.now();
        match done {
            Done::Sent(result) => {
                let again = matches!(step.action, Action::SendAgain);
                self.track.sent(&result, &calls, again.then_some(self.sends))?;
                match result {
                    Ok(sent) => self.id = Some(sent.id),
                    Err(_) if is_send => self.id = None,
                    Err(_) => {}
                }
            }
            Done::Verdict { id, code, result } => {
                if step.fault.is_some() {
                    self.track.doubt(id);
                }
                self.track.tried(id, &code, &result, &calls, now)?;
            }
            Done::Cancelled(id, result) => self.track.cancelled(id, &result),
            Done::Nothing => {}
        }
        Ok(())
    }

    async fn act(
        client: &OtpClient,
        action: &Action,
        sends: usize,
        id: Option<VerificationId>,
        earlier: Option<(VerificationId, String)>,
        journal: &Journal,
    ) -> Done {
        let named =
            |name: usize| NewVerification::to(phone()).with_idempotency_key(format!("send {name}"));
        // The code that the user has read, or any, where only a vendor knows it.
        let read = journal.last_code().unwrap_or_else(|| "111111".to_owned());
        match (action, id) {
            (Action::Send, _) => Done::Sent(client.send(named(sends + 1)).await),
            (Action::SendAgain, _) if sends > 0 => Done::Sent(client.send(named(sends)).await),
            (Action::Resend, Some(id)) => Done::Sent(client.resend(id, Resend::new()).await),
            (Action::Right | Action::Wrong, Some(id)) => {
                let text = if matches!(action, Action::Right) { read } else { wrong(&read) };
                let code: Code = text.parse().unwrap();
                let result = client.verify(id, &code).await;
                Done::Verdict { id, code: text, result }
            }
            (Action::Earlier, _) => {
                let Some((id, text)) = earlier else { return Done::Nothing };
                let code: Code = text.parse().unwrap();
                let result = client.verify(id, &code).await;
                Done::Verdict { id, code: text, result }
            }
            (Action::Cancel, Some(id)) => Done::Cancelled(id, client.cancel(id).await),
            (Action::Status, Some(id)) => {
                let _ = client.status(id).await;
                Done::Nothing
            }
            (Action::RunDue, _) => {
                let _ = client.run_due().await;
                Done::Nothing
            }
            _ => Done::Nothing,
        }
    }
}

enum Done {
    Sent(track::SendResult),
    Verdict { id: VerificationId, code: String, result: track::VerifyResult },
    Cancelled(VerificationId, Result<bool, otpmux_core::Error>),
    Nothing,
}

fn client(
    setting: &Setting,
    providers: &[Arc<Provider>],
    store: &Arc<CrashingStore>,
    clock: &Arc<ManualClock>,
) -> OtpClient {
    let mut policy = lenient();
    policy.max_duplicates = setting.duplicates;
    policy.hedge_after = setting.hedge.then_some(Duration::from_millis(500));
    policy.max_resends = 10;
    let store: Arc<dyn VerificationStore> = Arc::<CrashingStore>::clone(store);
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let mut route = Route::to(providers.iter().map(|provider| provider.id().clone()));
    route.escalate = setting.steps();
    let builder = OtpClient::builder().policy(policy).clock(clock).store(store, keys());
    let builder = builder.routes(Routes::new([route]));
    let add = |builder: otpmux_engine::ClientBuilder, provider: &Arc<Provider>| {
        builder.provider(Arc::<Provider>::clone(provider))
    };
    providers.iter().fold(builder, add).build().unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        4 => Just(Action::Send),
        2 => Just(Action::SendAgain),
        3 => Just(Action::Resend),
        3 => Just(Action::Right),
        2 => Just(Action::Wrong),
        2 => Just(Action::Earlier),
        1 => Just(Action::Cancel),
        1 => Just(Action::Status),
        3 => Just(Action::RunDue),
        2 => (0u64..200).prop_map(Action::Wait),
    ];
    let fault = prop_oneof![
        3 => Just(None),
        2 => (0usize..5, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(after, done, late, dies)| Some(Fault { after, done, late, dies })),
    ];
    (action, fault).prop_map(|(action, fault)| Step { action, fault })
}

/// The same cases in every run, so that no change fails by chance; `PROPTEST_RNG_SEED=7 cargo test`
/// explores others.
fn cases() -> ProptestConfig {
    let mut config = ProptestConfig::with_cases(1_500);
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_rules_hold_through_failures_and_crashes(
        kinds in prop::collection::vec(provider::kind(), 1..4),
        duplicates in 0u32..3,
        hedge in any::<bool>(),
        escalates in any::<bool>(),
        batches in any::<bool>(),
        turns in prop::collection::vec(provider::turn(), 0..20),
        steps in prop::collection::vec(step(), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let setting = Setting { kinds, duplicates, hedge, escalates, batches };
        runtime.block_on(async {
            let mut play = Play::new(setting, turns);
            for (operation, step) in steps.iter().enumerate() {
                play.step(operation, step).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
