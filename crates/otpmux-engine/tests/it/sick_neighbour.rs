//! Two processes on one store: a failure local to one of them must not make the other refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use otpmux_core::{Blame, Certainty, Clock, Error, ErrorKind, Recipient, Sent};
use otpmux_engine::{
    AttemptState, MemoryStore, NewVerification, OtpClient, Resilience, Verification,
    VerificationStore,
};
use otpmux_testkit::ScriptedProvider;
use tokio::time::Instant;

use crate::layers_world::SECOND;
use crate::world::{carrier, keys, lenient};

/// A wall clock that follows tokio's.
#[derive(Debug)]
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(480_000) + self.0.elapsed()
    }
}

/// A store and its processes.
struct Town {
    store: Arc<dyn VerificationStore>,
    clock: Arc<VirtualClock>,
}

/// Settings of a provider: equal settings mean the same vendor account.
const RIGHT_KEY: [u8; 32] = [1; 32];
const WRONG_KEY: [u8; 32] = [2; 32];

impl Town {
    fn new() -> Self {
        Self { store: Arc::new(MemoryStore::new(100_000)), clock: VirtualClock::start() }
    }

    /// A process with these providers.
    fn process(&self, providers: &[&Arc<ScriptedProvider>], settings: [u8; 32]) -> OtpClient {
        let clock: Arc<dyn Clock> = Arc::<VirtualClock>::clone(&self.clock);
        let builder = OtpClient::builder().policy(lenient()).clock(clock);
        let builder = providers.iter().fold(builder, |builder, provider| {
            builder.provider_with(provider.port(), Resilience::default(), Some(settings))
        });
        builder.store(Arc::clone(&self.store), keys()).build().unwrap()
    }
}

/// Sends to a new number each time, so that no send supersedes another.
async fn send(client: &OtpClient) -> Result<Verification, Error> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let to: Recipient = format!("+9198{number:08}").parse().unwrap();
    client.send(NewVerification::to(to)).await
}

/// A vendor that answers in 300 to 400 ms.
fn vendor(id: &str) -> Arc<ScriptedProvider> {
    let vendor = carrier(id);
    vendor.sends.takes(|number| Duration::from_millis(300 + number as u64 * 37 % 100));
    vendor
}

/// A vendor for a process that cannot reach it, or that has the wrong key.
fn failing(id: &str, error: fn() -> Error) -> Arc<ScriptedProvider> {
    let vendor = carrier(id);
    vendor.sends.takes(|_| Duration::from_millis(20));
    vendor.sends.always(move |_, _| Err(error()));
    vendor
}

fn unreachable() -> Error {
    Error::new(ErrorKind::Transport, Certainty::NotSent, Blame::Provider)
}

fn hangs() -> Error {
    Error::new(ErrorKind::Timeout, Certainty::NotSent, Blame::Provider)
}

fn wrong_key() -> Error {
    Error::new(ErrorKind::Unauthenticated, Certainty::Rejected, Blame::Provider)
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, Certainty::Rejected, Blame::Provider)
}

/// The failure of a neighbour: the error of its calls, and its providers' settings.
type Sickness = (fn() -> Error, [u8; 32]);

const SICK: [Sickness; 4] = [
    (unreachable, RIGHT_KEY),
    (hangs, RIGHT_KEY),
    (wrong_key, WRONG_KEY),
    // A proxy that answers in place of the vendor.
    (unavailable, RIGHT_KEY),
];

