use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Blame, CancelCheck, Certainty, Error, ErrorKind, IdempotencyKey, Sent};
use otpmux_engine::Resilience;
use otpmux_testkit::{ScriptedProvider, SeededEntropy};
use tokio::time::Instant;

use crate::layers_world::{
    Fixed, Guard, MINUTE, SECOND, cx, cx_for, fails, not_sent, resend_request, too_many,
    verify_request,
};
use crate::world::{carrier, down, idempotent_carrier, unknown};

const MILLISECOND: Duration = Duration::from_millis(1);

type Make = fn() -> Error;

/// Two further tries, and a breaker that never opens.
fn twice() -> Resilience {
    let mut resilience = Resilience::default();
    resilience.breaker.failures = 1000;
    resilience.breaker.success_percent = 0;
    resilience
}

fn recipient() -> Error {
    Error::new(ErrorKind::InvalidRecipient, Certainty::NotSent, Blame::Recipient)
}

fn soon() -> Error {
    down().with_retry_after(SECOND)
}

fn unknown_policy() -> Error {
    Error::new(ErrorKind::FraudSuspected, Certainty::Unknown, Blame::Policy)
}

#[tokio::test(start_paused = true)]
async fn tries_again_where_the_rules_allow_it_and_nowhere_else() {
    let (plain, keyed) = (false, true);
    let cases: [(bool, bool, Make, usize); 12] = [
        // Another provider can carry it.
        (plain, false, not_sent, 1),
        (plain, false, soon, 1),
        (keyed, false, down, 1),
        // No other provider can.
        (plain, true, not_sent, 3),
        (plain, true, soon, 3),
        (plain, true, down, 1),
        (plain, true, recipient, 1),
        // Rule 1: not after an unknown outcome, unless the vendor recognises the key.
        (plain, true, unknown, 1),
        (plain, false, unknown, 1),
        (keyed, true, unknown, 3),
        (keyed, false, unknown, 3),
        (keyed, true, unknown_policy, 1),
    ];
    for (at, (keyed, alone, error, tries)) in cases.into_iter().enumerate() {
        let provider = if keyed { idempotent_carrier("a") } else { carrier("a") };
        fails(&provider, error);
        let guard = Guard::of(&provider, &twice());
        let got = guard.send_with(&cx().only_candidate(alone)).await.unwrap_err();
        assert_eq!(provider.count(), tries, "case {at}");
        assert_eq!((got.kind(), got.certainty()), (error().kind(), error().certainty()));
    }
}

#[tokio::test(start_paused = true)]
async fn all_tries_have_the_same_key_and_the_first_success_ends_them() {
    let provider = idempotent_carrier("a");
    let guard = Guard::of(&provider, &twice());
    provider.sends.answer(Err(unknown()));
    guard.send().await.unwrap();
    let keys = provider.sends.contexts().into_iter().map(|cx| cx.idempotency_key);
    let key = IdempotencyKey::from_random([7; 16]);
    assert_eq!(keys.collect::<Vec<_>>(), [key, key]);
}

#[tokio::test(start_paused = true)]
async fn resends_are_tried_again_too_and_nothing_else_is() {
    let provider = idempotent_carrier("a");
    let guard = Guard::of(&provider, &twice());
    let port = guard.guarded.port();
    let cx = cx().only_candidate(true);
    provider.resends.always(|_, _| Err(unknown()));
    port.resend(&cx, &resend_request()).await.unwrap_err();
    assert_eq!(provider.resends.count(), 3);

    provider.verifies.always(|_, _| Err(not_sent()));
    provider.cancels.always(|_, _| Err(not_sent()));
    provider.statuses.always(|_, _| Err(not_sent()));
    provider.balances.always(|_, ()| Err(not_sent()));
    let target = resend_request().target;
    port.verify(&cx, &verify_request()).await.unwrap_err();
    port.cancel(&cx, &target).await.unwrap_err();
    port.status(&cx, &target).await.unwrap_err();
    port.balance(&cx).await.unwrap_err();
    assert_eq!(provider.count(), 3 + 4);
}

/// The length of each pause.
async fn pauses(guard: &Guard, provider: &ScriptedProvider) -> Vec<Duration> {
    let begun = Instant::now();
    let times = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    provider.sends.always(move |_, _| {
        noted.lock().unwrap().push(begun.elapsed());
        Err(not_sent())
    });
    guard.send_with(&cx().only_candidate(true)).await.unwrap_err();
    times.lock().unwrap().windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect()
}

