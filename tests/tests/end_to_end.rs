//! The stories that the project is for, over real sockets.

use std::time::Duration;

use otpmux_core::{Blame, Channel, Delivery, ErrorKind, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, Garbage, MessageFilter};
use otpmux_engine::{AttemptState, NewVerification, OtpClient, Resend, VerificationStatus};
use otpmux_testkit::faulty::refused_address;
use otpmux_tests::stage::{PHONE, Stage, TIMEOUT, phone};
use otpmux_tests::vendors::{self, Emulation, code_makers, setup};
use serde_json::{Map, json};

/// The vendor that the stories ask first; it carries codes that otpmux made.
fn first() -> Emulation {
    setup("easyotp")
}

/// The vendor that they fail over to; it carries them too.
fn second() -> Emulation {
    setup("startmessaging-transport")
}

fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

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

/// A vendor that makes its own codes is asked to check them, under the counter of otpmux.
#[tokio::test]
async fn a_vendors_own_code() {
    for maker in code_makers() {
        let name = maker.name();
        let stage = Stage::start(&[maker]).await;
        let sent = stage.send().await.unwrap();
        assert_eq!(sent.code_source, otpmux_engine::CodeSourceView::Vendor, "{name}");
        let code = stage.handset().remove(0).1;
        assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code", "{name}");
        assert_eq!(stage.verify(&sent, &code).await, "approved", "{name}");
        assert_eq!(stage.verify(&sent, &code).await, "already_used", "{name}");
        assert_eq!(stage.asked(maker), 3, "{name}: one send, two verifies");
    }
}

/// Infobip's default lets a right code in again: only the record of otpmux makes it good once.
#[tokio::test]
async fn a_vendor_that_would_approve_again_is_not_asked_again() {
    let maker = setup("infobip2fa");
    let stage = Stage::start(&[&maker]).await;
    stage.emulator.update_infobip2fa(|account| account.allow_multiple_pin_verifications = true);
    let sent = stage.send().await.unwrap();
    let code = stage.handset().remove(0).1;
    assert_eq!(stage.verify(&sent, &code).await, "approved");
    assert_eq!(stage.verify(&sent, &code).await, "already_used");
    assert_eq!(stage.asked(&maker), 2, "one send, one verify");
}

/// Failover from a vendor's code to one of otpmux, and back.
#[tokio::test]
async fn from_a_vendors_code_to_ours_and_back() {
    for maker in code_makers() {
        let carrier = if maker.vendor() == first().vendor() { second() } else { first() };
        for order in [[maker, &carrier], [&carrier, maker]] {
            let stage = Stage::start(&order).await;
            stage.emulator.set_fault(order[0].vendor(), Fault::status(402));
            let sent = stage.send().await.unwrap();
            let (vendor, code) = stage.handset().remove(0);
            assert_eq!(vendor, order[1].vendor());
            assert_eq!(stage.verify(&sent, &code).await, "approved", "{}", maker.name());
        }
    }
}

/// While it is unknown whether a vendor's code is out, no other vendor sends: the user would hold
/// two codes. A vendor that honours the idempotency key is asked again itself.
#[tokio::test]
async fn a_vendors_code_that_may_be_out_is_kept() {
    for maker in code_makers() {
        let carrier = if maker.vendor() == first().vendor() { second() } else { first() };
        let stage = Stage::start(&[maker, &carrier]).await;
        stage.emulator.set_fault(maker.vendor(), FaultKind::ResetAfterRead);
        let sent = stage.send().await.unwrap();
        assert!(!sent.confirmed, "{}", maker.name());
        assert_eq!(stage.asked(&carrier), 0, "{}", maker.name());
        assert_eq!(stage.asked(maker) > 1, maker.capabilities().idempotent, "{}", maker.name());
    }
}

/// The vendors that can do it send their own code again when the user asks.
#[tokio::test]
async fn a_vendor_sends_its_own_code_again() {
    let makers: Vec<_> = code_makers().iter().filter(|maker| maker.capabilities().resend).collect();
    for maker in &makers {
        let stage = Stage::start(&[maker]).await;
        let sent = stage.send().await.unwrap();
        stage.client.resend(sent.id, Resend::new()).await.unwrap();
        let code = stage.handset().pop().unwrap().1;
        assert_eq!(stage.handset().len(), 2);
        assert_eq!(stage.verify(&sent, &code).await, "approved");
    }
}

