//! The directories of servers, and who owns them.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// A directory that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Directory(TempDir);

impl Directory {
    /// Creates an empty one, for the user that runs servers.
    pub(super) fn new() -> Self {
        let directory = TempDir::new().expect("a directory for PostgreSQL");
        give(directory.path());
        Self(directory)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}

/// Returns a new directory with the data of a new server. They are made once, and copied while a
/// server of this process exists.
pub(super) fn fresh() -> (Directory, Arc<Directory>) {
    static TEMPLATE: Mutex<Weak<Directory>> = Mutex::new(Weak::new());
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    let made = template.upgrade().unwrap_or_else(|| {
        let directory = Directory::new();
        let mut initdb = command("initdb");
        initdb.args(["--username=otpmux", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--no-sync", "--wal-segsize=1", "-D"]).arg(directory.data());
        run(initdb);
        Arc::new(directory)
    });
    *template = Arc::downgrade(&made);
    drop(template);
    let directory = Directory::new();
    let mut copy = Command::new("cp");
    run({
        copy.arg("-a").args([made.data(), directory.data()]);
        copy
    });
    (directory, made)
}

/// Makes the user that runs servers the owner.
pub(super) fn give(path: &Path) {
    if let Some((user, group)) = user() {
        chown(path, Some(user), Some(group)).expect("root may give away what it has made");
    }
}

/// Runs a command to its end.
pub(super) fn run(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} fails: {said}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Returns a command of PostgreSQL, for the user that runs servers.
pub(super) fn command(name: &str) -> Command {
    let program = program(name);
    let mut command = match user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={group}")]);
            command.arg("--clear-groups").arg(program);
            command
        }
    };
    // Not the directory of the test, which that user may not be able to enter.
    command.current_dir("/");
    command
}

/// Names a directory with the programs of the PostgreSQL to test with; those that it lacks are Debian's.
const PROGRAMS: &str = "OTPMUX_TEST_POSTGRES";

/// Returns the path of a program: in the directory that the environment names, or of the newest
/// PostgreSQL that is installed, as Debian places it; else the name, for the search path.
pub(super) fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    let newest = versions.map(|entry| entry.path()).max_by_key(|path| version(path));
    let named = std::env::var_os(PROGRAMS).map(PathBuf::from);
    let directories = named.into_iter().chain(newest.map(|path| path.join("bin")));
    let program = directories.map(|path| path.join(name)).find(|path| path.exists());
    program.unwrap_or_else(|| name.into())
}

/// Returns user and group for servers, if this process is root's: PostgreSQL refuses to run as root.
fn user() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").ok()?.uid();
    if own != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |wanted: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut numbers = line.split(':').skip(2).map_while(|word| word.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    find("postgres").or_else(|| find("nobody"))
}
