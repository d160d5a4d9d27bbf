//! Interrupts vendors, processes and the network between them, while users sign in.
//!
//! Two processes of one application share a Redis; three vendors carry their codes. Vendors fail in
//! every possible way, one process is killed again and again, Redis is restarted, and many users
//! ask for codes and type them, at both processes at the same instant. Then all answers are
//! compared with all messages that arrived: see docs/chaos.md.
//!
//!     cargo run -p otpmux-examples --example chaos -- --seconds 20 --seed 7

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod accounts;
mod conductor;
mod ledger;
mod random;
mod report;
mod stage;
mod story;
mod trouble;
mod user;
mod vendors;
mod wire;
mod worker;
mod workers;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use otpmux::provider::{Entropy as _, OsEntropy};
use otpmux_testkit::RedisServer;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use stage::Stage;

type Mistake = Box<dyn Error + Send + Sync>;

/// The argument with which the worker processes are started.
const WORKER: &str = "--worker";

#[derive(Clone, Copy, Debug)]
struct Options {
    seconds: u64,
    seed: u64,
    /// At the same time.
    users: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = if arguments == [WORKER] {
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map_err(Mistake::from).and_then(|runtime| runtime.block_on(worker::serve()))
    } else {
        Options::read(&arguments).and_then(|options| {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(lead(options))
        })
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => {
            eprintln!("chaos: {mistake}");
            ExitCode::FAILURE
        }
    }
}

async fn lead(options: Options) -> Result<(), Mistake> {
    if !RedisServer::is_installed() {
        return Err("needs redis-server: apt-get install redis-server".into());
    }
    let Options { seconds, seed, users } = options;
    println!("chaos for {seconds} s, {users} users at a time; again with --seed {seed}");
    // However this function ends, everything that it has started ends with it.
    tokio::select! {
        result = run(&options) => result,
        end = told_to_end() => end,
    }
}

async fn run(options: &Options) -> Result<(), Mistake> {
    let stage = Arc::new(Stage::set_up().await?);
    let ledger = conductor::play(&stage, options).await?;
    if report::print(&ledger, &stage) {
        println!("\nevery promise was kept");
        Ok(())
    } else {
        Err("a promise was broken".into())
    }
}

async fn told_to_end() -> Result<(), Mistake> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Err("interrupted".into())
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, Mistake> {
        let mut seed = [0; 4];
        OsEntropy.fill(&mut seed)?;
        let seed = u64::from(u32::from_le_bytes(seed));
        let mut options = Self { seconds: 20, seed, users: 40 };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a number"))?;
            match &**name {
                "--seconds" => options.seconds = value.parse()?,
                "--seed" => options.seed = value.parse()?,
                "--users" => options.users = value.parse()?,
                _ => return Err("takes --seconds, --seed and --users, each with a number".into()),
            }
        }
        // More users would send more messages at a time than an emulator keeps.
        if !(1..=100).contains(&options.users) {
            return Err("--users is 1 to 100".into());
        }
        Ok(options)
    }
}
