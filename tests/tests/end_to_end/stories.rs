//! Sends, resends and verifies at vendors that work.

use std::time::Duration;

use otpmux_core::{Blame, Channel, Delivery, ErrorKind, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter};
use otpmux_engine::{NewVerification, OtpClient, Resend, VerificationStatus};
use otpmux_tests::stage::{PHONE, Stage, TIMEOUT, phone};
use otpmux_tests::vendors::{self, Emulation, setup};

use crate::{first, second, wrong};

#[tokio::test]
async fn a_code_goes_out_and_is_good_once() {
    let stage = Stage::start(&[&first(), &second()]).await;
    let sent = stage.send().await.unwrap();
    assert!(sent.confirmed);
    let (vendor, code) = stage.handset().remove(0);
    assert_eq!(vendor, first().vendor());
    assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code");
    assert_eq!(stage.verify(&sent, &code).await, "approved");
    assert_eq!(stage.verify(&sent, &code).await, "already_used");
    // otpmux checks its own codes itself: the vendor received the send and nothing else.
    assert_eq!(stage.asked(&first()), 1);
}

#[tokio::test]
async fn a_resend_goes_by_the_other_vendor_with_the_same_code() {
    let stage = Stage::start(&[&first(), &second()]).await;
    let sent = stage.send().await.unwrap();
    let again = stage.client.resend(sent.id, Resend::new()).await.unwrap();
    let handset = stage.handset();
    assert_eq!([handset[0].0, handset[1].0], [first().vendor(), second().vendor()]);
    assert_eq!(handset[0].1, handset[1].1);
    assert_eq!(stage.verify(&again, &handset[0].1).await, "approved");
}

#[tokio::test]
async fn by_mail_and_by_voice() {
    let stage = Stage::start(&[&first()]).await;
    let mail: Recipient = "someone@example.com".parse().unwrap();
    let sent = stage.client.send(NewVerification::to(mail)).await.unwrap();
    assert_eq!(sent.channel, Channel::Email);
    let voice = NewVerification::to(phone()).by(Channel::Voice);
    stage.client.send(voice).await.unwrap();
    let messages = stage.emulator.messages(&MessageFilter::default());
    let channels: Vec<_> = messages.iter().map(|message| message.channel.as_str()).collect();
    assert_eq!(channels, ["email", "voice"]);
    assert_eq!(stage.verify(&sent, &messages[0].code).await, "approved");
}

/// Ask 19: accepted is not delivered.
#[tokio::test]
async fn the_vendors_delivery_status_is_reported() {
    let stage = Stage::start(&[&second()]).await;
    let sent = stage.send().await.unwrap();
    let early = stage.client.status(sent.id).await.unwrap();
    assert_eq!(early.send_attempts[0].delivery, Some(Delivery::Sent));
    stage.emulator.advance_clock(Duration::from_secs(60));
    let late = stage.client.status(sent.id).await.unwrap();
    assert_eq!(late.send_attempts[0].delivery, Some(Delivery::Delivered));
    assert_eq!(late.status, VerificationStatus::Pending);
}

fn with_test_recipients() -> Emulation {
    setup("easyotp-test-recipients")
}

/// The vendor's fixed code, where the operator allows it.
#[tokio::test]
async fn test_recipients_verify_by_the_vendors_code() {
    let stage = Stage::start(&[&with_test_recipients()]).await;
    for (to, code, expected) in [
        ("+15555550100", "123456", "approved"),
        ("+15555550101", "123456", "wrong_code"),
        ("+15555550102", "123456", "expired"),
    ] {
        let to: Recipient = to.parse().unwrap();
        let sent = stage.client.send(NewVerification::to(to)).await.unwrap();
        assert_eq!(stage.verify(&sent, code).await, expected);
    }
    assert!(stage.handset().is_empty(), "and nothing is sent");
}

/// The vendor exempts them from its limits per recipient; so do we, and no other vendor is asked to
/// send to an unassigned number.
#[tokio::test]
async fn test_recipients_do_not_count_in_our_limits() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let tested = with_test_recipients();
    let mut builder = OtpClient::builder();
    // One provider of each other vendor, before the one that has test recipients.
    let mut others = vec![tested.vendor()];
    for setup in vendors::written() {
        if !others.contains(&setup.vendor()) && !setup.capabilities().needs_message {
            others.push(setup.vendor());
            builder = builder.provider(setup.provider(&emulator, TIMEOUT));
        }
    }
    builder = builder.provider(tested.provider(&emulator, TIMEOUT));
    let client = builder.build().unwrap();
    for _ in 0..20 {
        let to: Recipient = "+15555550100".parse().unwrap();
        let sent = client.send(NewVerification::to(to)).await.unwrap();
        assert_eq!(sent.send_attempts[0].provider.as_str(), "easyotp");
        let code = "123456".parse().unwrap();
        assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
    }
    // Anybody else is counted as ever.
    let to: Recipient = "+15555550110".parse().unwrap();
    for _ in 0..2 {
        client.send(NewVerification::to(to.clone())).await.unwrap();
    }
    let error = client.send(NewVerification::to(to)).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Policy));
}

/// An e-mail may take its time, and has the subject that was asked for.
#[tokio::test]
async fn mail_has_a_ttl_and_a_subject_of_its_own() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let url = emulator.base_url(first().vendor());
    let file = format!(
        r#"
        [providers.easy]
        kind = "easyotp"
        api_key = "env:KEY"
        base_url = "{url}"
        subject = "Your Acme code"
        [policy]
        ttl = "2m"
        ttls = {{ email = "10m" }}
        "#
    );
    let environment = otpmux::config::Environment::new().with("KEY", emulator.easyotp().api_key);
    let config = otpmux::Config::from_toml(&file, &environment).unwrap();
    let client = OtpClient::from_config(&config).unwrap();
    let seconds = async |to: &str| {
        let to: Recipient = to.parse().unwrap();
        let sent = client.send(NewVerification::to(to)).await.unwrap();
        sent.expires_at
            .duration_since(otpmux_core::Clock::now(&otpmux_core::SystemClock))
            .unwrap()
            .as_secs()
    };
    assert!((590..=600).contains(&seconds("someone@example.com").await));
    assert!((110..=120).contains(&seconds(PHONE).await));
    let messages = emulator.messages(&MessageFilter::default());
    let subjects: Vec<_> = messages.iter().map(|message| message.subject.as_deref()).collect();
    assert_eq!(subjects, [Some("Your Acme code"), None]);
}
