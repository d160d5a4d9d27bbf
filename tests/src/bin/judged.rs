//! The targets of judges that are other programs: the emulated vendors, and adapters that call an
//! address of their choice.
//!
//! Prints the emulator's ready line. Then reads lines `KIND URL` from standard input; for each, the
//! adapter of this kind makes every call that it claims at this address, behind which the emulated
//! vendor must be, and a line of JSON says which calls failed. Ends with its input.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;

use otpmux_core::{
    Channel, Code, CodeSource, Context, IdempotencyKey, OsEntropy, OtpProvider, Outcome, Recipient,
    ReportRequest, ResendRequest, SendRequest, Sent, Target, Verdict, VerifyRequest,
};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter};
use otpmux_testkit::golden::{build, over};
use otpmux_tests::vendors::{self, Listed};
use serde_json::{Map, Value, json};

type Outcomes = Vec<(String, Result<(), String>)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Many verifications for one recipient.
    let emulator = Emulator::start(EmulatorConfig::default().enforce_limits(false)).await?;
    say(&emulator.ready_line())?;
    let ready: Value = serde_json::from_str(&emulator.ready_line())?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (kind, url) = line.split_once(' ').ok_or("expected: KIND URL")?;
        let listed = vendors::all().iter().find(|listed| listed.adapter.kind == kind);
        let listed = listed.ok_or_else(|| format!("no adapter has the kind {kind}"))?;
        let outcomes =
            calls(&emulator, listed, &ready["vendors"][kind]["credentials"], url).await?;
        let failed = |(name, outcome): &(String, Result<(), String>)| {
            outcome.as_ref().err().map(|error| format!("{name}: {error}"))
        };
        let failed: Vec<String> = outcomes.iter().filter_map(failed).collect();
        say(&json!({ "kind": kind, "calls": outcomes.len(), "failed": failed }).to_string())?;
    }
    emulator.shutdown().await;
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    println!("{line}");
    std::io::stdout().flush()
}

/// Makes every call in every setup of the vendor's `fixture.json`.
async fn calls(
    emulator: &Emulator,
    listed: &Listed,
    credentials: &Value,
    url: &str,
) -> Result<Outcomes, Box<dyn Error>> {
    let emulated = listed.folder.emulated().ok_or("the vendor has no emulation")?;
    let mut outcomes = Outcomes::new();
    for setup in &emulated.setups {
        let mut settings = filled(&over(&emulated.settings, &setup.settings), credentials);
        settings.insert("base_url".to_owned(), url.into());
        let provider = build(&listed.adapter, &setup.name, &settings)?;
        let template = emulated.template.clone();
        outcomes.extend(
            Caller { emulator, kind: listed.adapter.kind, provider, template }.all().await?,
        );
    }
    Ok(outcomes)
}

/// Replaces `{name}` by the credential of this name.
fn filled(settings: &Map<String, Value>, credentials: &Value) -> Map<String, Value> {
    let fill = |value: &Value| {
        let name = value.as_str().and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
        name.map_or_else(|| value.clone(), |name| credentials[name].clone())
    };
    settings.iter().map(|(key, value)| (key.clone(), fill(value))).collect()
}

struct Caller<'a> {
    emulator: &'a Emulator,
    kind: &'static str,
    provider: Arc<dyn OtpProvider>,
    template: Option<String>,
}

