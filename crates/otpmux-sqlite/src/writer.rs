//! The thread that owns the connection.

use std::time::Duration;

use otpmux_core::{Certainty, Error};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::failure::{Fault, of_batch, stopped};
use crate::patience::patiently;
use crate::tables::Tables;

/// How many operations may be queued; further callers wait.
const QUEUE: usize = 1024;

/// The most operations of one transaction.
const BATCH: usize = 256;

/// Expired rows removed with each transaction, besides two for each of its operations: rows go
/// faster than they come.
const SWEEP: usize = 32;

/// Sends operations to the thread. When it is dropped, the thread finishes the queue and ends.
pub(crate) struct Writer(mpsc::Sender<Box<dyn Job>>);

/// An operation whose answer is sent after its transaction is committed.
trait Job: Send {
    /// Runs it and keeps its answer. An error is one of the transaction.
    fn run(&mut self, tables: &Tables<'_>) -> rusqlite::Result<()>;

    /// Returns the caller's time, in milliseconds since 1970.
    fn now(&self) -> i64;

    /// Sends its answer, or the error of its transaction.
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

struct Operation<S, T> {
    now: i64,
    step: Option<S>,
    answer: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<S, T> Job for Operation<S, T>
where
    S: FnOnce(&Tables<'_>) -> Result<T, Fault> + Send,
    T: Send,
{
    fn run(&mut self, tables: &Tables<'_>) -> rusqlite::Result<()> {
        let Some(step) = self.step.take() else { return Ok(()) };
        self.answer = Some(match step(tables) {
            Ok(answer) => Ok(answer),
            Err(Fault::Refused(error)) => Err(error),
            Err(Fault::Sqlite(error)) => return Err(error),
        });
        Ok(())
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { answer, reply, .. } = *self;
        // The caller may have stopped waiting.
        let _ = reply.send(outcome.and_then(|()| answer.unwrap_or_else(|| Err(stopped()))));
    }
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(
        conn: Connection,
        patience: Duration,
        max_bytes: u64,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let thread = Thread { conn, jobs, patience, max_bytes };
        std::thread::Builder::new().name("otpmux-sqlite".to_owned()).spawn(|| thread.run())?;
        Ok(Self(sender))
    }

    /// Runs one step, within a transaction that it may share with others, and returns its answer
    /// after the commit. If the caller is dropped meanwhile, the step may be done or not.
    pub(crate) async fn ask<T, S>(&self, now: i64, step: S) -> Result<T, Error>
    where
        T: Send + 'static,
        S: FnOnce(&Tables<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Operation { now, step: Some(step), answer: None, reply };
        self.0.send(Box::new(job)).await.map_err(|_| stopped())?;
        // A step that has begun may be committed.
        answer.await.map_err(|_| stopped().with_certainty(Certainty::Unknown))?
    }
}

struct Thread {
    conn: Connection,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    patience: Duration,
    max_bytes: u64,
}

impl Thread {
    fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut batch = vec![first];
            let done = self.transact(&mut batch);
            if done.is_err() {
                self.recover(&mut batch);
            }
            for job in batch {
                job.answer(done.as_ref().copied().map_err(of_batch));
            }
        }
    }

    /// Runs everything that is queued, and what comes meanwhile, in one transaction.
    fn transact(&mut self, batch: &mut Vec<Box<dyn Job>>) -> rusqlite::Result<()> {
        self.begin()?;
        let tables = Tables::new(&self.conn, self.max_bytes);
        let mut done = 0;
        while let Some(job) = batch.get_mut(done) {
            job.run(&tables)?;
            done += 1;
            if done == batch.len()
                && done < BATCH
                && let Ok(next) = self.jobs.try_recv()
            {
                batch.push(next);
            }
        }
        tables.sweep(latest(batch), SWEEP + 2 * done)?;
        tables.run("COMMIT", []).map(|_| ())
    }

    /// Runs after a failed batch: adds all waiting operations to it, so that each waits for a lost
    /// cause once, and removes expired rows all the same. Otherwise a full file would never have
    /// room again.
    fn recover(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        self.roll_back();
        while batch.len() < QUEUE
            && let Ok(next) = self.jobs.try_recv()
        {
            batch.push(next);
        }
        let swept = self.try_begin().and_then(|()| {
            let tables = Tables::new(&self.conn, self.max_bytes);
            tables.sweep(latest(batch), SWEEP + 2 * batch.len())?;
            tables.run("COMMIT", []).map(|_| ())
        });
        if swept.is_err() {
            self.roll_back();
        }
    }

    fn begin(&self) -> rusqlite::Result<()> {
        // Only if the last rollback has failed.
        self.roll_back();
        patiently(self.patience, || self.try_begin())
    }

    fn try_begin(&self) -> rusqlite::Result<()> {
        // Immediate: what is read is written back, so no other process may write in between.
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ())
    }

    /// Rolls back a transaction that has not ended by itself. If that fails, it is rolled back
    /// before the next one begins.
    fn roll_back(&self) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }
}

fn latest(batch: &[Box<dyn Job>]) -> i64 {
    batch.iter().map(|job| job.now()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
