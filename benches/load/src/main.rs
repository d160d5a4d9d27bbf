#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod door;
mod flow;
mod options;
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
use report::{Report, Turns};
use servers::{Directory, Server, Surroundings};

fn main() -> ExitCode {
    let options = Options::parse();
    match prepare(&options).and_then(|runtime| LocalSet::new().block_on(&runtime, run(&options))) {
        Ok(report) => {
            print!("{}", report.text);
            for missed in &report.missed {
                println!("missed: {missed}");
            }
            let bad = report.failed || options.check && !report.missed.is_empty();
            ExitCode::from(u8::from(bad))
        }
        Err(error) => {
            eprintln!("otpmux-loadtest: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prepares the process before there is a second thread, or Redis.
fn prepare(options: &Options) -> Result<tokio::runtime::Runtime> {
    if !RedisServer::is_installed() {
        return Err(Error::other("redis-server is not installed: apt-get install redis-server"));
    }
    if !options.no_pinning {
        system::pin_self(&options.load_cores)?;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn run(options: &Options) -> Result<Report> {
    let redis = RedisServer::start();
    let vendor = Rc::<vendor::Vendor>::default();
    vendor.delay.set(options.vendor_delay());
    let directory = Directory::new()?;
    let around =
        Surroundings { directory: &directory, redis: &redis.url(), vendor: vendor.serve().await? };
    let mut servers = Vec::new();
    for program in &options.programs {
        servers.push(Server::start(*program, options, &around).await?);
    }
    let turns = |server: &Server| Turns { program: server.program, turns: Vec::new() };
    let mut all: Vec<Turns> = servers.iter().map(turns).collect();
    let numbers = Rc::default();
    for round in 1..=options.rounds {
        for (server, turns) in servers.iter().zip(&mut all) {
            eprintln!("round {round} of {}: {}", options.rounds, server.program.name());
            turns.turns.push(turn::run(options, server, &redis, &vendor, &numbers).await?);
        }
    }
    Ok(Report::of(&all, options))
}
