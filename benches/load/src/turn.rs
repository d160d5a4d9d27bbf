//! One turn of one program, and its cost.

use std::io::Result;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::Instant;

use crate::flow::{Caller, Load, Numbers, Pace, Tally};
use crate::options::Options;
use crate::redis_servers::{Redis, Work};
use crate::servers::Server;
use crate::system::{self, Resident};
use crate::vendor::Vendor;

/// Connections are made and caches filled before the measurement.
const WARM_UP: Duration = Duration::from_secs(1);

/// Cost of a turn.
pub(crate) struct Turn {
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    pub(crate) server: Duration,
    pub(crate) redis: Work,
    /// Processor time of the load and the stub vendor.
    pub(crate) load: Duration,
    /// Time that other programs have taken from the cores in use.
    pub(crate) others: Duration,
    /// Resident memory of all processes.
    pub(crate) memory: Resident,
}

impl Turn {
    /// Returns how much of a core other programs have used.
    pub(crate) fn others_share(&self) -> f64 {
        self.others.as_secs_f64() / self.elapsed.as_secs_f64()
    }
}

/// Counters at one moment.
struct Reading {
    at: Instant,
    server: Duration,
    redis: Work,
    load: Duration,
    cores: Duration,
}

impl Reading {
    fn of(server: &Server, redis: &Redis, cores: &[u32]) -> Result<Self> {
        Ok(Self {
            redis: redis.work()?,
            at: Instant::now(),
            server: server.cpu()?,
            load: system::cpu(std::process::id())?,
            cores: system::busy(cores)?,
        })
    }
}

/// Runs one turn on an empty Redis.
pub(crate) async fn run(
    options: &Options,
    server: &Server,
    redis: &Redis,
    vendor: &Rc<Vendor>,
    numbers: &Rc<Numbers>,
) -> Result<Turn> {
    redis.empty();
    let cores = options.cores()?;
    let flows = options.flows.unwrap_or(u64::MAX);
    let pace = options.rate.map(Pace::new);
    let load = Rc::new(Load::new(pace, flows));
    let mut before = Reading::of(server, redis, &cores)?;
    load.counts.set(options.flows.is_some());
    let callers = (0..options.clients).map(|client| Caller::new(server, client, vendor, numbers));
    let clients: Vec<_> =
        callers.map(|caller| spawn_local(Rc::clone(&load).client(caller))).collect();
    let mut after = None;
    if options.flows.is_none() {
        tokio::time::sleep(WARM_UP).await;
        before = Reading::of(server, redis, &cores)?;
        load.counts.set(true);
        tokio::time::sleep(Duration::from_secs(options.seconds)).await;
        load.counts.set(false);
        after = Some(Reading::of(server, redis, &cores)?);
        load.end();
    }
    for client in clients {
        client.await?;
    }
    load.end();
    let after = after.map_or_else(|| Reading::of(server, redis, &cores), Ok)?;
    let (server_cpu, load_cpu) =
        (after.server.saturating_sub(before.server), after.load.saturating_sub(before.load));
    let redis = after.redis.since(&before.redis);
    let cores = after.cores.saturating_sub(before.cores);
    Ok(Turn {
        tally: load.tally.replace(Tally::new()),
        elapsed: after.at - before.at,
        // The system counts processes and cores at different moments.
        others: cores.saturating_sub(server_cpu + load_cpu + redis.all_cpu()),
        server: server_cpu,
        redis,
        load: load_cpu,
        memory: server.memory()?,
    })
}