impl Caller<'_> {
    async fn all(&self) -> Result<Outcomes, Box<dyn Error>> {
        let can = self.provider.capabilities().clone();
        let mut outcomes = Outcomes::new();
        let mut note = |name: String, outcome| {
            outcomes.push((format!("{} {name}", self.provider.id()), outcome));
        };
        for channel in &can.channels {
            let sent = self.send(channel, |_| ()).await?;
            let target = sent.as_ref().ok().map(|sent| target_of(channel, sent));
            note(format!("send {channel}"), sent.map(drop));
            let Some(target) = target.transpose()? else { continue };
            if can.status {
                let status = self.provider.status(&cx()?, &target).await;
                note(format!("status {channel}"), told(status));
            }
            if can.vendor_codes.is_some() {
                for right in [false, true] {
                    let verdict = self.verify(&target, right).await?;
                    note(format!("verify {channel}, right: {right}"), verdict);
                }
            }
            if can.report {
                for outcome in [Outcome::Cancelled, Outcome::Approved] {
                    let sent = self.send(channel, |_| ()).await?;
                    let report = match &sent {
                        Ok(sent) => {
                            let code = self.newest_code(&target.recipient)?;
                            let target = target_of(channel, sent)?;
                            let report = ReportRequest::new(target, outcome).with_code(code);
                            told(self.provider.report(&cx()?, &report).await)
                        }
                        Err(error) => Err(error.clone()),
                    };
                    note(format!("report {channel} {outcome:?}"), report);
                }
            }
        }
        if can.cancel {
            let sent = self.send(&Channel::Sms, |_| ()).await?;
            let cancelled = match &sent {
                Ok(sent) => {
                    let target = target_of(&Channel::Sms, sent)?;
                    told(self.provider.cancel(&cx()?, &target).await)
                }
                Err(error) => Err(error.clone()),
            };
            note("cancel".to_owned(), cancelled);
        }
        if can.resend {
            let sent = self.send(&Channel::Sms, |_| ()).await?;
            let resent = match &sent {
                Ok(sent) => {
                    let request = ResendRequest::new(target_of(&Channel::Sms, sent)?);
                    told(self.provider.resend(&cx()?, &request).await)
                }
                Err(error) => Err(error.clone()),
            };
            note("resend".to_owned(), resent);
        }
        let sent = self.send(&Channel::Sms, |request| {
            request.locale = Some("pt-BR".to_owned());
            request.template.clone_from(&self.template);
        });
        note("send with template and locale".to_owned(), sent.await?.map(drop));
        Ok(outcomes)
    }

    /// Sends a code to a recipient that has had none yet.
    async fn send(
        &self,
        channel: &Channel,
        change: impl FnOnce(&mut SendRequest),
    ) -> Result<Result<Sent, String>, Box<dyn Error>> {
        let source = match self.provider.capabilities().otpmux_codes {
            Some(_) => CodeSource::Otpmux(Code::generate(6, &OsEntropy)?),
            None => CodeSource::Vendor { length: None },
        };
        let mut request = SendRequest::new(recipient(channel)?, channel.clone(), source);
        change(&mut request);
        let sent = self.provider.send(&cx()?, &request).await;
        Ok(sent.map_err(|error| error.to_string()))
    }

    async fn verify(
        &self,
        target: &Target,
        right: bool,
    ) -> Result<Result<(), String>, Box<dyn Error>> {
        let code = self.newest_code(&target.recipient)?;
        let wrong = if code.expose().starts_with('0') { "1111" } else { "0000" };
        let code = if right { code } else { wrong.parse()? };
        let request = VerifyRequest::new(target.recipient.clone(), target.reference.clone(), code);
        Ok(match self.provider.verify(&cx()?, &request).await {
            Ok(verdict) if verdict.is_approved() == right && verdict != Verdict::Gone => Ok(()),
            Ok(verdict) => Err(format!("{verdict:?}")),
            Err(error) => Err(error.to_string()),
        })
    }

    fn newest_code(&self, recipient: &Recipient) -> Result<Code, Box<dyn Error>> {
        // Some vendors write numbers without the plus.
        let bare = |text: &str| text.trim_start_matches('+').to_owned();
        let vendor = self.emulator.vendor(self.kind).ok_or("the vendor is not emulated")?;
        let messages = self.emulator.messages(&MessageFilter::default().vendor(vendor));
        let mut newest = messages.iter().rev();
        let message = newest.find(|message| bare(&message.to) == bare(recipient.expose()));
        Ok(message.ok_or("no message arrived")?.code.parse()?)
    }
}

fn target_of(channel: &Channel, sent: &Sent) -> Result<Target, Box<dyn Error>> {
    Ok(Target::new(recipient(channel)?, sent.reference.clone()))
}

fn recipient(channel: &Channel) -> Result<Recipient, Box<dyn Error>> {
    let text = if channel.wants_email() { "ada@example.com" } else { "+15017122661" };
    Ok(text.parse()?)
}

fn cx() -> Result<Context, Box<dyn Error>> {
    Ok(Context::new(IdempotencyKey::generate(&OsEntropy)?))
}

fn told<T>(result: Result<T, otpmux_core::Error>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}
