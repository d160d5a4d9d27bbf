use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{Blame, Certainty, ErrorKind, ProviderId};
use otpmux_engine::{Health, HealthUpdate, OpenCircuit, Resilience, Witness};
use otpmux_testkit::ScriptedProvider;

use crate::layers_world::{
    Fixed, Guard, MINUTE, SECOND, cx, failing, fails, is_well, not_sent, witness,
};
use crate::world::{carrier, unknown};

/// One provider as two processes with different clocks and jitter see it.
struct Two {
    provider: Arc<ScriptedProvider>,
    one: Guard,
    other: Guard,
}

impl Two {
    fn new() -> Self {
        let provider = carrier("a");
        let one = Guard::of(&provider, &Resilience::default());
        let other = Guard::with(provider.port(), &Resilience::default(), Fixed(0x80));
        Self { provider, one, other }
    }

    async fn pass(&self, time: Duration) {
        self.one.clock.advance(time);
        self.other.pass(time).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_finding_of_one_process_reaches_the_other() {
    let Two { provider, one, other } = &Two::new();
    fails(provider, unknown);
    one.sends(5).await;
    let health_updates = one.guarded.take_update().unwrap();
    assert_eq!(one.guarded.take_update(), None, "reported once");
    let open = OpenCircuit {
        since: one.now(),
        until: one.now() + 5 * SECOND,
        why: ErrorKind::Unavailable,
    };
    let provider_id = ProviderId::new("a").unwrap();
    let witness = health_updates.witness;
    let at = one.now();
    assert_eq!(
        health_updates,
        HealthUpdate { provider: provider_id, witness, at, state: Some(open) }
    );

    other.learn(&health_updates);
    let before = provider.count();
    let wait = other.refused().await;
    assert_eq!(provider.count(), before, "without a call");
    assert!(wait > 7 * SECOND && wait < 8 * SECOND, "half a pause later: {wait:?}");
    assert_eq!(other.guarded.take_update(), None, "what was learned is no health_updates");

    one.clock.advance(5 * SECOND);
    other.pass(5 * SECOND).await;
    is_well(provider);
    one.send().await.unwrap();
    let health_updates = one.guarded.take_update().unwrap();
    assert_eq!((health_updates.at, &health_updates.state), (one.now(), &None));
    other.learn(&health_updates);
    assert!(other.is_closed(), "without a separate probe");
    assert_eq!(other.guarded.take_update(), None);
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_one_that_fails_keeps_the_other_away_for_longer() {
    let two = Two::new();
    let Two { provider, one, other } = &two;
    fails(provider, unknown);
    one.sends(5).await;
    other.learn(&one.guarded.take_update().unwrap());
    two.pass(5 * SECOND).await;
    one.sends(1).await;
    other.learn(&one.guarded.take_update().unwrap());
    assert!(other.refused().await >= 10 * SECOND);
    // The other process's own pause continues from there.
    two.pass(13 * SECOND).await;
    other.sends(1).await;
    assert!(other.refused().await >= 20 * SECOND);
    let Health::Open { since, .. } = other.guarded.health() else { panic!("open") };
    assert_eq!(other.now().duration_since(since).unwrap(), 18 * SECOND, "since the first failure");
    one.learn(&other.guarded.take_update().unwrap());
    assert!(one.refused().await >= 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn only_newer_updates_about_this_provider_count() {
    let Two { provider, one, other } = &Two::new();
    fails(provider, unknown);
    let update = |at, open: bool| HealthUpdate {
        provider: ProviderId::new("a").unwrap(),
        witness: Witness::default(),
        at,
        state: open.then(|| OpenCircuit {
            since: at,
            until: at + MINUTE,
            why: ErrorKind::Unavailable,
        }),
    };
    let now = one.now();
    one.learn(&HealthUpdate { provider: ProviderId::new("b").unwrap(), ..update(now, true) });
    assert!(one.is_closed(), "another provider's");

    one.learn(&update(now, false));
    one.learn(&update(now - SECOND, true));
    one.learn(&update(now, true));
    assert!(one.is_closed(), "old");
    one.sends(5).await;
    one.learn(&update(now, false));
    assert!(!one.guarded.health().is_available(one.now()));

    // A success of another process makes a probe due, but proves nothing: the failure seen here is
    // still reported.
    other.sends(5).await;
    other.learn(&update(other.now() + SECOND, false));
    assert!(!other.is_closed());
    assert!(other.guarded.health().is_available(other.now()), "a probe is due");
    assert!(other.guarded.take_update().unwrap().state.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_update_of_a_wrong_clock_does_no_lasting_harm() {
    let Two { provider, one, .. } = &Two::new();
    let update = |at: SystemTime, until| HealthUpdate {
        provider: ProviderId::new("a").unwrap(),
        witness: Witness::default(),
        at,
        state: Some(OpenCircuit { since: at, until, why: ErrorKind::Unavailable }),
    };
    let year = Duration::from_hours(24 * 365);
    let at = one.now() + year;
    let early = update(at, at + year);
    one.learn(&early);
    assert_eq!(one.refused().await, 6 * MINUTE, "the longest pause and its jitter");
    one.pass(6 * MINUTE).await;
    one.send().await.unwrap();
    assert!(one.is_closed());
    one.pass(MINUTE).await;
    one.learn(&early);
    assert!(one.is_closed(), "what its own call has refuted is not believed again");
    assert_eq!(provider.count(), 1);

    // The latest time that can be represented.
    let seconds = Duration::from_secs(i64::MAX.unsigned_abs());
    let at = SystemTime::UNIX_EPOCH.checked_add(seconds).unwrap();
    one.learn(&update(at, at));
    assert!(!one.is_closed());
    one.pass(6 * MINUTE).await;
    one.send().await.unwrap();
    assert!(one.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_update_whose_pause_is_over_lets_one_probe() {
    let Two { other, .. } = &Two::new();
    let at = other.now() - MINUTE;
    let state = Some(OpenCircuit { since: at, until: at + SECOND, why: ErrorKind::Unavailable });
    let (provider, witness) = (ProviderId::new("a").unwrap(), Witness::default());
    other.learn(&HealthUpdate { provider, witness, at, state });
    assert!(!other.is_closed());
    assert!(other.guarded.health().is_available(other.now()), "without jitter");
    other.send().await.unwrap();
    assert!(other.is_closed());
}

#[tokio::test(start_paused = true)]
async fn of_two_that_have_opened_the_first_says_since_when() {
    let two = Two::new();
    let Two { provider, one, other } = &two;
    fails(provider, unknown);
    one.sends(5).await;
    let (first, health_updates) = (one.now(), one.guarded.take_update().unwrap());
    two.pass(SECOND).await;
    other.sends(5).await;
    let (second, own) = (other.now(), other.guarded.take_update().unwrap());
    assert_ne!(first, second);
    one.learn(&own);
    let Health::Open { since, until, .. } = one.guarded.health() else { panic!("open") };
    assert_eq!(since, first);
    assert!(until >= second + 5 * SECOND, "neither probes before the other would");
    other.learn(&health_updates);
    let since = |of: &Guard| match of.guarded.health() {
        Health::Open { since, .. } => since,
        other => panic!("{other:?}"),
    };
    assert_eq!(since(other), first);
    two.pass(9 * SECOND).await;
    one.sends(1).await;
    other.learn(&one.guarded.take_update().unwrap());
    assert_eq!(since(other), first);
}

#[tokio::test(start_paused = true)]
async fn many_failing_probes_ahead_of_their_time_are_no_health_updates() {
    let Two { provider, one, .. } = &Two::new();
    fails(provider, unknown);
    one.sends(5).await;
    assert!(one.guarded.take_update().is_some());
    for _ in 0..100 {
        one.send_with(&cx().allow_half_open(true)).await.unwrap_err();
    }
    assert_eq!(one.guarded.take_update(), None);
}

#[tokio::test(start_paused = true)]
async fn one_witness_that_cannot_reach_it_makes_the_first_failure_here_the_second() {
    let two = Two::new();
    let Two { provider, one, other } = &two;
    fails(provider, not_sent);
    one.sends(5).await;
    let health_updates = one.guarded.take_update().unwrap();
    other.learn(&health_updates);
    assert!(other.is_closed(), "it may be the other's own network");
    other.sends(1).await;
    assert!(!other.is_closed(), "now there are two");
    assert!(other.guarded.take_update().is_some(), "and that is reported");

    // Where calls have just succeeded, the usual number of failures is needed.
    let third = Guard::of(provider, &Resilience::default());
    is_well(provider);
    third.sends(1).await;
    third.learn(&health_updates);
    fails(provider, not_sent);
    third.sends(4).await;
    assert!(third.is_closed());
    third.sends(1).await;
    assert!(!third.is_closed());
}

#[tokio::test(start_paused = true)]
async fn how_long_a_success_outweighs_others_depends_on_the_traffic() {
    for (every, sends, believes_itself) in [(20, 3, 29), (1, 60, 7)] {
        let two = Two::new();
        let Two { provider, one, other } = &two;
        is_well(provider);
        for _ in 0..sends {
            other.sends(1).await;
            two.pass(every * SECOND).await;
        }
        other.sends(1).await;
        fails(provider, unknown);
        one.sends(5).await;
        let health_updates = one.guarded.take_update().unwrap();
        two.pass(believes_itself * SECOND).await;
        other.learn(&health_updates);
        assert!(other.is_closed(), "one send in {every} s");
        two.pass(3 * SECOND).await;
        other.learn(&health_updates);
        assert!(!other.is_closed(), "one send in {every} s");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_account_is_only_that_of_the_same_settings() {
    let Two { provider, one, other } = &Two::new();
    provider.sends.always(|_, _| {
        Err(failing(ErrorKind::Unauthenticated, Certainty::Rejected, Blame::Provider))
    });
    one.sends(1).await;
    other.learn(&one.guarded.take_update().unwrap());
    assert!(other.is_closed(), "it is unknown whether it is the same account");
    let settings = |settings| Witness { settings: Some(settings), ..witness() };
    let [one, same, different] = [1, 1, 2].map(|it| Guard::known_as(provider, settings(it)));
    one.sends(1).await;
    let health_updates = one.guarded.take_update().unwrap();
    same.learn(&health_updates);
    assert!(!same.is_closed());
    different.learn(&health_updates);
    assert!(different.is_closed());
}

/// A reload with corrected settings starts a new breaker; the store still has the update of the
/// previous one.
#[tokio::test(start_paused = true)]
async fn the_update_that_a_process_has_outlived_is_taken_back_with_its_first_success() {
    let Two { provider, one, .. } = &Two::new();
    fails(provider, unknown);
    one.sends(5).await;
    let health_updates = one.guarded.take_update().unwrap();
    let again = Guard::known_as(provider, health_updates.witness);
    is_well(provider);
    again.learn(&health_updates);
    assert!(again.is_closed());
    again.sends(2).await;
    let told = again.guarded.take_update().unwrap();
    assert!(told.state.is_none() && told.at > health_updates.at);
    again.sends(1).await;
    assert_eq!(again.guarded.take_update(), None);
}
