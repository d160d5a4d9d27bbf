#![expect(clippy::expect_used, reason = "a harness without its server must fail the test")]
#![expect(clippy::missing_panics_doc, reason = "said once, at the type")]

mod cluster;
pub(crate) mod output;
mod resp;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use output::Output;
pub use resp::Reply;
use tempfile::TempDir;

use crate::shared_store::outage::Server;

/// How long a server may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many free ports are tried: another program may take one before it is used.
const TRIES: u32 = 20;

/// Private `redis-server`, on a free port of 127.0.0.1, in a temporary directory. Keeps everything
/// in memory, unless configured otherwise. Dropping it ends exactly this process, also when a test
/// panics.
///
/// ```
/// use otpmux_testkit::{RedisReply, RedisServer};
///
/// let mut redis = RedisServer::start();
/// assert_eq!(redis.command(&["SET", "key", "value"]), RedisReply::Text("OK".into()));
/// redis.restart();
/// assert_eq!(redis.command(&["DBSIZE"]), RedisReply::Number(0), "it kept nothing");
/// ```
///
/// # Panics
///
/// Every method panics if the server does not do what it should, and the first call does if
/// `redis-server` is not installed: a test that needs it must not pass without it.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    options: Vec<String>,
    /// Dropped before its directory, into which it writes.
    running: Option<Running>,
    directory: TempDir,
}

#[derive(Debug)]
struct Running {
    child: Child,
    output: Output,
}

impl RedisServer {
    /// Returns whether a `redis-server` is installed.
    pub fn is_installed() -> bool {
        let mut version = Command::new("redis-server");
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        version.status().is_ok_and(|status| status.success())
    }

    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`start`](Self::start), with options of redis.conf, such as `["--appendonly", "yes"]`.
    pub fn start_with(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        for _ in 0..TRIES {
            let port = free_port();
            let directory = TempDir::new().expect("a directory for redis-server");
            if let Some(running) = spawn(port, directory.path(), &options) {
                return Self { port, directory, options, running: Some(running) };
            }
        }
        panic!("no port of {TRIES} stayed free until redis-server had taken it");
    }

    /// Starts this many servers as one cluster of masters, and waits until each of them serves.
    pub fn start_cluster(nodes: u16) -> Vec<Self> {
        cluster::start(nodes)
    }

    /// Returns its URL, without user or password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns its port, the same after restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the directory of its files: `dump.rdb` after `SAVE`, `appendonlydir` with
    /// `--appendonly yes`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends it at once, as a crash would: clients see the connection close.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Stops it without ending it, as a machine that hangs: connections stay open, without answers.
    /// [`resume`](Self::resume) continues it.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Continues it after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("a server that runs");
        let status = Command::new("kill").arg(signal).arg(running.child.id().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "kill {signal} fails");
    }

    /// Starts it on the same port, with its files on disk; ends it first if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.running = spawn(self.port, self.directory.path(), &self.options);
        assert!(self.running.is_some(), "port {} was taken by another program", self.port);
    }

    /// Sends one command over a separate connection.
    pub fn command<Word: AsRef<[u8]>>(&self, words: &[Word]) -> Reply {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        resp::ask(self.port, &words).expect("an answer of redis-server")
    }

    /// Waits until this node of a cluster serves, which it does only after the other nodes.
    pub fn until_cluster_serves(&self) {
        let running = self.running.as_ref().expect("a server that runs");
        assert!(running.output.until("Cluster state changed: ok"), "the cluster never serves");
        let info = self.command(&["CLUSTER", "INFO"]).text();
        assert!(info.contains("cluster_state:ok"), "{info}");
    }
}

impl Server for RedisServer {
    fn pause(&self) {
        self.pause();
    }

    fn resume(&self) {
        self.resume();
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn restart(&mut self) {
        self.restart();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only for a process that has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a port that was free just now, as was its cluster bus.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let port = listener.local_addr().expect("the port just bound").port();
        let bus = port.checked_add(cluster::BUS);
        if bus.is_some_and(|bus| TcpListener::bind(("127.0.0.1", bus)).is_ok()) {
            return port;
        }
    }
}

/// Starts a server; `None` if it did not come up, since its port is taken.
fn spawn(port: u16, directory: &Path, options: &[String]) -> Option<Running> {
    let port_word = port.to_string();
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port_word, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(directory)
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("redis-server is not installed: apt-get install redis-server")
        }
        Err(error) => panic!("redis-server cannot be started: {error}"),
    };
    let output = Output::of(child.stdout.take().expect("an output that is piped"));
    let running = Running { child, output };
    if !running.output.until("Ready to accept connections") {
        let said = running.output.text();
        assert!(said.contains("Address already in use"), "redis-server did not start:\n{said}");
        return None;
    }
    match resp::ask(port, &[b"PING"]).expect("an answer of a server that is ready") {
        Reply::Text(pong) if pong == "PONG" => Some(running),
        Reply::Error(error) if error.starts_with("NOAUTH") => Some(running),
        other => panic!("another program answers: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_are_apart_and_a_killed_one_comes_back_empty() {
        let (mut one, other) = (RedisServer::start(), RedisServer::start());
        assert_ne!(one.port(), other.port());
        one.command(&["SET", "key", "value"]);
        assert_eq!(other.command(&["GET", "key"]), Reply::Nothing);
        let url = one.url();
        one.kill();
        assert!(resp::ask(one.port(), &[b"PING"]).is_err());
        one.restart();
        assert_eq!(one.url(), url);
        assert_eq!(one.command(&["GET", "key"]), Reply::Nothing);
    }

    #[test]
    fn a_paused_one_answers_when_it_goes_on() {
        let redis = RedisServer::start();
        redis.pause();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| redis.command(&["PING"]));
            redis.resume();
            assert_eq!(asking.join().expect("an answer"), Reply::Text("PONG".into()));
        });
        redis.pause();
        // It ends all the same.
    }

    #[test]
    fn options_count_and_the_directory_goes() {
        let mut redis =
            RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
        redis.command(&["SET", "key", "value"]);
        redis.restart();
        assert_eq!(redis.command(&["GET", "key"]), Reply::Text("value".into()));
        let directory = redis.directory().to_owned();
        assert!(directory.is_dir());
        drop(redis);
        assert!(!directory.exists());
    }

    #[test]
    fn a_cluster_serves() {
        let nodes = RedisServer::start_cluster(3);
        let answers = nodes.iter().map(|node| node.command(&["SET", "{a}key", "value"]));
        let (taken, sent_on): (Vec<_>, Vec<_>) =
            answers.partition(|answer| *answer == Reply::Text("OK".into()));
        assert_eq!((taken.len(), sent_on.len()), (1, 2));
        assert!(sent_on.iter().all(|it| matches!(it, Reply::Error(it) if it.starts_with("MOVED"))));
    }
}
