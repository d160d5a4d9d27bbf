//! Processes that take what is due from one file, and are killed meanwhile.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Capabilities, Channel, Recipient, Sent};
use otpmux_engine::{
    Choice, EscalationStep, MessageLimits, NewVerification, OtpClient, Policy, Route, Routes,
    VerificationId, VerificationStore,
};
use otpmux_sqlite::SqliteStore;
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::home::{Home, after, keys, quick};
use crate::parts::{Other, say};

const COUNT: u32 = 10_000;
const PROCESSES: usize = 8;

/// How many are taken by a process that begins none of their steps, and for how long.
const TAKEN: usize = 20;
const LEASE: Duration = Duration::from_secs(10);

fn recipient(number: u32) -> Recipient {
    format!("+9198{number:08}").parse().unwrap()
}

/// A process that goes by a clock that stands at so many seconds after the beginning. It says each
/// message that it sends by the second provider.
fn client(store: &Arc<SqliteStore>, seconds: u64) -> OtpClient {
    let provider = |id: &str| {
        let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        Arc::new(ScriptedProvider::new(id, capabilities))
    };
    let (first, second) = (provider("first"), provider("second"));
    second.sends.always(|_, request| {
        say(&format!("sent {}", request.recipient.expose()));
        Ok(Sent::new())
    });
    let mut route = Route::to([first.port().id().clone(), second.port().id().clone()]);
    route.escalate = vec![EscalationStep::next(Duration::from_secs(30))];
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let store: Arc<dyn VerificationStore> = Arc::<SqliteStore>::clone(store);
    OtpClient::builder()
        .provider(first.port())
        .provider(second.port())
        .routes(Routes::new([route]))
        .policy(policy)
        .clock(Arc::new(ManualClock::new(after(seconds))))
        .store(store, keys().clone())
        .build()
        .unwrap()
}

/// The part of another process: takes what is due at 30 seconds, until nothing is.
pub(crate) async fn take_what_is_due(store: Arc<SqliteStore>) {
    let client = client(&store, 30);
    while client.run_due().await.unwrap() > 0 {}
    say("end");
}

/// Sends to all recipients, at the beginning.
async fn send_to_all(file: &Path) -> Vec<VerificationId> {
    let client = client(&Arc::new(SqliteStore::open(file, quick()).unwrap()), 0);
    let mut sent = Vec::new();
    for first in (0..COUNT).step_by(250) {
        let sends: Vec<_> = (first..first + 250)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(
                    async move { client.send(NewVerification::to(recipient(number))).await },
                )
            })
            .collect();
        for send in sends {
            sent.push(send.await.unwrap().unwrap().id);
        }
    }
    sent
}

/// Each step begins once, whoever dies: its message goes out at most once, and a process that follows
/// takes up what no other has begun.
pub(crate) async fn of_many_processes_on_one_file_each_step_begins_once() {
    let home = Home::new();
    let ids = send_to_all(&home.file()).await;
    let mut said: HashMap<String, u32> = HashMap::new();
    let mut hear = |line: &str| {
        if let Some(to) = line.strip_prefix("sent ") {
            *said.entry(to.to_owned()).or_default() += 1;
        }
    };
    // A process that died after it had taken some.
    let store = Arc::new(SqliteStore::open(home.file(), quick()).unwrap());
    let taken = store.due(after(30), LEASE, TAKEN).await.unwrap();
    assert_eq!(taken.len(), TAKEN);
    let start = |_| Other::start("timers", &home.file());
    let mut killed: Vec<_> = (0..PROCESSES / 2).map(start).collect();
    let mut others: Vec<_> = (0..PROCESSES / 2).map(start).collect();
    for (turn, mut process) in killed.drain(..).enumerate() {
        for _ in 0..(50 + 37 * turn) {
            hear(&process.line().unwrap());
        }
        process.kill().iter().for_each(|line| hear(line));
    }
    for process in &mut others {
        while let Some(line) = process.line().filter(|line| line != "end") {
            hear(&line);
        }
    }
    // What the killed ones had taken is due again when their leases have ended.
    let left = client(&store, 41).run_due().await.unwrap();
    for id in ids {
        let record = store.load(id, after(41)).await.unwrap().unwrap();
        let steps = record.send_attempts.iter().filter(|it| it.reason == Choice::Escalation);
        assert_eq!((record.escalations, record.due_at), (1, None), "{record:?}");
        assert_eq!(steps.count(), 1, "{record:?}");
        assert!(record.send_attempts[1].state.may_have_sent());
    }
    assert!(said.values().all(|times| *times == 1), "a message went out twice");
    assert!(left >= TAKEN, "{left}");
    home.assert_whole();
}
