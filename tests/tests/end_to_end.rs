//! The stories that the project is for, over real sockets.

use std::time::Duration;

use otpmux_core::{Blame, Channel, Delivery, ErrorKind, Recipient};
use otpmux_emulator::vendors::startmessaging::Dialect as Deployment;
use otpmux_emulator::{EmulatorConfig, Fault, FaultKind, Garbage, Vendor};
use otpmux_engine::{AttemptState, NewVerification, VerificationStatus};
use otpmux_testkit::faulty::refused_address;
use otpmux_tests::stage::{PHONE, Stage, phone, provider};
use serde_json::json;

use Vendor::{AirTexts, EasyOtp, StartMessaging};

fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[tokio::test]
async fn a_code_goes_out_and_is_good_once() {
    let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
    let sent = stage.send().await.unwrap();
    assert!(sent.confirmed);
    let (vendor, code) = stage.handset().remove(0);
    assert_eq!(vendor, EasyOtp);
    assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code");
    assert_eq!(stage.verify(&sent, &code).await, "approved");
    assert_eq!(stage.verify(&sent, &code).await, "already_used");
    // Codes of ours are verified without the vendor: it saw the send and nothing else.
    assert_eq!(stage.emulator.request_count(EasyOtp), 1);
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
        let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
        stage.emulator.set_fault(EasyOtp, fault);
        let sent = stage.send().await.unwrap();
        assert!(sent.confirmed, "{name}");
        assert_eq!(sent.send_attempts[0].state, state, "{name}");
        assert_eq!(sent.send_attempts[1].state, AttemptState::Accepted, "{name}");
        let handset = stage.handset();
        assert_eq!(handset.len(), 1, "{name}");
        assert_eq!(handset[0].0, StartMessaging, "{name}");
        assert_eq!(stage.verify(&sent, &handset[0].1).await, "approved", "{name}");
        assert_eq!(stage.emulator.request_count(EasyOtp), 1, "{name}: asked once");
    }
}

/// The vendor sent it and its answer was lost: two messages, one code.
#[tokio::test]
async fn a_duplicate_carries_the_same_code() {
    let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
    let lost: Fault = FaultKind::ResetAfterRead.into();
    stage.emulator.set_fault(EasyOtp, lost.after_work());
    let sent = stage.send().await.unwrap();
    let handset = stage.handset();
    assert_eq!([handset[0].0, handset[1].0], [EasyOtp, StartMessaging]);
    assert_eq!(handset[0].1, handset[1].1, "rule of the house: never two different codes");
    assert_eq!(stage.verify(&sent, &handset[0].1).await, "approved");
}

/// Nothing listens: certainly not sent, and the second vendor is asked at once.
#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_passed_over() {
    let stage = Stage::start(&[EasyOtp]).await;
    let nowhere = format!("http://{}", refused_address().await);
    let client = otpmux_engine::OtpClient::builder()
        .provider(provider(&stage.emulator, EasyOtp, &nowhere))
        .provider(provider(
            &stage.emulator,
            StartMessaging,
            &stage.emulator.base_url(StartMessaging),
        ))
        .build()
        .unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(sent.send_attempts[0].state, AttemptState::NotSent);
    assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::Transport));
    assert_eq!(stage.handset().len(), 1);
}

#[tokio::test]
async fn a_resend_goes_by_the_other_vendor_with_the_same_code() {
    let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
    let first = stage.send().await.unwrap();
    let again = stage.client.resend(first.id, None).await.unwrap();
    let handset = stage.handset();
    assert_eq!([handset[0].0, handset[1].0], [EasyOtp, StartMessaging]);
    assert_eq!(handset[0].1, handset[1].1);
    assert_eq!(stage.verify(&again, &handset[0].1).await, "approved");
}

/// A vendor's limit for a recipient is not to be got around by another vendor.
#[tokio::test]
async fn a_recipients_limit_stops_the_send() {
    let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
    for _ in 0..2 {
        stage.send().await.unwrap();
    }
    let error = stage.send().await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Policy));
    assert!(error.retry_after().unwrap() <= Duration::from_secs(60));
    assert_eq!(stage.emulator.request_count(StartMessaging), 0);
}

