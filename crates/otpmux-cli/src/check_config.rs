//! `otpmux check-config`

use std::io;
use std::path::PathBuf;

use otpmux::{
    Capabilities, Channel, Config, ConfigErrors, OtpClient, ProviderId, Purpose, Route, StoreConfig,
};
use serde_json::{Value, json};

use crate::Exit;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks secrets up, as they would be; calls no vendor. Exit status: 0 right, 2 wrong.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let config = match read(args) {
        Ok(config) => config,
        Err(errors) if args.json => {
            let errors: Vec<_> = errors
                .iter()
                .map(|error| json!({ "path": error.path(), "message": error.message() }))
                .collect();
            output.json(&json!({ "ok": false, "errors": errors }))?;
            return Ok(Exit::Usage);
        }
        Err(errors) => {
            output.note(format_args!("error: {errors}"))?;
            return Ok(Exit::Usage);
        }
    };
    if args.json {
        output.json(&summary(&config))?;
    } else {
        output.line(format_args!("{} is right.", args.file.display()))?;
        text(&config, output)?;
    }
    Ok(Exit::Done)
}

fn read(args: &Args) -> Result<Config, ConfigErrors> {
    let config = Config::from_file(&args.file)?;
    OtpClient::from_config(&config)?;
    Ok(config)
}

fn text(config: &Config, output: &mut Output) -> io::Result<()> {
    for configured in config.providers() {
        let (id, kind) = (configured.provider.id(), configured.kind);
        output.line(format_args!("provider {id} ({kind})"))?;
        for fact in facts(configured.provider.capabilities()) {
            output.line(format_args!("  {fact}"))?;
        }
    }
    match config.routes() {
        None => {
            output.line("routes: none, so every provider may send everything, in this order")?;
        }
        Some(routes) => {
            for (at, route) in routes.as_slice().iter().enumerate() {
                output.line(format_args!("route {}: {}", at + 1, route_text(route)))?;
            }
        }
    }
    output.line(format_args!("store: {}", store_text(config.store())))?;
    output.line(match config.server_key_ids() {
        [] => "server keys: none, so a random one that ends with the program".to_owned(),
        [only] => format!("server keys: {only} signs and verifies"),
        [first, older @ ..] => {
            format!("server keys: {first} signs, {} verify too", older.join(", "))
        }
    })?;
    let policy = config.policy();
    output.line(format_args!(
        "policy: codes of {} digits, good for {:?}, {} attempts, at most {} possible duplicates",
        policy.code_length, policy.lifetime, policy.attempts, policy.duplicates
    ))?;
    if let Some(server) = config.server() {
        let keys = server.api_keys.len();
        output.line(format_args!(
            "gateway: {}, {keys} API keys (form checked only: this version has no gateway)",
            server.listen
        ))?;
    }
    Ok(())
}

fn summary(config: &Config) -> Value {
    let providers: Vec<_> = config
        .providers()
        .iter()
        .map(|configured| {
            let capabilities = configured.provider.capabilities();
            json!({
                "name": configured.provider.id(),
                "kind": configured.kind,
                "channels": capabilities.channels,
                "capabilities": facts(capabilities),
            })
        })
        .collect();
    let routes = config.routes().map(|routes| {
        let route = |route: &Route| {
            json!({
                "country": route.countries,
                "channel": route.channels,
                "prefix": route.prefixes,
                "purpose": route.purposes,
                "providers": route.providers,
            })
        };
        routes.as_slice().iter().map(route).collect::<Vec<_>>()
    });
    json!({
        "ok": true,
        "providers": providers,
        "routes": routes,
        "store": store_text(config.store()),
        "server_keys": config.server_key_ids(),
    })
}

/// What a provider can do, in words.
fn facts(capabilities: &Capabilities) -> Vec<String> {
    let channels: Vec<_> = capabilities.channels.iter().map(Channel::as_str).collect();
    let mut facts = vec![format!("sends by {}", channels.join(", "))];
    facts.push(match (&capabilities.supplied_codes, &capabilities.vendor_codes) {
        (Some(lengths), _) => format!(
            "carries codes of ours of {} to {} digits, so any other vendor can follow with the same",
            lengths.start(),
            lengths.end()
        ),
        (None, Some(_)) => "makes its own codes, which only it can verify".to_owned(),
        (None, None) => "makes and carries no codes".to_owned(),
    });
    if !capabilities.phone_prefixes.is_empty() {
        facts.push(format!(
            "reaches numbers that begin with {}",
            prefixes(capabilities.phone_prefixes)
        ));
    }
    let verbs = [
        (capabilities.resend, "resend"),
        (capabilities.cancel, "cancel"),
        (capabilities.status, "delivery status"),
        (capabilities.balance, "balance"),
    ];
    let verbs: Vec<_> = verbs.iter().filter(|(can, _)| *can).map(|(_, verb)| *verb).collect();
    if !verbs.is_empty() {
        facts.push(format!("has {} of its own", verbs.join(", ")));
    }
    if capabilities.idempotent {
        facts.push("sends once, however often a send is repeated".to_owned());
    }
    if !capabilities.test_recipients.is_empty() {
        facts.push(
            "TEST RECIPIENTS ARE ON: whoever names one gets in; not for production".to_owned(),
        );
    }
    facts
}

fn prefixes(all: &[&str]) -> String {
    match all {
        [] | [_] | [_, _] | [_, _, _] | [_, _, _, _] => all.join(", "),
        [first, second, third, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
    }
}

fn route_text(route: &Route) -> String {
    let providers: Vec<_> = route.providers.iter().map(ProviderId::as_str).collect();
    let mut conditions = Vec::new();
    let mut condition = |name: &str, values: Vec<&str>| {
        if !values.is_empty() {
            conditions.push(format!("{name} {}", values.join(" or ")));
        }
    };
    condition("country", route.countries.iter().map(String::as_str).collect());
    condition("channel", route.channels.iter().map(Channel::as_str).collect());
    condition("prefix", route.prefixes.iter().map(String::as_str).collect());
    condition("purpose", route.purposes.iter().map(Purpose::as_str).collect());
    let conditions = match conditions.as_slice() {
        [] => "everything else".to_owned(),
        some => some.join(", "),
    };
    format!("{conditions} by {}", providers.join(", then "))
}

fn store_text(store: &StoreConfig) -> String {
    match store {
        StoreConfig::Memory { capacity } => {
            format!("in memory, at most {capacity} verifications, gone with the program")
        }
        _ => "unknown".to_owned(),
    }
}
