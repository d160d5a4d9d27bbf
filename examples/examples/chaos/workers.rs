//! A worker as its parent sees it: a child process that gets requests, is killed and restarted.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use crate::wire::{Answer, Answered, Ask, Asked, READY, Setup};
use crate::{Mistake, WORKER};

/// How long a worker may take to start.
const START: Duration = Duration::from_secs(30);
/// Far longer than any call may take: a request that waits so long was forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Worker {
    letter: char,
    setup: Setup,
    started: AtomicU32,
    /// How often it ended unexpectedly.
    deaths: Arc<AtomicU32>,
    line: Mutex<Arc<Line>>,
    child: tokio::sync::Mutex<Child>,
}

/// The connection to one process, from its start to its end.
#[derive(Debug)]
struct Line {
    name: String,
    requests: mpsc::UnboundedSender<String>,
    /// `None` once the process has ended.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Answered>>>>,
    next: AtomicU64,
    to_be_killed: AtomicBool,
}

/// Result of a request.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The process that got the request, such as `B3`.
    pub(crate) by: String,
    pub(crate) asked: Instant,
    pub(crate) answered: Instant,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Answer(Answer, Duration),
    /// It was killed before it answered.
    Cut,
    /// There was no process.
    Down,
    /// It lives and has never answered.
    Forgotten,
}

impl Worker {
    pub(crate) async fn start(letter: char, setup: Setup) -> Result<Self, Mistake> {
        let deaths = Arc::<AtomicU32>::default();
        let (child, line) = spawn(&setup, format!("{letter}1"), &deaths).await?;
        let (line, child) = (Mutex::new(line), tokio::sync::Mutex::new(child));
        Ok(Self { letter, setup, started: AtomicU32::new(1), deaths, line, child })
    }

    pub(crate) async fn ask(&self, what: Ask) -> Told {
        let line = Arc::clone(&self.line());
        let asked = Instant::now();
        let outcome = line.ask(what).await;
        Told { by: line.name.clone(), asked, answered: Instant::now(), outcome }
    }

    /// Kills the process, as `kill -9` does.
    pub(crate) async fn kill(&self) -> Result<(), Mistake> {
        let line = Arc::clone(&self.line());
        line.to_be_killed.store(true, Ordering::SeqCst);
        Ok(self.child.lock().await.kill().await?)
    }

    /// Starts it again after [`kill`](Self::kill).
    pub(crate) async fn start_anew(&self) -> Result<(), Mistake> {
        let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        let name = format!("{}{number}", self.letter);
        let (child, line) = spawn(&self.setup, name, &self.deaths).await?;
        *self.child.lock().await = child;
        *self.line() = line;
        Ok(())
    }

    pub(crate) fn kills(&self) -> u32 {
        self.started.load(Ordering::SeqCst) - 1
    }

    pub(crate) fn deaths(&self) -> u32 {
        self.deaths.load(Ordering::SeqCst)
    }

    fn line(&self) -> MutexGuard<'_, Arc<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn spawn(
    setup: &Setup,
    name: String,
    deaths: &Arc<AtomicU32>,
) -> Result<(Child, Arc<Line>), Mistake> {
    let mut child = Command::new(this_program()?)
        .arg(WORKER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let (input, output) = pipes.ok_or("a child without pipes")?;
    let (requests, lines) = mpsc::unbounded_channel();
    let line = Arc::new(Line {
        name: name.clone(),
        requests,
        waiting: Mutex::new(Some(HashMap::new())),
        next: AtomicU64::new(0),
        to_be_killed: AtomicBool::new(false),
    });
    line.requests.send(serde_json::to_string(&Setup { name, ..setup.clone() })?)?;
    tokio::spawn(write(input, lines));
    let (ready, is_ready) = oneshot::channel();
    tokio::spawn(read(output, Arc::clone(&line), ready, Arc::clone(deaths)));
    timeout(START, is_ready).await?.map_err(|_| "a worker did not start")?;
    Ok((child, line))
}

/// Returns this very program, on systems that know it even after a build has replaced it.
fn this_program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.is_symlink() { Ok(running) } else { std::env::current_exe() }
}

async fn write(mut input: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        // The process was killed; the end of its output informs those who wait.
        if input.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(
    output: ChildStdout,
    line: Arc<Line>,
    ready: oneshot::Sender<()>,
    deaths: Arc<AtomicU32>,
) {
    let mut lines = BufReader::new(output).lines();
    if matches!(lines.next_line().await, Ok(Some(word)) if word == READY) {
        let _ = ready.send(());
    }
    while let Ok(Some(text)) = lines.next_line().await {
        // A killed process may leave half a line.
        let Ok(answered) = serde_json::from_str::<Answered>(&text) else { continue };
        let waiting = line.waiting().as_mut().and_then(|all| all.remove(&answered.id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(answered);
        }
    }
    if !line.to_be_killed.load(Ordering::SeqCst) {
        deaths.fetch_add(1, Ordering::SeqCst);
    }
    // Dropping the senders informs those who wait.
    line.waiting().take();
}

impl Line {
    async fn ask(&self, what: Ask) -> Outcome {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let (answer, answered) = oneshot::channel();
        match self.waiting().as_mut() {
            Some(all) => all.insert(id, answer),
            None => return Outcome::Down,
        };
        let asked = serde_json::to_string(&Asked { id, what });
        if asked.is_ok_and(|line| self.requests.send(line).is_err()) {
            // Its writer has ended, so its reader will end soon.
            return Outcome::Cut;
        }
        match timeout(FORGOTTEN, answered).await {
            Ok(Ok(answered)) => Outcome::Answer(answered.answer, answered.took),
            Ok(Err(_)) => Outcome::Cut,
            Err(_) => Outcome::Forgotten,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Answered>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
