//! The limit on open files of this process, and the number of connections that it allows.

/// Files that the store, connections to vendors and the process itself may need besides.
const OTHERS: u64 = 512;

/// Raises the process's limit on open files, as far as the system allows, to the number that these
/// connections need. For programs, before [`Gateway::bind`](crate::Gateway::bind): service managers
/// start processes with a limit of 1,024, for compatibility with old programs, and let them raise
/// it.
pub fn raise_open_files(connections: usize) {
    #[cfg(unix)]
    {
        let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
        // If this fails, the limit stays, and the gateway uses fewer connections.
        let _ = rlimit::increase_nofile_limit(wanted);
    }
    #[cfg(not(unix))]
    let _ = connections;
}

/// Returns the wanted number of connections, or the number that the limit on open files allows:
/// beyond it, connections to vendors could not be opened either.
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

/// The limit less [`OTHERS`], but at least half of the limit and one connection.
fn most(files: u64) -> usize {
    let most = files.saturating_sub(OTHERS.min(files / 2)).max(1);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    // A limit that cannot be read does not restrict.
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
