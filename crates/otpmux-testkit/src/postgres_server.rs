#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness without its server must fail the test"
)]
#![expect(clippy::missing_panics_doc, reason = "said once, at the type")]

mod files;
mod pooler;
mod processes;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use files::{Directory, command, fresh, program, run};
pub use pooler::PgBouncer;
use processes::Signal;

use crate::redis_server::output::Output;
use crate::shared_store::outage::Server;

/// How many free ports are tried: another program may take one before it is used.
const TRIES: u32 = 20;

/// Private PostgreSQL server, on a free port of 127.0.0.1, in a temporary directory; its superuser
/// `otpmux` needs no password. It is the newest that Debian has installed, or that of the programs in
/// the directory `OTPMUX_TEST_POSTGRES`. Run by root, it runs as `postgres` or `nobody`. Dropping it ends
/// exactly its processes, also when a test panics. No other server is touched, and no service.
///
/// ```
/// use otpmux_testkit::PostgresServer;
///
/// let mut server = PostgresServer::start();
/// server.sql("CREATE TABLE kept AS SELECT 7 AS number");
/// server.kill();
/// server.restart();
/// assert_eq!(server.sql("SELECT number FROM kept"), "7", "what was committed is there");
/// ```
///
/// # Panics
///
/// Every method panics if the server does not do what it should, and the first call does if
/// PostgreSQL is not installed: a test that needs it must not pass without it.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    options: Vec<String>,
    /// Dropped before its directory, into which it writes.
    running: Option<Running>,
    directory: Directory,
    /// Kept, so that the next server can be copied from it.
    _template: Option<Arc<Directory>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    output: Output,
}

impl PostgresServer {
    /// Returns whether a PostgreSQL server is installed.
    pub fn is_installed() -> bool {
        program("postgres").is_absolute()
    }

    /// Starts a server and waits until it answers. It does not wait for the disk (`fsync=off`): a killed
    /// server keeps what was committed, a machine that loses power does not.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`start`](Self::start), with settings of postgresql.conf, such as `["fsync=on"]`.
    pub fn start_with(settings: &[&str]) -> Self {
        let (directory, template) = fresh();
        let options = settings.iter().map(|&setting| setting.to_owned()).collect();
        Self::start_in(directory, options, Some(template))
    }

    /// Starts a replica of this server, and waits until it answers. It follows the server, and takes
    /// no writes before `SELECT pg_promote()`.
    pub fn replica(&self) -> Self {
        let directory = Directory::new();
        let mut copy = command("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "otpmux"]);
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D"]);
        run({
            copy.arg(directory.data());
            copy
        });
        Self::start_in(directory, self.options.clone(), None)
    }

    fn start_in(
        directory: Directory,
        options: Vec<String>,
        template: Option<Arc<Directory>>,
    ) -> Self {
        for _ in 0..TRIES {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
            let port = listener.local_addr().expect("the port just bound").port();
            drop(listener);
            if let Some(running) = spawn(port, &directory, &options) {
                let running = Some(running);
                return Self { port, options, running, directory, _template: template };
            }
        }
        panic!("no port of {TRIES} stayed free until PostgreSQL had taken it");
    }

    /// Returns the URL of its database `postgres`, with the superuser and without a password.
    pub fn url(&self) -> String {
        format!("postgres://otpmux@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns its port, the same after restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts a PgBouncer before this server, in transaction mode, with this many connections.
    pub fn pooler(&self, connections: u32) -> PgBouncer {
        PgBouncer::start(self.port, connections)
    }

    /// Makes the user that runs the server the owner of a file, such as a certificate.
    pub fn give(&self, file: &Path) {
        files::give(file);
    }

    /// Returns the directory of its data.
    pub fn directory(&self) -> PathBuf {
        self.directory.data()
    }

    /// Returns what the server has logged since its last start.
    pub fn log(&self) -> String {
        self.running.as_ref().map(|running| running.output.text()).unwrap_or_default()
    }

    /// Ends all its processes at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.end(Signal::Kill);
        }
    }

    /// Stops its processes without ending them, as a machine that hangs: connections stay open,
    /// without answers. [`resume`](Self::resume) continues them.
    pub fn pause(&self) {
        let running = self.running.as_ref().expect("a server that runs");
        processes::signal(Signal::Stop, &processes::family(running.child.id()));
    }

    /// Continues it after [`pause`](Self::pause).
    pub fn resume(&self) {
        let running = self.running.as_ref().expect("a server that runs");
        processes::signal(Signal::Continue, &processes::family(running.child.id()));
    }

    /// Limits the size of each file that it writes, or no longer does. PostgreSQL handles a write that
    /// the limit cuts short as one on a full disk.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let running = self.running.as_ref().expect("a server that runs");
        let bytes = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        processes::limit_files(&bytes, &processes::family(running.child.id()));
    }

