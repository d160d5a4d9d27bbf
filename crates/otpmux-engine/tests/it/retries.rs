//! Retries at the provider that has just failed.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Error, ErrorKind, IdempotencyKey, Recipient, Sent,
    VendorReference,
};
use otpmux_engine::{AttemptState, NewVerification, Policy, Resend, Resilience};
use otpmux_testkit::{LogCapture, ScriptedProvider};
use tokio::time::Instant;

use crate::layers_observed::Told;
use crate::layers_world::{SECOND, fails, not_sent, too_many};
use crate::world::{PHONE, World, carrier, down, idempotent_carrier, lenient, unknown};

type Make = fn() -> Error;

/// Two further tries, and a breaker that never opens.
fn twice() -> Resilience {
    let mut resilience = Resilience::default();
    resilience.breaker.failures = 1000;
    resilience.breaker.success_percent = 0;
    resilience
}

fn within(time: Duration) -> Policy {
    let mut policy = lenient();
    policy.deadline = time;
    policy
}

fn retrying(providers: &[&Arc<ScriptedProvider>]) -> World {
    World::resilient(providers, lenient(), &twice())
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
async fn a_send_is_retried_where_the_rules_allow_it_and_nowhere_else() {
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
        let other = carrier("b");
        fails(&provider, error);
        let providers = [&provider, &other];
        let world = retrying(if alone { &providers[..1] } else { &providers });
        let result = world.send().await;
        assert_eq!((provider.count(), other.count()), (tries, usize::from(!alone)), "case {at}");
        match result {
            Ok(sent) => assert!(!alone || error().certainty() == Certainty::Unknown, "{sent:?}"),
            Err(got) => {
                assert_eq!((got.kind(), got.certainty()), (error().kind(), error().certainty()));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_tries_have_the_same_key_and_the_first_success_ends_them() {
    let provider = idempotent_carrier("a");
    let world = retrying(&[&provider]);
    provider.sends.answer(Err(unknown()));
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed);
    assert_eq!(sent.send_attempts.len(), 1, "a retry is no send attempt");
    let keys = provider.sends.contexts().into_iter().map(|cx| cx.idempotency_key);
    let keys: Vec<IdempotencyKey> = keys.collect();
    assert_eq!(keys, [keys[0]; 2]);
}

/// A vendor that repeats its code, finds sends by their key, and has every other call.
fn vendor_with_everything() -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    (capabilities.resend, capabilities.idempotent) = (true, true);
    (capabilities.cancel, capabilities.status, capabilities.balance) = (true, true, true);
    let provider = Arc::new(ScriptedProvider::new("a", capabilities));
    provider.sends.answer(Ok(Sent::new().with_reference(VendorReference::new("first"))));
    provider
}

#[tokio::test(start_paused = true)]
async fn a_resend_is_retried_and_no_other_call() {
    let provider = vendor_with_everything();
    let world = retrying(&[&provider]);
    let sent = world.send().await.unwrap();
    provider.verifies.always(|_, _| Err(not_sent()));
    provider.statuses.always(|_, _| Err(not_sent()));
    provider.balances.always(|_, ()| Err(not_sent()));
    provider.cancels.always(|_, _| Err(not_sent()));
    world.client.verify(sent.id, &"004217".parse().unwrap()).await.unwrap_err();
    world.client.status(sent.id).await.unwrap();
    world.client.balance(&"a".parse().unwrap()).await.unwrap_err();
    let rest = [&provider.verifies.count(), &provider.statuses.count(), &provider.balances.count()];
    assert_eq!(rest, [&1; 3]);

    world.advance(30);
    provider.resends.always(|_, _| Err(unknown()));
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((provider.resends.count(), again.confirmed), (3, false));

    world.client.cancel(sent.id).await.unwrap();
    assert_eq!(provider.cancels.count(), 2, "each of its two send attempts, once");
}

#[tokio::test(start_paused = true)]
async fn the_pause_is_as_long_as_the_vendor_says_if_there_is_time() {
    let provider = carrier("a");
    let world = World::resilient(&[&provider], within(8 * SECOND), &twice());
    provider.sends.answer(Err(too_many(7 * SECOND)));
    let begun = Instant::now();
    world.send().await.unwrap();
    assert_eq!(begun.elapsed(), 7 * SECOND);

    for after in [8 * SECOND, Duration::MAX] {
        let provider = carrier("a");
        let world = World::resilient(&[&provider], within(8 * SECOND), &twice());
        provider.sends.answer(Err(too_many(after)));
        let begun = Instant::now();
        let error = world.send().await.unwrap_err();
        assert_eq!(error.retry_after(), Some(after));
        assert_eq!((provider.count(), begun.elapsed()), (1, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn once_unknown_stays_unknown() {
    let provider = idempotent_carrier("a");
    let world = retrying(&[&provider]);
    provider.sends.answer(Err(unknown()));
    provider.sends.answer(Err(not_sent()));
    provider.sends.answer(Err(down()));
    let sent = world.send().await.unwrap();
    assert_eq!((provider.count(), sent.confirmed), (3, false));
    let state = sent.send_attempts[0].state;
    assert_eq!(state, AttemptState::Unknown, "the first try may have sent the message");
}

/// Each further try asks whether the verification is still pending, not only the first one.
#[tokio::test(start_paused = true)]
async fn a_verification_that_is_superseded_during_a_pause_is_not_tried_again() {
    for (first, certainty) in
        [(not_sent as Make, Certainty::NotSent), (unknown, Certainty::Unknown)]
    {
        let provider = idempotent_carrier("a");
        let world = retrying(&[&provider]);
        provider.sends.answer(Err(first()));
        provider.sends.answer(Err(not_sent()));
        let client = world.client.clone();
        let older =
            tokio::spawn(
                async move { client.send(NewVerification::to(crate::world::phone())).await },
            );
        provider.sends.called(2).await;
        let newer = world.send().await.unwrap();
        assert!(newer.confirmed);
        let older = older.await.unwrap();
        assert_eq!(provider.count(), 3, "the older one was not tried a third time");
        match older {
            Ok(sent) => {
                assert_eq!(certainty, Certainty::Unknown);
                assert_eq!(sent.send_attempts[0].state, AttemptState::Unknown);
            }
            Err(error) => {
                assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotFound, certainty));
            }
        }
    }
}

/// A different recipient for each number.
fn recipient_number(at: usize) -> Recipient {
    format!("+9198765{at:05}").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_multiply_traffic() {
    let provider = carrier("a");
    let world = retrying(&[&provider]);
    fails(&provider, not_sent);
    let begun = Instant::now();
    let calls = (0..500).map(|at| {
        let client = world.client.clone();
        tokio::spawn(async move { client.send(NewVerification::to(recipient_number(at))).await })
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
    let world = retrying(&[&provider]);
    fails(&provider, not_sent);
    let begun = Instant::now();
    for _ in 0..500 {
        world.send().await.unwrap_err();
    }
    let most = 20 + 100 + 2 * usize::try_from(begun.elapsed().as_secs() + 1).unwrap();
    let further = provider.count() - 500;
    assert!((100..=most).contains(&further), "{further} of {most}");
}

/// Every try asks the breaker: one that its circuit refuses reaches no vendor, and the pause is as
/// long as the circuit stays open.
#[tokio::test(start_paused = true)]
async fn a_retry_that_the_open_circuit_refuses_waits_for_the_circuit() {
    let (provider, other) = (idempotent_carrier("a"), carrier("b"));
    let mut resilience = Resilience::default();
    resilience.breaker.failures = 1;
    let world = World::resilient(&[&provider, &other], lenient(), &resilience);
    provider.sends.answer(Err(unknown()));
    let begun = Instant::now();
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed);
    let paused = begun.elapsed();
    assert!((5 * SECOND..=6 * SECOND).contains(&paused), "its own failure opened it: {paused:?}");
    assert_eq!((provider.count(), other.count()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn each_try_is_counted_as_a_call_and_a_retry_is_counted_and_logged_without_personal_data() {
    let told = Told::default();
    let _recorder = metrics::set_default_local_recorder(&told);
    let capture = LogCapture::new();
    let _logs = capture.install_scoped();
    let provider = carrier("a");
    let world = retrying(&[&provider]);
    provider.sends.answer(Err(not_sent()));
    world.send().await.unwrap();
    assert_eq!(told.value("otpmux_retries_total{provider=a}"), Some(1.0));
    let call = "otpmux_calls_total{provider=a,call=send,channel=sms,country=IN";
    for outcome in ["outcome=transport,certainty=not_sent", "outcome=ok,certainty=none"] {
        assert_eq!(told.value(&format!("{call},{outcome}}}")), Some(1.0), "{:?}", told.lines());
    }
    capture.assert_clean(&[PHONE, &PHONE[3..], &provider.otpmux_codes()[0]]);
    assert!(capture.text().contains("trying again"));
}
