use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Cancellation, Capabilities, Certainty, Channel, CodeSource, Delivery, Error, ErrorKind,
    Sent, Status, VendorReference, Verdict,
};
use otpmux_engine::{CodeSourceView, NewVerification, Resend};
use otpmux_testkit::ScriptedProvider;

use crate::world::{World, approves, carrier, down, lenient, phone, unknown, vendor};

#[tokio::test]
async fn the_vendor_that_made_the_code_is_asked_and_ours_decides() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    approves(&a, "1111");
    let sent = world.send().await.unwrap();
    assert_eq!(a.sends.requests()[0].code, CodeSource::Vendor { length: Some(6) });
    assert_eq!(world.verify(&sent, "2222").await, "wrong_code");
    assert_eq!(world.verify(&sent, "1111").await, "approved");
    assert_eq!(world.verify(&sent, "1111").await, "already_used", "though the vendor would");
    assert_eq!(a.verifies.count(), 2);
    let asked = &a.verifies.requests()[0];
    assert_eq!(asked.reference, Some(VendorReference::new("a-1")));
    assert_eq!(asked.recipient, phone());
}

/// otpmux's count of guesses precedes the vendor's.
#[tokio::test]
async fn a_locked_verification_does_not_reach_the_vendor() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    approves(&a, "1111");
    let sent = world.send().await.unwrap();
    for _ in 0..5 {
        assert_eq!(world.verify(&sent, "2222").await, "wrong_code");
    }
    assert_eq!(world.verify(&sent, "1111").await, "too_many_guesses");
    assert_eq!(a.verifies.count(), 5);
}

#[tokio::test]
async fn the_stricter_count_is_reported() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    a.verifies.answer(Ok(Verdict::WrongCode { guesses_left: Some(1) }));
    let sent = world.send().await.unwrap();
    let verdict = world.client.verify(sent.id, &"2222".parse().unwrap()).await.unwrap();
    assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(1) });
}

/// The caller builds its form from the values in force: not five minutes and five guesses where the
/// vendor's code has a minute and three.
#[tokio::test]
async fn facts_about_the_vendors_code_are_reported() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let start = otpmux_core::Clock::now(&*world.clock);
    let mut strict = Sent::new().with_reference(VendorReference::new("a-1"));
    strict.expires_at = Some(start + Duration::from_secs(60));
    strict.guesses_left = Some(3);
    a.sends.answer(Ok(strict));
    let sent = world.send().await.unwrap();
    let told = |it: &otpmux_engine::Verification| (it.expires_at, it.guesses_left);
    assert_eq!(told(&sent), (start + Duration::from_secs(60), 3));
    assert_eq!(sent.code_source, CodeSourceView::Vendor);
    assert!(!sent.new_code);

    // Every guess counts at the vendor too; status reads the stored values.
    a.verifies.always(|_, _| Ok(Verdict::WrongCode { guesses_left: None }));
    let verdict = world.client.verify(sent.id, &"2222".parse().unwrap()).await.unwrap();
    assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(2) });
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!(told(&status), (start + Duration::from_secs(60), 2));

    // The vendor's values for the next code; values above otpmux's change nothing.
    world.advance(30);
    let mut lax = Sent::new().with_reference(VendorReference::new("a-2"));
    lax.expires_at = Some(start + Duration::from_secs(3_600));
    lax.guesses_left = Some(10);
    a.sends.answer(Ok(lax));
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!(told(&again), (start + Duration::from_secs(300), 4));
    assert!(again.new_code, "this vendor makes one for each send");
}