    /// Starts it on the same port, with its data; kills it first if it runs.
    pub fn restart(&mut self) {
        self.kill();
        self.running = spawn(self.port, &self.directory, &self.options);
        assert!(self.running.is_some(), "port {} was taken by another program", self.port);
    }

    /// Runs SQL as the superuser, and returns the values: a line for each row, separated by `|`.
    pub fn sql(&self, sql: &str) -> String {
        let mut psql = command("psql");
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "otpmux"]);
        psql.args(["-d", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        run(psql)
    }

    /// Returns a dump of its database as SQL.
    pub fn dump(&self) -> String {
        let mut dump = command("pg_dump");
        dump.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "otpmux", "postgres"]);
        run(dump)
    }
}

impl Server for PostgresServer {
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

impl Running {
    /// Ends all processes, and waits for their end: they hold memory that a next start needs.
    fn end(mut self, signal: Signal) {
        let family = processes::family(self.child.id());
        processes::signal(signal, &family);
        processes::signal(Signal::Continue, &family);
        let _ = self.child.wait();
        processes::until_gone(&family);
        std::mem::forget(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let family = processes::family(self.child.id());
        processes::signal(Signal::Continue, &family);
        // Only the first process: it ends the others, and gives memory back.
        processes::signal(Signal::Quit, &family[..1]);
        let _ = self.child.wait();
    }
}

/// Starts a server; `None` if it did not come up, since its port is taken.
fn spawn(port: u16, directory: &Directory, options: &[String]) -> Option<Running> {
    let mut server = command("postgres");
    server.arg("-D").arg(directory.data()).arg("-k").arg(directory.path());
    server.args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    server.args(["-c", "shared_buffers=32MB", "-c", "fsync=off"]);
    server.args(options.iter().flat_map(|option| ["-c", option]));
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = server.spawn().unwrap_or_else(|error| {
        panic!("PostgreSQL cannot be started (apt-get install postgresql): {error}")
    });
    let output = Output::of(child.stderr.take().expect("an output that is piped"));
    let running = Running { child, output };
    if running.output.until("database system is ready to accept") {
        return Some(running);
    }
    let said = running.output.text();
    assert!(said.contains("Address already in use"), "PostgreSQL did not start:\n{said}");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_are_apart_and_a_killed_one_keeps_what_was_committed() {
        let (mut one, other) = (PostgresServer::start(), PostgresServer::start());
        assert_ne!(one.port(), other.port());
        one.sql("CREATE TABLE kept AS SELECT 7 AS number");
        assert_eq!(other.sql("SELECT to_regclass('kept')"), "");
        one.kill();
        one.restart();
        assert_eq!(one.sql("SELECT number FROM kept"), "7");
        let directory = one.directory();
        drop(one);
        assert!(!directory.exists());
    }

    #[test]
    fn a_paused_one_answers_when_it_goes_on() {
        let server = PostgresServer::start_with(&["fsync=on"]);
        assert_eq!(server.sql("SHOW fsync"), "on", "the last setting counts");
        server.pause();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| server.sql("SELECT 1"));
            server.resume();
            assert_eq!(asking.join().expect("an answer"), "1");
        });
        server.pause();
        // It ends all the same.
    }

    #[test]
    fn a_replica_follows_and_can_be_promoted() {
        let server = PostgresServer::start();
        let replica = server.replica();
        assert_eq!(replica.sql("SELECT pg_is_in_recovery()"), "t");
        assert_eq!(replica.sql("SELECT pg_promote()"), "t");
        replica.sql("CREATE TABLE own (number integer)");
    }
}