/// Makes a process send every 200 ms, in a separate task.
fn keep_sending(client: OtpClient) -> tokio::task::AbortHandle {
    tokio::spawn(async move {
        loop {
            let client = client.clone();
            tokio::spawn(async move { send(&client).await });
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .abort_handle()
}

/// Twelve callers, each of which sends again after each answer, for 20 seconds. Returns how many
/// sends succeeded and how many failed.
async fn closed_loop(client: &OtpClient) -> (usize, usize) {
    let ends = Instant::now() + 20 * SECOND;
    let done = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let callers: Vec<_> = (0..12)
        .map(|_| {
            let (client, done) = (client.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while Instant::now() < ends {
                    let failed = send(&client).await.is_err();
                    done[usize::from(failed)].fetch_add(1, Ordering::Relaxed);
                    if failed {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    (done[0].load(Ordering::Relaxed), done[1].load(Ordering::Relaxed))
}

/// A send every 50 ms for 20 seconds; returns how many failed.
async fn open_loop(client: &OtpClient, every: Duration) -> usize {
    let ends = Instant::now() + 20 * SECOND;
    let mut sends = Vec::new();
    while Instant::now() < ends {
        let client = client.clone();
        sends.push(tokio::spawn(async move { send(&client).await }));
        tokio::time::sleep(every).await;
    }
    let mut failed = 0;
    for send in sends {
        failed += usize::from(send.await.unwrap().is_err());
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn beside_a_sick_process_a_well_one_sends_what_it_would_send_alone() {
    let (alone, failed) = {
        let (a, b) = (vendor("a"), vendor("b"));
        closed_loop(&Town::new().process(&[&a, &b], RIGHT_KEY)).await
    };
    assert_eq!(failed, 0);
    assert!((600..800).contains(&alone), "{alone}");
    for (error, settings) in SICK {
        let town = Town::new();
        let neighbour = town.process(&[&failing("a", error), &failing("b", error)], settings);
        let neighbour = keep_sending(neighbour);
        let (a, b) = (vendor("a"), vendor("b"));
        let well = town.process(&[&a, &b], RIGHT_KEY);
        // It starts with a store full of open circuits, as after a deployment.
        tokio::time::sleep(10 * SECOND).await;
        let (sent, failed) = closed_loop(&well).await;
        neighbour.abort();
        assert_eq!(failed, 0, "{:?}", error());
        assert!(sent * 50 >= alone * 49, "{:?}: {sent} instead of {alone}", error());
    }
}

#[tokio::test(start_paused = true)]
async fn a_well_process_refuses_nothing_at_any_rate() {
    for (error, settings) in SICK {
        for every in [Duration::from_millis(50), Duration::from_millis(700), 5 * SECOND] {
            let town = Town::new();
            let neighbour = keep_sending(town.process(&[&failing("a", error)], settings));
            tokio::time::sleep(3 * SECOND).await;
            let a = vendor("a");
            let well = town.process(&[&a], RIGHT_KEY);
            assert_eq!(open_loop(&well, every).await, 0, "{:?} every {every:?}", error());
            neighbour.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_that_comes_and_goes_moves_no_traffic_of_a_busy_process() {
    let town = Town::new();
    let flapping = failing("a", unavailable);
    let start = Instant::now();
    flapping.sends.always(move |_, _| {
        // Six seconds of failures, six seconds of successes.
        let turn = start.elapsed().as_secs() / 6 % 2;
        if turn == 0 { Err(unavailable()) } else { Ok(Sent::new()) }
    });
    let neighbour = keep_sending(town.process(&[&flapping, &vendor("b")], RIGHT_KEY));
    let (a, b) = (vendor("a"), vendor("b"));
    let well = town.process(&[&a, &b], RIGHT_KEY);
    send(&well).await.unwrap();
    assert_eq!(open_loop(&well, Duration::from_millis(100)).await, 0);
    neighbour.abort();
    assert_eq!(b.count(), 0, "all went to the first");
}

#[tokio::test(start_paused = true)]
async fn a_real_outage_is_learnt_from_others_for_one_call_at_most() {
    for (error, calls) in [(unavailable as fn() -> Error, 0), (unreachable, 1), (hangs, 1)] {
        let town = Town::new();
        let (a, b) = (failing("a", error), vendor("b"));
        let first = town.process(&[&a, &b], RIGHT_KEY);
        // Its calls succeeded, minutes ago.
        let (a2, b2) = (vendor("a"), vendor("b"));
        let second = town.process(&[&a2, &b2], RIGHT_KEY);
        send(&second).await.unwrap();
        tokio::time::sleep(Duration::from_mins(5)).await;
        for _ in 0..5 {
            send(&first).await.unwrap();
        }
        a2.sends.always(move |_, _| Err(error()));
        let before = a2.count();
        let sent = send(&second).await.unwrap();
        assert!(sent.confirmed);
        let tries = a2.count() - before;
        assert!(tries <= calls, "{:?}: {tries}", error());
        let before = a2.count();
        for _ in 0..10 {
            assert!(send(&second).await.unwrap().confirmed);
        }
        assert_eq!(a2.count(), before, "{:?}: it is passed over", error());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_get_out_takes_two_witnesses() {
    let town = Town::new();
    let others = [0, 1].map(|_| (failing("a", unreachable), vendor("b")));
    let others = others.map(|(a, b)| (town.process(&[&a, &b], RIGHT_KEY), a));
    let (a, b) = (vendor("a"), vendor("b"));
    let third = town.process(&[&a, &b], RIGHT_KEY);
    let well = |client: &OtpClient| client.providers()[0].health().since().is_none();
    for (witnesses, (client, _)) in others.iter().enumerate() {
        third.refresh_health().await.unwrap();
        assert!(well(&third), "{witnesses} witnesses");
        for _ in 0..5 {
            send(client).await.unwrap();
        }
    }
    third.refresh_health().await.unwrap();
    assert!(!well(&third), "two processes cannot reach it");
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_parallel_sends_are_probes_and_none_is_refused() {
    let town = Town::new();
    let a = vendor("a");
    let client = town.process(&[&a], RIGHT_KEY);
    a.sends.always(|_, _| Err(unreachable()));
    for _ in 0..6 {
        send(&client).await.unwrap_err();
    }
    a.sends.always(|_, _| Ok(Sent::new()));
    let all: Vec<_> = (0..40)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { send(&client).await })
        })
        .collect();
    for sent in all {
        assert!(sent.await.unwrap().unwrap().confirmed);
    }
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_only_so_many_probes_are_under_way() {
    let town = Town::new();
    let a = failing("a", hangs);
    let client = town.process(&[&a], RIGHT_KEY);
    for _ in 0..6 {
        send(&client).await.unwrap_err();
    }
    let before = a.count();
    a.sends.takes(|_| 9 * SECOND);
    let all: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { send(&client).await })
        })
        .collect();
    tokio::time::sleep(2 * SECOND).await;
    let probes = a.count() - before;
    assert!((10..=20).contains(&probes), "{probes}");
    let refused = all.iter().filter(|send| send.is_finished()).count();
    // Calls with further tries left in the budget are still waiting.
    assert!((60..=100 - probes).contains(&refused), "{refused} after a second");
    for send in all {
        send.await.unwrap().unwrap_err();
    }
}

/// A process with the wrong key is restarted, or its configuration is reloaded.
#[tokio::test(start_paused = true)]
async fn the_first_sends_after_the_key_was_mended_go_out() {
    for reload in [false, true] {
        let town = Town::new();
        let broken = failing("a", wrong_key);
        let old = town.process(&[&broken], WRONG_KEY);
        for _ in 0..3 {
            send(&old).await.unwrap_err();
        }
        let mended = vendor("a");
        let client = if reload {
            let builder = OtpClient::builder().policy(lenient());
            let builder =
                builder.provider_with(mended.port(), Resilience::default(), Some(RIGHT_KEY));
            old.reload(builder).await.unwrap();
            old
        } else {
            town.process(&[&mended], RIGHT_KEY)
        };
        let all: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { send(&client).await })
            })
            .collect();
        for sent in all {
            let sent = sent.await.unwrap().unwrap();
            assert!(sent.confirmed, "reloaded: {reload}");
            assert_eq!(sent.send_attempts.len(), 1);
        }
    }
}

/// The account was empty, the key is the same, and each send is a new process.
#[tokio::test(start_paused = true)]
async fn a_new_process_for_each_send_sends_as_soon_as_the_cause_is_mended() {
    fn empty() -> Error {
        Error::new(ErrorKind::InsufficientFunds, Certainty::Rejected, Blame::Provider)
    }
    for error in [empty as fn() -> Error, unavailable, unreachable] {
        let town = Town::new();
        for _ in 0..12 {
            let client = town.process(&[&failing("a", error)], RIGHT_KEY);
            assert_eq!(send(&client).await.unwrap_err().kind(), error().kind());
        }
        for _ in 0..3 {
            let client = town.process(&[&vendor("a")], RIGHT_KEY);
            let sent = send(&client).await.unwrap();
            assert_eq!(sent.send_attempts[0].state, AttemptState::Accepted, "{:?}", error());
        }
    }
}
