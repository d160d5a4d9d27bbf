//! `otpmux emulate`

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use otpmux::http::BaseUrl;
use otpmux_emulator::{Emulator, EmulatorConfig};

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::relay::GatewayRelay;
use crate::verbs::api_key;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints one line of JSON once it serves, with each vendor's base URL and made-up credentials, and
ends on SIGINT or SIGTERM. Nothing is ever sent: messages are kept for whoever asks, and for the
page at `handset` in that line, which shows them as they arrive.")]
pub(crate) struct Args {
    /// The address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// Allow an address that other machines reach: they then see all codes, set faults, and send
    /// through the gateway
    #[arg(long)]
    allow_non_loopback: bool,
    /// Switch the vendors' own limits off, for load tests
    #[arg(long)]
    no_limits: bool,
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
        return failure.tell(output);
    }
    let relay = match &args.gateway {
        None => None,
        Some(url) => {
            let key = match api_key() {
                Ok(key) => key,
                Err(failure) => return failure.tell(output),
            };
            Some(GatewayRelay::new(url.clone(), key)?)
        }
    };
    // Before the ready line: whoever reads it may stop us at once.
    let stop = stop()?;
    let config = EmulatorConfig::default()
        .with_listen(args.listen)
        .allow_non_loopback(args.allow_non_loopback)
        .enforce_limits(!args.no_limits);
    match Emulator::start(config).await {
        Ok(emulator) => {
            if let Some(relay) = relay {
                emulator.set_relay(Arc::new(relay));
            }
            output.line(emulator.ready_line())?;
            emulator.run_until(stop).await;
            Ok(Exit::Done)
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let failure = Failure::here(format!(
                "something listens on {} already, perhaps another emulator; stop it, or choose \
                 another port by --listen (port 0 takes a free one)",
                args.listen
            ));
            failure.tell(output)
        }
        Err(error) => {
            Failure::here(format!("cannot listen on {}: {error}", args.listen)).tell(output)
        }
    }
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
