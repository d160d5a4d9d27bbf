//! A progress line.

use std::io::{self, Write as _};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::Output;

const SECOND: Duration = Duration::from_secs(1);

impl Output {
    /// Waits for some work. If a person watches, a line shows the work and its duration once it
    /// takes longer than a second; the line is removed at the end.
    pub(crate) async fn during<T>(
        &mut self,
        what: &str,
        work: impl Future<Output = T>,
    ) -> io::Result<T> {
        if !self.watched {
            return Ok(work.await);
        }
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval_at(Instant::now() + SECOND, SECOND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let begun = Instant::now();
        let mut shown = 0;
        let done = loop {
            tokio::select! {
                biased;
                done = &mut work => break done,
                _ = ticks.tick() => {
                    let line = format!("{what}, {} s", begun.elapsed().as_secs());
                    // The line never gets shorter, so it covers the earlier one.
                    shown = line.chars().count();
                    write!(self.notes, "\r{line}")?;
                    self.notes.flush()?;
                }
            }
        };
        if shown > 0 {
            write!(self.notes, "\r{}\r", " ".repeat(shown))?;
            self.notes.flush()?;
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Seen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Ok(mut seen) = self.0.lock() {
                seen.extend_from_slice(bytes);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the notes that are written during work of this many milliseconds.
    async fn waited(milliseconds: u64, watched: bool) -> String {
        let seen = Seen::default();
        let mut output = Output {
            answers: Box::new(io::sink()),
            notes: Box::new(seen.clone()),
            json: false,
            watched,
        };
        let work = async {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            7
        };
        assert_eq!(output.during("sending", work).await.ok(), Some(7));
        let seen = seen.0.lock().map(|seen| seen.clone()).unwrap_or_default();
        String::from_utf8_lossy(&seen).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_within_a_second_and_a_line_that_goes_away_after_it() {
        assert_eq!(waited(999, true).await, "");
        let blank = " ".repeat("sending, 2 s".len());
        let expected = format!("\rsending, 1 s\rsending, 2 s\r{blank}\r");
        assert_eq!(waited(2_500, true).await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_terminal_nothing_is_shown() {
        assert_eq!(waited(60_000, false).await, "");
    }
}
