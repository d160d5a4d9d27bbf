use std::time::Duration;

use otpmux_core::{Blame, Certainty, Channel, ErrorKind, Recipient};
use otpmux_engine::{
    BuildError, NewVerification, OtpClient, Route, Routes, VerificationId, VerificationStatus,
};

use crate::world::{World, builder, carrier, down, lenient, phone};

#[tokio::test]
async fn says_what_was_sent() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    assert_eq!(sent.status, VerificationStatus::Pending);
    assert_eq!(sent.channel, Channel::Sms);
    assert_eq!(sent.to, "+9•••••••••10");
    assert!(sent.confirmed);
    assert_eq!(world.seconds_until(sent.expires_at), 300);
    assert_eq!(world.seconds_until(sent.resend_after), 30);
    assert_eq!((sent.code_length, sent.guesses_left, sent.send_attempts.len()), (Some(6), 5, 1));
    let request = &provider.sends.requests()[0];
    assert_eq!(request.ttl, Some(Duration::from_secs(300)));
    assert_eq!(request.recipient, phone());
}

#[tokio::test]
async fn nothing_that_is_wrong_reaches_a_provider() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let to = || NewVerification::to(phone());
    let email: Recipient = "a@example.com".parse().unwrap();
    for (new, kind, blame) in [
        (to().with_code_length(5), ErrorKind::InvalidRequest, Blame::Caller),
        (to().with_code_length(11), ErrorKind::InvalidRequest, Blame::Caller),
        (to().with_ttl(Duration::from_secs(601)), ErrorKind::InvalidRequest, Blame::Caller),
        (to().with_ttl(Duration::from_secs(29)), ErrorKind::InvalidRequest, Blame::Caller),
        (to().with_message("no place for it"), ErrorKind::InvalidRequest, Blame::Caller),
        (to().by(Channel::Email), ErrorKind::InvalidRequest, Blame::Caller),
        (to().by(Channel::WhatsApp), ErrorKind::Unsupported, Blame::Provider),
        (NewVerification::to(email), ErrorKind::Unsupported, Blame::Provider),
    ] {
        let error = world.client.send(new).await.unwrap_err();
        let got = (error.kind(), error.certainty(), error.blame());
        assert_eq!(got, (kind, Certainty::NotSent, blame), "{error}");
    }
    assert_eq!(provider.count(), 0);
    assert!(world.store.is_empty(), "nor the store");
}

/// Applications move these futures, and each move copies a future as a whole.
#[tokio::test]
async fn the_futures_of_a_send_and_a_verify_are_small() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let (client, code) = (&world.client, "004217".parse().unwrap());
    let send = client.send(NewVerification::to(phone()));
    let verify = client.verify(VerificationId::from_bytes([2; 16]), &code);
    let sizes = [size_of_val(&send), size_of_val(&verify)];
    assert!(sizes[0] <= 3_300 && sizes[1] <= 1_400, "{sizes:?} bytes");
}

#[tokio::test]
async fn a_failed_send_leaves_no_code_behind() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    provider.sends.answer(Err(down()));
    assert_eq!(world.send().await.unwrap_err().certainty(), Certainty::Rejected);
    let code = provider.otpmux_codes().remove(0);
    let next = world.send().await.unwrap();
    assert_ne!(provider.otpmux_codes()[1], code, "and the next send makes a new one");
    assert_eq!(world.verify(&next, &code).await, "wrong_code");
}

#[tokio::test]
async fn routes_decide_who_sends_and_nothing_else_is_sent() {
    let (india, rest) = (carrier("india"), carrier("rest"));
    let clock = std::sync::Arc::default();
    let mut route = Route::to(["india".parse().unwrap(), "rest".parse().unwrap()]);
    route.countries = vec!["IN".to_owned()];
    let routed = || builder(&[&india, &rest], lenient(), &clock);
    let client = routed().routes(Routes::new([route])).build().unwrap();
    client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!((india.count(), rest.count()), (1, 0));

    let elsewhere: Recipient = "+14155550123".parse().unwrap();
    let error = client.send(NewVerification::to(elsewhere)).await.unwrap_err();
    assert_eq!((error.blame(), error.certainty()), (Blame::Policy, Certainty::NotSent));
    assert_eq!((india.count(), rest.count()), (1, 0), "FRD-01: refused before any vendor");
}

#[tokio::test]
async fn clients_that_cannot_be() {
    let (a, twin) = (carrier("a"), carrier("a"));
    let clock = std::sync::Arc::default();
    assert_eq!(OtpClient::builder().build().unwrap_err(), BuildError::NoProvider);
    let twice = builder(&[&a, &twin], lenient(), &clock).build().unwrap_err();
    assert_eq!(twice, BuildError::Twice("a".parse().unwrap()));
    let unknown = Routes::new([Route::to(["b".parse().unwrap()])]);
    let error = builder(&[&a], lenient(), &clock).routes(unknown).build().unwrap_err();
    assert_eq!(error, BuildError::UnknownProvider("b".parse().unwrap()));
    let mut policy = lenient();
    policy.code_length = 4;
    assert!(matches!(builder(&[&a], policy, &clock).build(), Err(BuildError::Policy(_))));
}
