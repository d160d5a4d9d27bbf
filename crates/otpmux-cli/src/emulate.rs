//! `otpmux emulate`

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use otpmux::http::BaseUrl;
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use serde_json::Value;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::relay::GatewayRelay;
use crate::verbs::api_key;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints each vendor's base URL and made-up credentials when it is ready, with --json as one line of
JSON. Each vendor has its own port. Nothing is ever sent: the emulator keeps the messages, and the
page at the address `handset` shows them as they arrive. Ends on SIGINT or SIGTERM.")]
pub(crate) struct Args {
    /// Listen on this address and port for the page and the admin API; the vendors get the ports
    /// after it (port 0: free ones)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// Allow an address that other machines reach: they can then see all codes, set faults, and
    /// send through the gateway
    #[arg(long)]
    allow_non_loopback: bool,
    /// Disable the vendors' rate limits, for load tests
    #[arg(long)]
    no_limits: bool,
    /// Emulate only this vendor; repeat the option for several
    #[arg(long = "vendor", value_name = "NAME")]
    vendors: Vec<String>,
    /// Emulate a vendor from the golden files in this folder, or in the folder `wire` in it; its
    /// name is that of the folder unless given. Repeat the option for several
    #[arg(long = "replay", value_name = "DIR[=NAME]")]
    replays: Vec<Replay>,
    /// Let the page send and verify through this gateway, with the key in `OTPMUX_API_KEY`
    #[arg(long, value_name = "URL")]
    gateway: Option<BaseUrl>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    if !args.allow_non_loopback && !args.listen.ip().is_loopback() {
        let failure = Failure::usage(format!(
            "other machines reach {}, and could read every code there; use 127.0.0.1, or say \
             --allow-non-loopback",
            args.listen.ip()
        ));
        return failure.report(output);
    }
    let relay = match &args.gateway {
        None => None,
        Some(url) => {
            let key = match api_key() {
                Ok(key) => key,
                Err(failure) => return failure.report(output),
            };
            Some(GatewayRelay::new(url.clone(), key, false)?)
        }
    };
    // Before the ready line, because its reader may stop this process at once.
    let stop = stop()?;
    let config = match vendors(args) {
        Ok(config) => config,
        Err(failure) => return failure.report(output),
    };
    let config = config
        .with_listen(args.listen)
        .allow_non_loopback(args.allow_non_loopback)
        .enforce_limits(!args.no_limits);
    match Emulator::start(config).await {
        Ok(emulator) => {
            if let Some(relay) = relay {
                emulator.set_relay(Arc::new(relay));
            }
            report(&emulator, output)?;
            emulator.run_until(stop).await;
            Ok(Exit::Done)
        }
        Err(error) => cannot_listen(&error, "--listen").report(output),
    }
}

/// Prints the addresses and the made-up credentials.
fn report(emulator: &Emulator, output: &mut Output) -> io::Result<()> {
    let description = emulator.description();
    if output.is_json() {
        return output.json(&description);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    output.line("The vendors are emulated: no message leaves this machine.\n")?;
    let handset = text(&description["handset"]);
    output.line(format_args!("handset  {handset}  (shows what arrives; breaks vendors)\n"))?;
    for (vendor, said) in description["vendors"].as_object().into_iter().flatten() {
        output.line(format_args!("{vendor}  {}", text(&said["base_url"])))?;
        for (key, value) in said["credentials"].as_object().into_iter().flatten() {
            let value = text(value);
            // A private key has some thirty lines.
            let shown = if value.contains('\n') { "(long; see --json)" } else { &value };
            output.line(format_args!("  {key} = {shown}"))?;
        }
    }
    Ok(())
}

/// A vendor that is emulated from golden files.
#[derive(Clone, Debug)]
struct Replay {
    folder: PathBuf,
    name: String,
}

impl FromStr for Replay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((folder, name)) = text.rsplit_once('=') {
            return Ok(Self { folder: folder.into(), name: name.to_owned() });
        }
        let folder = PathBuf::from(text);
        // `wire` is not a name: it is a folder in each adapter's folder.
        let named = if folder.ends_with("wire") { folder.parent() } else { Some(folder.as_path()) };
        let name = named.and_then(Path::file_name).and_then(OsStr::to_str);
        let name = name.ok_or("this folder has no name; write FOLDER=NAME")?.to_owned();
        Ok(Self { folder, name })
    }
}

/// Returns the vendors to emulate.
fn vendors(args: &Args) -> Result<EmulatorConfig, Failure> {
    let mut config = EmulatorConfig::default();
    let is_wanted = |name: &str| args.vendors.is_empty() || args.vendors.iter().any(|n| n == name);
    for Replay { folder, name } in args.replays.iter().filter(|replay| is_wanted(&replay.name)) {
        config = config.with_replay(name, folder);
    }
    let is_replayed = |name: &str| args.replays.iter().any(|replay| replay.name == name);
    for name in args.vendors.iter().filter(|name| !is_replayed(name)) {
        name.parse::<Vendor>().map_err(|error| Failure::usage(error.to_string()))?;
    }
    let chosen = Vendor::ALL.into_iter().filter(|vendor| is_wanted(vendor.as_str()));
    Ok(config.with_vendors(chosen))
}

/// Reports that the emulator did not start; `option` is the one that sets its address.
pub(crate) fn cannot_listen(error: &io::Error, option: &str) -> Failure {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "; stop the program that listens there, perhaps another emulator, or choose another \
             port by {option} (the vendors get the ports after it; port 0 takes free ones)"
        ),
        io::ErrorKind::InvalidInput => return Failure::usage(error.to_string()),
        _ => String::new(),
    };
    Failure::here(format!("cannot listen on {error}{remedy}"))
}

/// Completes on SIGINT or SIGTERM; both are caught from the call on.
#[cfg(unix)]
fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
