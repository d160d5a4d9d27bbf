//! Vendors that fail: another one carries the same code.

use std::time::Duration;

use otpmux_core::{Blame, ErrorKind};
use otpmux_emulator::{Fault, FaultKind, Garbage};
use otpmux_engine::{AttemptState, NewVerification, OtpClient};
use otpmux_testkit::faulty::refused_address;
use otpmux_tests::stage::{Stage, TIMEOUT, phone};
use otpmux_tests::vendors::{self, code_makers};
use serde_json::json;

use crate::{first, second};

/// Ask 1: whatever happens at the first vendor, the code arrives by the second.
#[tokio::test]
async fn a_broken_vendor_is_passed_over() {
    let faults: [(&str, Fault, AttemptState); 8] = [
        ("down", Fault::status(503).with_header("retry-after", "60"), AttemptState::Rejected),
        ("credentials", Fault::status(401), AttemptState::Rejected),
        ("out of credit", Fault::status(402), AttemptState::Rejected),
        ("error", Fault::status(500), AttemptState::Unknown),
        ("reset", FaultKind::ResetAfterRead.into(), AttemptState::Unknown),
        ("closed", FaultKind::CloseBeforeAnswer.into(), AttemptState::Unknown),
        ("garbage", FaultKind::Garbage(Garbage::Http).into(), AttemptState::Unknown),
        ("hangs", FaultKind::Hang.into(), AttemptState::Unknown),
    ];
    for (name, fault, state) in faults {
        let stage = Stage::start(&[&first(), &second()]).await;
        stage.emulator.set_fault(first().vendor(), fault);
        let sent = stage.send().await.unwrap();
        assert!(sent.confirmed, "{name}");
        assert_eq!(sent.send_attempts[0].state, state, "{name}");
        assert_eq!(sent.send_attempts[1].state, AttemptState::Accepted, "{name}");
        let handset = stage.handset();
        assert_eq!(handset.len(), 1, "{name}");
        assert_eq!(handset[0].0, second().vendor(), "{name}");
        assert_eq!(stage.verify(&sent, &handset[0].1).await, "approved", "{name}");
        assert_eq!(stage.asked(&first()), 1, "{name}: asked once");
    }
}

/// The vendor sent it and its answer was lost: two messages, one code.
#[tokio::test]
async fn a_duplicate_carries_the_same_code() {
    let stage = Stage::start(&[&first(), &second()]).await;
    let lost: Fault = FaultKind::ResetAfterRead.into();
    stage.emulator.set_fault(first().vendor(), lost.after_work());
    let sent = stage.send().await.unwrap();
    let handset = stage.handset();
    assert_eq!([handset[0].0, handset[1].0], [first().vendor(), second().vendor()]);
    assert_eq!(handset[0].1, handset[1].1, "rule of the house: never two different codes");
    assert_eq!(stage.verify(&sent, &handset[0].1).await, "approved");
}

/// Nothing listens: certainly not sent, and the second vendor is asked at once.
#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_passed_over() {
    let stage = Stage::start(&[&first()]).await;
    let nowhere = format!("http://{}", refused_address().await);
    let client = OtpClient::builder()
        .provider(first().provider_at(&stage.emulator, &nowhere))
        .provider(second().provider(&stage.emulator, TIMEOUT))
        .build()
        .unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(sent.send_attempts[0].state, AttemptState::NotSent);
    assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::Transport));
    assert_eq!(stage.handset().len(), 1);
}

/// A vendor's limit for a recipient is not to be got around by another vendor.
#[tokio::test]
async fn a_recipients_limit_stops_the_send() {
    let stage = Stage::start(&[&first(), &second()]).await;
    for _ in 0..2 {
        stage.send().await.unwrap();
    }
    let error = stage.send().await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Policy));
    assert!(error.retry_after().unwrap() <= Duration::from_secs(60));
    assert_eq!(stage.asked(&second()), 0);
}

