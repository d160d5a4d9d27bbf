//! Provider health in routing, and in the history of a verification.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Capabilities, Certainty, Channel, ErrorKind, Incompatibility};
use otpmux_engine::{AttemptState, Choice, MemoryStore, OtpClient, SkipReason, VerificationStore};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{World, builder, carrier, down, error, keys, lenient};

fn history(sent: &otpmux_engine::Verification) -> Vec<String> {
    sent.history().map(|line| line.to_string()).collect()
}

/// Sends until the circuit of the first provider opens.
async fn open(world: &World, a: &ScriptedProvider) {
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        world.send().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_passed_over_and_the_trail_says_since_when() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    open(&world, &a).await;
    let sent = world.send().await.unwrap();
    assert_eq!(a.count(), 5, "the sixth was not asked of it");
    assert_eq!(
        history(&sent),
        [
            "a: skipped: circuit open since 2026-01-01T00:00:00Z",
            "b by sms: accepted (first of its route)",
        ]
    );
    let asked = world.client.status(sent.id).await.unwrap();
    assert_eq!(history(&asked), history(&sent), "and so does a later look");
}

#[tokio::test(start_paused = true)]
async fn after_its_pause_one_send_probes_and_success_brings_it_back() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    open(&world, &a).await;
    a.sends.always(|_, _| Ok(otpmux_core::Sent::new()));
    tokio::time::advance(Duration::from_secs(7)).await;
    let sent = world.send().await.unwrap();
    assert_eq!((sent.send_attempts.len(), sent.send_attempts[0].provider.as_str()), (1, "a"));
    assert_eq!(sent.send_attempts[0].reason, Choice::Preferred);
}

#[tokio::test(start_paused = true)]
async fn after_its_pause_it_is_probed_under_a_clock_that_goes_on_while_a_send_is_planned() {
    let (a, b) = (carrier("a"), carrier("b"));
    let builder = builder(&[&a, &b], lenient(), &Arc::default());
    let client = builder.clock(Arc::new(otpmux_core::SystemClock)).build().unwrap();
    let send = || client.send(otpmux_engine::NewVerification::to(crate::world::phone()));
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        send().await.unwrap();
    }
    a.sends.always(|_, _| Ok(otpmux_core::Sent::new()));
    assert_eq!(send().await.unwrap().send_attempts[0].provider.as_str(), "b");
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(send().await.unwrap().send_attempts[0].provider.as_str(), "a");
}

#[tokio::test(start_paused = true)]
async fn all_down_then_one_up_the_very_next_send_works() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    let not_sent = || Err(error(Certainty::NotSent, Blame::Provider));
    a.sends.always(move |_, _| not_sent());
    b.sends.always(move |_, _| not_sent());
    for _ in 0..10 {
        assert_eq!(world.send().await.unwrap_err().certainty(), Certainty::NotSent);
    }
    b.sends.always(|_, _| Ok(otpmux_core::Sent::new()));
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed);
    assert_eq!(sent.send_attempts.last().unwrap().reason, Choice::LastResort);
    assert_eq!(sent.skipped.len(), 2, "both were being left alone");
    let sent = world.send().await.unwrap();
    assert_eq!(sent.send_attempts[0].provider.as_str(), "b", "and is well again");
}

#[tokio::test(start_paused = true)]
async fn an_empty_account_is_left_alone_at_once_and_no_user_pays_for_it_again() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    for kind in [ErrorKind::InsufficientFunds, ErrorKind::Unauthenticated, ErrorKind::Forbidden] {
        let refusal = otpmux_core::Error::new(kind, Certainty::Rejected, Blame::Provider);
        let before = a.count();
        a.sends.answer(Err(refusal));
        assert_eq!(world.send().await.unwrap().send_attempts.len(), 2);
        assert_eq!(world.send().await.unwrap().send_attempts.len(), 1);
        assert_eq!(a.count(), before + 1);
        tokio::time::advance(Duration::from_mins(2)).await;
        assert_eq!(world.send().await.unwrap().send_attempts[0].provider.as_str(), "a");
    }
}

#[tokio::test]
async fn an_unsuitable_provider_is_skipped_with_the_reason() {
    let mute = Arc::new(ScriptedProvider::new(
        "mute",
        Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10),
    ));
    let voice = carrier("voice");
    let world = World::of(&[&mute, &voice]);
    let new = otpmux_engine::NewVerification::to(crate::world::phone()).by(Channel::Voice);
    let sent = world.client.send(new).await.unwrap();
    assert_eq!(sent.skipped[0].reason, SkipReason::Unable(Incompatibility::Channel));
    assert_eq!(history(&sent)[0], "mute: skipped: this provider does not send by this channel");
}

/// Two processes that share a store.
fn two(providers: [&[&Arc<ScriptedProvider>]; 2]) -> [OtpClient; 2] {
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(1_000));
    let clock = Arc::<ManualClock>::default();
    providers.map(|providers| {
        let builder = builder(providers, lenient(), &clock);
        builder.store(Arc::clone(&store), keys()).build().unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn a_finding_of_one_process_is_known_to_the_others() {
    let (a, b) = (carrier("a"), carrier("b"));
    let (a2, b2) = (carrier("a"), carrier("b"));
    let [first, second] = two([&[&a, &b], &[&a2, &b2]]);
    let send = |client: &OtpClient| {
        let client = client.clone();
        async move {
            let new = otpmux_engine::NewVerification::to(crate::world::phone());
            client.send(new).await.unwrap()
        }
    };
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        send(&first).await;
    }
    // The update comes with the store's answer to the first send, and its send attempt is refused
    // here.
    let sent = send(&second).await;
    assert_eq!(a2.count(), 0, "the second process never called it");
    assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::CircuitOpen));
    assert_eq!(sent.send_attempts[0].state, AttemptState::NotSent);
    assert_eq!(send(&second).await.skipped.len(), 1, "from then on it is passed over");

    tokio::time::advance(Duration::from_secs(12)).await;
    assert_eq!(send(&second).await.send_attempts[0].provider.as_str(), "a", "its probe goes well");
}