/// The limit of the account, or of whatever stands before the vendor, is no limit of the recipient:
/// another vendor carries the message, also where the answer says when to come back.
#[tokio::test]
async fn a_limit_that_is_not_the_recipients_is_passed_over() {
    let says_when = json!({"error": "Rate limit exceeded", "retry_after": 30});
    let plain = json!({"message": "Too many requests"});
    for (first, second, body) in [
        (EasyOtp, StartMessaging, &says_when),
        (StartMessaging, EasyOtp, &plain),
        (AirTexts, StartMessaging, &says_when),
    ] {
        let stage = Stage::start(&[first, second]).await;
        let limited = Fault::status_with_body(429, body.clone()).with_header("retry-after", "30");
        stage.emulator.set_fault(first, limited);
        let sent = stage.send().await.unwrap();
        assert!(sent.confirmed, "{first}");
        assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::RateLimited), "{first}");
        assert_eq!(sent.send_attempts[0].state, AttemptState::Rejected, "{first}");
        let (carrier, code) = stage.handset().remove(0);
        assert_eq!(carrier, second);
        assert_eq!(stage.verify(&sent, &code).await, "approved");
    }
}

/// A limit of the account stops a verify for now; that is no lockout of the user, whose code is as
/// good as it was.
#[tokio::test]
async fn a_limit_of_the_account_is_no_lockout_of_the_user() {
    let body = json!({"error": "Rate limit exceeded", "retry_after": 30});
    for vendor in [EasyOtp, AirTexts] {
        let stage = Stage::start(&[vendor]).await;
        // EasyOTP makes the code for its test recipients only.
        let to = if vendor == EasyOtp { "+15555550100" } else { PHONE };
        let to: Recipient = to.parse().unwrap();
        let sent = stage.client.send(NewVerification::to(to)).await.unwrap();
        let code = stage.handset().pop().map_or("123456".to_owned(), |(_, code)| code);
        stage.emulator.set_fault(vendor, Fault::status_with_body(429, body.clone()).times(1));
        let error = stage.client.verify(sent.id, &code.parse().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Provider));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)), "{vendor}");
        assert_eq!(stage.verify(&sent, &code).await, "approved", "{vendor}");
    }
}

#[tokio::test]
async fn by_mail_and_by_voice() {
    let stage = Stage::start(&[EasyOtp]).await;
    let mail: Recipient = "someone@example.com".parse().unwrap();
    let sent = stage.client.send(NewVerification::to(mail)).await.unwrap();
    assert_eq!(sent.channel, Channel::Email);
    let voice = NewVerification::to(phone()).by(Channel::Voice);
    stage.client.send(voice).await.unwrap();
    let messages = stage.emulator.messages(&otpmux_emulator::MessageFilter::default());
    let channels: Vec<_> = messages.iter().map(|message| message.channel.as_str()).collect();
    assert_eq!(channels, ["email", "voice"]);
    assert_eq!(stage.verify(&sent, &messages[0].code).await, "approved");
}

/// AirTexts makes its own codes: the right vendor is asked, under our own counter.
#[tokio::test]
async fn a_vendors_own_code() {
    let stage = Stage::start(&[AirTexts]).await;
    let sent = stage.send().await.unwrap();
    let code = stage.handset().remove(0).1;
    assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code");
    assert_eq!(stage.verify(&sent, &code).await, "approved");
    assert_eq!(stage.verify(&sent, &code).await, "already_used");
    assert_eq!(stage.emulator.request_count(AirTexts), 3, "one send, two verifies");
}

/// Failover from a vendor's code to ours, and back.
#[tokio::test]
async fn from_a_vendors_code_to_ours_and_back() {
    for order in [[AirTexts, StartMessaging], [StartMessaging, AirTexts]] {
        let stage = Stage::start(&order).await;
        stage.emulator.set_fault(order[0], Fault::status(402));
        let sent = stage.send().await.unwrap();
        let (vendor, code) = stage.handset().remove(0);
        assert_eq!(vendor, order[1]);
        assert_eq!(stage.verify(&sent, &code).await, "approved");
    }
}

/// While the outcome at AirTexts is unknown, nobody else sends: the user would hold two codes.
#[tokio::test]
async fn a_vendors_code_that_may_be_out_is_kept() {
    let stage = Stage::start(&[AirTexts, StartMessaging]).await;
    stage.emulator.set_fault(AirTexts, FaultKind::ResetAfterRead);
    let sent = stage.send().await.unwrap();
    assert!(!sent.confirmed);
    assert_eq!(stage.emulator.request_count(StartMessaging), 0);
}

#[tokio::test]
async fn airtexts_sends_its_own_code_again() {
    let stage = Stage::start(&[AirTexts]).await;
    let sent = stage.send().await.unwrap();
    stage.client.resend(sent.id, None).await.unwrap();
    let code = stage.handset().pop().unwrap().1;
    assert_eq!(stage.handset().len(), 2);
    assert_eq!(stage.verify(&sent, &code).await, "approved");
}

