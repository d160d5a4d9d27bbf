//! Trials of the optional parts of a request.

use otpmux_core::{Blame, Certainty, ErrorKind, Message, SendRequest, Text};

use super::case::{Cases, Outcome, ensure};
use super::stand::{Bench, Stand, blamed, expect, unexpected};

async fn sent_with(bench: Bench, wish: impl FnOnce(&mut SendRequest)) -> Result<Stand, String> {
    let stand = bench.start().await?;
    let mut request = stand.request();
    wish(&mut request);
    stand.send(&request).await.map_err(unexpected)?;
    stand.last_code().await?;
    Ok(stand)
}

pub(super) fn message(cases: &mut Cases) {
    cases.add("wishes/message", async |bench| {
        let text = "Conformance says {code} to you";
        // An e-mail needs one.
        let subject = Text::new("Conformance");
        let message = Message::new(Text::new(text)).with_subject(subject);
        let stand = sent_with(bench, |request| request.message = Some(message)).await?;
        let message = stand.last_message().await?;
        let expected = text.replace("{code}", &message.code);
        ensure!(message.text.contains(&expected), "another text than ours arrived");
        Ok(())
    });
}

pub(super) fn needed_message(cases: &mut Cases) {
    cases.add("message/without-one-is-refused", async |bench| {
        let stand = bench.start().await?;
        let mut request = stand.request();
        request.message = None;
        let error = stand.untouched(stand.send(&request)).await?;
        expect(&error, ErrorKind::InvalidRequest, Certainty::NotSent)?;
        blamed(&error, Blame::Caller)
    });
}

pub(super) fn template(cases: &mut Cases) {
    cases.add("wishes/template", async |bench| {
        let template = bench.start().await?.instance.template();
        let template = template.ok_or("the fixture names no template, but they are claimed")?;
        accepted(sent_with(bench, |request| request.template = Some(template)).await)
    });
}

pub(super) fn locale(cases: &mut Cases) {
    cases.add("wishes/locale", async |bench| {
        accepted(sent_with(bench, |request| request.locale = Some("pt-BR".to_owned())).await)
    });
}

pub(super) fn sender(cases: &mut Cases) {
    cases.add("wishes/sender", async |bench| {
        accepted(sent_with(bench, |request| request.sender = Some("Otpmux".to_owned())).await)
    });
}

fn accepted(sent: Result<Stand, String>) -> Outcome {
    sent.map(drop)
}
