//! Processes that take what is due from one store. Half of them are killed meanwhile.
#![expect(clippy::unwrap_used, reason = "a test that fails must panic")]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux_core::{Capabilities, Channel, Sent};
use otpmux_engine::{
    AttemptStarted, AttemptState, Choice, EscalationStep, EscalationTerms, MessageLimits,
    NewVerification, OtpClient, Policy, Route, Routes, SendAttempt, StartAttempt, VerificationId,
    VerificationStore,
};
use tokio::task::JoinSet;

use super::{attempt, begin, keys, recipient};
use crate::{ManualClock, ScriptedProvider};

/// Set for another process, to its server.
const SERVER: &str = "OTPMUX_TEST_TIMERS";
/// The prefix of the line for each message, since the test harness writes lines, too.
const MARK: &str = "message to recipient ";

const PROCESSES: usize = 8;
/// How many are taken by a process that begins none of their steps; and how many steps are begun by
/// one that sends none of their messages.
const TAKEN: usize = 20;
const STEP: Duration = Duration::from_secs(30);
/// How long those are taken: longer than the other processes need, and short of the codes' lifetime.
const LEASE: Duration = Duration::from_secs(100);
/// Recipients at once.
const BATCH: usize = 250;

/// A client whose second provider passes the recipient of each message on. Its clock stopped so long
/// after the store's time, if the store has one.
async fn client(
    store: Arc<dyn VerificationStore>,
    ahead: Duration,
    sent: impl Fn(&str) + Send + Sync + 'static,
) -> OtpClient {
    let provider = |id: &str| {
        let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        Arc::new(ScriptedProvider::new(id, capabilities))
    };
    let (first, second) = (provider("first"), provider("second"));
    second.sends.always(move |_, request| {
        sent(request.recipient.expose());
        Ok(Sent::new())
    });
    let mut route = Route::to([first.port().id().clone(), second.port().id().clone()]);
    route.escalate = vec![EscalationStep::next(STEP)];
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let clock = Arc::new(ManualClock::default());
    let client = OtpClient::builder()
        .provider(first.port())
        .provider(second.port())
        .routes(Routes::new([route]))
        .policy(policy)
        .clock(Arc::<ManualClock>::clone(&clock))
        .store(store, keys().clone())
        .build()
        .unwrap();
    // Reads the store's time.
    client.check_keys().await.unwrap();
    clock.advance(ahead);
    client
}

/// The part of another process: takes what is due one step after the sends, until nothing is.
pub async fn take_what_is_due(store: Arc<dyn VerificationStore>) {
    let client = client(store, STEP, |to| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{MARK}{to}").unwrap();
        out.flush().unwrap();
    });
    let client = client.await;
    while client.run_due().await.unwrap() > 0 {}
}

/// The main function of such a process; does nothing in any other. `open` opens the store at the URL
/// of the server.
pub fn work(open: impl FnOnce(&str) -> Arc<dyn VerificationStore>) {
    let Ok(url) = env::var(SERVER) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async { take_what_is_due(open(&url)).await });
}

/// Returns the command that runs a test of this binary, which calls [`work`], as another process.
pub fn process(test: &str, url: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(SERVER, url);
    command
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The recipient of its next message; `None` when there is no further one.
    fn message(&mut self) -> Option<String> {
        self.lines.find_map(|line| Some(line.unwrap().split_once(MARK)?.1.to_owned()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn send_to(client: &OtpClient, count: u32) -> Vec<VerificationId> {
    let mut sent = Vec::new();
    let numbers: Vec<u32> = (0..count).collect();
    for batch in numbers.chunks(BATCH) {
        let mut sends = JoinSet::new();
        for number in batch {
            let (client, to) = (client.clone(), recipient(*number));
            sends.spawn(async move { client.send(NewVerification::to(to)).await.unwrap().id });
        }
        sent.extend(sends.join_all().await);
    }
    client.flush().await;
    sent
}

/// Begins the step of a verification, as a process does that is killed before its call.
async fn begin_and_die(store: &dyn VerificationStore, id: VerificationId, client: &OtpClient) {
    let now = client.event_time();
    let begin = StartAttempt {
        attempt: SendAttempt {
            provider: "second".parse().unwrap(),
            reason: Choice::Escalation,
            ends_at: now + Duration::from_secs(20),
            ..attempt(AttemptState::Intended)
        },
        escalation: Some(EscalationTerms { step: 0, next_due_at: None }),
        ..begin()
    };
    let begun = store.start_attempt(id, begin, now).await.unwrap();
    assert!(matches!(begun, AttemptStarted::Started(1)), "{begun:?}");
}

/// Of eight processes that take what is due at once, four are killed: each step begins once, its
/// message is sent once at most, and none is lost. `process` is the command of another process that
/// calls [`take_what_is_due`].
///
/// Two processes were killed before, each at a certain point: after it took some, and after it began
/// the steps of some. So the result depends on no chance; the four are killed at any point.
pub async fn of_many_processes_each_step_begins_once(
    store: Arc<dyn VerificationStore>,
    count: u32,
    process: impl Fn() -> Command,
) {
    let messages = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let counted = Arc::clone(&messages);
    let count_message = move |to: &str| {
        *counted.lock().unwrap().entry(to.to_owned()).or_default() += 1;
    };
    let of_test = |ahead| client(Arc::clone(&store), ahead, count_message.clone());
    let ids = send_to(&of_test(Duration::ZERO).await, count).await;
    let first = of_test(STEP).await;
    let taken = store.due(first.event_time(), LEASE, 2 * TAKEN).await.unwrap();
    assert_eq!(taken.len(), 2 * TAKEN);
    for id in &taken[..TAKEN] {
        begin_and_die(&*store, *id, &first).await;
    }
    let mut killed: Vec<_> = (0..PROCESSES / 2).map(|_| Process::start(process())).collect();
    let mut others: Vec<_> = (0..PROCESSES / 2).map(|_| Process::start(process())).collect();
    for (turn, process) in killed.iter_mut().enumerate() {
        // One that started late may find less.
        for to in std::iter::from_fn(|| process.message()).take(50 + 37 * turn) {
            count_message(&to);
        }
        process.child.kill().unwrap();
        std::iter::from_fn(|| process.message()).for_each(|to| count_message(&to));
    }
    for process in &mut others {
        std::iter::from_fn(|| process.message()).for_each(|to| count_message(&to));
        assert!(process.child.wait().unwrap().success());
    }
    // The steps that the killed ones took and did not begin are due again when the leases end.
    let client = of_test(STEP + LEASE + Duration::from_secs(1)).await;
    let left = client.run_due().await.unwrap();
    assert!((TAKEN..count as usize).contains(&left), "{left}");
    for batch in ids.chunks(BATCH) {
        let mut looks = JoinSet::new();
        for id in batch {
            let (client, id) = (client.clone(), *id);
            looks.spawn(async move { client.status(id).await.unwrap() });
        }
        for status in looks.join_all().await {
            let [_, step] = &status.send_attempts[..] else { panic!("{status:?}") };
            assert!(step.reason == Choice::Escalation && step.state.may_have_sent(), "{status:?}");
            assert_eq!(status.next_step_at, None);
        }
    }
    let messages = messages.lock().unwrap();
    assert!(messages.values().all(|times| *times == 1), "a message was sent twice");
    assert!(messages.len() <= ids.len() - TAKEN, "of {TAKEN} the step was begun before");
}
