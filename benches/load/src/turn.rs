//! One turn of one program, and its cost.

use std::io::Result;
use std::rc::Rc;
use std::time::Duration;

use otpmux_testkit::RedisServer;
use tokio::task::spawn_local;
use tokio::time::Instant;

use crate::flow::{Load, Numbers, Pace, Tally};
use crate::options::Options;
use crate::servers::Server;
use crate::system;
use crate::vendor::Vendor;

/// Connections are made and caches filled before the measurement.
const WARM_UP: Duration = Duration::from_secs(1);

/// Cost of a turn.
pub(crate) struct Turn {
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    pub(crate) server: Duration,
    pub(crate) redis: Duration,
    /// Processor time of the load and the stub vendor.
    pub(crate) load: Duration,
    pub(crate) scripts: u64,
    /// Resident bytes, now and at most.
    pub(crate) memory: (u64, u64),
}

/// Counters at one moment.
struct Reading {
    at: Instant,
    server: Duration,
    redis: Duration,
    load: Duration,
    scripts: u64,
}

impl Reading {
    fn of(server: &Server, redis: &RedisServer) -> Result<Self> {
        let (redis, scripts) = system::redis(redis)?;
        Ok(Self {
            at: Instant::now(),
            server: system::cpu(server.process())?,
            redis,
            load: system::cpu(std::process::id())?,
            scripts,
        })
    }
}

/// Runs one turn on an empty Redis.
pub(crate) async fn run(
    options: &Options,
    server: &Server,
    redis: &RedisServer,
    vendor: &Rc<Vendor>,
    numbers: &Rc<Numbers>,
) -> Result<Turn> {
    redis.command(&["FLUSHALL", "SYNC"]);
    let flows = options.flows.unwrap_or(u64::MAX);
    let pace = options.rate.map(Pace::new);
    let load = Rc::new(Load::new(server, vendor, numbers, pace, flows));
    let mut before = Reading::of(server, redis)?;
    load.counts.set(options.flows.is_some());
    let clients: Vec<_> =
        (0..options.clients).map(|_| spawn_local(Rc::clone(&load).client())).collect();
    let mut after = None;
    if options.flows.is_none() {
        tokio::time::sleep(WARM_UP).await;
        before = Reading::of(server, redis)?;
        load.counts.set(true);
        tokio::time::sleep(Duration::from_secs(options.seconds)).await;
        load.counts.set(false);
        after = Some(Reading::of(server, redis)?);
        load.end();
    }
    for client in clients {
        client.await?;
    }
    load.end();
    let after = after.map_or_else(|| Reading::of(server, redis), Ok)?;
    Ok(Turn {
        tally: load.tally.replace(Tally::new()),
        elapsed: after.at - before.at,
        server: after.server.saturating_sub(before.server),
        redis: after.redis.saturating_sub(before.redis),
        load: after.load.saturating_sub(before.load),
        scripts: after.scripts - before.scripts,
        memory: system::memory(server.process())?,
    })
}
