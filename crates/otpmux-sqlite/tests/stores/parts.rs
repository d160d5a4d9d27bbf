//! The parts that this program plays as another process of a trial.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otpmux_core::ErrorKind;
use otpmux_engine::{Create, Created, IdempotencyRecord, VerificationId, VerificationStore};
use otpmux_sqlite::SqliteStore;
use otpmux_testkit::shared_store::escalation;

use crate::home::{CODE, WRONG, counted, create, guess, keys, now, quick, record};

const PART: &str = "OTPMUX_SQLITE_PART";
const FILE: &str = "OTPMUX_SQLITE_FILE";

/// Plays the part that the environment names; whether there is one.
pub(crate) fn play() -> bool {
    let Ok(part) = std::env::var(PART) else { return false };
    let file = std::env::var_os(FILE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(Path::new(&file), quick()).unwrap());
        match &*part {
            "writer" => write_on(store).await,
            "peer" => obey(store).await,
            "timers" => escalation::take_what_is_due(store).await,
            _ => panic!("no such part: {part}"),
        }
    });
    true
}

/// The command that runs this program in a part.
pub(crate) fn command(part: &str, file: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(PART, part).env(FILE, file);
    command
}

/// Another process of this program, in a part.
pub(crate) struct Other {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(part: &str, file: &Path) -> Self {
        Self::start_by(&mut command(part, file), part, file)
    }

    /// By a command that leads to this program.
    pub(crate) fn start_by(command: &mut Command, part: &str, file: &Path) -> Self {
        let command = command.env(PART, part).env(FILE, file);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, to, from: BufReader::new(from) }
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    /// The next whole line that it says; `None` when it says no more.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    /// Kills it at once, as `kill -9` does, and gives what it had still said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let said = std::iter::from_fn(|| self.line()).collect();
        self.child.wait().unwrap();
        said
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line at a time, also while other processes write.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Creates, tries and approves, eight at once, and says what it was answered. Ends at the first
/// error, which it says too.
async fn write_on(store: Arc<SqliteStore>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                loop {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    if let Err(error) = write_one(&store, number).await {
                        assert_eq!(error.kind(), ErrorKind::Store);
                        say(&format!("failed {error}"));
                        return;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    say("end");
}

async fn write_one(store: &SqliteStore, number: u32) -> Result<(), otpmux_core::Error> {
    let record = record(number);
    let id = record.id;
    let created = store.create(counted(record), now()).await?;
    assert!(matches!(created, Created::New(_)));
    say(&format!("created {id}"));
    say(&format!("{} {id}", guess(store, id, WRONG).await?));
    // A third is left pending.
    if !number.is_multiple_of(3) {
        say(&format!("{} {id}", guess(store, id, CODE).await?));
    }
    Ok(())
}

/// Executes its input line by line: the call, its argument, and the number of tasks. Prints the
/// word for each answer.
async fn obey(store: Arc<SqliteStore>) {
    say("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let [what, with, tasks] = words[..] else { panic!("not an order: {line}") };
        say(&at_once(&store, what, with, tasks.parse().unwrap()).await.join(" "));
    }
}

/// Does one thing in many tasks at once, and gives the word for each answer.
pub(crate) async fn at_once(
    store: &Arc<SqliteStore>,
    what: &str,
    with: &str,
    tasks: u32,
) -> Vec<String> {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (store, what, with) = (Arc::clone(store), what.to_owned(), with.to_owned());
            tokio::spawn(async move { one(&store, &what, &with).await })
        })
        .collect();
    let mut words = Vec::new();
    for task in tasks {
        words.push(task.await.unwrap());
    }
    words
}

async fn one(store: &SqliteStore, what: &str, with: &str) -> String {
    let id = || -> VerificationId { with.parse().unwrap() };
    match what {
        "right" => guess(store, id(), CODE).await.unwrap().to_owned(),
        "wrong" => guess(store, id(), WRONG).await.unwrap().to_owned(),
        "name" => {
            let name = keys().tag("name", with.as_bytes());
            let mut record = record(with.parse().unwrap());
            record.request = Some(Box::new(IdempotencyRecord { name, content: [1; 16] }));
            named(store, create(record)).await
        }
        _ => panic!("no such thing to do: {what}"),
    }
}

/// The id of the verification that there is under this name, and whether it is new.
async fn named(store: &SqliteStore, create: Create) -> String {
    let id = create.record.id;
    match store.create(create, now()).await.unwrap() {
        Created::New(_) => format!("new:{id}"),
        Created::Replayed(before) => format!("before:{}", before.id),
        other => panic!("{other:?}"),
    }
}
