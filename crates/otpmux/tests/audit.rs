//! The audit log as a file: whole lines, whatever happens to the process, the file or the disk.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use otpmux::audit::{AuditEntry, AuditLog, AuditSink as _, AuditTo};
use otpmux::config::Environment;
use otpmux::{Config, NewVerification, OtpClient};
use otpmux_testkit::LogCapture;
use serde_json::Value;
use tempfile::TempDir;

/// A folder that is removed in the end.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("audit.log")
    }

    fn open(&self, queue: usize) -> AuditLog {
        AuditLog::open(AuditTo::File(self.file()), queue).unwrap()
    }
}

fn entry(number: u64) -> AuditEntry {
    let mut entry = AuditEntry::new("test", SystemTime::UNIX_EPOCH);
    entry.more.insert("number", number.into());
    // As long as a real one.
    entry.recipient_hash = Some("5".repeat(200));
    entry
}

/// The entries of a file, each a whole line, and the fragments of lines.
fn read(file: &Path) -> (Vec<Value>, usize) {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    let whole: Vec<Value> =
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let fragments = lines.len() - whole.len();
    (whole, fragments)
}

fn numbers(file: &Path) -> Vec<u64> {
    let (entries, fragments) = read(file);
    assert_eq!(fragments, 0);
    entries.iter().filter_map(|entry| entry["number"].as_u64()).collect()
}

#[test]
fn entries_are_lines_in_order_and_only_the_owner_may_read_them() {
    let folder = Folder::new();
    let log = folder.open(1_000);
    (0..500).for_each(|number| log.record(entry(number)));
    drop(log);
    assert_eq!(numbers(&folder.file()), (0..500).collect::<Vec<_>>());
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_is_rotated_away_is_created_again() {
    let folder = Folder::new();
    let (log, rotated) = (folder.open(100), folder.0.path().join("audit.log.1"));
    log.record(entry(1));
    log.flush();
    fs::rename(folder.file(), &rotated).unwrap();
    log.record(entry(2));
    log.flush();
    fs::remove_file(folder.file()).unwrap();
    log.record(entry(3));
    log.flush();
    assert_eq!((numbers(&rotated), numbers(&folder.file())), (vec![1], vec![3]));
}

#[test]
fn a_line_that_another_process_left_unfinished_spoils_no_other() {
    let folder = Folder::new();
    fs::write(folder.file(), r#"{"at":"2026-"#).unwrap();
    let log = folder.open(100);
    log.record(entry(1));
    log.flush();
    log.record(entry(2));
    drop(log);
    let (entries, fragments) = read(&folder.file());
    assert_eq!((entries.len(), fragments), (2, 1));
    assert_eq!(fs::read_to_string(folder.file()).unwrap().lines().count(), 3);
}

/// `/dev/full` refuses each write as a full disk does.
#[test]
fn a_full_disk_is_reported_once_and_what_was_lost_is_in_the_log() {
    let (folder, capture) = (Folder::new(), LogCapture::new());
    symlink("/dev/full", folder.file()).unwrap();
    let _guard = capture.install_scoped();
    let log = folder.open(16);
    log.record(entry(0));
    log.flush();
    for number in 1..100 {
        log.record(entry(number));
    }
    let reports = |text: &str| capture.text().matches(text).count();
    assert_eq!(reports("the audit log cannot be written"), 1);
    fs::remove_file(folder.file()).unwrap();
    log.flush();
    log.flush();
    log.record(entry(100));
    drop(log);
    let (entries, fragments) = read(&folder.file());
    let lost: u64 = entries.iter().filter_map(|entry| entry["entries"].as_u64()).sum();
    let kept = entries.iter().filter(|entry| entry["event"] == "test").count() as u64;
    assert_eq!((lost + kept, fragments), (101, 0), "{entries:?}");
    assert!((1..=85).contains(&lost), "{lost}");
    assert!(entries.iter().any(|entry| entry["event"] == "audit_lost"));
    assert_eq!(entries[0]["number"], 0, "what waited is not lost");
    assert_eq!(reports("the audit log is written again"), 1);
    assert_eq!(reports("the audit log cannot be written"), 1);
}

#[test]
fn a_log_that_ends_on_a_full_disk_says_what_is_lost() {
    let (folder, capture) = (Folder::new(), LogCapture::new());
    symlink("/dev/full", folder.file()).unwrap();
    let _guard = capture.install_scoped();
    let log = folder.open(16);
    (0..10).for_each(|number| log.record(entry(number)));
    drop(log);
    assert!(capture.text().contains("until the end"), "{}", capture.text());
}

/// Set for a process that writes until it is killed, to its file.
const WRITER: &str = "OTPMUX_TEST_AUDIT_WRITER";

struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(file: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "writer", "--nocapture"]).env(WRITER, file);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits until it has written that many batches more, and returns the last one's number.
    fn wrote(&mut self, batches: usize) -> u64 {
        let marks = self.lines.by_ref().filter_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("wrote ").map(|number| number.parse().unwrap())
        });
        marks.take(batches).last().unwrap()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SIGKILL.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The main function of such a process; does nothing in any other.
