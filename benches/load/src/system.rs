//! Measurements of processes, from the system.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::process::Command;
use std::time::Duration;

/// Linux counts the time of processes in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Binds this process, and all that it starts, to these cores.
pub(crate) fn pin_self(cores: &str) -> Result<()> {
    let process = std::process::id().to_string();
    let mut command = Command::new("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", cores, &process]);
    succeed(&mut command)
}

fn succeed(command: &mut Command) -> Result<()> {
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

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resident {
    pub(crate) now: u64,
    pub(crate) most: u64,
    /// Of `now`, what the process has allocated: without the pages of its program and libraries, which
    /// the system shares and can drop.
    pub(crate) allocated: u64,
}

/// Returns the resident memory of a process.
pub(crate) fn memory(process: u32) -> Result<Resident> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    let read = || {
        let (now, most) = (of("VmRSS:")?, of("VmHWM:")?);
        Some(Resident { now, most, allocated: of("RssAnon:")? })
    };
    read().ok_or_else(|| unreadable("/proc/PID/status"))
}

/// Returns how busy these cores were since the system started, with programs of any owner and
/// with the work of other virtual machines on them. Without the time of interrupts: the system
/// counts it for the interrupted program as well.
pub(crate) fn busy(cores: &[u32]) -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let of = |core: &u32| {
        let name = format!("cpu{core}");
        let mut words = stat.lines().map(str::split_whitespace);
        let words = words.find_map(|mut line| (line.next()? == name).then_some(line))?;
        let ticks: Vec<u32> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        match ticks[..] {
            [user, nice, system, _, _, _, _, steal, ..] => Some(user + nice + system + steal),
            _ => None,
        }
    };
    let ticks: Option<u32> = cores.iter().map(of).sum();
    Ok(TICK * ticks.ok_or_else(|| unreadable("/proc/stat"))?)
}

/// Returns the average number of programs that ran in the last minute.
pub(crate) fn load_average() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let first = text.split_whitespace().next().and_then(|word| word.parse().ok());
    first.ok_or_else(|| unreadable("/proc/loadavg"))
}

/// Binds the calling thread alone to these cores.
pub(crate) fn pin_thread(cores: &str) -> Result<()> {
    let thread = fs::read_link("/proc/thread-self")?;
    let thread = thread.file_name().ok_or_else(|| unreadable("/proc/thread-self"))?;
    let mut command = Command::new("taskset");
    succeed(command.args(["--cpu-list", "--pid", cores]).arg(thread))
}

/// Returns the cores of a list as `taskset -c` takes it, such as `0,2-3`.
pub(crate) fn cores(list: &str) -> Result<Vec<u32>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse::<u32>().ok()?)
    };
    let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
    let ranges = ranges.ok_or_else(|| Error::other(format!("{list} is no list of cores")))?;
    Ok(ranges.into_iter().flatten().collect())
}

pub(crate) fn unreadable(what: &str) -> Error {
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
        let it = memory(own).unwrap();
        assert!(it.now > 100_000 && it.most >= it.now, "{it:?}");
        assert!((10_000..it.now).contains(&it.allocated), "{it:?}");
    }

    #[test]
    fn a_core_is_as_busy_as_this_process_makes_it() {
        let own = std::process::id();
        let all: Vec<u32> = (0..4_096).take_while(|core| busy(&[*core]).is_ok()).collect();
        let (mine, before) = (cpu(own).unwrap(), busy(&all).unwrap());
        while cpu(own).unwrap() < mine + 10 * TICK {
            std::hint::spin_loop();
        }
        // The system counts both in ticks, at different moments.
        assert!(busy(&all).unwrap() >= before + 5 * TICK);
        assert!(load_average().unwrap() >= 0.0);
    }

    #[test]
    fn cores_are_numbers_and_ranges() {
        assert_eq!(cores("0").unwrap(), [0]);
        assert_eq!(cores("0,2-4").unwrap(), [0, 2, 3, 4]);
        assert!(cores("all").is_err());
    }
}
