use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::leaks;

/// Records every span, field and event of the current thread, at every level, as one text. Records
/// of the `log` crate are included, since HTTP clients use it.
///
/// Logs of other threads are not recorded: use it on a current-thread runtime.
///
/// ```
/// use otpmux_testkit::LogCapture;
///
/// let capture = LogCapture::new();
/// capture.with_default(|| tracing::trace!(code = "004217", "checked"));
/// assert!(capture.text().contains("004217"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct LogCapture {
    text: Arc<Mutex<String>>,
}

impl LogCapture {
    /// Returns an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records this thread until the guard is dropped.
    pub fn install_scoped(&self) -> DefaultGuard {
        prepare();
        tracing::subscriber::set_default(self.recorder())
    }

    /// Records this thread while `run` runs.
    pub fn with_default<T>(&self, run: impl FnOnce() -> T) -> T {
        prepare();
        tracing::subscriber::with_default(self.recorder(), run)
    }

    /// Returns the recorded text.
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// Returns the text since the last call, and removes it.
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.lock())
    }

    /// Checks that no secret was recorded.
    ///
    /// # Panics
    ///
    /// If one was recorded.
    #[track_caller]
    pub fn assert_clean(&self, secrets: &[&str]) {
        leaks::assert_clean(&self.text(), secrets);
    }

    fn recorder(&self) -> Recorder {
        Recorder { capture: self.clone(), spans: AtomicU64::new(1) }
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, metadata: &Metadata<'_>, what: &str, fields: impl FnOnce(&mut Fields<'_>)) {
        let mut text = self.lock();
        let (level, target) = (metadata.level(), metadata.target());
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{level} {target} {what}");
        fields(&mut Fields(&mut text));
        text.push('\n');
    }
}

struct Recorder {
    capture: LogCapture,
    spans: AtomicU64,
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let metadata = span.metadata();
        self.capture.line(metadata, metadata.name(), |fields| span.record(fields));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut text = self.capture.lock();
        text.push_str("recorded");
        values.record(&mut Fields(&mut text));
        text.push('\n');
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.capture.line(event.metadata(), "event", |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    /// Unchanged: escaping might hide a secret from a search.
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

/// Forwards the records of the `log` crate to the capture of the thread that makes them. The `log`
/// crate has one logger per process; if another is set, it remains, and its records are not
/// captured.
struct Forward;

impl log::Log for Forward {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        tracing::dispatcher::get_default(|dispatch| {
            if let Some(recorder) = dispatch.downcast_ref::<Recorder>() {
                let (level, target) = (record.level(), record.target());
                let mut text = recorder.capture.lock();
                let _ = writeln!(text, "{level} {target} log {}", record.args());
            }
        });
    }

    fn flush(&self) {}
}

fn prepare() {
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| {
        if log::set_logger(&Forward).is_ok() {
            log::set_max_level(log::LevelFilter::Trace);
        }
        // With only one subscriber in the process, `tracing` asks the first thread that reaches a
        // line whether the line is of interest, and keeps a "never" of a thread without a
        // subscriber for all threads. With a second subscriber it asks all of them.
        Dispatch::new(Deaf)
    });
}

/// A subscriber without interest in any line.
struct Deaf;

impl Subscriber for Deaf {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_spans_fields_events_and_log_records() {
        let capture = LogCapture::new();
        capture.with_default(|| {
            let span = tracing::trace_span!("call", first = "one", late = tracing::field::Empty);
            let _entered = span.enter();
            span.record("late", "two");
            tracing::trace!(number = 3, "said {}", "four");
            log::trace!("said {}", "five");
        });
        tracing::error!("afterwards");
        let text = capture.text();
        for part in ["call", "first=one", "late=two", "number=3", "said four", "said five"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains("afterwards"));
    }

    #[test]
    #[should_panic(expected = "leaked")]
    fn notices_a_leak() {
        let capture = LogCapture::new();
        let guard = capture.install_scoped();
        tracing::debug!(to = "+14155550123");
        drop(guard);
        capture.assert_clean(&["+14155550123"]);
    }

    /// Another thread, without a capture, reaches the line first.
    #[test]
    fn does_not_miss_what_another_thread_met_first() {
        fn line() {
            tracing::trace!("met");
        }
        let capture = LogCapture::new();
        let guard = capture.install_scoped();
        std::thread::spawn(line).join().unwrap();
        line();
        drop(guard);
        assert!(capture.text().contains("met"));
    }
}