#[test]
fn writer() {
    let Some(file) = std::env::var_os(WRITER) else { return };
    let log = AuditLog::open(AuditTo::File(file.into()), 1_000).unwrap();
    for batch in 0.. {
        for number in 0..50 {
            let mut entry = entry(batch * 50 + number);
            entry.more.insert("process", std::process::id().into());
            log.record(entry);
        }
        log.flush();
        writeln!(std::io::stdout(), "wrote {batch}").unwrap();
    }
}

#[test]
fn two_processes_share_a_file_and_kill_9_leaves_whole_lines() {
    let folder = Folder::new();
    let mut least = BTreeMap::new();
    for round in 0..6 {
        let mut writers = [Writer::start(&folder.file()), Writer::start(&folder.file())];
        for writer in &mut writers {
            let last = writer.wrote(1 + round * 3);
            least.insert(u64::from(writer.child.id()), (last + 1) * 50);
        }
    }
    let (entries, fragments) = read(&folder.file());
    assert!(fragments <= least.len(), "{fragments} lines are in pieces");
    let mut seen: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for entry in &entries {
        let process = entry["process"].as_u64().unwrap();
        seen.entry(process).or_default().push(entry["number"].as_u64().unwrap());
    }
    for (process, least) in least {
        let numbers = &seen[&process];
        let expected: Vec<_> = (0..numbers.len() as u64).collect();
        assert_eq!(*numbers, expected, "each once, in order");
        assert!(numbers.len() as u64 >= least, "{} of {least}", numbers.len());
    }
}

const CONFIG: &str = r#"
    [providers.primary]
    kind = "easyotp"
    api_key = "env:KEY"
"#;

fn config(audit: &str) -> Result<Config, otpmux::config::ConfigErrors> {
    Config::from_toml(&format!("{CONFIG}\n{audit}"), &Environment::new().with("KEY", "made-up-key"))
}

#[tokio::test]
async fn the_configuration_opens_the_log_when_a_client_is_built() {
    let folder = Folder::new();
    let audit = format!("[audit]\nfile = {:?}", folder.file());
    let config = config(&audit).unwrap();
    assert!(!folder.file().exists(), "reading a configuration touches no file");
    let client = OtpClient::from_config(&config).unwrap();
    // Refused before any request.
    let refused = NewVerification::to("+14155550123".parse::<otpmux::Recipient>().unwrap());
    client.send(refused.with_code_length(99)).await.unwrap_err();
    client.flush_audit();
    let (entries, _) = read(&folder.file());
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["event"], &entries[0]["outcome"]),
        (&"send".into(), &"invalid_request".into())
    );
}

#[test]
fn a_log_that_goes_nowhere_or_to_two_places_is_a_mistake() {
    for (audit, told) in [
        ("[audit]", "audit: says not where the log goes; set `file`, or `stdout = true`"),
        (
            "[audit]\nfile = \"a\"\nstdout = true",
            "audit.stdout: the log goes to `file` already; remove one",
        ),
        ("[audit]\nfiel = \"a\"", "did you mean `file`?"),
        ("[audit]\nstdout = true\nqueue = 1", "audit.queue"),
    ] {
        let errors = config(audit).unwrap_err().to_string();
        assert!(errors.contains(told), "{audit}: {errors}");
    }
    let to =
        |audit: &str| config(audit).unwrap().audit().and_then(otpmux::config::AuditSettings::to);
    assert_eq!(to("[audit]\nstdout = true"), Some(AuditTo::Stdout));
    assert_eq!(to(""), None);
    let error =
        OtpClient::from_config(&config("[audit]\nfile = \"/no/such/folder/a.log\"").unwrap());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("/no/such/folder/a.log: No such file"), "{error}");
}

#[test]
fn an_open_log_shows_where_it_goes() {
    let folder = Folder::new();
    let log: Arc<AuditLog> = Arc::new(folder.open(16));
    assert!(format!("{log:?}").contains("audit.log"));
}
