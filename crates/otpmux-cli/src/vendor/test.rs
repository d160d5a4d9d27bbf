//! `otpmux vendor test`

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use otpmux::http::HttpSettings;
use otpmux::provider::{
    Capabilities, CodeSource, Context, IdempotencyKey, Message, SendRequest, Text,
};
use otpmux::vendors::generic_http::{Definition, DefinitionErrors, HttpProvider};
use otpmux::{Certainty, Channel, Code, OtpProvider as _, Recipient};
use otpmux_emulator::{Emulator, Vendor};

use super::golden::Golden;
use super::recorder::{Answer, Recorder, Source};
use super::show::{Masks, Shown, show};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "\
Golden files beside the definition give the answers: those in the folder of its name (acme.toml: acme
or acme/wire), with the settings in fixture.json there. Without them, secrets are made up and the
answer is one that the definition reads as a success.

  otpmux vendor test acme.toml
  otpmux vendor test acme.toml --answer send-429
  otpmux vendor test acme.toml --channel whatsapp --set account=a-1 --template otp
  otpmux vendor test acme.toml --status 400 --body '{\"error\":{\"code\":\"invalid_number\"}}'")]
pub(crate) struct Args {
    /// The file with the definition
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Send by this channel; without it, by each channel
    #[arg(long)]
    channel: Option<Channel>,
    /// Set a setting that is no secret
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Set the sender
    #[arg(long)]
    sender: Option<String>,
    /// Set the vendor's id of a template
    #[arg(long)]
    template: Option<String>,
    /// Send to this number or address instead of an example
    #[arg(long)]
    to: Option<Recipient>,
    /// Take the golden files of this folder, or of the folder `wire` in it
    #[arg(long, value_name = "DIR", conflicts_with = "status")]
    wire: Option<PathBuf>,
    /// Let the vendor answer with this golden file, by its name without `.json`
    #[arg(long, value_name = "NAME", conflicts_with = "status")]
    answer: Option<String>,
    /// Let the vendor answer with this HTTP status, and no golden file
    #[arg(long)]
    status: Option<u16>,
    /// Let the vendor answer with this body
    #[arg(long, requires = "status")]
    body: Option<String>,
}

const CODE: &str = "004217";
/// Long enough for a machine under load; the server answers at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as account=a-1")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    match play(args, output).await? {
        Ok(exit) => Ok(exit),
        Err(failure) => failure.report(output),
    }
}

async fn play(args: &Args, output: &mut Output) -> io::Result<Result<Exit, Failure>> {
    let prepared = definition(args).and_then(|definition| {
        let channels = channels(args, &definition)?;
        let golden = match args.status {
            Some(_) => None,
            None => Golden::find(args.wire.as_deref(), &args.file).map_err(Failure::usage)?,
        };
        Ok((definition, channels, golden))
    });
    let (definition, channels, golden) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    let emulated = match &golden {
        Some(golden) => match golden.play().await {
            Ok(emulated) => Some(emulated),
            Err(error) => return Ok(Err(Failure::usage(error.to_string()))),
        },
        None if args.answer.is_some() => {
            let folder = args.file.with_extension("");
            let what = format!(
                "--answer names a golden file, and there are none in {}; name their folder by --wire",
                folder.display()
            );
            return Ok(Err(Failure::usage(what)));
        }
        None => None,
    };
    let settings = Settings::new(args, &definition, golden.as_ref());
    let mut exit = Exit::Done;
    for channel in channels {
        let source = match source(args, &definition, &channel, emulated.as_ref()) {
            Ok(source) => source,
            Err(failure) => return Ok(Err(failure)),
        };
        match send(args, &definition, &settings, &channel, &source, output).await? {
            Ok(is_sent) if !is_sent && args.status.is_none() && args.answer.is_none() => {
                exit = Exit::Failed;
            }
            Ok(_) => {}
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(exit))
}

fn definition(args: &Args) -> Result<Definition, Failure> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Failure::usage(format!("{} cannot be read: {error}", args.file.display()))
    })?;
    Definition::from_toml(&text).map_err(|errors| {
        let is_config = text.lines().any(|line| line.trim_start().starts_with("[providers."));
        if is_config {
            return Failure::usage(format!(
                "{} is a configuration; a definition is the part below `[providers.NAME.definition]`, \
                 in a file without that prefix. `otpmux vendor new NAME` writes one, and \
                 `otpmux check-config` checks a configuration",
                args.file.display()
            ));
        }
        wrong(args, &errors)
    })
}

fn wrong(args: &Args, errors: &DefinitionErrors) -> Failure {
    let count = errors.iter().count();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let lines: Vec<_> = errors.iter().map(|error| format!("\n  {error}")).collect();
    Failure::usage(format!("{} has {count} {noun}:{}", args.file.display(), lines.concat()))
}

fn channels(args: &Args, definition: &Definition) -> Result<Vec<Channel>, Failure> {
    let known: Vec<Channel> = definition.channels().cloned().collect();
    let Some(channel) = &args.channel else { return Ok(known) };
    if !known.contains(channel) {
        let words: Vec<_> = known.iter().map(Channel::as_str).collect();
        let words = words.join(", ");
        let what = format!("the definition has no channel {channel}; it has: {words}");
        return Err(Failure::usage(what));
    }
    Ok(vec![channel.clone()])
}