/// A vendor's slow clock must not make a fresh code look expired; and a vendor's values about a
/// code that otpmux generated do not count: otpmux verifies it.
#[tokio::test]
async fn an_expiry_that_is_over_and_one_of_an_otpmux_code_are_not_reported() {
    for provider in [vendor("a"), carrier("a")] {
        let world = World::of(&[&provider]);
        let start = otpmux_core::Clock::now(&*world.clock);
        let mut sent = Sent::new().with_reference(VendorReference::new("a-1"));
        sent.expires_at = Some(start);
        provider.sends.answer(Ok(sent));
        let sent = world.send().await.unwrap();
        assert_eq!(sent.expires_at, start + Duration::from_secs(300));
    }
    let a = carrier("a");
    let world = World::of(&[&a]);
    let mut sent = Sent::new();
    sent.expires_at = Some(otpmux_core::Clock::now(&*world.clock) + Duration::from_secs(1));
    sent.guesses_left = Some(1);
    a.sends.answer(Ok(sent));
    let sent = world.send().await.unwrap();
    assert_eq!((sent.guesses_left, sent.code_source), (5, CodeSourceView::Otpmux));
    assert_eq!(world.seconds_until(sent.expires_at), 300);
}

#[tokio::test]
async fn after_failover_the_vendors_verdict_comes_from_the_right_one() {
    let (a, b) = (vendor("a"), vendor("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(down()));
    approves(&b, "1111");
    let sent = world.send().await.unwrap();
    assert_eq!(world.verify(&sent, "1111").await, "approved");
    assert_eq!((a.verifies.count(), b.verifies.count()), (0, 1));
}

#[tokio::test]
async fn an_otpmux_code_that_never_went_out_approves_nothing() {
    let (a, b) = (vendor("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    b.sends.answer(Err(down()));
    let sent = world.send().await.unwrap();
    assert_eq!((a.count(), b.count()), (1, 0), "the first took it: ours was never sent");
    let record = otpmux_engine::VerificationStore::load(
        &*world.store,
        sent.id,
        otpmux_core::Clock::now(&*world.clock),
    );
    let record = record.await.unwrap().unwrap();
    assert!(record.code.is_some() && !record.code_is_out());
}

/// If the vendor cannot be asked, a verify returns neither a yes nor a no.
#[tokio::test]
async fn a_vendor_that_cannot_be_asked_is_an_error() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    a.verifies.answer(Err(unknown()));
    let error = world.client.verify(sent.id, &"1111".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown);
    assert_eq!(a.verifies.count(), 1, "and is not asked twice");
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 5, "it was not compared");
}

/// A deployment without the verify call must not look like a user who always mistypes.
#[tokio::test]
async fn a_vendor_without_the_call_is_an_error_and_a_lost_id_is_none() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let no_route = || Error::new(ErrorKind::Unsupported, Certainty::Rejected, Blame::Provider);
    a.verifies.answer(Err(no_route()));
    let error = world.client.verify(sent.id, &"1111".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    a.verifies.answer(Err(Error::unsupported(&"a".parse().unwrap(), "no id")));
    assert_eq!(world.verify(&sent, "1111").await, "rejected", "it was not judged wrong");
}

/// The provider was renamed, or this process has another configuration.
#[tokio::test]
async fn a_vendor_that_is_not_configured_here_is_an_error() {
    let (a, b) = (vendor("a"), vendor("b"));
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let shared: Arc<dyn otpmux_engine::VerificationStore> =
        Arc::<otpmux_engine::MemoryStore>::clone(&world.store);
    let other = crate::world::builder(&[&b], lenient(), &world.clock)
        .store(shared, crate::world::keys())
        .build()
        .unwrap();
    let error = other.verify(sent.id, &"1111".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(b.count(), 0);
}

/// The answer came after the code's expiry.
#[tokio::test]
async fn an_approval_after_expiry_is_too_late() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    world.advance(299);
    let clock = Arc::clone(&world.clock);
    a.verifies.always(move |_, _| {
        clock.advance(Duration::from_secs(20));
        Ok(Verdict::Approved)
    });
    assert_eq!(world.verify(&sent, "1111").await, "expired");
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_hangs_does_not_hold_up_a_cancel_for_ever() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    capabilities.cancel = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    a.cancels.hang();
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    assert!(world.client.cancel(sent.id).await.unwrap());
    assert_eq!(world.verify(&sent, "1111").await, "not_found");
}

/// A form is built before it is known which provider sends the code.
#[tokio::test]
async fn the_length_is_reported_only_where_all_agree() {
    let capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    let free = Arc::new(ScriptedProvider::new("free", capabilities));
    let a = carrier("a");
    a.sends.answer(Err(down()));
    let world = World::of(&[&a, &free]);
    assert_eq!(world.send().await.unwrap().code_length, None);
}

#[tokio::test]
async fn an_approval_after_a_cancel_is_too_late() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let client = world.client.clone();
    a.verifies.answer_after(Duration::from_millis(1), Ok(Verdict::Approved));
    let code = "1111".parse().unwrap();
    let (verdict, cancelled) = tokio::join!(client.verify(sent.id, &code), async {
        a.verifies.called(1).await;
        client.cancel(sent.id).await
    });
    assert!(cancelled.unwrap());
    assert_eq!(verdict.unwrap(), Verdict::NotFound);
}

#[tokio::test]
async fn a_vendor_that_resends_is_asked_to() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    capabilities.resend = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let first = Sent::new().with_reference(VendorReference::new("first"));
    a.sends.answer(Ok(first));
    a.resends.answer(Ok(Sent::new().with_reference(VendorReference::new("second"))));
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    assert_eq!(sent.code_length, None, "the vendor alone decides");
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert!(again.confirmed && !again.new_code, "the same code");
    assert_eq!((a.sends.count(), a.resends.count()), (1, 1));
    let target = &a.resends.requests()[0].target;
    assert_eq!(target.reference, Some(VendorReference::new("first")));
    approves(&a, "1111");
    assert_eq!(world.verify(&sent, "1111").await, "approved");
    let asked = a.verifies.requests();
    assert_eq!(asked[0].reference, Some(VendorReference::new("second")), "newest first");
}

