use std::time::Duration;

use otpmux_core::Code;
use otpmux_engine::{NewVerification, Resend, VerificationId, VerificationStatus};

use crate::world::{World, carrier, phone, wrong};

/// SEC-04, W3.
#[tokio::test]
async fn sec_04_a_code_works_once() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    let code = provider.otpmux_codes().remove(0);
    assert_eq!(world.verify(&sent, &code).await, "approved");
    assert_eq!(world.verify(&sent, &code).await, "already_used");
    assert_eq!(world.verify(&sent, &wrong(&code)).await, "already_used");
    let status = world.client.status(sent.id).await.unwrap().status;
    assert_eq!(status, VerificationStatus::Approved);
}

/// SEC-06, rule 5: counted before comparing, and locked for good, for the right code too.
#[tokio::test]
async fn sec_06_wrong_codes_are_counted_down_to_the_lock() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    let code = provider.otpmux_codes().remove(0);
    for left in (0..5).rev() {
        let guess: Code = wrong(&code).parse().unwrap();
        let verdict = world.client.verify(sent.id, &guess).await.unwrap();
        let expected = otpmux_core::Verdict::WrongCode { guesses_left: Some(left) };
        assert_eq!(verdict, expected);
    }
    assert_eq!(world.verify(&sent, &code).await, "too_many_guesses");
    assert_eq!(world.verify(&sent, &code).await, "too_many_guesses");
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!((status.status, status.guesses_left), (VerificationStatus::Locked, 0));
}

/// SEC-03: exact, and for some time distinguished from an unknown id.
#[tokio::test]
async fn sec_03_expiry_is_exact() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let new = || NewVerification::to(phone()).with_ttl(Duration::from_secs(600));
    let early = world.client.send(new()).await.unwrap();
    world.advance(599);
    assert_eq!(world.verify(&early, &provider.otpmux_codes()[0]).await, "approved");

    let late = world.client.send(new()).await.unwrap();
    world.advance(600);
    assert_eq!(world.verify(&late, &provider.otpmux_codes()[1]).await, "expired");
    let status = world.client.status(late.id).await.unwrap().status;
    assert_eq!(status, VerificationStatus::Expired);
    world.advance(600);
    assert_eq!(world.verify(&late, &provider.otpmux_codes()[1]).await, "not_found");
}

#[tokio::test]
async fn sec_03_a_resend_renews_no_ttl() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    for (wait, verdict) in [(599, "approved"), (600, "expired")] {
        let new = NewVerification::to(phone()).with_ttl(Duration::from_secs(600));
        let sent = world.client.send(new).await.unwrap();
        let mut waited = 0;
        for pause in [40, 80, 160] {
            world.advance(pause);
            waited += pause;
            let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
            assert_eq!(again.expires_at, sent.expires_at);
        }
        world.advance(wait - waited);
        let code = provider.otpmux_codes().pop().unwrap();
        assert_eq!(world.verify(&sent, &code).await, verdict);
    }
}

/// SEC-05: the swap matrix of two purposes and two recipients.
#[tokio::test]
async fn sec_05_a_code_is_good_for_its_own_verification_only() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let other = || "+919876543211".parse::<otpmux_core::Recipient>().unwrap();
    let login = world.send_for("login").await;
    let payment = world.send_for("payment").await;
    let stranger = world.client.send(NewVerification::to(other())).await.unwrap();
    let codes = provider.otpmux_codes();
    let all = [login, payment, stranger];
    for (i, sent) in all.iter().enumerate() {
        for (j, code) in codes.iter().enumerate() {
            if i != j && codes[i] != codes[j] {
                assert_eq!(world.verify(sent, code).await, "wrong_code", "{i} {j}");
            }
        }
    }
    for (sent, code) in all.iter().zip(&codes) {
        assert_eq!(world.verify(sent, code).await, "approved");
    }
}

/// SEC-05: an id from the user is not accepted for another purpose or recipient.
#[tokio::test]
async fn sec_05_an_id_is_good_for_its_own_purpose_and_recipient_only() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send_for("login").await;
    let code: Code = provider.otpmux_codes()[0].parse().unwrap();
    let (mine, other) = (phone(), "+919876543211".parse().unwrap());
    let (login, payment) = ("login".parse().unwrap(), "payment".parse().unwrap());
    for (to, purpose, expected) in
        [(&mine, &payment, "not_found"), (&other, &login, "not_found"), (&mine, &login, "approved")]
    {
        let verdict = world.client.verify_for(sent.id, &code, to, purpose).await.unwrap();
        assert_eq!(verdict.as_str(), expected);
    }
}

#[tokio::test]
async fn a_new_send_supersedes_the_older_of_the_same_purpose() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let (old, other) = (world.send_for("login").await, world.send_for("payment").await);
    let new = world.send_for("login").await;
    let codes = provider.otpmux_codes();
    assert_eq!(world.verify(&old, &codes[0]).await, "not_found");
    assert_eq!(world.verify(&other, &codes[1]).await, "approved");
    assert_eq!(world.verify(&new, &codes[2]).await, "approved");
}

#[tokio::test]
async fn an_unknown_id_is_not_found() {
    let world = World::of(&[&carrier("a")]);
    let code: Code = "000000".parse().unwrap();
    let verdict = world.client.verify(VerificationId::from_bytes([7; 16]), &code).await.unwrap();
    assert_eq!(verdict, otpmux_core::Verdict::NotFound);
}

#[tokio::test]
async fn leading_zeros_and_length_count() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    let code = provider.otpmux_codes().remove(0);
    assert_eq!(world.verify(&sent, &format!("0{code}")).await, "wrong_code");
    assert_eq!(world.verify(&sent, &code).await, "approved");
}

#[tokio::test]
async fn a_cancelled_verification_approves_nothing() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let sent = world.send().await.unwrap();
    assert!(world.client.cancel(sent.id).await.unwrap());
    assert!(!world.client.cancel(sent.id).await.unwrap(), "it was pending once");
    assert_eq!(world.verify(&sent, &provider.otpmux_codes()[0]).await, "not_found");
    assert_eq!(world.client.status(sent.id).await.unwrap().status, VerificationStatus::Closed);
}
