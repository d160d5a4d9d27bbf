use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, Sent};
use otpmux_engine::{Health, Resilience};
use otpmux_testkit::ScriptedProvider;
use tokio::sync::Barrier;

use crate::layers_world::{
    Guard, MINUTE, SECOND, cx, failing, fails, is_well, open, send_request, too_many,
};
use crate::world::{carrier, unknown};

/// Starts calls from many tasks at once; returns how many reached the provider.
async fn rush(provider: &ScriptedProvider, guard: &Guard, tasks: usize) -> usize {
    let before = provider.count();
    let start = Arc::new(Barrier::new(tasks));
    let calls = (0..tasks).map(|_| {
        let (guarded, start) = (guard.guarded.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            start.wait().await;
            guarded.port().send(&cx(), &send_request()).await
        })
    });
    for call in calls.collect::<Vec<_>>() {
        if let Err(error) = call.await.unwrap()
            && error.kind() == ErrorKind::CircuitOpen
        {
            assert_eq!(error.retry_after(), Some(SECOND), "while another probes");
        }
    }
    provider.count() - before
}

#[tokio::test(start_paused = true)]
async fn exactly_one_call_probes() {
    let (provider, guard) = open().await;
    guard.pass(5 * SECOND).await;
    assert!(guard.guarded.health().is_available(guard.now()), "due");
    provider.sends.answer_after(SECOND, Err(unknown()));
    assert_eq!(rush(&provider, &guard, 64).await, 1);
    assert_eq!(guard.refused().await, 10 * SECOND, "it failed");
    guard.pass(10 * SECOND).await;
    provider.sends.answer_after(SECOND, Ok(Sent::new()));
    assert_eq!(rush(&provider, &guard, 64).await, 1);
    is_well(&provider);
    assert_eq!(rush(&provider, &guard, 64).await, 64, "it succeeded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_call_probes_on_many_threads() {
    let provider = carrier("a");
    let mut resilience = Resilience::default();
    let pause = Duration::from_millis(100);
    (resilience.breaker.pause, resilience.breaker.account_pause) = (pause, pause);
    resilience.breaker.longest_pause = pause;
    let guard = Guard::of(&provider, &resilience);
    fails(&provider, unknown);
    guard.sends(5).await;
    for _ in 0..10 {
        tokio::time::sleep(pause + Duration::from_millis(10)).await;
        provider.sends.answer_after(Duration::from_millis(50), Err(unknown()));
        assert_eq!(rush(&provider, &guard, 64).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_proves_nothing_is_due_again() {
    let (provider, guard) = open().await;
    guard.pass(5 * SECOND).await;
    provider.sends.hang();
    let dropped = tokio::time::timeout(SECOND, guard.send()).await;
    assert!(dropped.is_err());
    let ours = failing(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller);
    for error in [too_many(Duration::ZERO), ours] {
        let kind = error.kind();
        provider.sends.answer(Err(error));
        assert_eq!(guard.send().await.unwrap_err().kind(), kind);
    }
    let Health::Open { .. } = guard.guarded.health() else { panic!("still open") };
    provider.sends.answer(Ok(Sent::new()));
    guard.send().await.unwrap();
    assert!(guard.is_closed());
    assert_eq!(provider.count(), 5 + 4);
}

#[tokio::test(start_paused = true)]
async fn probes_may_be_asked_for_before_their_time_but_only_so_many_at_once() {
    let (provider, guard) = open().await;
    let allow_half_open = cx().allow_half_open(true);
    for _ in 0..16 {
        provider.sends.answer_after(2 * SECOND, Err(unknown()));
    }
    let probes: Vec<_> = (0..16)
        .map(|_| {
            let (guarded, allow_half_open) = (guard.guarded.clone(), allow_half_open.clone());
            tokio::spawn(
                async move { guarded.port().send(&allow_half_open, &send_request()).await },
            )
        })
        .collect();
    provider.sends.called(5 + 16).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(guard.refused_with(&allow_half_open).await, SECOND, "one more");
    assert_eq!(begun.elapsed(), SECOND, "it has waited for one of them to end");
    for probe in probes {
        assert_eq!(probe.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    }
    for _ in 0..9 {
        guard.send_with(&allow_half_open).await.unwrap_err();
    }
    assert_eq!(guard.refused().await, 3 * SECOND, "they do not drive the pause up");
    let funds = failing(ErrorKind::InsufficientFunds, Certainty::Rejected, Blame::Provider);
    provider.sends.answer(Err(funds));
    guard.send_with(&allow_half_open).await.unwrap_err();
    assert_eq!(guard.refused().await, MINUTE, "but what is worse does");
    is_well(&provider);
    guard.send_with(&allow_half_open).await.unwrap();
    assert!(guard.is_closed());
}
