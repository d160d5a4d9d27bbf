//! Two processes on one server, at the same instant. They run the test binary again, with jobs on
//! their input, line by line. A test binary has a module `processes`, whose test `worker` calls
//! [`work`].
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that fails must panic")]

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use otpmux_engine::{
    Created, Guess, Guessed, IdempotencyRecord, VerificationId, VerificationStore,
};
use tokio::time::Instant;

use super::{CODE, WRONG, create, guess, now, put, record};

/// Set for a worker process, to its server.
const WORKER: &str = "OTPMUX_TEST_WORKER";
/// The prefix of an answer, since the test harness writes lines, too.
const MARK: &str = "worker answers: ";

/// How often each answer came.
type Counts = BTreeMap<String, u32>;

/// Job of a worker, run this many times at once.
#[derive(Clone)]
enum Job {
    Create(u32),
    CheckGuess(Box<Guess>),
}

impl Job {
    fn of(words: &[&str]) -> Self {
        if words[0] == "create" {
            return Self::Create(words[1].parse().unwrap());
        }
        let id: VerificationId = words[1].parse().unwrap();
        Self::CheckGuess(Box::new(guess(id, if words[0] == "right" { CODE } else { WRONG })))
    }

    /// Runs it and returns its result.
    async fn run(self, store: Arc<dyn VerificationStore>) -> String {
        match self {
            Self::Create(number) => {
                let mut record = record(number);
                let name = u128::from(number).to_be_bytes();
                record.request = Some(Box::new(IdempotencyRecord { name, content: [7; 16] }));
                match store.create(create(record), now()).await.unwrap() {
                    Created::New(_) => "new".to_owned(),
                    Created::Replayed(_) => "before".to_owned(),
                    other => format!("{other:?}"),
                }
            }
            Self::CheckGuess(guess) => match store.check_guess(&guess, now()).await.unwrap() {
                Guessed::Verdict { verdict, .. } => verdict.as_str().to_owned(),
                Guessed::AskVendors(_) => "ask_vendors".to_owned(),
                Guessed::KeyReused => panic!("no guess has a name"),
            },
        }
    }
}

/// The main function of a worker process; does nothing in any other. `open` opens the store at the
/// URL of the server.
pub fn work(open: impl FnOnce(&str) -> Arc<dyn VerificationStore>) {
    let Ok(url) = env::var(WORKER) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    let store = open(&url);
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let times: usize = words[2].parse().unwrap();
        let counts = runtime.block_on(async {
            let job = Job::of(&words);
            let run = |_| tokio::spawn(job.clone().run(Arc::clone(&store)));
            let tasks: Vec<_> = (0..times).map(run).collect();
            let mut counts = Counts::new();
            for task in tasks {
                *counts.entry(task.await.unwrap()).or_default() += 1;
            }
            counts
        });
        let counts: Vec<_> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
        // Not printed: the harness would keep what is.
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{MARK}{}", counts.join(" ")).unwrap();
    }
}

struct Worker {
    child: Child,
    stdin: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(url: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this test binary"));
        command.args(["--exact", "processes::worker", "--nocapture"]).env(WORKER, url);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process");
        let stdin = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, stdin, answers }
    }

    fn send(&mut self, job: &str) {
        writeln!(self.stdin, "{job}").expect("a worker that listens");
    }

    fn answer(&mut self) -> Counts {
        let mut answers = self.answers.by_ref().map(|line| line.expect("a line"));
        let answer = answers.find_map(|line| Some(line.split_once(MARK)?.1.to_owned()));
        let answer = answer.expect("a worker that answers");
        let words: Vec<&str> = answer.split(' ').collect();
        let pairs = words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap()));
        pairs.collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Fails only for a process that has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs both at once; returns the sum of their answers.
fn both(workers: &mut [Worker; 2], job: &str) -> Counts {
    for worker in &mut *workers {
        worker.send(job);
    }
    let mut sum = Counts::new();
    for worker in workers {
        for (word, count) in worker.answer() {
            *sum.entry(word).or_default() += count;
        }
    }
    sum
}

fn count(counts: &Counts, word: &str) -> u32 {
    counts.get(word).copied().unwrap_or(0)
}

/// Runs rounds: a thousand, or fewer on a slow machine, but at least 200.
async fn rounds(seconds: u64, mut round: impl AsyncFnMut(u32)) {
    let begun = Instant::now();
    for number in 0..1_000 {
        if number >= 200 && begun.elapsed() > Duration::from_secs(seconds) {
            return;
        }
        round(number).await;
    }
}

/// Of 64 right codes in two processes, one is approved.
pub async fn of_64_right_codes_in_two_processes_one_is_approved(
    url: &str,
    store: &dyn VerificationStore,
) {
    let mut workers = [Worker::start(url), Worker::start(url)];
    rounds(12, async |round| {
        let id = put(store, record(round)).await;
        let counts = both(&mut workers, &format!("right {id} 32"));
        let answers = (count(&counts, "approved"), count(&counts, "already_used"));
        assert_eq!(answers, (1, 63), "{counts:?}");
    })
    .await;
}

/// Of 100 wrong codes in two processes, as many as the cap allows are compared.
pub async fn of_100_wrong_codes_in_two_processes_the_cap_is_compared(
    url: &str,
    store: &dyn VerificationStore,
) {
    let mut workers = [Worker::start(url), Worker::start(url)];
    rounds(6, async |round| {
        let id = put(store, record(round)).await;
        let counts = both(&mut workers, &format!("wrong {id} 50"));
        assert_eq!(count(&counts, "wrong_code"), 5, "{counts:?}");
        assert_eq!(count(&counts, "too_many_guesses"), 95, "{counts:?}");
        assert_eq!(store.load(id, now()).await.unwrap().unwrap().guesses, 5);
    })
    .await;
}

/// Of 50 requests of one name in two processes, one is made.
pub async fn of_50_requests_of_one_name_in_two_processes_one_is_made(url: &str) {
    let mut workers = [Worker::start(url), Worker::start(url)];
    rounds(6, async |round| {
        let counts = both(&mut workers, &format!("create {round} 25"));
        assert_eq!((count(&counts, "new"), count(&counts, "before")), (1, 49), "{counts:?}");
    })
    .await;
}
