//! The audit log: what was done, by which API key, and what became of it, as lines of JSON in a file
//! or on standard output.

mod destination;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

pub use otpmux_engine::{AuditAttempt, AuditEntry, AuditSink};

use destination::Destination;
use writer::{Job, Shared, Writer};

const LOST: &str = "otpmux_audit_lost_total";

/// How long a flush waits for a file that cannot be written.
const PATIENCE: Duration = Duration::from_secs(2);

/// Describes the metric of the audit log to the installed recorder of the `metrics` crate.
///
/// | metric | labels | value |
/// |---|---|---|
/// | `otpmux_audit_lost_total` | | entries of the audit log that were lost, because the file could not be written for so long that the queue was full, or until the process ended |
pub fn describe_metrics() {
    let text = "Entries of the audit log that were lost";
    metrics::describe_counter!(LOST, metrics::Unit::Count, text);
}

/// An audit log that is open.
///
/// Each entry is one line, appended by one write, so several processes may share a file. A call never
/// waits for it: entries go through a queue to a thread, and when the queue is full they are lost,
/// counted by the metric and noted in the log itself. A file that was renamed or removed is created
/// again before the next line, so a log rotation needs no signal.
///
/// ```no_run
/// use std::sync::Arc;
/// use otpmux::OtpClient;
/// use otpmux::audit::{AuditLog, AuditTo};
///
/// # fn example(builder: otpmux::ClientBuilder) -> Result<(), Box<dyn std::error::Error>> {
/// let log = AuditLog::open(AuditTo::File("/var/log/otpmux/audit.log".into()), 10_000)?;
/// let client = builder.audit(Arc::new(log)).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
pub struct AuditLog {
    to: AuditTo,
    /// `None` once it is being dropped.
    queue: Option<SyncSender<Job>>,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// Where an audit log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditTo {
    /// A file, which is created readable for its owner only.
    File(PathBuf),
    /// The standard output of the process.
    Stdout,
}

impl AuditLog {
    /// Opens it; `queue` entries may wait.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for appending.
    pub fn open(to: AuditTo, queue: usize) -> std::io::Result<Self> {
        let destination = Destination::open(&to)?;
        let (sender, jobs) = sync_channel(queue);
        let shared = Arc::new(Shared { lost: AtomicU64::new(0), ended: false.into() });
        metrics::counter!(LOST).increment(0);
        let writer = Writer::new(jobs, destination, Arc::clone(&shared));
        // A subscriber of this thread alone also hears of the writer's failures.
        let logs = tracing::dispatcher::get_default(Clone::clone);
        let writer = std::thread::Builder::new()
            .name("otpmux-audit".to_owned())
            .spawn(move || tracing::dispatcher::with_default(&logs, || writer.run()))?;
        Ok(Self { to, queue: Some(sender), shared, writer: Some(writer) })
    }

    /// Has the writer try now what it would try later.
    fn wake(&self) {
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }
}

impl AuditSink for AuditLog {
    fn record(&self, entry: AuditEntry) {
        let job = Job::Write(Box::new(entry));
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(job).is_err()) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            metrics::counter!(LOST).increment(1);
        }
    }

    /// Waits until all entries so far are written; at most two seconds if they cannot be.
    fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, wait) = sync_channel(1);
        self.wake();
        if queue.try_send(Job::Flush(done)).is_ok() {
            // Later, it is not worth waiting for.
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.queue = None;
        self.wake();
        if let Some(writer) = self.writer.take() {
            // If it has panicked, that was reported.
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("to", &self.to).finish_non_exhaustive()
    }
}