/// The limit of the account, or of a proxy before the vendor, is no limit of the recipient:
/// another vendor carries the message, also where the answer says when to come back.
#[tokio::test]
async fn a_limit_that_is_not_the_recipients_is_passed_over() {
    let says_when = json!({"error": "Rate limit exceeded", "retry_after": 30});
    let plain = json!({"message": "Too many requests"});
    for limited in vendors::written() {
        let other = if limited.vendor() == first().vendor() { second() } else { first() };
        for body in [&says_when, &plain] {
            let stage = Stage::start(&[limited, &other]).await;
            let answer =
                Fault::status_with_body(429, body.clone()).with_header("retry-after", "30");
            stage.emulator.set_fault(limited.vendor(), answer);
            let sent = stage.send().await.unwrap();
            let name = limited.name();
            assert!(sent.confirmed, "{name}");
            assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::RateLimited), "{name}");
            assert_eq!(sent.send_attempts[0].state, AttemptState::Rejected, "{name}");
            let (carrier, code) = stage.handset().remove(0);
            assert_eq!(carrier, other.vendor());
            assert_eq!(stage.verify(&sent, &code).await, "approved");
        }
    }
}

/// A limit of the account stops a verify for now; that is no lockout of the user, whose code is as
/// good as it was.
#[tokio::test]
async fn a_limit_of_the_account_is_no_lockout_of_the_user() {
    let body = json!({"error": "Rate limit exceeded", "retry_after": 30});
    for maker in code_makers() {
        let (name, vendor) = (maker.name(), maker.vendor());
        let stage = Stage::start(&[maker]).await;
        let sent = stage.send().await.unwrap();
        let code = stage.handset().remove(0).1;
        stage.emulator.set_fault(vendor, Fault::status_with_body(429, body.clone()).times(1));
        let error = stage.client.verify(sent.id, &code.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Provider));
        // Where its answer's form has a place for that.
        let after = error.retry_after();
        assert!(after.is_none_or(|after| after == Duration::from_secs(30)), "{name}: {after:?}");
        assert_eq!(stage.verify(&sent, &code).await, "approved", "{name}");
    }
}

/// Rule 2, with every vendor failing after its work.
#[tokio::test]
async fn never_more_messages_than_one_and_its_duplicate() {
    let mut order = vec![first(), second()];
    order.extend(
        code_makers()
            .iter()
            .filter(|maker| ![first().vendor(), second().vendor()].contains(&maker.vendor()))
            .take(1)
            .cloned(),
    );
    let stage = Stage::start(&order.iter().collect::<Vec<_>>()).await;
    for setup in &order {
        let lost: Fault = FaultKind::CloseBeforeAnswer.into();
        stage.emulator.set_fault(setup.vendor(), lost.after_work());
    }
    let sent = stage.send().await.unwrap();
    assert!(!sent.confirmed);
    let handset = stage.handset();
    assert_eq!(handset.len(), 2);
    assert_eq!(handset[0].1, handset[1].1);
    assert_eq!(
        stage.verify(&sent, &handset[1].1).await,
        "approved",
        "though nothing was confirmed"
    );
}

/// Ask 3.
#[tokio::test]
async fn after_all_were_down_the_next_send_works() {
    let stage = Stage::start(&[&first(), &second()]).await;
    for vendor in [first().vendor(), second().vendor()] {
        stage.emulator.set_fault(vendor, Fault::status(402).times(1));
    }
    assert_eq!(stage.send().await.unwrap_err().kind(), ErrorKind::InsufficientFunds);
    assert!(stage.handset().is_empty());
    assert!(stage.send().await.unwrap().confirmed);
}

/// A real account that runs dry, not a switched fault.
#[tokio::test]
async fn an_empty_account_fails_over() {
    let stage = Stage::start(&[&first(), &second()]).await;
    stage.emulator.update_easyotp(|account| account.credits = 0);
    let sent = stage.send().await.unwrap();
    assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::InsufficientFunds));
    assert_eq!(stage.handset()[0].0, second().vendor());
}
