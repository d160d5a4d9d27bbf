//! Codes that a vendor generates and verifies.

use otpmux_core::{Blame, ErrorKind};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, Garbage, MessageFilter};
use otpmux_engine::{AttemptState, NewVerification, OtpClient, Resend};
use otpmux_tests::stage::{PHONE, Stage, TIMEOUT, phone};
use otpmux_tests::vendors::{code_makers, setup};
use serde_json::Map;

use crate::{first, second, wrong};

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
