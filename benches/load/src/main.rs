#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod door;
mod figures;
mod flow;
mod memory;
mod options;
mod quiet;
mod receiver;
mod redis_servers;
mod report;
mod servers;
mod system;
mod turn;
mod vendor;
mod wire;

use std::io::{Error, Result};
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser as _;
use otpmux_testkit::RedisServer;
use tokio::task::LocalSet;

use options::Options;
use quiet::Quiet;
use redis_servers::Redis;
use report::{Measured, Report};
use servers::{Server, Surroundings};
use turn::Turn;

fn main() -> ExitCode {
    let options = Options::parse();
    match prepare(&options).and_then(|runtime| LocalSet::new().block_on(&runtime, run(&options))) {
        Ok(Report::Failed(failures)) => {
            for failure in failures {
                eprintln!("otpmux-loadtest: {failure}");
            }
            eprintln!("otpmux-loadtest: no figure is reported of a run with failed flows");
            ExitCode::FAILURE
        }
        Ok(Report::Good(good)) => {
            print!("{}", if options.json { good.json() } else { good.text() });
            ExitCode::from(u8::from(options.check && !good.missed.is_empty()))
        }
        Err(error) => {
            eprintln!("otpmux-loadtest: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prepares the process before there is a second thread, or Redis.
fn prepare(options: &Options) -> Result<tokio::runtime::Runtime> {
    if let Some(contradiction) = options.contradiction() {
        return Err(Error::other(contradiction));
    }
    if !RedisServer::is_installed() {
        return Err(Error::other("redis-server is not installed: apt-get install redis-server"));
    }
    if !options.no_pinning {
        system::pin_self(&options.load_cores)?;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn run(options: &Options) -> Result<Report> {
    let mut quiet = Quiet::new(options)?;
    quiet.calibrate()?;
    let redis = Redis::start(options.redis_nodes);
    let vendor = Rc::<vendor::Vendor>::default();
    vendor.delay.set(options.vendor_delay());
    let directory = tempfile::tempdir()?;
    let (vendor_at, receiver_at) = (vendor.serve().await?, receiver::serve().await?);
    let around = Surroundings {
        directory: directory.path(),
        redis: &redis,
        vendor: vendor_at,
        receiver: receiver_at,
    };
    let mut servers = Vec::new();
    for program in &options.programs {
        servers.push(Server::start(*program, options, &around).await?);
    }
    let numbers = Rc::default();
    let mut all = Vec::new();
    for server in &servers {
        let memory = memory::measure(options, server, &redis, &vendor, &numbers).await?;
        all.push(Measured { program: server.program, turns: Vec::new(), memory });
    }
    for round in 1..=options.rounds {
        for (server, turns) in servers.iter().zip(&mut all) {
            eprintln!("round {round} of {}: {}", options.rounds, server.program.name());
            turns.turns.push(turn::run(options, server, &redis, &vendor, &numbers).await?);
        }
        quiet.calibrate()?;
    }
    let others = all.iter().flat_map(|turns| &turns.turns).map(Turn::others_share);
    let warnings = quiet.warnings(others);
    Ok(Report::of(&all, options, warnings))
}