/// Returns where the answer of a send by this channel comes from.
fn source(
    args: &Args,
    definition: &Definition,
    channel: &Channel,
    emulated: Option<&(Emulator, Vendor)>,
) -> Result<Source, Failure> {
    if let Some((emulator, vendor)) = emulated {
        if let Some(name) = &args.answer {
            let chosen = emulator.answer_next(*vendor, name);
            chosen.map_err(|error| Failure::usage(error.to_string()))?;
        }
        if let Some(address) = emulator.vendor_addr(*vendor) {
            return Ok(Source::Vendor(address));
        }
    }
    let example = definition.example_answer(channel).map(|example| Answer {
        status: example.status,
        headers: example.headers,
        body: example.body,
    });
    let given = args.status.map(|status| Answer {
        status,
        headers: Vec::new(),
        body: args.body.clone().unwrap_or_default(),
    });
    let answer = given.or(example);
    let answer = answer.ok_or_else(|| Failure::usage("the definition has no such channel"))?;
    Ok(Source::MadeUp(answer))
}

/// The values of settings in a test.
struct Settings {
    public: Vec<(String, String)>,
    /// They are masked where they are shown.
    secret: Vec<(String, String)>,
}

impl Settings {
    fn new(args: &Args, definition: &Definition, golden: Option<&Golden>) -> Self {
        let mut given = args.settings.clone();
        given.extend(args.sender.clone().map(|sender| ("sender".to_owned(), sender)));
        let is_given = |name: &str| given.iter().any(|(given, _)| given == name);
        let public: BTreeSet<_> = definition.public_settings().collect();
        let of_files = golden.map(Golden::settings).unwrap_or_default();
        let others: Vec<_> = if of_files.is_empty() {
            let made_up = |name: &str| {
                if public.contains(name) { "example".to_owned() } else { format!("made-up-{name}") }
            };
            definition.required_settings().map(|name| (name.to_owned(), made_up(name))).collect()
        } else {
            of_files.to_vec()
        };
        let others = others.into_iter().filter(|(name, _)| !is_given(name));
        let (shown, secret): (Vec<_>, Vec<_>) = others.partition(|(name, _)| {
            public.contains(name.as_str()) || name == "sender" || name == "template"
        });
        let public = given.into_iter().chain(shown).collect();
        Self { public, secret }
    }

    fn provider(
        &self,
        definition: &Definition,
        url: &str,
    ) -> Result<HttpProvider, DefinitionErrors> {
        let mut builder = HttpProvider::builder(definition.clone());
        for (name, value) in &self.public {
            builder = builder.setting(name, value);
        }
        for (name, value) in &self.secret {
            builder = builder.secret(name, value.as_str());
        }
        let mut http = HttpSettings::default();
        http.base_url = Some(url.to_owned());
        builder.http(http).build("test")
    }
}

/// Sends once and shows it; returns whether the definition reads the answer as a success.
async fn send(
    args: &Args,
    definition: &Definition,
    settings: &Settings,
    channel: &Channel,
    source: &Source,
    output: &mut Output,
) -> io::Result<Result<bool, Failure>> {
    let recorder = Recorder::start().await?;
    let provider = match settings.provider(definition, &recorder.url()?) {
        Ok(provider) => provider,
        Err(errors) => return Ok(Err(wrong(args, &errors))),
    };
    let request = match request(args, channel, provider.capabilities()) {
        Ok(request) => request,
        Err(what) => return Ok(Err(Failure::usage(what))),
    };
    let cx = Context::new(IdempotencyKey::from_random([7; 16]));
    let cx = cx.with_deadline(tokio::time::Instant::now().into_std() + PATIENCE);
    let (record, send) = (recorder.record(source), provider.send(&cx, &request));
    tokio::pin!(record, send);
    let (exchange, result) = tokio::select! {
        recorded = &mut record => (Some(recorded?), send.await),
        result = &mut send => match result {
            // Refused before it left, so no server was reached.
            Err(error) if error.certainty() == Certainty::NotSent => (None, Err(error)),
            result => (Some(record.await?), result),
        },
    };
    let shown = Shown {
        channel,
        exchange: exchange.as_ref(),
        result: &result,
        from_files: matches!(source, Source::Vendor(_)),
    };
    show(&shown, &Masks::new(&settings.secret, &request, CODE), output)?;
    Ok(Ok(result.is_ok()))
}

/// Recipients of examples; some vendors reach one country only.
const EXAMPLES: [&str; 4] =
    ["someone@example.com", "+14155550123", "+919876543210", "+4915112345678"];

fn request(
    args: &Args,
    channel: &Channel,
    capabilities: &Capabilities,
) -> Result<SendRequest, String> {
    let fits =
        |to: &Recipient| to.email().is_some() == channel.wants_email() && capabilities.reaches(to);
    let mut examples = EXAMPLES.iter().filter_map(|example| example.parse().ok());
    let to = match &args.to {
        Some(to) if to.email().is_some() != channel.wants_email() => {
            let wanted = if channel.wants_email() { "an e-mail address" } else { "a number" };
            return Err(format!("--to must be {wanted} for the channel {channel}"));
        }
        Some(to) => to.clone(),
        None => examples.find(fits).ok_or("the vendor reaches none of the examples; use --to")?,
    };
    let code: Code = CODE.parse().map_err(|_| "the example of a code is invalid")?;
    let mut request = SendRequest::new(to, channel.clone(), CodeSource::Otpmux(code));
    let mut message = Message::new(Text::new("Your Acme code is {code}"));
    message.subject = Some(Text::new("Your Acme code"));
    message.html = Some(Text::new("<p>Your Acme code is <b>{code}</b></p>"));
    message.app = Some("Acme".to_owned());
    message.locale = Some("en".to_owned());
    message.minutes = Some(5);
    request.message = Some(message);
    request.template.clone_from(&args.template);
    Ok(request)
}
