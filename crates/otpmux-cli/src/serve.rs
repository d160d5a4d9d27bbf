//! `otpmux serve`

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use otpmux::Config;
use otpmux::config::{ConfigErrors, Environment};
use otpmux_gateway::{Gateway, Options, Reloader, StartError, install_metrics, raise_open_files};
use serde_json::json;

use crate::Exit;
use crate::check_config::NO_GLOBAL_LIMIT;
use crate::failure::Failure;
use crate::logs::LogFormat;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Serves until SIGINT or SIGTERM: then /readyz returns 503, requests in progress finish, and the process
exits. SIGHUP reads the file again; a file with mistakes changes nothing. Logs go to standard error.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OTPMUX_CONFIG", default_value = "otpmux.toml")]
    config: PathBuf,
    /// Listen on this address instead of the file's
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Format of log lines
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    // First of all, because a supervisor may stop this process at once.
    let signals = Signals::new()?;
    let environment = Environment::from_process();
    let config = match read(&args.config) {
        Ok(config) => config,
        Err(errors) => return Failure::from(errors).report(output),
    };
    let mut options = Options::default();
    options.environment = environment;
    options.listen = args.listen;
    options.metrics = install_metrics().ok();
    let file = args.config.clone();
    options.source = Some(Box::new(move || read(&file)));
    raise_open_files(config.server().map_or(0, |server| server.max_connections));
    let gateway = match Gateway::bind(&config, options).await {
        Ok(gateway) => gateway,
        Err(error) => return refused(&error, output),
    };
    let metrics = gateway.metrics_addr().map(|address| format!("http://{address}/metrics"));
    if output.is_json() {
        let mut told = json!({ "listening": gateway.url() });
        if let Some(url) = metrics {
            told["metrics"] = url.into();
        }
        output.json(&told)?;
    } else {
        output.line(format_args!("listening on {}", gateway.url()))?;
        if let Some(url) = metrics {
            output.line(format_args!("metrics on {url}"))?;
        }
    }
    let reloader = gateway.reloader();
    gateway.run_until(signals.stop(reloader)).await;
    Ok(Exit::Done)
}

/// Reads a configuration and checks the rules for a service.
fn read(file: &Path) -> Result<Config, ConfigErrors> {
    let environment = Environment::from_process();
    let config = Config::builder()
        .environment(environment.clone())
        .file(file)?
        .build_checked(|config| check_service(config, &environment))?;
    if config.policy().limits.global.is_empty() {
        tracing::warn!("{NO_GLOBAL_LIMIT}");
    }
    for hint in config.hints() {
        tracing::warn!("{hint}");
    }
    Ok(config)
}

/// Checks all that a service needs besides a client.
pub(crate) fn check_service(
    config: &Config,
    environment: &Environment,
) -> Result<(), ConfigErrors> {
    let gateway = Gateway::check(config, environment);
    let checks = [config.check_store(), gateway, config.check_countries()];
    checks.into_iter().filter_map(Result::err).reduce(ConfigErrors::and).map_or(Ok(()), Err)
}

pub(crate) fn refused(error: &StartError, output: &mut Output) -> io::Result<Exit> {
    let failure = match error {
        StartError::Config(errors) => Failure::from(errors),
        error => Failure::here(error.to_string()),
    };
    failure.report(output)
}

/// The signals that the system sends to a service.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    ignores_hangup: bool,
}

#[cfg(unix)]
impl Signals {
    /// Catches the signals from now on.
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        // To catch a signal ends that it is ignored.
        let ignores_hangup = is_hangup_ignored();
        Ok(Self {
            ignores_hangup,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Completes on each of the signals: a terminal that closes sends the reload signal, unless this
    /// process ignores it, as under `nohup`.
    pub(crate) async fn any(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv(), if !self.ignores_hangup => {}
        }
    }

    /// Completes when the service must stop; reloads on the reload signal.
    pub(crate) async fn stop(mut self, reloader: Reloader) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    // The result is logged. Another reload waits for this one.
                    let reloader = reloader.clone();
                    tokio::spawn(async move { reloader.reload().await });
                }
            }
        }
    }
}

/// Returns whether this process was started with SIGHUP ignored, as by `nohup`. Linux only: elsewhere, no
/// safe function returns it.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is signal 1, the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(not(unix))]
pub(crate) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    pub(crate) async fn any(mut self) {
        self.0.recv().await;
    }

    pub(crate) async fn stop(self, _: Reloader) {
        self.any().await;
    }
}
