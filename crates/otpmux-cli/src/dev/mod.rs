//! `otpmux dev`

mod browser;
mod clock;
mod console;
mod escalation;
mod home;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use otpmux::config::ClientConfig as _;
use otpmux::{Config, Secret};
use otpmux_emulator::{Emulator, EmulatorConfig};
use otpmux_gateway::{Gateway, Options, install_metrics};

use crate::Exit;
use crate::emulate::cannot_listen;
use crate::emulated::Emulated;
use crate::failure::Failure;
use crate::logs::LogFormat;
use crate::output::Output;
use crate::relay::GatewayRelay;
use crate::serve::{Signals, refused};
use clock::SharedClock;
use home::Home;

#[derive(clap::Args)]
#[command(after_help = "\
Everything is real but the vendors: the gateway, its SQLite store, and sockets between them. No
message is sent; the handset page shows each message, and makes vendors fail on demand. Limits
are wider than a service should have them. The gateway and the vendors use one clock, which the page
can advance. Ends on SIGINT, SIGTERM, or SIGHUP (except under nohup), and then removes its directory,
unless --data names one.")]
pub(crate) struct Args {
    /// The gateway's address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve the handset page on this address and port; the emulated vendors get the ports after it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    emulator: SocketAddr,
    /// Keep the database and the keys in this directory, for the next run
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Use this API key, of 16 characters or more, instead of a random one
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Send a code again by voice if it is not typed within 30 seconds
    #[arg(long)]
    escalate: bool,
    /// Open the handset page in a browser
    #[arg(long)]
    open: bool,
    /// Format of log lines
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    for address in [args.listen, args.emulator] {
        if !address.ip().is_loopback() {
            let what = format!(
                "other machines reach {}, and could read every code there; use 127.0.0.1",
                address.ip()
            );
            return Failure::usage(what).report(output);
        }
    }
    // First of all, because a reader of the first line may stop this process at once.
    let signals = Signals::new()?;
    let home = Home::new(args.data.clone())?;
    let api_key = match &args.api_key {
        Some(key) => key.clone(),
        None => home.key("api-key")?,
    };
    let server_key = home.key("server-key")?;
    let emulator = match Emulator::start(EmulatorConfig::default().with_listen(args.emulator)).await
    {
        Ok(emulator) => emulator,
        Err(error) => return cannot_listen(&error, "--emulator").report(output),
    };
    let emulated = Emulated::of(&emulator);
    let route = match args.escalate.then(|| escalation::route(&emulated)).transpose() {
        Ok(route) => route.unwrap_or_default(),
        Err(errors) => return Failure::from(errors).report(output),
    };
    let store = home.path.join("otpmux.db");
    let environment = emulated
        .environment
        .with("OTPMUX_API_KEY", &*api_key)
        .with("OTPMUX_SERVER_KEY", &*server_key);
    // Set as a value, since a path may have every character.
    let config = Config::builder().toml(&config(&emulated.providers, &route)).and_then(|builder| {
        let builder = builder.set("store.url", format!("sqlite:{}", store.display()));
        builder.environment(environment.clone()).build()
    });
    let config = match config {
        Ok(config) => config,
        Err(errors) => return Failure::from(errors).report(output),
    };
    let mut options = Options::default();
    options.environment = environment;
    options.listen = Some(args.listen);
    options.metrics = install_metrics().ok();
    let client = config
        .client_builder()
        .and_then(|builder| Ok(builder.clock(Arc::new(SharedClock::of(&emulator))).build()?));
    let client = match client {
        Ok(client) => client,
        Err(errors) => return Failure::from(errors).report(output),
    };
    let gateway = match Gateway::bind_with(&config, client, options).await {
        Ok(gateway) => gateway,
        Err(otpmux_gateway::StartError::Listen { address, source }) => {
            return taken(address, "--listen", &source).report(output);
        }
        Err(error) => return refused(&error, output),
    };
    let url = gateway.url().parse().map_err(io::Error::other)?;
    emulator.set_relay(Arc::new(GatewayRelay::new(url, Secret::new(&*api_key), true)?));
    console::print_start(&gateway.url(), &emulator, &api_key, &home, output)?;
    if args.open
        && let Err(error) = browser::open(&emulator.handset_url())
    {
        output.warning(format_args!("no browser could be started: {error}"))?;
    }
    tokio::select! {
        () = gateway.run_until(signals.any()) => {}
        () = console::print_events(&emulator, output) => {}
    }
    emulator.shutdown().await;
    Ok(Exit::Done)
}

fn config(providers: &str, route: &str) -> String {
    format!(
        r#"{providers}{route}
[store]
durability = "process"

[[server_keys]]
id = "dev"
key = "env:OTPMUX_SERVER_KEY"

[[server.api_keys]]
name = "dev"
key = "env:OTPMUX_API_KEY"
admin = true

[policy]
resend_delay = "3s"
countries = "any" # the vendors are played here
default_country = "IN" # and reach Indian numbers first of all

[limits]
recipient = ["30/1m"]
global = ["100000/1h"]
guesses = ["100/1h"]
guesses_total = ["100/1h"]

[doors.twilio]
[doors.vonage]
"#
    )
}

fn taken(address: SocketAddr, option: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::here(format!(
            "something listens on {address} already; stop it, or choose another port by {option} \
             (port 0 takes a free one)"
        )),
        _ => Failure::here(format!("cannot listen on {address}: {error}")),
    }
}
