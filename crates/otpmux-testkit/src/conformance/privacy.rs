//! A trial that printed and logged text contains no secret.

use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};

use otpmux_core::{Error, Sent};

use super::VendorFault;
use super::case::{Cases, ensure};
use super::stand::{Bench, Stand, cx, other_code};
use crate::{LogCapture, leaks};

pub(super) fn add(cases: &mut Cases) {
    cases.add("privacy/nothing-shows-a-secret", async |bench| {
        let mut shown = String::new();
        let capture = LogCapture::new();
        let secrets = {
            let _recording = capture.install_scoped();
            use_everything(&bench, &mut shown).await?
        };
        shown.push_str(&capture.text());
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let found = leaks::found(&shown, &secrets).len();
        if found > 0 {
            // The lines themselves would be the leak that this trial detects.
            let leaky = |line: &&str| !leaks::found(line, &secrets).is_empty();
            let mut lines = shown.lines().filter(leaky).map(|line| redact(line, &secrets));
            let first = lines.next().unwrap_or_default();
            return Err(format!("{found} secrets are shown, first in: {first}"));
        }
        Ok(())
    });
}

fn redact(line: &str, secrets: &[&str]) -> String {
    secrets.iter().fold(line.to_owned(), |line, secret| {
        let bare = secret.trim_start_matches('+');
        line.replace(secret, "<SECRET>").replace(bare, "<SECRET>")
    })
}

/// Makes every call, with and without faults; returns the secrets.
async fn use_everything(bench: &Bench, shown: &mut String) -> Result<Vec<String>, String> {
    let mut secrets = Vec::new();
    for channel in bench.capabilities.channels.clone() {
        let stand = bench.start_with(channel).await;
        secrets.extend(stand.instance.credentials());
        secrets.push(stand.recipient.expose().to_owned());
        good_day(&stand, shown, &mut secrets).await;
        bad_days(&stand, shown, &mut secrets).await;
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort();
    secrets.dedup();
    // A code of four digits may occur in a port number.
    secrets.retain(|secret| secret.len() >= 6);
    ensure!(!secrets.is_empty(), "the fixture names no secret to look for");
    Ok(secrets)
}

async fn good_day(stand: &Stand, shown: &mut String, secrets: &mut Vec<String>) {
    let provider = &stand.provider;
    note(shown, provider);
    let request = stand.request();
    note(shown, &request);
    let sent = provider.send(&cx(), &request).await;
    note_result(shown, &sent);
    let sent = sent.unwrap_or_default();
    ask(stand, &sent, shown).await;
    if let Ok(code) = stand.last_code().await {
        secrets.push(code.expose().to_owned());
        let wrong = other_code(&code, 0);
        secrets.push(wrong.expose().to_owned());
        note_result(shown, &stand.verify(&sent, &wrong).await);
        note_result(shown, &stand.verify(&sent, &code).await);
    }
}

async fn ask(stand: &Stand, sent: &Sent, shown: &mut String) {
    let (provider, target) = (&stand.provider, stand.target(sent));
    note_result(shown, &provider.status(&cx(), &target).await);
    note_result(shown, &provider.balance(&cx()).await);
    note_result(shown, &provider.cancel(&cx(), &target).await);
    let request = otpmux_core::ResendRequest::new(target);
    note_result(shown, &provider.resend(&cx(), &request).await);
}

async fn bad_days(stand: &Stand, shown: &mut String, secrets: &mut Vec<String>) {
    let request = stand.request();
    let ours = request.code.otpmux_code();
    let code = ours.map(|code| code.expose().to_owned()).unwrap_or_default();
    let to = stand.recipient.expose();
    let keys = stand.instance.credentials().join(" ");
    // A vendor that repeats the whole request, where adapters look for texts, codes and ids.
    let said = format!("{to} {code} {keys}");
    let echo = format!(
        r#"{{"success":false,"message":"{said}","error":{{"code":"{code}","message":"{said}"}},
            "request_id":"{code}","requestId":"{to}","id":"{code}","code":"{code}"}}"#,
    );
    secrets.push(code);
    let stranger = stand.instance.wrong_credentials().await;
    note(shown, &stranger);
    note_result(shown, &stranger.send(&cx(), &request).await);
    for fault in [
        VendorFault::Answer(200, echo.clone()),
        VendorFault::Answer(400, echo.clone()),
        VendorFault::Answer(500, echo),
        VendorFault::Redirect(format!("https://elsewhere.invalid/?{}", said.replace(' ', "&"))),
        VendorFault::ResetAfterRead,
        VendorFault::GarbageHttp,
        VendorFault::Refuse,
    ] {
        stand.instance.fault(fault).await;
        note_result(shown, &stand.send(&request).await);
        ask(stand, &Sent::new(), shown).await;
    }
    stand.instance.heal().await;
}

fn note(shown: &mut String, value: &impl Debug) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(shown, "{value:?}\n{value:#?}");
}

fn note_result(shown: &mut String, result: &Result<impl Debug, Error>) {
    match result {
        Ok(answer) => note(shown, answer),
        Err(error) => shown.push_str(&leaks::shown(error as &(dyn StdError + 'static))),
    }
}
