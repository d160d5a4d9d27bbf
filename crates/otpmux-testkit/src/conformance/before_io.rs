//! Trials of requests that must be refused before any I/O, and of state that must not change.

use otpmux_core::{Blame, Certainty, Channel, Context, ErrorKind, Recipient};
use tokio::time::Instant;

use super::case::{Cases, ensure};
use super::stand::{blamed, cx, expect};

pub(super) fn add(cases: &mut Cases) {
    cases.add("port/names-and-claims-do-not-change", async |bench| {
        let stand = bench.start().await?;
        // Whatever its result, the port stays as it was.
        let _ = stand.send(&stand.request()).await;
        ensure!(*stand.provider.capabilities() == bench.capabilities, "other capabilities");
        let again = stand.instance.provider();
        ensure!(again.id() == stand.provider.id(), "another name");
        Ok(())
    });
    cases.add("before-io/channel-that-is-not-claimed", async |bench| {
        let stand = bench.start().await?;
        let words = ["sms", "voice", "email", "whatsapp", "carrier-pigeon"];
        let channels: Vec<Channel> = words.iter().filter_map(|word| word.parse().ok()).collect();
        for channel in channels {
            if bench.capabilities.channels.contains(&channel) {
                continue;
            }
            let mut request = stand.request();
            let to = if channel.wants_email() { "user@example.com" } else { "+14155550123" };
            request.recipient = recipient(to)?;
            request.channel = channel;
            stand.unsupported(stand.send(&request)).await?;
        }
        Ok(())
    });
    cases.add("before-io/channel-that-cannot-reach-the-recipient", async |bench| {
        let stand = bench.start().await?;
        let channels = bench.capabilities.channels.iter();
        for channel in channels.filter(|channel| !matches!(channel, Channel::Other(_))) {
            let mut request = stand.request();
            let to = if channel.wants_email() { "+14155550123" } else { "user@example.com" };
            request.recipient = recipient(to)?;
            request.channel = channel.clone();
            let error = stand.untouched(stand.send(&request)).await?;
            expect(&error, ErrorKind::InvalidRequest, Certainty::NotSent)?;
            blamed(&error, Blame::Caller)?;
        }
        Ok(())
    });
    cases.add("before-io/deadline-that-has-passed", async |bench| {
        let stand = bench.start().await?;
        let late: Context = cx().with_deadline(Instant::now().into_std());
        let request = stand.request();
        let error = stand.untouched(stand.provider.send(&late, &request)).await?;
        expect(&error, ErrorKind::Timeout, Certainty::NotSent)
    });
}

fn recipient(text: &str) -> Result<Recipient, String> {
    text.parse().map_err(|error| format!("{error}"))
}
