//! Trials of the claim of every provider: that it sends.

use std::time::Duration;

use otpmux_core::{Channel, Recipient};

use super::case::{Cases, Outcome, ensure};
use super::stand::{A_WHILE, Bench, Stand, cx, unexpected};

pub(super) fn channels(cases: &mut Cases) {
    for channel in cases.capabilities().channels.clone() {
        let name = format!("sends/{channel}");
        cases.add(name, async move |bench| sends(&bench, channel).await);
    }
}

async fn sends(bench: &Bench, channel: Channel) -> Outcome {
    let stand = bench.start_with(channel).await;
    let request = stand.request();
    stand.send(&request).await.map_err(unexpected)?;
    let requests = stand.instance.requests_seen().await;
    ensure!(requests == 1, "{requests} requests for one send");
    let delivered = stand.instance.delivered().await;
    ensure!(delivered.len() == 1, "{} messages for one send", delivered.len());
    let message = stand.last_message().await?;
    ensure!(message.channel == stand.channel, "it came by {}", message.channel);
    let (to, wanted) = (bare(&message.to), bare(stand.recipient.expose()));
    // A vendor of one country takes the national number.
    let national = to.len() >= 8 && !to.contains('@') && wanted.ends_with(&to);
    ensure!(to == wanted || national, "another recipient got it");
    let code = stand.last_code().await?;
    match request.code.otpmux_code() {
        Some(ours) => ensure!(*ours == code, "another code than ours arrived"),
        None => ensure!(message.text.contains(code.expose()), "the text holds no code"),
    }
    Ok(())
}

fn bare(recipient: &str) -> String {
    recipient.trim_start_matches('+').to_lowercase()
}

pub(super) fn ttls(cases: &mut Cases) {
    let Some(range) = cases.capabilities().ttls.clone() else {
        return;
    };
    let (shortest, longest) = range.into_inner();
    for (name, ttl) in [("shortest", shortest), ("longest", longest)] {
        cases.add(format!("ttls/{name}"), async move |bench| {
            let stand = bench.start().await?;
            let mut request = stand.request();
            request.ttl = Some(ttl);
            stand.send(&request).await.map_err(unexpected)?;
            stand.last_code().await.map(drop)
        });
    }
    cases.add("ttls/outside-is-refused", async move |bench| {
        let stand = bench.start().await?;
        let second = Duration::from_secs(1);
        for ttl in [shortest.saturating_sub(second), longest + second] {
            let mut request = stand.request();
            request.ttl = Some(ttl);
            stand.unsupported(stand.send(&request)).await?;
        }
        Ok(())
    });
}

pub(super) fn prefixes(cases: &mut Cases) {
    outside_is_refused(cases, "phone-prefixes/outside-is-refused");
}

pub(super) fn countries(cases: &mut Cases) {
    outside_is_refused(cases, "countries/outside-is-refused");
}

fn outside_is_refused(cases: &mut Cases, name: &'static str) {
    cases.add(name, async |bench| {
        let numbers = ["+14155550123", "+919876543210", "+4915112345678", "+99912345678"];
        let mut recipients = numbers.iter().filter_map(|number| number.parse().ok());
        let outside = recipients.find(|one: &Recipient| !bench.capabilities.reaches(one));
        let outside =
            outside.ok_or("it claims to reach some numbers only, and all that were tried")?;
        let stand: Stand = bench.start().await?;
        let mut request = stand.request();
        request.recipient = outside;
        stand.unsupported(stand.send(&request)).await
    });
}

pub(super) fn idempotent(cases: &mut Cases) {
    cases.add("idempotent/same-key-sends-once", async |bench| {
        let stand = bench.start().await?;
        let (cx, request) = (cx(), stand.request());
        for _ in 0..2 {
            let sent = stand.provider.send(&cx, &request).await;
            sent.map_err(unexpected)?;
        }
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 1, "{messages} messages for one key");
        Ok(())
    });
    cases.add("idempotent/new-key-sends-again", async |bench| {
        let stand = bench.start().await?;
        let request = stand.request();
        stand.send(&request).await.map_err(unexpected)?;
        stand.instance.advance(A_WHILE).await;
        stand.send(&request).await.map_err(unexpected)?;
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 2, "{messages} messages for two keys");
        Ok(())
    });
}
