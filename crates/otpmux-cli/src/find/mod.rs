//! `otpmux find`

mod events;
mod words;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use otpmux::config::ClientConfig as _;
use otpmux::{Config, CountryCode, DeliveryId, OtpClient, Purpose, Recipient, VerificationId};
use serde_json::{Value, json};

use crate::Exit;
use crate::failure::Failure;
use crate::output::{Output, TITLE, Table};
use crate::report;
use events::Events;

#[derive(clap::Args)]
#[command(after_help = "\
Answers \"Did my user's code go out?\" from the audit log, and from the store while it knows the
verification. The log holds recipients as keyed hashes only, so this needs the server keys of the
gateway that wrote it: the configuration's, older ones included. Nothing is sent or counted.

  otpmux find --to +4915123456789
  otpmux find --to +4915123456789 --log audit.log.1 --log audit.log
  kubectl logs deployment/otpmux | otpmux find --to +4915123456789 --log -

The exit status is 0 if an event was found, and 1 if none was.")]
pub(crate) struct Args {
    /// The recipient: a telephone number or an e-mail address
    #[arg(long, value_name = "RECIPIENT")]
    to: String,
    /// The purpose of the code, where no log names it [default: every purpose that the configuration names,
    /// and `default`]
    #[arg(long)]
    purpose: Option<String>,
    /// The country of a number in national form, such as IN [default: that of the policy]
    #[arg(long)]
    country: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OTPMUX_CONFIG", default_value = "otpmux.toml")]
    config: PathBuf,
    /// An audit log; - is standard input; may be given several times [default: the file under
    /// [audit] of the configuration]
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let found = match output.during("searching", find(args)).await? {
        Ok(found) => found,
        Err(failure) => return failure.report(output),
    };
    for warning in &found.warnings {
        output.warning(warning)?;
    }
    if output.is_json() { show_json(&found, output) } else { show_text(&found, output) }
}

struct Found {
    to: String,
    events: Events,
    /// The newest verification or delivery in the form of the HTTP API, if the store knows it.
    now: Option<Value>,
    warnings: Vec<String>,
}

async fn find(args: &Args) -> Result<Found, Failure> {
    let country = args.country.as_deref().map(str::parse::<CountryCode>).transpose();
    let country = country.map_err(|error| Failure::usage(format!("--country: {error}")))?;
    let config = Config::from_file(&args.config)?;
    // Not parsed by clap, which would repeat the text.
    let to = Recipient::parse_in(&args.to, country.or(config.policy().default_country));
    let to = to.map_err(|error| Failure::usage(format!("--to: {error}")))?;
    let Some(keys) = config.server_keys() else {
        return Err(Failure::usage(
            "this configuration has no [[server_keys]], so each process hashes recipients with a random \
             key, and no log can be searched",
        ));
    };
    let mut warnings = Vec::new();
    let logs = match (&args.log[..], config.audit().and_then(|audit| audit.file.clone())) {
        ([], Some(file)) => vec![file],
        ([], None) if config.store().is_shared() => {
            warnings.push(
                "this configuration names no file under [audit], so only a live verification can be \
                 found; name an audit log with --log FILE, or --log - for standard input"
                    .to_owned(),
            );
            Vec::new()
        }
        ([], None) => {
            return Err(Failure::usage(
                "this configuration names no file under [audit]; name the audit log with --log FILE, or \
                 --log - for standard input",
            ));
        }
        (logs, _) => logs.to_vec(),
    };
    let hashes: Vec<_> =
        keys.hashes(&to).iter().map(otpmux::store::RecipientHash::audit_text).collect();
    let events = Events::read(&logs, &hashes).map_err(Failure::here)?;
    let mut found = Found { to: to.masked(), events, now: None, warnings };
    if found.events.unreadable > 0 {
        found.warnings.push(format!("{} lines of the log cannot be read", found.events.unreadable));
    }
    if found.events.lost > 0 {
        found.warnings.push(format!(
            "{} entries of the log were lost when it could not be written; they may be of this recipient",
            found.events.lost
        ));
    }
    if config.store().is_shared() {
        let purposes = purposes(args, &config, &found.events)?;
        match in_store(&config, found.events.newest_id(), &to, &purposes).await {
            Ok(now) => found.now = now,
            Err(failure) => {
                let why = failure.json()["detail"].as_str().unwrap_or_default().to_owned();
                found.warnings.push(format!("the store was not asked: {why}"));
            }
        }
    }
    Ok(found)
}

