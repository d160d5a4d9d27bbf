//! The programs under load, each on a free port of loopback.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Error, Result};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::options::{Options, Program, Store};

/// How long a program may take before it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// The API key of the load.
pub(crate) const API_KEY: &str = "load-test-key-of-some-forty-characters-00";

/// A directory that is removed when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("otpmux-loadtest-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // The system removes leftovers in its temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Program that serves until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

/// Addresses and settings that the programs need.
pub(crate) struct Surroundings<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) redis: &'a str,
    pub(crate) vendor: SocketAddr,
}

impl Server {
    /// Starts a program and waits until it listens.
    pub(crate) async fn start(
        program: Program,
        options: &Options,
        around: &Surroundings<'_>,
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let vendor = format!("http://{}/api/v1", around.vendor);
        let directory = &around.directory.0;
        let (binary, arguments) = match program {
            Program::Floor => {
                let listen = address.to_string();
                let words = ["--listen", &listen, "--redis", around.redis, "--vendor", &vendor];
                (beside_this("floor")?, words.map(str::to_owned).to_vec())
            }
            Program::Gateway | Program::Door => {
                let file = directory.join(format!("{}.toml", program.name()));
                fs::write(&file, configuration(program, options, around, address, &vendor))?;
                let binary = options.gateway_bin.clone();
                let binary = binary.map_or_else(|| beside_this("otpmux"), Ok)?;
                let file = file.to_string_lossy().into_owned();
                (binary, vec!["serve".to_owned(), "--config".to_owned(), file])
            }
        };
        if !binary.is_file() {
            let missing = binary.display();
            return Err(Error::other(format!("{missing} is not there: build it first")));
        }
        let log = directory.join(format!("{}.log", program.name()));
        let mut command = if options.no_pinning {
            Command::new(&binary)
        } else {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", &options.server_cores]).arg(&binary);
            command
        };
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(&log)?).spawn()?;
        let mut server = Self { child, program, address };
        server.until_it_listens(&log).await?;
        Ok(server)
    }

    /// Returns its process: `taskset` has become the program.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    async fn until_it_listens(&mut self, log: &Path) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait()?.is_some();
            if ended || begun.elapsed() > PATIENCE {
                let said = fs::read_to_string(log).unwrap_or_default();
                let name = self.program.name();
                return Err(Error::other(format!("the {name} does not listen:\n{said}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only for a process that has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn beside_this(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Returns a gateway's configuration with the defaults: limits, single use, send attempts,
/// encryption, circuit breaker. Only the vendor's documented rate is raised out of reach, since no
/// vendor accepts so much.
fn configuration(
    program: Program,
    options: &Options,
    around: &Surroundings<'_>,
    listen: SocketAddr,
    vendor: &str,
) -> String {
    let store = match options.store {
        Store::Redis => around.redis.to_owned(),
        Store::Sqlite => {
            let file = around.directory.0.join(format!("{}.db", program.name()));
            format!("sqlite:{}", file.display())
        }
        Store::Memory => "memory:".to_owned(),
    };
    let mut text = "allow_literal_secrets = true\n".to_owned();
    let mut section = |name: &str, lines: &[(&str, &str)]| {
        let _ = writeln!(text, "\n{name}");
        for (key, value) in lines {
            let _ = writeln!(text, "{key} = {value}");
        }
    };
    let quoted = |value: &str| format!("{value:?}");
    section(
        "[providers.stub]",
        &[
            ("kind", "\"easyotp\""),
            ("api_key", "\"key\""),
            ("base_url", &quoted(vendor)),
            ("resilience", "{ requests = [\"100000/1s\"] }"),
        ],
    );
    section("[store]", &[("url", &quoted(&store))]);
    let key = quoted(&"k".repeat(43));
    section("[[server_keys]]", &[("id", "\"load\""), ("key", &key)]);
    section("[policy]", &[("countries", "\"any\"")]);
    section("[server]", &[("listen", &quoted(&listen.to_string()))]);
    section(
        "[[server.api_keys]]",
        &[("name", "\"load\""), ("key", &quoted(API_KEY)), ("requests", "[\"100000/1s\"]")],
    );
    if program == Program::Door {
        section("[doors.twilio]", &[]);
    }
    text
}