/// Whatever goes wrong at the vendor that carries our code, the user who asks again is rescued by
/// one that makes its own. Each code that has arrived is right, whichever is typed, and one lets in.
#[tokio::test]
async fn a_resend_rescues_from_a_vendor_in_trouble_by_another_code() {
    let managed = || {
        EmulatorConfig::default()
            .with_startmessaging(|account| account.dialect = Deployment::Tutorial)
    };
    let faults: [(&str, Fault); 6] = [
        ("hangs", FaultKind::Hang.into()),
        ("reset", FaultKind::ResetAfterRead.into()),
        ("error", Fault::status(500)),
        ("garbage", FaultKind::Garbage(Garbage::Json).into()),
        ("lost on the way", FaultKind::AcceptButNeverDeliver.into()),
        ("sent, its answer lost", Fault::from(FaultKind::ResetAfterRead).after_work()),
    ];
    for (name, fault) in faults {
        for rescuer in [AirTexts, StartMessaging] {
            let stage = Stage::start_with(&[EasyOtp, rescuer], managed()).await;
            stage.emulator.set_fault(EasyOtp, fault.clone());
            let sent = stage.send().await.unwrap();
            assert_eq!(stage.emulator.request_count(rescuer), 0, "{name}: one code in one send");
            let again = stage.client.resend(sent.id, None).await.unwrap();
            assert!(again.confirmed && again.new_code, "{name}, {rescuer}");
            assert_eq!(stage.emulator.request_count(EasyOtp), 1, "{name}: not asked again");
            let handset = stage.handset();
            let (vendor, code) = handset.last().unwrap();
            assert_eq!(*vendor, rescuer, "{name}");
            assert_eq!(stage.verify(&sent, &wrong(code)).await, "wrong_code", "{name}, {rescuer}");
            // The older one, where it has arrived: it is as good, and then the newer is not.
            let typed = &handset[0].1;
            assert_eq!(stage.verify(&sent, typed).await, "approved", "{name}, {rescuer}");
            assert_eq!(stage.verify(&sent, code).await, "already_used", "{name}, {rescuer}");
        }
    }
}

/// StartMessaging in transport mode, at a deployment that works as the vendor's tutorials say: it
/// ignores our code and sends one of its own, which nobody here can verify. That is no confirmed
/// send but an error that names the setting, and the next users are spared it.
#[tokio::test]
async fn a_vendor_that_sends_its_own_code_in_place_of_ours_is_found_out() {
    let tutorial = || {
        EmulatorConfig::default()
            .with_startmessaging(|account| account.dialect = Deployment::Tutorial)
    };
    let emulator = otpmux_emulator::Emulator::start(tutorial()).await.unwrap();
    let transport = || {
        let key = otpmux_core::Secret::new(emulator.startmessaging().api_key);
        let url = emulator.base_url(StartMessaging).parse().unwrap();
        let config = otpmux_startmessaging::StartMessagingConfig::new(url, key);
        let id = otpmux_core::ProviderId::new("transport").unwrap();
        let provider = otpmux_startmessaging::StartMessaging::new(id, config).unwrap();
        std::sync::Arc::new(provider)
    };
    let client = otpmux_engine::OtpClient::builder().provider(transport()).build().unwrap();
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
    assert_eq!(emulator.request_count(StartMessaging), 1);

    // Where there is another vendor, the user gets our code by it.
    let easyotp = provider(&emulator, EasyOtp, &emulator.base_url(EasyOtp));
    let builder = otpmux_engine::OtpClient::builder().provider(transport()).provider(easyotp);
    let client = builder.build().unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert!(sent.confirmed);
    let failure = (sent.send_attempts[0].state, sent.send_attempts[0].failure);
    assert_eq!(failure, (AttemptState::Rejected, Some(ErrorKind::Configuration)));
    let messages = emulator.messages(&otpmux_emulator::MessageFilter::default());
    let code = messages.last().unwrap().code.parse().unwrap();
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
}

/// The tutorials' three tries and ten minutes, AirTexts' five minutes: what holds is told.
#[tokio::test]
async fn a_vendors_tries_are_told() {
    let config = EmulatorConfig::default()
        .with_startmessaging(|account| account.dialect = Deployment::Tutorial);
    let stage = Stage::start_with(&[StartMessaging], config).await;
    let sent = stage.send().await.unwrap();
    assert_eq!(sent.guesses_left, 3);
    let code = stage.handset().remove(0).1;
    assert_eq!(stage.verify(&sent, &wrong(&code)).await, "wrong_code");
    assert_eq!(stage.client.status(sent.id).await.unwrap().guesses_left, 2);
    assert_eq!(stage.verify(&sent, &code).await, "approved");
}

