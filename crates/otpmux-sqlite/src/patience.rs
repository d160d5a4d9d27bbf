use std::time::Duration;

use crate::failure::is_busy;

const PAUSE: Duration = Duration::from_millis(1);

/// Repeats a step that another process blocks, every millisecond, until the time is over.
///
/// SQLite's own handler waits up to 100 ms between tries, so a process that writes without a pause
/// would starve the others; and it does not cover every step.
#[expect(
    clippy::disallowed_methods,
    reason = "waits on a separate thread for another process, which no paused clock moves"
)]
pub(crate) fn patiently<T>(
    patience: Duration,
    mut step: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut left = patience.as_millis();
    loop {
        match step() {
            Err(error) if is_busy(&error) && left > 0 => {
                left -= PAUSE.as_millis();
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}
