//! What is delivered, once, also through trouble.

use std::time::Duration;

use otpmux::config::HookKind;
use otpmux_emulator::{Emulator, Fault, FaultKind, MessageFilter, Vendor};
use serde_json::Value;

use super::callers::{CODE, Caller, OLD, SECRET, ago, config, now, secrets};
use super::{fresh, recipient};
use crate::world::{Answer, emulator, start};

/// The codes that went to a recipient.
fn codes(emulator: &Emulator, to: &str) -> Vec<String> {
    let mut filter = MessageFilter::default();
    filter.to = Some(to.to_owned());
    emulator.messages(&filter).into_iter().map(|message| message.code).collect()
}

#[tokio::test]
async fn each_caller_reaches_its_users_although_the_first_vendor_is_down() {
    let emulator = emulator().await;
    emulator.set_fault(Vendor::EasyOtp, Fault::new(FaultKind::Refuse));
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let (to, name) = (recipient(&caller), fresh());
        let body = caller.body(&to, CODE, &name);
        let answer = caller.call(&gateway, &body).await;
        assert!(caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        assert_eq!(codes(&emulator, &to), [CODE], "{}", caller.kind);
        // A repeat, signed anew as each caller does, is answered alike and sends nothing.
        let repeat = caller.call(&gateway, &body).await;
        assert!(caller.accepts(&repeat), "{}: {repeat:?}", caller.kind);
        assert_eq!(codes(&emulator, &to), [CODE], "{}", caller.kind);
        // Another code is another request.
        let body = caller.body(&to, "704218", &fresh());
        let answer = caller.call(&gateway, &body).await;
        assert!(caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        assert_eq!(codes(&emulator, &to), [CODE, "704218"], "{}", caller.kind);
    }
}

#[tokio::test]
async fn the_secret_of_before_a_rotation_is_accepted() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let to = recipient(&caller);
        let body = caller.body(&to, CODE, &fresh());
        let answer = Answer::of(caller.request(&gateway, &body, OLD, now())).await;
        assert!(caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        assert_eq!(codes(&emulator, &to), [CODE], "{}", caller.kind);
    }
}

/// A request that was recorded and is sent again sends nothing as long as its signature is fresh.
#[tokio::test]
async fn a_replay_sends_nothing() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all().into_iter().filter(Caller::signs_time) {
        let to = recipient(&caller);
        let body = caller.body(&to, CODE, &fresh());
        let recorded = caller.request(&gateway, &body, SECRET, ago(200));
        for _ in 0..3 {
            let answer = Answer::of(recorded.try_clone().unwrap()).await;
            assert!(caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        }
        assert_eq!(codes(&emulator, &to), [CODE], "{}", caller.kind);
        let stale = Answer::of(caller.request(&gateway, &body, SECRET, ago(310))).await;
        caller.refused(&stale, 401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_limit_answers_in_the_words_of_each_caller() {
    let emulator = emulator().await;
    let more = "[limits]\nrecipient = [\"1/1h\"]\n";
    let gateway = start(&config(&emulator, "", more), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let to = recipient(&caller);
        for (code, first) in [(CODE, true), ("704218", false)] {
            let body = caller.body(&to, code, &fresh());
            let answer = caller.call(&gateway, &body).await;
            if first {
                assert!(caller.accepts(&answer), "{}: {answer:?}", caller.kind);
            } else {
                caller.refused(&answer, 429, "rate_limited");
                assert!(!answer.body.to_string().contains(to.trim_start_matches('+')));
            }
        }
        assert_eq!(codes(&emulator, &to), [CODE], "{}", caller.kind);
    }
}

/// The answer comes before the vendor's; the delivery goes on, and its message arrives.
#[tokio::test]
async fn a_slow_vendor_is_not_waited_for_beyond_the_deadline() {
    let emulator = emulator().await;
    let slow = FaultKind::Latency(Duration::from_millis(1_500));
    emulator.set_fault(Vendor::EasyOtp, Fault::new(slow));
    let text = config(&emulator, "deadline = \"100ms\"", "");
    let mut gateway = start(&text, secrets(&emulator)).await.unwrap();
    let mut told = Vec::new();
    for caller in Caller::all().into_iter().filter(|caller| !caller.mails()) {
        let to = recipient(&caller);
        let answer = caller.call(&gateway, &caller.body(&to, CODE, &fresh())).await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", caller.kind);
        assert!(answer.body.get("id").is_none_or(Value::is_null), "{}: {answer:?}", caller.kind);
        told.push((caller.kind, to));
    }
    // A gateway that stops waits for what is under way.
    gateway.tell_to_stop();
    gateway.ended().await;
    for (kind, to) in told {
        assert_eq!(codes(&emulator, &to), [CODE], "{kind}");
    }
}

#[tokio::test]
async fn no_vendor_can_send() {
    let emulator = emulator().await;
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging, Vendor::Smtp] {
        emulator.set_fault(vendor, Fault::new(FaultKind::Refuse));
    }
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let to = recipient(&caller);
        let body = caller.body(&to, CODE, &fresh());
        let answer = caller.call(&gateway, &body).await;
        assert!(!caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        assert_eq!(codes(&emulator, &to), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_reload_changes_secrets_and_removes_hooks() {
    let emulator = emulator().await;
    let before = config(&emulator, "", "");
    let gateway = start(&before, secrets(&emulator)).await.unwrap();
    let caller = Caller::of(HookKind::Zitadel);
    let reload = async |text: String| {
        *gateway.file.lock().unwrap() = text;
        gateway.reloader.reload().await.unwrap();
    };
    let swapped = before.replace("\"env:HOOK_ZITADEL\"", "\"env:HOOK_KRATOS\"");
    let swapped = swapped.replace("\"env:OLD_HOOK_ZITADEL\"", "\"env:OLD_HOOK_KRATOS\"");
    reload(swapped).await;
    let body = caller.body(&recipient(&caller), CODE, &fresh());
    assert!(caller.accepts(&caller.call(&gateway, &body).await), "the same secret of another name");
    let at = before.find("[[doors.hooks]]").unwrap();
    reload(before[..at].to_owned()).await;
    for caller in Caller::all() {
        let body = caller.body(&recipient(&caller), CODE, &fresh());
        caller.refused(&caller.call(&gateway, &body).await, 404, "not_found");
    }
}
