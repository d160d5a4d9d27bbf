use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, Delivery, ErrorKind, Sent, Status};
use otpmux_engine::{BreakerSettings, Health, Resilience};

use crate::layers_world::{
    Fixed, Guard, MINUTE, SECOND, cx, failing, fails, is_well, not_sent, open, resend_request,
    send_request, too_many, verify_request, witness,
};
use crate::world::{carrier, unknown};

#[tokio::test(start_paused = true)]
async fn opens_on_failures_one_after_another() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    fails(&provider, unknown);
    guard.sends(4).await;
    provider.sends.answer(Ok(Sent::new()));
    guard.sends(5).await;
    assert!(guard.is_closed(), "a success in between");
    guard.sends(1).await;
    let (since, until) = (guard.now(), guard.now() + 5 * SECOND);
    let why = ErrorKind::Unavailable;
    assert_eq!(guard.guarded.health(), Health::Open { since, until, why });
    guard.pass(2 * SECOND).await;
    assert_eq!(guard.refused().await, 3 * SECOND);
    assert_eq!(provider.count(), 10, "left alone");
    assert!(!guard.guarded.health().is_available(guard.now()));
}

#[tokio::test(start_paused = true)]
async fn opens_when_too_few_succeed() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    let mut turn = 0;
    let mut one = || {
        turn += 1;
        provider.sends.answer(if turn % 3 == 0 { Ok(Sent::new()) } else { Err(not_sent()) });
    };
    for _ in 0..19 {
        one();
        guard.send().await.ok();
        guard.pass(SECOND).await;
    }
    assert!(guard.is_closed(), "too few to tell");
    one();
    guard.sends(1).await;
    assert!(!guard.is_closed(), "six of twenty");
    guard.pass(6 * SECOND).await;
    provider.sends.answer(Ok(Sent::new()));
    guard.sends(1).await;
    provider.sends.answer(Err(not_sent()));
    guard.sends(1).await;
    assert!(guard.is_closed(), "what was before is forgotten");

    // The same so slowly that there are never twenty in one minute.
    let guard = Guard::of(&provider, &Resilience::default());
    for _ in 0..99 {
        one();
        guard.send().await.ok();
        guard.pass(4 * SECOND).await;
    }
    assert!(guard.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_request_alone_opens_no_circuit() {
    use {Blame as B, Certainty as C, ErrorKind as K};
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    for (kind, certainty, blame) in [
        (K::InvalidRecipient, C::Rejected, B::Recipient),
        (K::Store, C::Unknown, B::Internal),
        (K::Unauthenticated, C::Rejected, B::Internal),
        (K::InvalidRecipient, C::Rejected, B::Provider),
        (K::InvalidRequest, C::Rejected, B::Caller),
        (K::InvalidRequest, C::NotSent, B::Caller),
        (K::RateLimited, C::Rejected, B::Policy),
        (K::FraudSuspected, C::Unknown, B::Policy),
        (K::RateLimited, C::Rejected, B::Provider),
        (K::Unsupported, C::NotSent, B::Provider),
        (K::Configuration, C::NotSent, B::Provider),
    ] {
        provider.sends.always(move |_, _| Err(failing(kind, certainty, blame)));
        guard.sends(100).await;
        assert!(guard.is_closed(), "{kind:?} {certainty:?} {blame:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_shows_a_vendor_at_work_and_an_ignored_error_shows_nothing() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    fails(&provider, unknown);
    guard.sends(4).await;
    let refused = failing(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient);
    provider.sends.answer(Err(refused));
    guard.sends(5).await;
    assert!(guard.is_closed(), "the row of failures was broken");
    provider.sends.answer(Err(too_many(Duration::ZERO)));
    guard.sends(2).await;
    assert!(!guard.is_closed(), "the row went on");
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_account_opens_at_once_and_for_longer() {
    for kind in [ErrorKind::Unauthenticated, ErrorKind::Forbidden, ErrorKind::InsufficientFunds] {
        let provider = carrier("a");
        let guard = Guard::of(&provider, &Resilience::default());
        provider.sends.always(move |_, _| Err(failing(kind, Certainty::Rejected, Blame::Provider)));
        guard.sends(1).await;
        assert_eq!(guard.refused().await, MINUTE, "{kind:?}");
        guard.pass(MINUTE).await;
        guard.sends(1).await;
        assert_eq!(guard.refused().await, 2 * MINUTE, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_sends_and_resends_are_refused_and_only_they_count() {
    let (provider, guard) = open().await;
    provider.statuses.always(|_, _| Ok(Status::new(Delivery::Sent)));
    let port = guard.guarded.port();
    let target = resend_request().target;
    assert!(port.verify(&cx(), &verify_request()).await.is_ok());
    assert!(port.status(&cx(), &target).await.is_ok());
    let resent = port.resend(&cx(), &resend_request()).await.unwrap_err();
    assert_eq!(resent.kind(), ErrorKind::CircuitOpen);
    assert_eq!(port.cancel(&cx(), &target).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(port.balance(&cx()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(!guard.is_closed(), "none of them is a probe");

    let provider = carrier("b");
    let guard = Guard::of(&provider, &Resilience::default());
    provider.verifies.always(|_, _| Err(unknown()));
    provider.statuses.always(|_, _| Err(unknown()));
    provider.resends.always(|_, _| Err(unknown()));
    let port = guard.guarded.port();
    for _ in 0..50 {
        port.verify(&cx(), &verify_request()).await.unwrap_err();
        port.status(&cx(), &target).await.unwrap_err();
    }
    assert!(guard.is_closed());
    for _ in 0..5 {
        port.resend(&cx(), &resend_request()).await.unwrap_err();
    }
    assert!(!guard.is_closed());
}

#[tokio::test(start_paused = true)]
async fn the_pause_doubles_up_to_the_longest_and_begins_anew() {
    let (provider, guard) = open().await;
    for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(guard.refused().await, seconds * SECOND);
        guard.pass((seconds - 1) * SECOND).await;
        assert_eq!(guard.refused().await, SECOND);
        guard.pass(SECOND).await;
        guard.sends(1).await;
    }
    assert_eq!(provider.count(), 5 + 8);
    let Health::Open { since, .. } = guard.guarded.health() else { panic!("open") };
    assert_eq!(guard.now().duration_since(since).unwrap(), 915 * SECOND, "since the first time");
    guard.pass(300 * SECOND).await;
    is_well(&provider);
    guard.sends(1).await;
    assert!(guard.is_closed());
    fails(&provider, unknown);
    guard.sends(4).await;
    assert!(guard.is_closed());
    guard.sends(1).await;
    assert_eq!(guard.refused().await, 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn up_to_a_fifth_is_added_at_random() {
    let provider = carrier("a");
    let guard = Guard::with(provider.port(), &Resilience::default(), Fixed(0xff));
    fails(&provider, unknown);
    guard.sends(5).await;
    assert_eq!(guard.refused().await, 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_vendor_may_say_when_within_bounds() {
    for (asked, pause) in [(1, 5), (90, 90), (86_400, 300)] {
        let provider = carrier("a");
        let guard = Guard::of(&provider, &Resilience::default());
        let asked = Duration::from_secs(asked);
        provider.sends.always(move |_, _| Err(unknown().with_retry_after(asked)));
        guard.sends(5).await;
        assert_eq!(guard.refused().await, pause * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_count_no_more() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    // Started while all was well, ended while the circuit is open, and after.
    provider.sends.answer_after(2 * SECOND, Ok(Sent::new()));
    provider.sends.answer_after(3 * SECOND, Err(unknown()));
    for _ in 0..9 {
        provider.sends.answer_after(20 * SECOND, Err(unknown()));
    }
    let early: Vec<_> = (0..11)
        .map(|_| {
            let guarded = guard.guarded.clone();
            let request = send_request();
            tokio::spawn(async move { guarded.port().send(&cx(), &request).await })
        })
        .collect();
    provider.sends.called(11).await;
    fails(&provider, unknown);
    guard.sends(5).await;
    guard.pass(4 * SECOND).await;
    assert_eq!(guard.refused().await, SECOND, "neither closed nor open for longer");
    guard.pass(SECOND).await;
    is_well(&provider);
    guard.send().await.unwrap();
    assert!(guard.is_closed());
    for call in early {
        let _ = call.await.unwrap();
    }
    assert!(guard.is_closed(), "nine old failures");
}

#[test]
fn settings_out_of_their_ranges_build_nothing() {
    let resilience = Resilience::default().breaker(BreakerSettings::default().failures(0));
    let (clock, entropy) = (otpmux_core::SystemClock, otpmux_core::OsEntropy);
    let (clock, entropy) = (Arc::new(clock), Arc::new(entropy));
    let port = carrier("a").port();
    let error = otpmux_engine::ResilientProvider::new(port, &resilience, clock, entropy, witness())
        .unwrap_err();
    assert_eq!(error.path(), "breaker_failures");
}