/// Ask 19: accepted is not delivered.
#[tokio::test]
async fn the_vendors_delivery_status_is_told() {
    let stage = Stage::start(&[StartMessaging]).await;
    let sent = stage.send().await.unwrap();
    let early = stage.client.status(sent.id).await.unwrap();
    assert_eq!(early.send_attempts[0].delivery, Some(Delivery::Sent));
    stage.emulator.advance_clock(Duration::from_secs(60));
    let late = stage.client.status(sent.id).await.unwrap();
    assert_eq!(late.send_attempts[0].delivery, Some(Delivery::Delivered));
    assert_eq!(late.status, VerificationStatus::Pending);
}

/// The vendor's fixed code, where the operator allows it.
#[tokio::test]
async fn test_recipients_verify_by_the_vendors_code() {
    let stage = Stage::start(&[EasyOtp]).await;
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
/// send to a number that nobody has.
#[tokio::test]
async fn test_recipients_do_not_count_in_our_limits() {
    let emulator = otpmux_emulator::Emulator::start(EmulatorConfig::default()).await.unwrap();
    let at = |vendor| provider(&emulator, vendor, &emulator.base_url(vendor));
    let builder = otpmux_engine::OtpClient::builder().provider(at(AirTexts)).provider(at(EasyOtp));
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
    let emulator = otpmux_emulator::Emulator::start(EmulatorConfig::default()).await.unwrap();
    let url = emulator.base_url(EasyOtp);
    let file = format!(
        r#"
        [providers.easy]
        kind = "easyotp"
        api_key = "env:KEY"
        base_url = "{url}"
        code = "vendor"
        "#
    );
    let environment = otpmux::Environment::new().with("KEY", emulator.easyotp().api_key);
    let config = otpmux::Config::from_toml(&file, &environment).unwrap();
    let client = otpmux_engine::OtpClient::from_config(&config).unwrap();
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(sent.code_source, otpmux_engine::CodeSourceView::Vendor);
    let code = emulator.last_code(PHONE).unwrap().parse().unwrap();
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
    assert_eq!(emulator.request_count(EasyOtp), 2, "the vendor has verified it");
}

/// An e-mail may take its time, and has the subject that was asked for.
#[tokio::test]
async fn mail_has_a_ttl_and_a_subject_of_its_own() {
    let emulator = otpmux_emulator::Emulator::start(EmulatorConfig::default()).await.unwrap();
    let url = emulator.base_url(EasyOtp);
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
    let environment = otpmux::Environment::new().with("KEY", emulator.easyotp().api_key);
    let config = otpmux::Config::from_toml(&file, &environment).unwrap();
    let client = otpmux_engine::OtpClient::from_config(&config).unwrap();
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
    let messages = emulator.messages(&otpmux_emulator::MessageFilter::default());
    let subjects: Vec<_> = messages.iter().map(|message| message.subject.as_deref()).collect();
    assert_eq!(subjects, [Some("Your Acme code"), None]);
}

/// Rule 2, with every vendor failing after its work.
#[tokio::test]
async fn never_more_messages_than_one_and_its_duplicate() {
    let stage = Stage::start(&[EasyOtp, StartMessaging, AirTexts]).await;
    for vendor in [EasyOtp, StartMessaging, AirTexts] {
        let lost: Fault = FaultKind::CloseBeforeAnswer.into();
        stage.emulator.set_fault(vendor, lost.after_work());
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
    let stage = Stage::start(&[EasyOtp, StartMessaging]).await;
    for vendor in [EasyOtp, StartMessaging] {
        stage.emulator.set_fault(vendor, Fault::status(402).times(1));
    }
    assert_eq!(stage.send().await.unwrap_err().kind(), ErrorKind::InsufficientFunds);
    assert!(stage.handset().is_empty());
    assert!(stage.send().await.unwrap().confirmed);
}

/// A real account that runs dry, not a switched fault.
#[tokio::test]
async fn an_empty_account_fails_over() {
    let config = EmulatorConfig::default().with_easyotp(|account| account.credits = 0);
    let stage = Stage::start_with(&[EasyOtp, StartMessaging], config).await;
    let sent = stage.send().await.unwrap();
    assert_eq!(sent.send_attempts[0].failure, Some(ErrorKind::InsufficientFunds));
    assert_eq!(stage.handset()[0].0, StartMessaging);
}
