//! PgBouncer before a server.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use super::TRIES;
use super::files::{self, Directory, command};
use crate::redis_server::output::Output;

/// Private PgBouncer on a free port of 127.0.0.1, which gives each transaction any of its server
/// connections. Dropping it ends exactly this process.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    child: Child,
    _directory: Directory,
}

impl PgBouncer {
    /// Starts one with this many connections to the server at the port.
    pub(super) fn start(server: u16, connections: u32) -> Self {
        for _ in 0..TRIES {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
            let port = listener.local_addr().expect("the port just bound").port();
            drop(listener);
            let directory = Directory::new();
            write(&directory, server, port, connections);
            let usual = Path::new("/usr/sbin/pgbouncer");
            let name = if usual.exists() { usual } else { Path::new("pgbouncer") };
            let mut pooler = command(&name.to_string_lossy());
            pooler.arg(directory.path().join("pgbouncer.ini"));
            pooler.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = pooler.spawn().unwrap_or_else(|error| {
                panic!("PgBouncer cannot be started (apt-get install pgbouncer): {error}")
            });
            let output = Output::of(child.stderr.take().expect("an output that is piped"));
            if output.until("process up") {
                return Self { port, child, _directory: directory };
            }
            let said = output.text();
            let _ = child.wait();
            assert!(said.contains("in use"), "PgBouncer did not start:\n{said}");
        }
        panic!("no port of {TRIES} stayed free until PgBouncer had taken it");
    }

    /// Returns the URL of the server's database `postgres` behind it.
    pub fn url(&self) -> String {
        format!("postgres://otpmux@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // Fails only for a process that has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(directory: &Directory, server: u16, port: u16, connections: u32) {
    let users = directory.path().join("users.txt");
    let settings = format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = trust\n\
         auth_file = {}\n\
         pool_mode = transaction\n\
         default_pool_size = {connections}\n\
         max_client_conn = 1000\n\
         server_login_retry = 1\n",
        users.display()
    );
    for (path, text) in
        [(&users, "\"otpmux\" \"\"\n"), (&directory.path().join("pgbouncer.ini"), &*settings)]
    {
        fs::write(path, text).expect("a file in the directory just created");
        files::give(path);
    }
}
