//! `otpmux dev`, the program itself.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Dev {
    child: Child,
    handset: String,
    /// Messages go on to be printed there.
    _told: Lines<BufReader<ChildStdout>>,
    /// Of the program.
    _temporary: TempDir,
}

impl Dev {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let temporary = TempDir::new().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_otpmux"))
            .args(["dev", "--json", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"])
            .args(arguments)
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = told.next().unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).expect(&line);
        let handset = ready["handset"].as_str().unwrap().to_owned();
        Self { child, handset, _told: told, _temporary: temporary }
    }

    pub(crate) fn handset(&self) -> &str {
        &self.handset
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
