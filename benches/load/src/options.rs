use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::system;

/// Run flows on the gateway and on the floor, in turns: send, the stub vendor gets the message,
/// verify with its code. The floor is a bare program that does the same without any protection.
#[derive(Debug, Parser)]
#[command(name = "otpmux-loadtest")]
pub(crate) struct Options {
    /// Clients, each with one connection and one flow at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) clients: u32,
    /// Turns of each program; the figures are medians over them.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Seconds of each turn, after a warm-up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    /// Flows of each turn, instead of seconds.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) flows: Option<u64>,
    /// Flows begun per second, at a fixed pace (open loop), with latencies from when each should
    /// have begun. Without it, each client begins the next flow when its last one is done.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// Milliseconds that the vendor takes to answer.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=10_000))]
    pub(crate) vendor_ms: u64,
    /// The gateway's store; the floor's is always Redis.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) store: Store,
    /// What the program `with` has switched on beside the defaults of the gateway.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Extra::Events, Extra::Audit, Extra::Escalation])]
    pub(crate) with: Vec<Extra>,
    /// The programs to run; more than one take turns.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Program::Floor, Program::Gateway])]
    pub(crate) programs: Vec<Program>,
    /// Processes of the gateway, which share the store; clients are spread over them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) gateways: u8,
    /// Servers of Redis. More than one are a Redis Cluster, which the floor cannot use.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    pub(crate) redis_nodes: u16,
    /// Give each process of the gateway its own namespace. In a cluster, each is on the next node.
    #[arg(long)]
    pub(crate) own_namespaces: bool,
    /// Verifications over which the memory of one in Redis is measured; 0: not measured.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) memory_of: u32,
    /// Cores of the program under load, as `taskset -c` takes them.
    #[arg(long, default_value = "0")]
    pub(crate) server_cores: String,
    /// Cores of Redis, of the stub vendor and of the load.
    #[arg(long, default_value = "1")]
    pub(crate) load_cores: String,
    /// Do not bind programs to cores.
    #[arg(long)]
    pub(crate) no_pinning: bool,
    /// The program `otpmux`; by default the one in the directory of this program.
    #[arg(long)]
    pub(crate) gateway_bin: Option<PathBuf>,
    /// Print JSON instead of a table, with the figures of each round.
    #[arg(long)]
    pub(crate) json: bool,
    /// End with an error if a goal is missed. A failed flow always does.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Store {
    #[default]
    Redis,
    Sqlite,
    Memory,
}

impl Store {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Sqlite => "sqlite",
            Self::Memory => "memory",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    Floor,
    Gateway,
    /// The gateway, called through its door for Twilio Verify.
    Door,
    /// The gateway with what `--with` switches on.
    With,
}

/// What a gateway does only if it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Extra {
    /// Every event, to an endpoint on loopback.
    Events,
    /// The audit log, in a file.
    Audit,
    /// A step of escalation after a minute, which no flow reaches.
    Escalation,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Gateway => "gateway",
            Self::Door => "door",
            Self::With => "with",
        }
    }
}

impl Options {
    /// Returns the reason why these options exclude each other, if they do.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        let floor = self.programs.contains(&Program::Floor);
        if self.redis_nodes > 1 && floor {
            return Some("the floor knows no Redis Cluster: choose --programs gateway");
        }
        if (self.redis_nodes > 1 || self.own_namespaces) && self.store != Store::Redis {
            return Some("--redis-nodes and --own-namespaces need --store redis");
        }
        None
    }

    /// Returns the cores in use; none if programs are not bound to any.
    pub(crate) fn cores(&self) -> std::io::Result<Vec<u32>> {
        if self.no_pinning {
            return Ok(Vec::new());
        }
        let mut cores = system::cores(&self.server_cores)?;
        cores.extend(system::cores(&self.load_cores)?);
        cores.sort_unstable();
        cores.dedup();
        Ok(cores)
    }

    pub(crate) fn vendor_delay(&self) -> Duration {
        Duration::from_millis(self.vendor_ms)
    }
}