#[tokio::test(start_paused = true)]
async fn pauses_double_and_are_cut_by_up_to_a_half() {
    let mut resilience = twice();
    resilience.retries = 4;
    for (byte, expected) in [(0xff, [250, 500, 1000, 2000]), (0, [125, 250, 500, 1000])] {
        let provider = carrier("a");
        let guard = Guard::with(provider.port(), &resilience, Fixed(byte));
        let expected = expected.map(|millis| millis * MILLISECOND);
        let got = pauses(&guard, &provider).await;
        assert_eq!(got, expected);
    }
    let seeded = async |seed| {
        let provider = carrier("a");
        let guard = Guard::with(provider.port(), &resilience, SeededEntropy::new(seed));
        pauses(&guard, &provider).await
    };
    assert_eq!(seeded(1).await, seeded(1).await);
    assert_ne!(seeded(1).await, seeded(2).await);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_vendor_says_if_there_is_time() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &twice());
    provider.sends.answer(Err(too_many(7 * SECOND)));
    let begun = Instant::now();
    guard.send_with(&cx_for(8 * SECOND).only_candidate(true)).await.unwrap();
    assert_eq!(begun.elapsed(), 7 * SECOND);

    for (after, cx) in [
        (8 * SECOND, cx_for(8 * SECOND)),
        (Duration::MAX, cx_for(8 * SECOND)),
        (MINUTE + SECOND, cx()),
        (Duration::MAX, cx()),
    ] {
        let provider = carrier("a");
        let guard = Guard::of(&provider, &twice());
        provider.sends.answer(Err(too_many(after)));
        let begun = Instant::now();
        let error = guard.send_with(&cx.only_candidate(true)).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(after));
        assert_eq!((provider.count(), begun.elapsed()), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn once_unknown_stays_unknown() {
    let provider = idempotent_carrier("a");
    let guard = Guard::of(&provider, &twice());
    provider.sends.answer(Err(unknown()));
    provider.sends.answer(Err(not_sent()));
    provider.sends.answer(Err(down()));
    let error = guard.send().await.unwrap_err();
    assert_eq!(provider.count(), 3);
    assert_eq!(error.certainty(), Certainty::Unknown, "what the first try did stays done");
}

/// Reports the verification as pending this many times.
#[derive(Debug)]
struct Wanted(AtomicUsize);

#[async_trait]
impl CancelCheck for Wanted {
    async fn ensure_pending(&self) -> Result<(), Error> {
        let wanted = |left: usize| left.checked_sub(1);
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, wanted) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn asks_before_each_further_try_whether_it_is_still_wanted() {
    for (first, certainty) in
        [(not_sent as Make, Certainty::NotSent), (unknown, Certainty::Unknown)]
    {
        let provider = idempotent_carrier("a");
        let guard = Guard::of(&provider, &twice());
        provider.sends.answer(Err(first()));
        fails(&provider, not_sent);
        let wanted = Arc::new(Wanted(AtomicUsize::new(1)));
        let cx = cx().only_candidate(true).with_cancel_check(wanted);
        let error = guard.send_with(&cx).await.unwrap_err();
        assert_eq!(provider.count(), 2, "the third was wanted no more");
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotFound, certainty));
    }
    let provider = carrier("a");
    let guard = Guard::of(&provider, &twice());
    let nobody = cx().with_cancel_check(Arc::new(Wanted(AtomicUsize::new(0))));
    guard.send_with(&nobody).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_multiply_traffic() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &twice());
    fails(&provider, not_sent);
    let begun = Instant::now();
    let calls = (0..500).map(|_| {
        let guarded = guard.guarded.clone();
        let request = crate::layers_world::send_request();
        tokio::spawn(async move { guarded.port().send(&cx().only_candidate(true), &request).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap_err();
    }
    // The saved tries, a fifth of the sends, and two for each second.
    let most = || 20 + 100 + 2 * usize::try_from(begun.elapsed().as_secs() + 1).unwrap();
    let further = provider.count() - 500;
    assert!((20..=most()).contains(&further), "{further} of {}", most());

    // In sequence, all earned tries can be spent, and no more.
    let provider = carrier("a");
    let guard = Guard::of(&provider, &twice());
    fails(&provider, not_sent);
    let begun = Instant::now();
    for _ in 0..500 {
        guard.send_with(&cx().only_candidate(true)).await.unwrap_err();
    }
    let most = 20 + 100 + 2 * usize::try_from(begun.elapsed().as_secs() + 1).unwrap();
    let further = provider.count() - 500;
    assert!((100..=most).contains(&further), "{further} of {most}");
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_waited_for_when_nobody_else_is_left() {
    let provider = carrier("a");
    let mut resilience = Resilience::default();
    resilience.breaker.failures = 1;
    let guard = Guard::of(&provider, &resilience);
    provider.sends.answer(Err(not_sent()));
    provider.sends.answer(Ok(Sent::new()));
    let begun = Instant::now();
    guard.send_with(&cx_for(20 * SECOND).only_candidate(true)).await.unwrap();
    assert_eq!(begun.elapsed(), 5 * SECOND, "its own failure opened it");
    assert_eq!(provider.count(), 2);
}
