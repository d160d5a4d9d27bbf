//! The processes of a server: the first one, and one for each connection and duty.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::files::command;

/// How long processes may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Kill,
    Quit,
    Stop,
    Continue,
}

/// Returns the process and its children, the process first.
pub(super) fn family(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|pid| stat(*pid).is_some_and(|(_, parent)| parent == of));
    std::iter::once(of).chain(children).collect()
}

/// Sends a signal. A process that has ended meanwhile does not matter.
pub(super) fn signal(signal: Signal, pids: &[u32]) {
    let name = match signal {
        Signal::Kill => "-KILL",
        Signal::Quit => "-QUIT",
        Signal::Stop => "-STOP",
        Signal::Continue => "-CONT",
    };
    let mut kill = Command::new("kill");
    kill.arg(name).args(pids.iter().map(u32::to_string)).stderr(Stdio::null());
    let _ = kill.status();
}

/// Limits the sizes of files that they write, to bytes or `unlimited`. Processes that they start get
/// the same limit. The first one must run; another one that has ended meanwhile does not matter.
pub(super) fn limit_files(bytes: &str, pids: &[u32]) {
    for (at, pid) in pids.iter().enumerate() {
        // Only their user may do it. The soft limit alone, so that it can be raised again.
        let mut limit = command("prlimit");
        limit.args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:")]);
        let done = limit.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        assert!(done || at > 0, "files of PostgreSQL cannot be limited (prlimit of util-linux)");
    }
}

/// Waits until none of them runs. A process whose result was not asked for yet counts as ended.
pub(super) fn until_gone(pids: &[u32]) {
    let begun = Instant::now();
    while pids.iter().any(|pid| stat(*pid).is_some_and(|(state, _)| state != 'Z')) {
        assert!(begun.elapsed() < PATIENCE, "processes of PostgreSQL do not end");
        std::thread::yield_now();
    }
}

/// Returns the state of a process, and its parent.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}
