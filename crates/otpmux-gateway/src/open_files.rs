//! How many files this process may have open, and so how many connections.

/// What the store, vendors' connections and files of its own may need besides.
const OTHERS: u64 = 512;

/// Raises the process's limit of open files, as far as the system lets it, to what so many
/// connections need. For programs, before [`Gateway::bind`](crate::Gateway::bind): service managers
/// start processes with room for 1,024, for the sake of old programs, and let them ask for more.
pub fn raise_open_files(connections: usize) {
    #[cfg(unix)]
    {
        let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
        // Where it fails, the limit stays, and the gateway fits itself into it.
        let _ = rlimit::increase_nofile_limit(wanted);
    }
    #[cfg(not(unix))]
    let _ = connections;
}

/// As many connections as are wanted, or as fit into the process's limit of open files: beyond it no
/// connection to a vendor could be opened either.
pub(crate) fn fitting(wanted: usize) -> usize {
    let Some(files) = limit() else { return wanted };
    let most = most(files);
    if wanted > most {
        tracing::warn!(
            max_connections = wanted,
            open_files = files,
            lowered_to = most,
            "this process may not open as many files as max_connections needs, with {OTHERS} for \
             others; raise its limit (LimitNOFILE=, ulimit -n)"
        );
    }
    wanted.min(most)
}

/// Half of a limit that is small, and one connection at least.
fn most(files: u64) -> usize {
    let most = files.saturating_sub(OTHERS.min(files / 2)).max(1);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    // What cannot be asked for bounds nothing.
    rlimit::Resource::NOFILE.get_soft().ok()
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_have_room() {
        for (files, connections) in [
            (0, 1),
            (100, 50),
            (1_024, 512),
            (16_896, 16_384),
            (u64::MAX, usize::try_from(u64::MAX - OTHERS).unwrap_or(usize::MAX)),
        ] {
            assert_eq!(most(files), connections, "{files}");
        }
    }
}