#[tokio::test]
async fn cancel_and_status_reach_the_vendors_that_can() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(None);
    capabilities.cancel = true;
    capabilities.status = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    a.sends.always(|_, _| Ok(Sent::new().with_reference(VendorReference::new("x"))));
    a.statuses.always(|_, _| Ok(Status::new(Delivery::Delivered)));
    a.cancels.always(|_, _| Ok(Cancellation::Cancelled));
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!(status.send_attempts[0].delivery, Some(Delivery::Delivered));
    assert!(world.client.cancel(sent.id).await.unwrap());
    assert_eq!(a.cancels.count(), 1);

    a.statuses.always(|_, _| Err(unknown()));
    let silent = world.client.status(sent.id).await.unwrap();
    assert_eq!(silent.send_attempts[0].delivery, None, "a vendor that does not tell is no error");
}

/// A test recipient gets no message, so a code that otpmux generated would never be known.
#[tokio::test]
async fn test_recipients_are_left_to_their_vendor() {
    let mut capabilities =
        Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10).with_vendor_codes(None);
    capabilities.test_recipients = &["+15555550100"];
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let world = World::with(&[&a], lenient());
    approves(&a, "123456");
    a.sends.always(|_, _| Ok(Sent::new().with_reference(VendorReference::new("t"))));
    let to: otpmux_core::Recipient = "+15555550100".parse().unwrap();
    let sent = world.client.send(NewVerification::to(to)).await.unwrap();
    assert_eq!(a.sends.requests()[0].code, CodeSource::Vendor { length: None });
    assert_eq!(world.verify(&sent, "123456").await, "approved");
}

#[tokio::test]
async fn a_length_that_the_vendor_cannot_make_is_refused_when_insisted_on() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let new = NewVerification::to(phone()).with_code_length(9);
    let error = world.client.send(new).await.unwrap_err();
    assert_eq!((error.kind(), a.count()), (ErrorKind::Unsupported, 0));
}
