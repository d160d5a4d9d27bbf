//! Which of a recipient's codes is valid while newer ones are requested.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind, Sent};
use otpmux_engine::{NewVerification, OtpClient, Resend, Verification};
use otpmux_testkit::ScriptedProvider;
use tokio::task::JoinHandle;

use crate::world::{World, carrier, down, error, lenient, phone, unknown};

type Sending = JoinHandle<Result<Verification, Error>>;

/// Starts a send whose call ends after this time with this result, and waits for the call.
async fn begin(
    client: &OtpClient,
    a: &Arc<ScriptedProvider>,
    seconds: u64,
    ends: Result<Sent, Error>,
) -> Sending {
    a.sends.answer_after(Duration::from_secs(seconds), ends);
    let (client, calls) = (client.clone(), a.count());
    let sending = tokio::spawn(async move { client.send(NewVerification::to(phone())).await });
    a.sends.called(calls + 1).await;
    sending
}

/// The verdict for the code of this message.
async fn verdict(
    world: &World,
    a: &ScriptedProvider,
    sent: &Verification,
    message: usize,
) -> &'static str {
    world.verify(sent, &a.otpmux_codes()[message]).await
}

#[tokio::test(start_paused = true)]
async fn a_send_that_fails_leaves_the_users_code_as_good_as_it_was() {
    for (certainty, blame) in [
        (Certainty::NotSent, Blame::Provider),
        (Certainty::Rejected, Blame::Provider),
        (Certainty::Rejected, Blame::Recipient),
        (Certainty::NotSent, Blame::Policy),
    ] {
        let a = carrier("a");
        let world = World::of(&[&a]);
        let older = world.send().await.unwrap();
        assert_eq!(world.verify(&older, "000000").await, "wrong_code");
        a.sends.always(move |_, _| Err(error(certainty, blame)));
        // More than enough to open the circuit, so that some fail without a call.
        for _ in 0..30 {
            world.send().await.unwrap_err();
        }
        a.sends.always(|_, _| Ok(Sent::new()));
        let status = world.client.status(older.id).await.unwrap();
        assert_eq!(status.status.as_str(), "pending", "{certainty:?} by {blame:?}");
        assert_eq!((status.guesses_left, status.expires_at), (4, older.expires_at));
        world.advance(30);
        assert!(world.client.resend(older.id, Resend::new()).await.unwrap().confirmed);
        assert_eq!(verdict(&world, &a, &older, 0).await, "approved");
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_refused_before_any_vendor_is_called_touches_nothing() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.limits.recipient = vec![otpmux_core::RateLimit::new(1, Duration::from_mins(1))];
    let world = World::with(&[&a], policy);
    let older = world.send().await.unwrap();
    let limited = world.send().await.unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::RateLimited);
    let invalid = NewVerification::to(phone()).with_code_length(40);
    assert_eq!(world.client.send(invalid).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(verdict(&world, &a, &older, 0).await, "approved");
}

#[tokio::test(start_paused = true)]
async fn two_codes_are_never_good() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let older = world.send().await.unwrap();
    // The message may have been sent from the moment of the call.
    let newer = begin(&world.client, &a, 3, Err(down())).await;
    assert_eq!(verdict(&world, &a, &older, 0).await, "not_found");
    newer.await.unwrap().unwrap_err();
    a.sends.answer(Err(unknown()));
    let newer = world.send().await.unwrap();
    assert_eq!(verdict(&world, &a, &older, 0).await, "not_found");
    assert_eq!(verdict(&world, &a, &newer, 2).await, "approved");
    // A process that dies in the call leaves a message that may have been sent.
    let older = world.send().await.unwrap();
    let dying = begin(&world.client, &a, 3, Err(down())).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    world.advance(60);
    assert_eq!(verdict(&world, &a, &older, 3).await, "not_found");
}

/// Three overlapping sends: the last may fail before or after the one before it.
#[tokio::test(start_paused = true)]
async fn of_sends_that_overlap_the_newest_that_may_have_gone_out_is_good() {
    for (second, third, good) in [
        ("down", "down", 0),
        ("ok", "down", 1),
        ("unknown", "down", 1),
        ("down", "ok", 2),
        ("ok", "ok", 2),
    ] {
        let ends = |word: &str| match word {
            "ok" => Ok(Sent::new()),
            "unknown" => Err(unknown()),
            _ => Err(down()),
        };
        for (second_ends, third_ends) in [(2, 4), (4, 2)] {
            let a = carrier("a");
            let world = World::of(&[&a]);
            let first = world.send().await.unwrap();
            let sending = begin(&world.client, &a, second_ends, ends(second)).await;
            let last = begin(&world.client, &a, third_ends, ends(third)).await;
            let sent = [Ok(first), sending.await.unwrap(), last.await.unwrap()];
            for (place, sent) in sent.iter().enumerate() {
                let Ok(sent) = sent else { continue };
                let expected = if place == good { "approved" } else { "not_found" };
                let told = verdict(&world, &a, sent, place).await;
                assert_eq!(told, expected, "{place} of {second} at {second_ends}, {third}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_verification_stays_cancelled() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let older = world.send().await.unwrap();
    let newer = begin(&world.client, &a, 3, Err(down())).await;
    assert!(!world.client.cancel(older.id).await.unwrap());
    newer.await.unwrap().unwrap_err();
    assert_eq!(verdict(&world, &a, &older, 0).await, "not_found");
}
