//! The programs under load, each on a free port of loopback.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Error, Result};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::options::{Extra, Options, Program, Store};
use crate::redis_servers::Redis;
use crate::system::{self, Resident};

/// How long a program may take before it listens.
const PATIENCE: Duration = Duration::from_secs(20);
/// The API key of the load.
pub(crate) const API_KEY: &str = "load-test-key-of-some-forty-characters-00";

/// Program that serves, in one process or several, until this is dropped.
pub(crate) struct Server {
    pub(crate) program: Program,
    processes: Vec<Process>,
}

struct Process {
    child: Child,
    address: SocketAddr,
}

/// Addresses and settings that the programs need.
pub(crate) struct Surroundings<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) redis: &'a Redis,
    pub(crate) vendor: SocketAddr,
    /// The receiver of events.
    pub(crate) receiver: SocketAddr,
}

impl Server {
    /// Starts a program and waits until it listens.
    pub(crate) async fn start(
        program: Program,
        options: &Options,
        around: &Surroundings<'_>,
    ) -> Result<Self> {
        let count = if program == Program::Floor { 1 } else { options.gateways };
        let mut processes = Vec::new();
        for number in 0..count {
            processes.push(Process::start(program, number.into(), options, around).await?);
        }
        Ok(Self { program, processes })
    }

    /// Returns the address for a client: clients are spread over the processes.
    pub(crate) fn address_for(&self, client: u32) -> SocketAddr {
        let client = usize::try_from(client).unwrap_or(0);
        self.processes[client % self.processes.len()].address
    }

    /// Returns the processor time of all processes.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        // `taskset` has become the program.
        self.processes.iter().map(|it| system::cpu(it.child.id())).sum()
    }

    /// Returns the resident memory of all processes.
    pub(crate) fn memory(&self) -> Result<Resident> {
        let mut all = Resident::default();
        for process in &self.processes {
            let one = system::memory(process.child.id())?;
            all.now += one.now;
            all.most += one.most;
            all.allocated += one.allocated;
        }
        Ok(all)
    }
}

impl Process {
    async fn start(
        program: Program,
        number: usize,
        options: &Options,
        around: &Surroundings<'_>,
    ) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let vendor = format!("http://{}/api/v1", around.vendor);
        let directory = around.directory;
        let name = format!("{}-{number}", program.name());
        let (binary, arguments) = match program {
            Program::Floor => {
                let (listen, redis) = (address.to_string(), around.redis.url());
                let words = ["--listen", &listen, "--redis", &redis, "--vendor", &vendor];
                (beside_this("floor")?, words.map(str::to_owned).to_vec())
            }
            Program::Gateway | Program::Door | Program::With => {
                let file = directory.join(format!("{name}.toml"));
                let store = store(program, number, options, around);
                let mut text = configuration(program, &store, address, &vendor);
                if program == Program::With {
                    text += &extras(&options.with, &name, around);
                }
                fs::write(&file, text)?;
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
        let log = directory.join(format!("{name}.log"));
        let mut command = if options.no_pinning {
            Command::new(&binary)
        } else {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", &options.server_cores]).arg(&binary);
            command
        };
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(File::create(&log)?).spawn()?;
        let mut process = Self { child, address };
        process.until_it_listens(&name, &log).await?;
        Ok(process)
    }

    async fn until_it_listens(&mut self, name: &str, log: &Path) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait()?.is_some();
            if ended || begun.elapsed() > PATIENCE {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(Error::other(format!("the {name} does not listen:\n{said}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only for a process that has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn beside_this(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Returns the keys of `[store]`. The processes of a program share their data, unless each has a
/// namespace.
fn store(
    program: Program,
    number: usize,
    options: &Options,
    around: &Surroundings<'_>,
) -> Vec<(&'static str, String)> {
    let url = match options.store {
        Store::Redis => around.redis.url(),
        Store::Sqlite => {
            let file = around.directory.join(format!("{}.db", program.name()));
            format!("sqlite:{}", file.display())
        }
        Store::Memory => "memory:".to_owned(),
    };
    let mut keys = vec![("url", quoted(&url))];
    if around.redis.is_cluster() {
        keys.push(("cluster", "true".to_owned()));
    }
    if options.own_namespaces {
        keys.push(("namespace", quoted(&around.redis.namespace(number))));
    }
    keys
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// Returns a gateway's configuration with the defaults: limits, single use, send attempts,
/// encryption, circuit breaker. Only the vendor's documented rate is raised out of reach, since no
/// vendor accepts so much.
fn configuration(
    program: Program,
    store: &[(&str, String)],
    listen: SocketAddr,
    vendor: &str,
) -> String {
    let mut text = "allow_literal_secrets = true\n".to_owned();
    let mut section = |name: &str, lines: &[(&str, &str)]| {
        let _ = writeln!(text, "\n{name}");
        for (key, value) in lines {
            let _ = writeln!(text, "{key} = {value}");
        }
    };
    section(
        "[providers.stub]",
        &[
            ("kind", "\"easyotp\""),
            ("api_key", "\"key\""),
            ("base_url", &quoted(vendor)),
            ("resilience", "{ requests = [\"100000/1s\"] }"),
        ],
    );
    let store: Vec<_> = store.iter().map(|(key, value)| (*key, value.as_str())).collect();
    section("[store]", &store);
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

/// Returns the sections that switch these on.
fn extras(with: &[Extra], name: &str, around: &Surroundings<'_>) -> String {
    let mut text = String::new();
    for extra in with {
        let section = match extra {
            Extra::Events => format!(
                "[[events]]\nname = \"load\"\nurl = \"http://{}/\"\nallow_loopback = true\n\
                 secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n",
                around.receiver
            ),
            Extra::Audit => {
                let file = around.directory.join(format!("{name}.audit"));
                format!("[audit]\nfile = {}\n", quoted(&file.to_string_lossy()))
            }
            Extra::Escalation => format!(
                "[providers.other]\nkind = \"easyotp\"\napi_key = \"key\"\nbase_url = \"http://{}/api/v1\"\n\n\
                 [[routes]]\nproviders = [\"stub\", \"other\"]\n\
                 escalate = [{{ after = \"60s\", by = \"next\" }}]\n",
                around.vendor
            ),
        };
        let _ = write!(text, "\n{section}");
    }
    text
}
