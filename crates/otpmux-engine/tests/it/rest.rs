//! Data at rest, and what it reveals to a stranger.

use std::sync::Arc;

use otpmux_core::{
    Capabilities, Channel, Clock, Code, Purpose, Recipient, Sent, VendorReference, Verdict,
};
use otpmux_engine::{NewVerification, Resend, VerificationId, VerificationStore};
use otpmux_testkit::ScriptedProvider;

use crate::world::{PHONE, World, carrier, phone, wrong};

/// SEC-08, W2: neither code nor number in clear text, whole or in part of the record's bytes.
#[tokio::test]
async fn sec_08_a_record_holds_neither_code_nor_number() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let new = NewVerification::to(phone()).with_message("Your code for Acme: {code}");
    let sent = world.client.send(new).await.unwrap();
    let code = provider.otpmux_codes().remove(0);
    let record = world.store.load(sent.id, world.clock.now()).await.unwrap().unwrap();
    let shown = format!("{record:?} {:?} {sent:?}", world.client);
    assert!(!shown.contains(&PHONE[1..]) && !shown.contains(&format!("\"{code}\"")));
    assert!(!format!("{:?}", world.client).contains(&sent.id.to_string()), "nor what it holds");
    for secret in [code.as_bytes(), &PHONE.as_bytes()[1..], b"Acme"] {
        let sealed = &record.sealed.bytes;
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
    }
}

/// SEC-08: references that vendors derive from the number do not bring the number into the store,
/// and later calls use them as the vendors gave them.
#[tokio::test]
async fn sec_08_a_reference_that_shows_the_number_is_encrypted() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    (capabilities.resend, capabilities.status, capabilities.cancel) = (true, true, true);
    let vendor = Arc::new(ScriptedProvider::new("a", capabilities));
    let world = World::of(&[&vendor]);
    let reference = VendorReference::new(format!("otp/{}/1", &PHONE[1..]));
    let given = reference.clone();
    vendor.sends.always(move |_, _| Ok(Sent::new().with_reference(given.clone())));
    vendor.resends.always(|_, _| Ok(Sent::new()));
    let kept = async |id| {
        let record = world.store.load(id, world.clock.now()).await.unwrap().unwrap();
        record
            .send_attempts
            .into_iter()
            .map(|attempt| attempt.reference.map(|it| it.as_str().to_owned()))
    };
    let sent = world.send().await.unwrap();
    world.verify(&sent, "1111").await;
    world.client.status(sent.id).await.unwrap();
    world.advance(60);
    // The vendor's answer has no new reference: the send attempt keeps that of the repeated
    // message.
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    world.verify(&sent, "1111").await;
    let send_attempts: Vec<_> = kept(sent.id).await.collect();
    assert_eq!(send_attempts.len(), 2);
    for attempt in send_attempts {
        let attempt = attempt.unwrap();
        assert!(attempt.starts_with("sealed:") && !attempt.contains(&PHONE[1..]), "{attempt}");
    }
    world.client.cancel(sent.id).await.unwrap();
    let asked = [
        vendor.verifies.requests().into_iter().map(|it| it.reference).collect::<Vec<_>>(),
        vendor.statuses.requests().into_iter().map(|it| it.reference).collect(),
        vendor.resends.requests().into_iter().map(|it| it.target.reference).collect(),
        vendor.cancels.requests().into_iter().map(|it| it.reference).collect(),
    ];
    for asked in asked {
        assert!(!asked.is_empty() && asked.iter().all(|it| it.as_ref() == Some(&reference)));
    }
}

/// SEC-10: an id that never existed, one of another recipient or purpose, a cancelled one and one
/// past its retention get the same answer, and none of them costs a guess.
#[tokio::test]
async fn sec_10_unknown_foreign_cancelled_and_forgotten_look_alike() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let purpose = Purpose::default();
    let other: Recipient = "+919876543211".parse().unwrap();
    let gone = world.send().await.unwrap();
    world.advance(1_200);
    let cancelled = world.send_for("a").await;
    world.client.cancel(cancelled.id).await.unwrap();
    let sent = world.send().await.unwrap();
    let code: Code = provider.otpmux_codes().pop().unwrap().parse().unwrap();
    let unknown = VerificationId::from_bytes([7; 16]);
    let payment = Purpose::new("payment").unwrap();
    let cases = [
        (unknown, phone(), &purpose),
        (sent.id, other, &purpose),
        (sent.id, phone(), &payment),
        (cancelled.id, phone(), &Purpose::new("a").unwrap()),
        (gone.id, phone(), &purpose),
    ];
    for (id, recipient, purpose) in &cases {
        let verdict = world.client.verify_for(*id, &code, recipient, purpose).await.unwrap();
        assert_eq!(verdict, Verdict::NotFound);
    }
    for id in [unknown, cancelled.id, gone.id] {
        let told = world.client.resend(id, Resend::new()).await.unwrap_err();
        let strange = world.client.resend(unknown, Resend::new()).await.unwrap_err();
        assert_eq!(format!("{told:?}"), format!("{strange:?}"));
    }
    assert!(
        world.client.verify_for(sent.id, &code, &phone(), &purpose).await.unwrap().is_approved()
    );
}

/// SEC-10: for a caller that may learn nothing, every "no" is the same.
#[tokio::test]
async fn sec_10_a_discreet_no_has_no_reason() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    let right = provider.otpmux_codes().pop().unwrap();
    let mut answers = Vec::new();
    let mut tried = async |id, text: &str| {
        let code = text.parse().unwrap();
        answers.push(world.client.verify(id, &code).await.unwrap().without_reason());
    };
    tried(VerificationId::from_bytes([7; 16]), &right).await;
    for _ in 0..6 {
        tried(sent.id, &wrong(&right)).await;
    }
    tried(sent.id, &right).await;
    world.advance(400);
    tried(sent.id, &right).await;
    assert!(answers.iter().all(|answer| format!("{answer:?}") == "Rejected"), "{answers:?}");
}
