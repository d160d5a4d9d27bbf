//! The log line of each send at level info.

use std::time::Duration;

use otpmux_core::ErrorKind;
use otpmux_testkit::LogCapture;

use crate::world::{PHONE, World, carrier, down, unknown};

/// The log lines of sends at level info, since the last call.
fn lines(logs: &LogCapture) -> Vec<String> {
    let of_sends =
        |line: &&str| line.starts_with("INFO otpmux_engine") && line.contains("send ended");
    logs.take().lines().filter(of_sends).map(ToOwned::to_owned).collect()
}

fn says(line: &str, fields: &[&str]) {
    for field in fields {
        assert!(line.contains(&format!(" {field} ")) || line.ends_with(field), "{field}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_is_one_line_that_says_who_carried_it_and_how_long_it_took() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(down()));
    b.sends.answer_after(Duration::from_millis(340), Ok(otpmux_core::Sent::new()));
    let sent = world.send().await.unwrap();
    let written = lines(&logs);
    let [line] = &written[..] else { panic!("{written:?}") };
    let id = format!("verification={}", sent.id);
    says(line, &[&id, "call=send", "route=1", "provider=b", "channel=sms", "outcome=confirmed"]);
    says(line, &["certainty=none", "milliseconds=340", "send_attempts=2"]);
    assert!(!line.contains(&PHONE[1..]), "{line}");

    world.clock.advance(Duration::from_mins(1));
    world.client.resend(sent.id, otpmux_engine::Resend::new()).await.unwrap();
    let written = lines(&logs);
    let [line] = &written[..] else { panic!("{written:?}") };
    says(line, &[&id, "call=resend", "provider=a", "outcome=confirmed", "send_attempts=1"]);
}

#[tokio::test]
async fn a_send_that_fails_or_may_have_gone_out_says_so() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let alone = carrier("a");
    let world = World::of(&[&alone]);
    alone.sends.answer(Err(unknown()));
    assert!(!world.send().await.unwrap().confirmed);
    says(
        &lines(&logs)[0],
        &["provider=a", "outcome=unconfirmed", "certainty=unknown", "send_attempts=1"],
    );
    alone.sends.answer(Err(down()));
    assert_eq!(world.send().await.unwrap_err().kind(), ErrorKind::Unavailable);
    says(
        &lines(&logs)[0],
        &["provider=a", "outcome=unavailable", "certainty=rejected", "send_attempts=1"],
    );
}
