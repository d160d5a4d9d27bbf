//! `otpmux dev`

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use otpmux::{Config, Entropy as _, Environment, OsEntropy, Secret};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use otpmux_gateway::{Gateway, Options, install_metrics};
use serde_json::json;

use crate::Exit;
use crate::failure::Failure;
use crate::logs::LogFormat;
use crate::output::Output;
use crate::relay::GatewayRelay;
use crate::serve::{Signals, refused};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Everything is real but the vendors: the gateway, its SQLite store, and sockets between them. Nobody
gets a message; the handset page shows what would have arrived, and breaks vendors on demand. Limits
are wider than a service should have them. Ends on SIGINT or SIGTERM.")]
pub(crate) struct Args {
    /// The gateway's address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address and port of the emulated vendors and the handset page
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    emulator: SocketAddr,
    /// Keep the database and the keys in this directory, for the next time
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// How log lines look
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
            return Failure::usage(what).tell(output);
        }
    }
    // Before anything else: whoever reads the first line may stop us at once.
    let signals = Signals::new()?;
    let home = Home::new(args.data.clone())?;
    let (api_key, server_key) = (home.key("api-key")?, home.key("server-key")?);
    let emulator = match Emulator::start(EmulatorConfig::default().with_listen(args.emulator)).await
    {
        Ok(emulator) => emulator,
        Err(error) => return taken(args.emulator, "--emulator", &error).tell(output),
    };
    let environment = Environment::new()
        .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
        .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key)
        .with("OTPMUX_API_KEY", &*api_key)
        .with("OTPMUX_SERVER_KEY", &*server_key);
    let text = config(&emulator, &home.path.join("otpmux.db"));
    let config = match Config::from_toml(&text, &environment) {
        Ok(config) => config,
        Err(errors) => return Failure::from(errors).tell(output),
    };
    let mut options = Options::default();
    options.environment = environment;
    options.listen = Some(args.listen);
    options.metrics = install_metrics().ok();
    let gateway = match Gateway::bind(&config, options).await {
        Ok(gateway) => gateway,
        Err(otpmux_gateway::StartError::Listen { address, source }) => {
            return taken(address, "--listen", &source).tell(output);
        }
        Err(error) => return refused(&error, output),
    };
    let url = gateway.url().parse().map_err(io::Error::other)?;
    emulator.set_relay(Arc::new(GatewayRelay::new(url, Secret::new(&*api_key))?));
    tell(&gateway.url(), &emulator, &api_key, &home, output)?;
    let reloader = gateway.reloader();
    gateway.run_until(signals.stop(reloader)).await;
    emulator.shutdown().await;
    Ok(Exit::Done)
}

fn tell(
    gateway: &str,
    emulator: &Emulator,
    api_key: &str,
    home: &Home,
    output: &mut Output,
) -> io::Result<()> {
    let handset = format!("http://{}", emulator.addr());
    let store = home.path.join("otpmux.db");
    if output.is_json() {
        return output.json(&json!({
            "gateway": gateway, "handset": handset, "api_key": api_key, "store": store,
        }));
    }
    let stays = if home.kept { "the store and the keys stay" } else { "nothing stays" };
    output.line(format_args!(
        "For development: the vendors are emulated, nobody gets a message, and {stays} when it \
         ends.\n\n  \
         gateway  {gateway}  (its API: {gateway}/docs)\n  \
         handset  {handset}  (what arrives; break vendors here)\n  \
         API key  {api_key}\n  \
         store    {}\n\n\
         Send a code:\n\n  \
         curl -s {gateway}/v1/verifications -H 'Authorization: Bearer {api_key}' \\\n    \
         -H 'Content-Type: application/json' -d '{{\"to\": \"+919876543210\"}}'\n",
        store.display(),
    ))
}

fn config(emulator: &Emulator, store: &Path) -> String {
    // A TOML string in single quotes takes every path but one with such a quote.
    format!(
        r#"
[providers.easyotp]
kind = "easyotp"
base_url = "{}"
api_key = "env:EASYOTP_API_KEY"

[providers.startmessaging]
kind = "startmessaging"
base_url = "{}"
api_key = "env:STARTMESSAGING_API_KEY"

[store]
url = 'sqlite:{}'
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

[limits]
recipient = ["30/1m"]
guesses = ["100/1h"]
"#,
        emulator.base_url(Vendor::EasyOtp),
        emulator.base_url(Vendor::StartMessaging),
        store.display(),
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

/// Where the database and the keys are.
struct Home {
    path: PathBuf,
    /// Whether it stays when the program ends.
    kept: bool,
}

impl Home {
    fn new(data: Option<PathBuf>) -> io::Result<Self> {
        let kept = data.is_some();
        let path = match data {
            Some(path) => path,
            None => std::env::temp_dir().join(format!("otpmux-dev-{}", random(8)?)),
        };
        let mut builder = std::fs::DirBuilder::new();
        // Only a directory that is to be kept may be there already.
        builder.recursive(kept);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self { path, kept })
    }

    /// The key of this name: made the first time, and kept with the rest.
    fn key(&self, name: &str) -> io::Result<String> {
        let path = self.path.join(name);
        match std::fs::read_to_string(&path) {
            Ok(key) => return Ok(key.trim_end().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let key = random(24)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        io::Write::write_all(&mut options.open(path)?, key.as_bytes())?;
        Ok(key)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is of no worth: its keys are known to nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// So many random bytes, in hexadecimal digits.
fn random(bytes: usize) -> io::Result<String> {
    let mut random = vec![0; bytes];
    OsEntropy.fill(&mut random).map_err(io::Error::other)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat())
}
