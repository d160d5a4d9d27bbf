//! `otpmux dev`: everything at once, from nothing.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, program, run};

const TO: &str = "+919876543210";

struct Dev {
    child: Child,
    ready: Value,
}

impl Dev {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program()
            .args(["dev", "--json", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).expect(&line);
        Self { child, ready }
    }

    fn told(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command.args(arguments).args(["--gateway", self.told("gateway")]);
        run(command.env("OTPMUX_API_KEY", self.told("api_key")), "")
    }

    fn stop(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_first_run_sends_at_once_and_leaves_nothing() {
    let dev = Dev::start(&[]);
    let ended = dev.run(&["send", "--to", TO, "--id-only"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let shown = dev.run(&["status", ended.stdout.trim(), "--json"]).json().remove(0);
    assert_eq!(shown["legs"][0]["provider"], "easyotp");
    let store = dev.told("store").to_owned();
    assert!(Path::new(&store).exists());
    assert_eq!(dev.stop(), Some(0));
    assert!(!Path::new(&store).parent().unwrap().exists());
}

#[test]
fn with_a_directory_the_next_run_knows_what_the_last_one_did() {
    let directory = std::env::temp_dir().join(format!("otpmux-dev-test-{}", std::process::id()));
    let arguments = ["--data", directory.to_str().unwrap()];
    let first = Dev::start(&arguments);
    let ended = first.run(&["send", "--to", TO, "--id-only"]);
    let (id, key) = (ended.stdout.trim().to_owned(), first.told("api_key").to_owned());
    assert_eq!(first.stop(), Some(0));
    let second = Dev::start(&arguments);
    assert_eq!(second.told("api_key"), key);
    let shown = second.run(&["status", &id, "--json"]).json().remove(0);
    assert_eq!(shown["status"], "pending");
    assert_eq!(second.stop(), Some(0));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn what_is_told_when_it_cannot_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (listen, emulator, option) in
        [(address.as_str(), free, "--listen"), (free, address.as_str(), "--emulator")]
    {
        let mut command = program();
        command.args(["dev", "--listen", listen, "--emulator", emulator]);
        let ended = run(&mut command, "");
        assert_eq!(ended.status, Some(1), "{}", ended.everything());
        assert!(ended.stderr.contains(option), "{}", ended.stderr);
    }
    let mut open = program();
    let ended = run(open.args(["dev", "--listen", "0.0.0.0:0"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("other machines reach 0.0.0.0"), "{}", ended.stderr);
}
