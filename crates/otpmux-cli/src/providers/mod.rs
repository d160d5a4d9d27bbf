//! `otpmux providers`

mod json;
mod of_gateway;
mod text;

use std::io;
use std::path::PathBuf;

use otpmux::admin::ProviderView;
use otpmux::config::ConfiguredProvider;
use otpmux::provider::Balance;
use otpmux::{Config, Error, OtpClient};
use tokio::task::JoinSet;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Health comes from the processes that share the store; with a store in memory it is unknown. Rates of delivery and approval are known to a running gateway only, each for what
it has sent: ask it by --gateway, with an API key that has `admin = true`. The limits that the vendor documents are next to those that otpmux keeps. A balance
that cannot be read is reported and is no failure; an unavailable store is a failure.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OTPMUX_CONFIG", default_value = "otpmux.toml")]
    config: PathBuf,
    /// Do not read balances; then no vendor is called
    #[arg(long)]
    no_balance: bool,
    /// Show the providers of this gateway instead, with their rates of the last hour; the API key is
    /// in `OTPMUX_API_KEY`
    #[arg(long, value_name = "URL", conflicts_with = "no_balance")]
    gateway: Option<String>,
}

/// The data shown for a provider.
struct Entry<'a> {
    configured: &'a ConfiguredProvider,
    view: ProviderView,
    /// Whether the health of the provider is known.
    health_known: bool,
    balance: Money,
}

/// The balance of an account.
enum Money {
    NotTold,
    NotAsked,
    Told(Result<Balance, Error>),
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    if let Some(url) = &args.gateway {
        return of_gateway::run(url, output).await;
    }
    let (config, client) = match open(args) {
        Ok(opened) => opened,
        Err(failure) => return failure.report(output),
    };
    let work = async {
        let learned = client.refresh_health().await;
        (learned, entries(&config, &client, args.no_balance).await)
    };
    let (learned, mut entries) = output.during("asking", work).await?;
    let known = learned.is_ok() && config.store().is_shared();
    for entry in &mut entries {
        entry.health_known = known;
    }
    if output.is_json() {
        output.json(&json::of(&entries))?;
    } else {
        text::write(&entries, output)?;
    }
    match learned {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Failure::from(error).report(output),
    }
}

fn open(args: &Args) -> Result<(Config, OtpClient), Failure> {
    let config = Config::from_file(&args.config)?;
    let client = OtpClient::from_config(&config)?;
    Ok((config, client))
}

/// Returns the entries in the order of the file.
async fn entries<'a>(config: &'a Config, client: &OtpClient, no_balance: bool) -> Vec<Entry<'a>> {
    let views = client.providers();
    let mut asked = JoinSet::new();
    let mut entries = Vec::new();
    for configured in config.providers() {
        let id = configured.id.clone();
        let Some(view) = views.iter().find(|view| *view.id() == id) else { continue };
        let reports = view.capabilities().balance;
        if reports && !no_balance {
            let (client, place) = (client.clone(), entries.len());
            asked.spawn(async move { (place, client.balance(&id).await) });
        }
        let balance = if reports { Money::NotAsked } else { Money::NotTold };
        entries.push(Entry { configured, view: view.clone(), health_known: false, balance });
    }
    while let Some(answer) = asked.join_next().await {
        if let Ok((place, answer)) = answer {
            entries[place].balance = Money::Told(answer);
        }
    }
    entries
}
