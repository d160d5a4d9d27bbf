use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc as std_mpsc;
use std::task::{Context, Waker};

use otpmux_core::ErrorKind;

use super::*;
use crate::failure::store_error;

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Returns a writer over a table of numbers, in memory.
fn writer() -> Writer {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(crate::schema::TABLES).unwrap();
    conn.execute_batch("CREATE TABLE numbers (n)").unwrap();
    Writer::start(conn, Duration::ZERO, u64::MAX).unwrap()
}

/// Queues a step.
fn ask<'a, T: Send + 'static>(
    writer: &'a Writer,
    step: impl FnOnce(&Tables<'_>) -> Result<T, Fault> + Send + 'static,
) -> Asked<'a, T> {
    let mut asked: Asked<'a, T> = Box::pin(writer.ask(0, step));
    assert!(!is_answered(&mut asked));
    asked
}

/// Returns whether there is an answer by now; the answer is lost.
fn is_answered<T>(asked: &mut Asked<'_, T>) -> bool {
    pin!(asked).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Queues a step that holds its batch open until it is released.
fn hold(writer: &Writer) -> (Asked<'_, ()>, std_mpsc::Receiver<()>, std_mpsc::Sender<()>) {
    let (begun, told) = std_mpsc::channel();
    let (let_go, gate) = std_mpsc::channel();
    let held = ask(writer, move |_| {
        begun.send(()).unwrap();
        gate.recv().unwrap();
        Ok(())
    });
    (held, told, let_go)
}

fn add(tables: &Tables<'_>, number: i64) -> Result<(), Fault> {
    Ok(tables.run("INSERT INTO numbers VALUES (?1)", [number]).map(|_| ())?)
}

fn count(tables: &Tables<'_>) -> Result<i64, Fault> {
    Ok(tables.number("SELECT count(*) FROM numbers", [])?.unwrap())
}

fn broken(tables: &Tables<'_>) -> Result<(), Fault> {
    Ok(tables.run("INSERT INTO nowhere VALUES (1)", []).map(|_| ())?)
}

#[tokio::test]
async fn no_call_is_answered_before_the_commit() {
    let writer = writer();
    let (gate, begun, let_go) = hold(&writer);
    begun.recv().unwrap();
    // Both run within the open batch, whose second step waits for the gate.
    let mut early = ask(&writer, |tables| add(tables, 1));
    let (second, begun, let_second_go) = hold(&writer);
    let_go.send(()).unwrap();
    begun.recv().unwrap();
    assert!(!is_answered(&mut early), "its batch is still open");
    let_second_go.send(()).unwrap();
    for answered in [early, gate, second] {
        answered.await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_fails_fails_for_everybody_and_leaves_nothing() {
    let writer = writer();
    let (gate, begun, let_go) = hold(&writer);
    begun.recv().unwrap();
    let before = ask(&writer, |tables| add(tables, 1));
    let fails = ask(&writer, broken);
    let after = ask(&writer, |tables| add(tables, 2));
    let_go.send(()).unwrap();
    for told in [gate, before, fails, after] {
        assert_eq!(told.await.unwrap_err().kind(), ErrorKind::Store);
    }
    assert_eq!(writer.ask(0, count).await.unwrap(), 0);
    writer.ask(0, |tables| add(tables, 3)).await.unwrap();
    assert_eq!(writer.ask(0, count).await.unwrap(), 1);
}

#[tokio::test]
async fn a_refused_step_harms_no_other() {
    let writer = writer();
    let (gate, begun, let_go) = hold(&writer);
    begun.recv().unwrap();
    let refused: Asked<'_, ()> = ask(&writer, |_| Err(Fault::Refused(store_error("no"))));
    let other = ask(&writer, |tables| add(tables, 1));
    let_go.send(()).unwrap();
    gate.await.unwrap();
    assert_eq!(refused.await.unwrap_err().detail(), "no");
    other.await.unwrap();
    assert_eq!(writer.ask(0, count).await.unwrap(), 1);
}

#[tokio::test]
async fn a_call_beyond_the_queue_waits() {
    let writer = writer();
    let (gate, begun, let_go) = hold(&writer);
    begun.recv().unwrap();
    let number = i64::try_from(QUEUE).unwrap() + 100;
    let asked: Vec<_> =
        (0..number).map(|number| ask(&writer, move |tables| add(tables, number))).collect();
    assert_eq!(writer.0.capacity(), 0);
    let_go.send(()).unwrap();
    gate.await.unwrap();
    for asked in asked {
        asked.await.unwrap();
    }
    assert_eq!(writer.ask(0, count).await.unwrap(), number);
}

#[tokio::test]
async fn a_full_disk_is_reported_and_ended_records_are_removed_all_the_same() {
    let writer = writer();
    let ended = "INSERT INTO health_updates VALUES ('old', '0', -100000000, '')";
    writer.ask(i64::MIN, |tables| Ok(tables.run(ended, [])?)).await.unwrap();
    let fill = |tables: &Tables<'_>| -> Result<(), Fault> {
        tables.number("PRAGMA max_page_count = 1", [])?;
        for number in 0..100_000 {
            add(tables, number)?;
        }
        Ok(())
    };
    let error = writer.ask(0, fill).await.unwrap_err();
    assert!(error.detail().starts_with("the disk is full"), "{error}");
    let left = |tables: &Tables<'_>| Ok(tables.number("SELECT count(*) FROM health_updates", [])?);
    assert_eq!(writer.ask(i64::MIN, left).await.unwrap(), Some(0));
    assert_eq!(writer.ask(i64::MIN, count).await.unwrap(), 0);
}
