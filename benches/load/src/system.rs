//! Measurements of processes, from the system.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::process::Command;
use std::time::Duration;

use otpmux_testkit::{RedisReply, RedisServer};

/// Linux counts the time of processes in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Binds this process, and all that it starts, to these cores.
pub(crate) fn pin_self(cores: &str) -> Result<()> {
    let process = std::process::id().to_string();
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", cores, &process]);
    let output = command.output()?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(Error::other(said())) }
}

/// Returns the processor time of a process: all its threads, and the kernel for it.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name before them may contain spaces; `utime` and `stime` are the 14th and 15th fields.
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: Option<Vec<u32>> = ticks.map(|word| word.parse().ok()).collect();
    match ticks.as_deref() {
        Some([user, system]) => Ok(TICK * (user + system)),
        _ => Err(unreadable("/proc/PID/stat")),
    }
}

/// Returns the resident memory of a process, now and at most, in bytes.
pub(crate) fn memory(process: u32) -> Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    of("VmRSS:").zip(of("VmHWM:")).ok_or_else(|| unreadable("/proc/PID/status"))
}

/// Returns the processor time of Redis, and the number of scripts that it has run; neither program
/// makes other calls.
pub(crate) fn redis(server: &RedisServer) -> Result<(Duration, u64)> {
    let RedisReply::Text(info) = server.command(&["INFO", "everything"]) else {
        return Err(unreadable("INFO of Redis"));
    };
    let of = |name: &str| info.lines().find_map(|line| line.strip_prefix(name));
    let seconds = |name: &str| of(name).and_then(|text| text.parse::<f64>().ok());
    let time = seconds("used_cpu_sys:").zip(seconds("used_cpu_user:"));
    let (system, user) = time.ok_or_else(|| unreadable("INFO of Redis"))?;
    let calls =
        |name: &str| of(name).and_then(|it| it.split(',').next()?.parse::<u64>().ok()).unwrap_or(0);
    let scripts = calls("cmdstat_evalsha:calls=") + calls("cmdstat_eval:calls=");
    Ok((Duration::from_secs_f64(system + user), scripts))
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{what} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_uses_time_and_memory() {
        let own = std::process::id();
        let before = cpu(own).unwrap();
        while cpu(own).unwrap() < before + TICK {
            std::hint::spin_loop();
        }
        let (now, most) = memory(own).unwrap();
        assert!(now > 100_000 && most >= now, "{now} {most}");
    }

    #[test]
    fn redis_counts_scripts() {
        let server = RedisServer::start();
        let (_, before) = redis(&server).unwrap();
        server.command(&["EVAL", "return redis.call('GET', 'x')", "0"]);
        server.command(&["GET", "x"]);
        assert_eq!(redis(&server).unwrap().1, before + 1);
    }
}
