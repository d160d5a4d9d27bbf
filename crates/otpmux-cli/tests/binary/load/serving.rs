//! A gateway as a separate process, with its log.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::shared::Shared;

pub(crate) const KEY: &str = "made-up api key of 32 bytes or more";
/// The longest time that a process may take to obey a signal.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Log {
    text: Mutex<String>,
    more: Condvar,
}

impl Serving {
    pub(crate) fn start(shared: &Shared) -> Self {
        Self::start_with(shared, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(shared: &Shared, environment: &[(&str, &str)]) -> Self {
        let mut command = shared.command(&["-v", "serve", "--json", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied()).env("API_KEY", KEY);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Log::default());
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in lines.map_while(Result::ok) {
                    let mut text = log.text.lock().unwrap();
                    text.push_str(&line);
                    text.push('\n');
                    log.more.notify_all();
                }
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect(&line);
        let url = ready["listening"].as_str().unwrap().to_owned();
        Self { child, url, log, reader: Some(reader) }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Waits until it has logged this text so many times.
    pub(crate) fn logs(&self, wanted: &str, times: usize) {
        let text = self.log.text.lock().unwrap();
        let missing = |text: &mut String| text.matches(wanted).count() < times;
        let (text, late) = self.log.more.wait_timeout_while(text, PATIENCE, missing).unwrap();
        assert!(!late.timed_out(), "{wanted} {times} times in:\n{text}");
    }

    /// Ends it at once, by SIGKILL, and answers what it has logged.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().1
    }

    /// Waits for its end: its status, and what it has logged.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap().code();
        // Its standard error ends with it.
        self.reader.take().unwrap().join().unwrap();
        (status, std::mem::take(&mut self.log.text.lock().unwrap()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
