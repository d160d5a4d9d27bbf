use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, SystemTime};

use otpmux_core::{Clock as _, SystemClock};
use otpmux_engine::AuditEntry;

use super::LOST;
use super::destination::Destination;

/// How long to wait after a failed write.
const PAUSE: Duration = Duration::from_secs(1);

/// The most bytes of one write.
const BATCH: usize = 64 * 1024;

/// A job of the writer.
pub(super) enum Job {
    Write(Box<AuditEntry>),
    /// Confirms that everything before it was written.
    Flush(SyncSender<()>),
}

/// What the writer and its log share.
pub(super) struct Shared {
    /// Entries that were lost since the log has noted it.
    pub(super) lost: AtomicU64,
    /// Set when no further entry comes.
    pub(super) ended: AtomicBool,
}

/// The thread that writes.
pub(super) struct Writer {
    jobs: Receiver<Job>,
    destination: Destination,
    shared: Arc<Shared>,
    /// The lines of the write that is next.
    batch: VecDeque<String>,
    waiting: Vec<SyncSender<()>>,
    /// Whether the last write failed, which was reported.
    fails: bool,
}

impl Writer {
    pub(super) fn new(jobs: Receiver<Job>, destination: Destination, shared: Arc<Shared>) -> Self {
        let (batch, waiting) = (VecDeque::new(), Vec::new());
        Self { jobs, destination, shared, batch, waiting, fails: false }
    }

    /// Writes until no further entry can come.
    pub(super) fn run(mut self) {
        while let Ok(job) = self.jobs.recv() {
            self.take(job);
            self.take_more();
            while !self.write() {
                if self.shared.ended.load(Ordering::Acquire) {
                    return self.give_up();
                }
                std::thread::park_timeout(PAUSE);
            }
            for done in self.waiting.drain(..) {
                // A flush that does not wait any more is no failure.
                let _ = done.send(());
            }
        }
        if !self.write() {
            self.give_up();
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write(entry) => self.batch.push_back(line(&entry)),
            Job::Flush(done) => self.waiting.push(done),
        }
    }

    /// Takes what else waits, as far as one write takes it.
    fn take_more(&mut self) {
        let mut size: usize = self.batch.iter().map(String::len).sum();
        while size < BATCH && self.waiting.is_empty() {
            match self.jobs.try_recv() {
                Ok(job) => self.take(job),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
            size += self.batch.back().map_or(0, String::len);
        }
    }

    /// Writes the batch. Returns whether all of it was written.
    fn write(&mut self) -> bool {
        self.note_losses();
        while !self.batch.is_empty() {
            let lines: String = self.batch.iter().map(String::as_str).collect();
            let result = self.destination.append(lines.as_bytes());
            let written = match result {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                other => other,
            };
            match written {
                Ok(written) => self.forget(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if !std::mem::replace(&mut self.fails, true) {
                        tracing::error!(
                            %error,
                            "the audit log cannot be written; entries wait until it can, and are \
                             lost when its queue is full"
                        );
                    }
                    return false;
                }
            }
        }
        if std::mem::take(&mut self.fails) {
            tracing::info!("the audit log is written again");
        }
        true
    }

    /// Removes the lines that were written whole. A line that was cut is written again, whole.
    fn forget(&mut self, mut written: usize) {
        while let Some(line) = self.batch.front()
            && line.len() <= written
        {
            written -= line.len();
            self.batch.pop_front();
        }
    }

    /// Notes in the log how many entries are missing here.
    fn note_losses(&mut self) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut entry = AuditEntry::new("audit_lost", now());
            entry.more.insert("entries", lost.into());
            self.batch.push_back(line(&entry));
        }
    }

    fn give_up(&mut self) {
        let mut lost = self.batch.len() as u64;
        lost += self.jobs.try_iter().filter(|job| matches!(job, Job::Write(_))).count() as u64;
        metrics::counter!(LOST).increment(lost);
        tracing::error!(lost, "the audit log could not be written until the end; entries are lost");
    }
}

fn line(entry: &AuditEntry) -> String {
    let mut line = entry.to_json();
    line.push('\n');
    line
}

fn now() -> SystemTime {
    SystemClock.now()
}