/// The purposes whose verification may be live.
fn purposes(args: &Args, config: &Config, events: &Events) -> Result<BTreeSet<Purpose>, Failure> {
    if let Some(purpose) = &args.purpose {
        let purpose = Purpose::new(purpose.as_str());
        let purpose = purpose.map_err(|error| Failure::usage(format!("--purpose: {error}")))?;
        return Ok(BTreeSet::from([purpose]));
    }
    let mut purposes = BTreeSet::from([Purpose::default()]);
    let logged = events.lines.iter().filter_map(|line| line["purpose"].as_str());
    purposes.extend(logged.filter_map(|purpose| Purpose::new(purpose).ok()));
    let routes = config.routes().map(otpmux::Routes::as_slice).unwrap_or_default();
    purposes.extend(routes.iter().flat_map(|route| route.purposes.iter().cloned()));
    let keys = config.server().map(|server| server.api_keys.as_slice()).unwrap_or_default();
    purposes.extend(keys.iter().filter_map(|key| key.scope.purposes()).flatten().cloned());
    Ok(purposes)
}

/// Asks the store for the newest one of the log, or else for one that is live. `None` if it knows
/// neither.
async fn in_store(
    config: &Config,
    id: Option<&str>,
    to: &Recipient,
    purposes: &BTreeSet<Purpose>,
) -> Result<Option<Value>, Failure> {
    // This is no call of the service: its log is read only.
    let client: OtpClient = config
        .client_builder()?
        .without_audit()
        .build()
        .map_err(otpmux::config::ConfigErrors::from)?;
    let known = match id.map(|id| (id.parse::<VerificationId>(), id.parse::<DeliveryId>())) {
        Some((Ok(id), _)) => client.status(id).await.map(|it| Some(report::json(&it))),
        Some((_, Ok(id))) => client.delivery(id).await.map(|it| Some(report::delivery_json(&it))),
        _ => Ok(None),
    };
    match known.map_err(Failure::from) {
        Ok(Some(known)) => return Ok(Some(known)),
        Err(failure) if !failure.is_over() => return Err(failure),
        _ => {}
    }
    for purpose in purposes {
        if let Some(id) = client.live(to, purpose).await? {
            return Ok(Some(report::json(&client.status(id).await?)));
        }
    }
    Ok(None)
}

fn show_json(found: &Found, output: &mut Output) -> io::Result<Exit> {
    let events = &found.events.lines;
    output.json(&json!({
        "to": found.to,
        "answer": words::answer(events),
        "events": events,
        "now": found.now,
    }))?;
    Ok(exit(found))
}

fn show_text(found: &Found, output: &mut Output) -> io::Result<Exit> {
    let Found { to, events, now, .. } = found;
    if events.lines.is_empty() && now.is_none() {
        output.line(format_args!(
            "No event of {to} in {} lines. The log may be of other server keys, or older: name rotated \
             files with --log.",
            events.read
        ))?;
        return Ok(exit(found));
    }
    if events.lines.is_empty() {
        output.line(format_args!("{to}: a verification is live; the log has no event of it."))?;
    } else {
        output.line(format_args!("{to}: {}", words::answer(&events.lines)))?;
        events_text(&events.lines, output)?;
    }
    if let Some(now) = now {
        output.line("")?;
        output.line(format_args!("{TITLE}In the store now{TITLE:#}"))?;
        if now.get("code_length").is_some() {
            report::facts_text(now, output)?;
        } else {
            report::delivery_facts_text(now, output)?;
        }
    }
    Ok(exit(found))
}

fn events_text(lines: &[Value], output: &mut Output) -> io::Result<()> {
    output.line("")?;
    let mut table =
        Table::with_head(&["TIME", "EVENT", "CHANNEL", "PROVIDER", "RESULT", "API KEY"]);
    for line in lines {
        table.row(words::row(line));
    }
    output.table(&table)
}

fn exit(found: &Found) -> Exit {
    if found.events.lines.is_empty() && found.now.is_none() { Exit::Failed } else { Exit::Done }
}