/// Whatever goes wrong at the vendor that carries our code, the user who asks again is rescued by
/// one that makes its own. Each code that has arrived is right, whichever is typed, and one lets in.
#[tokio::test]
async fn a_resend_rescues_from_a_vendor_in_trouble_by_another_code() {
    let faults: [(&str, Fault); 6] = [
        ("hangs", FaultKind::Hang.into()),
        ("reset", FaultKind::ResetAfterRead.into()),
        ("error", Fault::status(500)),
        ("garbage", FaultKind::Garbage(Garbage::Json).into()),
        ("lost on the way", FaultKind::AcceptButNeverDeliver.into()),
        ("sent, its answer lost", Fault::from(FaultKind::ResetAfterRead).after_work()),
    ];
    for (name, fault) in faults {
        for rescuer in code_makers().iter().filter(|maker| maker.vendor() != first().vendor()) {
            let stage = Stage::start(&[&first(), rescuer]).await;
            stage.emulator.set_fault(first().vendor(), fault.clone());
            let name = format!("{name}, {}", rescuer.name());
            let sent = stage.send().await.unwrap();
            assert_eq!(stage.asked(rescuer), 0, "{name}: one code in one send");
            let again = stage.client.resend(sent.id, Resend::new()).await.unwrap();
            assert!(again.confirmed && again.new_code, "{name}");
            assert_eq!(stage.asked(&first()), 1, "{name}: not asked again");
            let handset = stage.handset();
            let (vendor, code) = handset.last().unwrap();
            assert_eq!(*vendor, rescuer.vendor(), "{name}");
            assert_eq!(stage.verify(&sent, &wrong(code)).await, "wrong_code", "{name}");
            // The older one, where it has arrived: it is as good, and then the newer is not.
            let typed = &handset[0].1;
            assert_eq!(stage.verify(&sent, typed).await, "approved", "{name}");
            assert_eq!(stage.verify(&sent, code).await, "already_used", "{name}");
        }
    }
}

/// StartMessaging in transport mode, at a deployment that works as the vendor's tutorials say: it
/// ignores the otpmux code and sends another one, which no provider here can verify. That is no
/// confirmed send but an error that names the setting, and the next users are spared it.
#[tokio::test]
async fn a_vendor_that_replaces_the_otpmux_code_is_detected() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let transport = setup("startmessaging-transport");
    let tutorial = Map::from_iter([("dialect".to_owned(), "tutorial".into())]);
    transport.change_account(&emulator, &tutorial).await;
    let provider = || transport.provider(&emulator, TIMEOUT);
    let client = OtpClient::builder().provider(provider()).build().unwrap();
    let error = client.send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::Configuration, Blame::Provider));
    assert_eq!(error.certainty(), otpmux_core::Certainty::Unknown, "a message went out");
    let told = error.to_string();
    assert!(told.contains("mode = \"managed\"") && !told.contains("nothing was sent"), "{told}");

    // It is not repeated for every user.
    let error = client.send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CircuitOpen, "{error}");
    assert_eq!(error.certainty(), otpmux_core::Certainty::NotSent);
    assert!(error.retry_after().is_some() && error.to_string().contains("configuration"));
    assert_eq!(emulator.request_count(transport.vendor()), 1);

    // Where there is another vendor, it carries the code of otpmux to the user.
    let other = first().provider(&emulator, TIMEOUT);
    let builder = OtpClient::builder().provider(provider()).provider(other);
    let client = builder.build().unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert!(sent.confirmed);
    let failure = (sent.send_attempts[0].state, sent.send_attempts[0].failure);
    assert_eq!(failure, (AttemptState::Rejected, Some(ErrorKind::Configuration)));
    let messages = emulator.messages(&MessageFilter::default());
    let code = messages.last().unwrap().code.parse().unwrap();
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
}

/// The three guesses that StartMessaging's tutorials promise are reported to the caller.
#[tokio::test]
async fn a_vendors_guesses_left_are_reported() {
    let stage = Stage::start(&[&setup("startmessaging-managed-a")]).await;
    let sent = stage.send().await.unwrap();
    assert_eq!(sent.guesses_left, 3);
    let code = stage.handset().remove(0).1;
    assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code");
    assert_eq!(stage.client.status(sent.id).await.unwrap().guesses_left, 2);
    assert_eq!(stage.verify(&sent, &code).await, "approved");
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

/// EasyOTP's own codes, which it verifies itself.
#[tokio::test]
async fn a_vendor_that_could_carry_ours_may_be_told_to_make_its_own() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let url = emulator.base_url(first().vendor());
    let file = format!(
        r#"
        [providers.easy]
        kind = "easyotp"
        api_key = "env:KEY"
        base_url = "{url}"
        code = "vendor"
        "#
    );
    let environment = otpmux::config::Environment::new().with("KEY", emulator.easyotp().api_key);
    let config = otpmux::Config::from_toml(&file, &environment).unwrap();
    let client = OtpClient::from_config(&config).unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(sent.code_source, otpmux_engine::CodeSourceView::Vendor);
    let code = emulator.last_code(PHONE).unwrap().parse().unwrap();
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
    assert_eq!(emulator.request_count(first().vendor()), 2, "the vendor has verified it");
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
