//! Redis: one server, or a cluster, and what it has done.

use std::io::Result;
use std::time::Duration;

use otpmux_testkit::{RedisReply, RedisServer};

use crate::system::unreadable;

/// Hash slots of a cluster, which the nodes share equally.
const SLOTS: usize = 16_384;

/// The servers of Redis under load.
pub(crate) struct Redis {
    nodes: Vec<RedisServer>,
}

/// What Redis has done since its start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    /// Processor time of each server.
    pub(crate) cpu: Vec<Duration>,
    /// Scripts and functions, each of which is one round trip.
    pub(crate) scripts: u64,
    /// Commands that they ran, and those that came alone.
    pub(crate) commands: u64,
    /// Bytes that clients have sent, and that they were sent.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Bytes of the answers that these figures come from. Redis counts them afterwards.
    answers: u64,
}

impl Work {
    /// Reads it from an answer to `INFO everything`.
    fn of(info: &str) -> Option<Self> {
        let seconds = |name| field(info, name)?.parse::<f64>().ok();
        let number = |name| field(info, name)?.parse::<u64>().ok();
        let mut work = Self {
            cpu: vec![Duration::from_secs_f64(
                seconds("used_cpu_sys")? + seconds("used_cpu_user")?,
            )],
            bytes_in: number("total_net_input_bytes")?,
            bytes_out: number("total_net_output_bytes")?,
            answers: u64::try_from(info.len()).ok()?,
            ..Self::default()
        };
        for line in info.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
            let (name, calls) = line.split_once(":calls=")?;
            let calls: u64 = calls.split(',').next()?.parse().ok()?;
            match name {
                "eval" | "evalsha" | "fcall" => work.scripts += calls,
                // This program's own.
                "info" | "flushall" => {}
                _ => work.commands += calls,
            }
        }
        Some(work)
    }

    fn add(&mut self, other: Self) {
        self.cpu.extend(other.cpu);
        self.scripts += other.scripts;
        self.commands += other.commands;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.answers += other.answers;
    }

    /// Returns what was done after an earlier reading.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let spent = self.cpu.iter().zip(&before.cpu);
        Self {
            cpu: spent.map(|(now, before)| now.saturating_sub(*before)).collect(),
            scripts: self.scripts - before.scripts,
            commands: self.commands - before.commands,
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: (self.bytes_out - before.bytes_out).saturating_sub(before.answers),
            answers: 0,
        }
    }

    pub(crate) fn all_cpu(&self) -> Duration {
        self.cpu.iter().sum()
    }
}

impl Redis {
    /// Starts one server, or a cluster of several.
    pub(crate) fn start(nodes: u16) -> Self {
        let nodes = match nodes {
            1 => vec![RedisServer::start()],
            nodes => RedisServer::start_cluster(nodes),
        };
        Self { nodes }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Returns the addresses of its servers, separated by commas.
    pub(crate) fn url(&self) -> String {
        let urls: Vec<_> = self.nodes.iter().map(RedisServer::url).collect();
        urls.join(",")
    }

    /// Returns a namespace for the gateway of this number. In a cluster, those of consecutive
    /// numbers are on consecutive nodes.
    pub(crate) fn namespace(&self, number: usize) -> String {
        let Some(first) = self.nodes.first().filter(|_| self.is_cluster()) else {
            return format!("load-{number}");
        };
        let nodes = self.nodes.len();
        let mut names = (0_u32..).map(|turn| format!("load-{number}-{turn}"));
        let there = |name: &String| {
            let slot = first.command(&["CLUSTER", "KEYSLOT", &format!("{{{name}}}")]).number();
            let slot = usize::try_from(slot).unwrap_or(0);
            // The nodes have the slots in their order, in equal shares.
            let holder = (0..nodes).rev().find(|node| slot >= SLOTS * node / nodes);
            holder == Some(number % nodes)
        };
        names.find(there).unwrap_or_default()
    }

    /// Removes every key.
    pub(crate) fn empty(&self) {
        for node in &self.nodes {
            node.command(&["FLUSHALL", "SYNC"]);
        }
    }

    /// Returns what it has done up to now.
    pub(crate) fn work(&self) -> Result<Work> {
        let mut all = Work::default();
        for node in &self.nodes {
            all.add(Work::of(&info(node)?).ok_or_else(|| unreadable("INFO of Redis"))?);
        }
        Ok(all)
    }

    /// Returns the bytes that it has allocated.
    pub(crate) fn memory(&self) -> Result<u64> {
        let mut all = 0;
        for node in &self.nodes {
            let bytes = field(&info(node)?, "used_memory").and_then(|it| it.parse::<u64>().ok());
            all += bytes.ok_or_else(|| unreadable("INFO of Redis"))?;
        }
        Ok(all)
    }
}

fn info(node: &RedisServer) -> Result<String> {
    match node.command(&["INFO", "everything"]) {
        RedisReply::Text(info) => Ok(info),
        _ => Err(unreadable("INFO of Redis")),
    }
}

/// Returns the value of a line `NAME:VALUE`.
fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_commands_and_bytes_between_two_readings_are_counted() {
        let redis = Redis::start(1);
        let before = redis.work().unwrap();
        redis.nodes[0].command(&["EVAL", "return redis.call('GET', 'x')", "0"]);
        redis.nodes[0].command(&["SET", "x", &"y".repeat(1_000)]);
        redis.nodes[0].command(&["GET", "x"]);
        let work = redis.work().unwrap().since(&before);
        assert_eq!((work.scripts, work.commands), (1, 3));
        assert!((1_000..1_500).contains(&work.bytes_in), "{work:?}");
        assert!((1_000..1_500).contains(&work.bytes_out), "{work:?}");
        // More than the tables and buffers that Redis keeps.
        redis.nodes[0].command(&["SET", "x", &"y".repeat(1_000_000)]);
        assert!(redis.memory().unwrap() > 1_000_000);
        redis.empty();
        assert!(redis.memory().unwrap() < 2_000_000);
    }

    #[test]
    fn namespaces_of_a_cluster_are_on_all_of_its_nodes() {
        let redis = Redis::start(3);
        for (number, node) in redis.nodes.iter().enumerate() {
            let key = format!("{{{}}}key", redis.namespace(number));
            let set = node.command(&["SET", &key, "value"]);
            assert_eq!(set, RedisReply::Text("OK".to_owned()), "{key}");
        }
    }
}
