use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind, RateLimit, Sent};
use otpmux_engine::Resilience;
use otpmux_testkit::ScriptedProvider;
use tokio::time::Instant;

use crate::layers_world::{
    Guard, MINUTE, SECOND, cx, cx_for, limited, resend_request, send_request, too_many,
    verify_request,
};
use crate::world::carrier;

#[track_caller]
fn assert_ours(error: &Error, word: &str) {
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!((error.certainty(), error.blame()), (Certainty::NotSent, Blame::Provider));
    assert!(error.provider().is_some());
    assert!(error.detail().contains("our own") && error.detail().contains(word), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_send_beyond_the_documented_limit_is_refused_at_once() {
    let provider = limited(&[RateLimit::new(2, MINUTE)]);
    let guard = Guard::of(&provider, &Resilience::default());
    guard.send().await.unwrap();
    tokio::time::sleep(10 * SECOND).await;
    guard.send().await.unwrap();
    let begun = Instant::now();
    let error = guard.send().await.unwrap_err();
    assert_ours(&error, "limit");
    assert_eq!(error.retry_after(), Some(50 * SECOND));
    assert_eq!((begun.elapsed(), provider.count()), (Duration::ZERO, 2), "no call waits");
    assert!(guard.is_closed(), "and that is no failure");
    let resend = guard.guarded.port().resend(&cx(), &resend_request()).await;
    assert_ours(&resend.unwrap_err(), "limit");
    tokio::time::sleep(50 * SECOND).await;
    guard.send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_settings_come_before_the_documentation() {
    for (requests, allowed) in [
        (None, 2),
        (Some(vec![RateLimit::new(3, SECOND), RateLimit::new(4, MINUTE)]), 3),
        (Some(Vec::new()), 50),
    ] {
        let provider = limited(&[RateLimit::new(2, MINUTE)]);
        let mut resilience = Resilience::default();
        resilience.requests = requests;
        let guard = Guard::of(&provider, &resilience);
        guard.sends(50).await;
        assert_eq!(provider.count(), allowed);
    }
}

#[tokio::test(start_paused = true)]
async fn all_other_calls_count_and_wait_until_their_deadline() {
    let provider = limited(&[RateLimit::new(1, 10 * SECOND)]);
    let guard = Guard::of(&provider, &Resilience::default());
    let port = guard.guarded.port();
    let target = resend_request().target;
    let begun = Instant::now();
    guard.send().await.unwrap();
    port.verify(&cx_for(10 * SECOND), &verify_request()).await.unwrap();
    assert_eq!(begun.elapsed(), 10 * SECOND);
    let _ = port.status(&cx(), &target).await;
    let _ = port.cancel(&cx(), &target).await;
    let _ = port.balance(&cx()).await;
    assert_eq!(begun.elapsed(), 40 * SECOND);
    assert_eq!(provider.count(), 5);

    let begun = Instant::now();
    let error = port.verify(&cx_for(9 * SECOND), &verify_request()).await.unwrap_err();
    assert_ours(&error, "limit");
    assert_eq!(error.retry_after(), Some(10 * SECOND));
    assert_eq!(begun.elapsed(), Duration::ZERO, "it could not have been in time");
    assert_eq!(provider.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_no_call_waits_for_long() {
    let provider = limited(&[RateLimit::new(1, MINUTE)]);
    let guard = Guard::of(&provider, &Resilience::default());
    guard.send().await.unwrap();
    let error = guard.guarded.port().verify(&cx(), &verify_request()).await.unwrap_err();
    assert_ours(&error, "limit");
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_are_served_in_order_and_before_any_send() {
    let provider = limited(&[RateLimit::new(1, 10 * SECOND)]);
    let guard = Guard::of(&provider, &Resilience::default());
    guard.send().await.unwrap();
    let begun = Instant::now();
    let waits_after = |pause: Duration, time: Duration| {
        let port = Arc::clone(guard.guarded.port());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let result = port.verify(&cx_for(time), &verify_request()).await;
            (result.is_ok(), begun.elapsed())
        })
    };
    let waits = |time| waits_after(Duration::ZERO, time);
    // These calls come at the moment when a slot becomes free for those in line.
    let before = waits_after(10 * SECOND, SECOND);
    let (first, dropped) = (waits(MINUTE), waits(MINUTE));
    let (third, late) = (waits(MINUTE), waits(15 * SECOND));
    let after = waits_after(10 * SECOND, SECOND);
    tokio::time::sleep(SECOND).await;
    dropped.abort();
    let mut refused = 0;
    while provider.verifies.count() < 2 {
        refused += usize::from(guard.send().await.is_err());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(first.await.unwrap(), (true, 10 * SECOND));
    assert_eq!(third.await.unwrap(), (true, 20 * SECOND));
    assert_eq!(late.await.unwrap(), (false, 15 * SECOND));
    assert_eq!(before.await.unwrap(), (false, 11 * SECOND));
    assert_eq!(after.await.unwrap(), (false, 11 * SECOND));
    assert!(refused >= 38, "{refused}");
    tokio::time::sleep(10 * SECOND).await;
    guard.send().await.unwrap();
    assert_eq!(provider.sends.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_limit_holds_in_every_window_however_many_call() {
    let provider = limited(&[RateLimit::new(10, SECOND)]);
    let guard = Guard::of(&provider, &Resilience::default());
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    provider.verifies.always(move |_, _| {
        noted.lock().unwrap().push(Instant::now());
        Err(too_many(Duration::ZERO))
    });
    let calls = (0..200_u32).map(|at| {
        let port = Arc::clone(guard.guarded.port());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::from(at % 37) * 11)).await;
            port.verify(&cx_for(MINUTE), &verify_request()).await.unwrap_err();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 200);
    assert!(times.windows(11).all(|eleven| eleven[10] - eleven[0] >= SECOND));
    assert!(times[199] - times[0] < 21 * SECOND, "and nothing is wasted");
}

/// A send to one of a million numbers.
async fn send_to(guard: &Guard, number: u32) -> Result<Sent, Error> {
    let mut request = send_request();
    request.recipient = format!("+9198765{number:05}").parse().unwrap();
    guard.guarded.port().send(&cx(), &request).await
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_had_too_many_gets_no_sends_until_it_says() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    for number in 0..2 {
        provider.sends.answer(Err(too_many(30 * SECOND)));
        send_to(&guard, number).await.unwrap_err();
    }
    tokio::time::sleep(10 * SECOND).await;
    let error = guard.send().await.unwrap_err();
    assert_ours(&error, "limit");
    assert_eq!(error.limit(), Some("provider"));
    assert_eq!((error.retry_after(), provider.count()), (Some(20 * SECOND), 2));
    guard.guarded.port().verify(&cx(), &verify_request()).await.unwrap();
    tokio::time::sleep(20 * SECOND).await;
    guard.send().await.unwrap();

    for number in 0..2 {
        provider.sends.answer(Err(too_many(Duration::MAX)));
        send_to(&guard, number).await.unwrap_err();
    }
    assert_eq!(guard.send().await.unwrap_err().retry_after(), Some(5 * MINUTE), "not for ever");
}

/// The vendor's limit on one recipient, in an answer that proves nothing about the account.
#[tokio::test(start_paused = true)]
async fn one_user_whom_the_vendor_refuses_holds_no_other_back() {
    let provider = limited(&[RateLimit::new(120, MINUTE)]);
    let guard = Guard::of(&provider, &Resilience::default());
    provider.sends.always(|_, request| match request.recipient.expose() {
        "+919876500001" => Err(too_many(MINUTE)),
        _ => Ok(Sent::new()),
    });
    for number in 2..10 {
        for _ in 0..3 {
            assert!(send_to(&guard, 1).await.is_err());
        }
        send_to(&guard, number).await.unwrap();
    }
}

/// Five guesses a code, twenty codes a minute from one address: they would use up the vendor's
/// whole limit.
#[tokio::test(start_paused = true)]
async fn one_user_who_guesses_leaves_the_others_their_sends() {
    let provider = limited(&[RateLimit::new(120, MINUTE)]);
    let guard = Guard::of(&provider, &Resilience::default());
    guard.send().await.unwrap();
    let guesses: Vec<_> = (0..200)
        .map(|_| {
            let port = Arc::clone(guard.guarded.port());
            tokio::spawn(async move { port.verify(&cx_for(30 * SECOND), &verify_request()).await })
        })
        .collect();
    tokio::time::sleep(SECOND).await;
    assert_eq!(provider.verifies.count(), 90);
    for number in 0..29 {
        send_to(&guard, number).await.unwrap();
    }
    assert_ours(&send_to(&guard, 99).await.unwrap_err(), "limit");
    let mut refused = 0;
    for guess in guesses {
        refused += usize::from(guess.await.unwrap().is_err());
    }
    assert_eq!(refused, 110);
}

#[tokio::test(start_paused = true)]
async fn other_refusals_hold_nothing_back() {
    let after = 30 * SECOND;
    for error in [
        Error::new(ErrorKind::RateLimited, Certainty::Rejected, Blame::Policy),
        Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Provider),
        Error::new(ErrorKind::Unavailable, Certainty::Rejected, Blame::Provider),
    ] {
        let provider = carrier("a");
        let guard = Guard::of(&provider, &Resilience::default());
        provider.sends.answer(Err(error.with_retry_after(after)));
        guard.send().await.unwrap_err();
        guard.send().await.unwrap();
    }
}

fn bounded(bound: usize) -> Resilience {
    let mut resilience = Resilience::default();
    resilience.concurrency = Some(bound);
    resilience
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_bound() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &bounded(3));
    for _ in 0..30 {
        provider.sends.answer_after(2 * SECOND, Ok(Sent::new()));
    }
    let calls = (0..30).map(|_| {
        let guarded = guard.guarded.clone();
        tokio::spawn(async move { guarded.port().send(&cx(), &send_request()).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    for rounds in 1..=10 {
        tokio::time::sleep(SECOND).await;
        assert_eq!(provider.count(), 3 * rounds);
        tokio::time::sleep(SECOND).await;
    }
    for call in calls {
        call.await.unwrap();
    }
}

/// Calls that hang, to take all slots.
async fn hang(
    provider: &Arc<ScriptedProvider>,
    guard: &Guard,
    calls: usize,
) -> Vec<tokio::task::JoinHandle<()>> {
    let before = provider.count();
    let handles = (0..calls)
        .map(|_| {
            provider.sends.hang();
            let guarded = guard.guarded.clone();
            tokio::spawn(async move {
                let _ = guarded.port().send(&cx(), &send_request()).await;
            })
        })
        .collect();
    provider.sends.called(before + calls).await;
    handles
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_place_until_its_deadline() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &bounded(2));
    let hanging = hang(&provider, &guard, 2).await;
    let begun = Instant::now();
    let error = guard.send_with(&cx_for(3 * SECOND)).await.unwrap_err();
    assert_ours(&error, "bound");
    assert_eq!(begun.elapsed(), 3 * SECOND);
    let error = guard.guarded.port().verify(&cx(), &verify_request()).await.unwrap_err();
    assert_ours(&error, "bound");
    assert_eq!(begun.elapsed(), 33 * SECOND, "half a minute where there is no deadline");
    assert_eq!(provider.count(), 2);
    assert!(guard.is_closed());

    // A dropped call releases its slot.
    let cx = cx_for(MINUTE);
    let (sent, ()) = tokio::join!(guard.send_with(&cx), async {
        tokio::time::sleep(SECOND).await;
        hanging[0].abort();
    });
    sent.unwrap();
    assert_eq!(begun.elapsed(), 34 * SECOND);
}
