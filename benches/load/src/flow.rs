//! Clients, each with one connection and one flow at a time.

use std::cell::{Cell, RefCell};
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::door;
use crate::options::Program;
use crate::servers::{API_KEY, Server};
use crate::vendor::Vendor;
use crate::wire::Peer;

/// After this many failures a turn ends.
const FAILURES: u64 = 100;
/// The longest latency in the histogram, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// Results of the flows that ended during the measurement.
pub(crate) struct Tally {
    pub(crate) flows: u64,
    pub(crate) failures: u64,
    pub(crate) first_failure: Option<String>,
    /// Latencies in nanoseconds.
    pub(crate) send: Histogram<u64>,
    pub(crate) verify: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { flows: 0, failures: 0, first_failure: None, send: latencies(), verify: latencies() }
    }
}

fn latencies() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are in order and the digits few")]
    let mut latencies = Histogram::new_with_bounds(1_000, LONGEST, 3).expect("a histogram");
    latencies.auto(false);
    latencies
}

/// One turn of one program.
pub(crate) struct Load {
    pace: Option<Pace>,
    /// How many flows may still begin.
    left: Cell<u64>,
    pub(crate) counts: Cell<bool>,
    pub(crate) tally: RefCell<Tally>,
}

impl Load {
    /// Creates a load of at most this many flows, as fast as possible or at this pace.
    pub(crate) fn new(pace: Option<Pace>, flows: u64) -> Self {
        Self {
            pace,
            left: Cell::new(flows),
            counts: Cell::new(false),
            tally: RefCell::new(Tally::new()),
        }
    }

    /// Ends the load: no further flow begins.
    pub(crate) fn end(&self) {
        self.left.set(0);
        if let Some(pace) = &self.pace {
            pace.slots.close();
        }
    }

    /// Runs one client until no flow is left.
    pub(crate) async fn client(self: Rc<Self>, mut caller: Caller) {
        while let Some(begun) = self.begin().await {
            let result = self.flow(&mut caller, begun).await;
            if let Err(error) = result {
                caller.peer = None;
                let mut tally = self.tally.borrow_mut();
                tally.failures += 1;
                tally.first_failure.get_or_insert_with(|| error.to_string());
                if tally.failures >= FAILURES {
                    self.end();
                }
            }
        }
    }

    /// Returns when the next flow begins, or should have begun.
    async fn begin(&self) -> Option<Instant> {
        let begun = match &self.pace {
            Some(pace) => pace.next().await?,
            None => Instant::now(),
        };
        self.left.set(self.left.get().checked_sub(1)?);
        Some(begun)
    }

    async fn flow(&self, caller: &mut Caller, begun: Instant) -> Result<()> {
        let held = caller.send().await?;
        let sent = Instant::now();
        caller.verify(held).await?;
        if self.counts.get() {
            let mut tally = self.tally.borrow_mut();
            tally.flows += 1;
            tally.send.saturating_record(nanos(sent - begun));
            tally.verify.saturating_record(nanos(sent.elapsed()));
        }
        Ok(())
    }
}

/// A client of one program, with a connection to one of its processes.
pub(crate) struct Caller {
    program: Program,
    address: SocketAddr,
    vendor: Rc<Vendor>,
    numbers: Rc<Numbers>,
    peer: Option<Peer>,
}

/// A verification that was sent, with the code that the vendor was given.
pub(crate) struct Held {
    number: u64,
    id: String,
    code: String,
}

impl Caller {
    /// Returns the client of this number. Clients are spread over the processes.
    pub(crate) fn new(
        server: &Server,
        client: u32,
        vendor: &Rc<Vendor>,
        numbers: &Rc<Numbers>,
    ) -> Self {
        Self {
            program: server.program,
            address: server.address_for(client),
            vendor: Rc::clone(vendor),
            numbers: Rc::clone(numbers),
            peer: None,
        }
    }

    /// Sends a code to a new number.
    pub(crate) async fn send(&mut self) -> Result<Held> {
        let number = self.numbers.next();
        let door = self.program == Program::Door;
        let peer = self.peer().await?;
        let id = if door { door::send(peer, number).await } else { send(peer, number).await }?;
        let Some(code) = self.vendor.take(number) else {
            return Err(Error::other("a send was answered before its vendor was called"));
        };
        Ok(Held { number, id, code })
    }

    /// Verifies with the code.
    pub(crate) async fn verify(&mut self, held: Held) -> Result<()> {
        let Held { number, id, code } = held;
        let door = self.program == Program::Door;
        let peer = self.peer().await?;
        if door { door::verify(peer, number, &code).await } else { verify(peer, &id, &code).await }
    }

    async fn peer(&mut self) -> Result<&mut Peer> {
        Ok(match &mut self.peer {
            Some(peer) => peer,
            none => none.insert(Peer::connect(self.address).await?),
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The end of every request's head, up to the API key.
const HEAD: &[u8] =
    b" HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: Bearer ";

#[derive(Deserialize)]
struct Sent<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct Verified<'a> {
    verdict: &'a str,
}

async fn send(client: &mut Peer, number: u64) -> Result<String> {
    let head = [&b"POST /v1/verifications"[..], HEAD, API_KEY.as_bytes(), b"\r\n"];
    let number = number.to_string();
    client.send(&head, &[b"{\"to\":\"+", number.as_bytes(), b"\"}"]).await?;
    let answer = client.receive().await?.ok_or_else(closed)?;
    match serde_json::from_slice::<Sent<'_>>(answer.body) {
        Ok(sent) if answer.status == 201 => Ok(sent.id.to_owned()),
        _ => Err(unexpected("send", answer.status, answer.body)),
    }
}

async fn verify(client: &mut Peer, id: &str, code: &str) -> Result<()> {
    let path = [&b"POST /v1/verifications/"[..], id.as_bytes(), b"/verify"];
    let head = [path[0], path[1], path[2], HEAD, API_KEY.as_bytes(), b"\r\n"];
    client.send(&head, &[b"{\"code\":\"", code.as_bytes(), b"\"}"]).await?;
    let answer = client.receive().await?.ok_or_else(closed)?;
    match serde_json::from_slice::<Verified<'_>>(answer.body) {
        Ok(it) if answer.status == 200 && it.verdict == "approved" => Ok(()),
        _ => Err(unexpected("verify", answer.status, answer.body)),
    }
}

pub(crate) fn closed() -> Error {
    Error::other("the connection was closed instead of an answer")
}

pub(crate) fn unexpected(what: &str, status: u16, body: &[u8]) -> Error {
    Error::other(format!("{what}: {status} {}", String::from_utf8_lossy(body)))
}

/// Numbers that are used for the first time, in blocks (all but the last four digits) that are far
/// apart.
#[derive(Default)]
pub(crate) struct Numbers(Cell<u64>);

impl Numbers {
    /// Blocks of Indian mobiles; each can be used 50 times within the limits.
    const BLOCKS: u64 = 390_000;
    /// Has no divisor in common with the number of blocks, so that all of them are used.
    const STEP: u64 = 7_919;

    fn next(&self) -> u64 {
        let turn = self.0.get();
        self.0.set(turn + 1);
        let block = turn * Self::STEP % Self::BLOCKS;
        916_000_000_000 + block * 10_000 + turn / Self::BLOCKS
    }
}

/// Flows begin at equal intervals, independent of earlier flows.
pub(crate) struct Pace {
    slots: Arc<Semaphore>,
    first: Instant,
    per_second: u32,
    taken: Cell<u64>,
}

impl Pace {
    /// Starts now. A separate thread keeps the time, more exactly than a timer of the runtime.
    pub(crate) fn new(per_second: u32) -> Self {
        let slots = Arc::new(Semaphore::new(0));
        let first = Instant::now();
        let given = Arc::clone(&slots);
        std::thread::spawn(move || {
            let mut slot = 0;
            while !given.is_closed() {
                let wait = (first + distance(slot, per_second)) - Instant::now();
                #[expect(clippy::disallowed_methods, reason = "a thread outside the runtime")]
                std::thread::sleep(wait);
                given.add_permits(1);
                slot += 1;
            }
        });
        Self { slots, first, per_second, taken: Cell::new(0) }
    }

    /// Waits for a slot and returns when it should have begun; `None` if there are no more.
    async fn next(&self) -> Option<Instant> {
        self.slots.acquire().await.ok()?.forget();
        let slot = self.taken.replace(self.taken.get() + 1);
        Some(self.first + distance(slot, self.per_second))
    }
}

fn distance(slot: u64, per_second: u32) -> Duration {
    Duration::from_nanos(slot * 1_000_000_000 / u64::from(per_second))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_number_comes_twice_and_no_block_too_often() {
        let numbers = Numbers::default();
        let mut blocks = HashMap::<u64, u64>::new();
        let mut all: Vec<u64> = (0..2 * Numbers::BLOCKS).map(|_| numbers.next()).collect();
        for number in &all {
            *blocks.entry(number / 10_000).or_default() += 1;
            assert_eq!(number.to_string().len(), 12);
        }
        assert!(blocks.values().all(|&count| count == 2));
        all.sort_unstable();
        all.dedup();
        assert_eq!(u64::try_from(all.len()).unwrap(), 2 * Numbers::BLOCKS);
    }

    #[tokio::test]
    async fn a_slot_that_was_waited_for_keeps_its_time() {
        let pace = Pace::new(1_000);
        let first = pace.next().await.unwrap();
        let second = pace.next().await.unwrap();
        assert_eq!(second - first, Duration::from_millis(1));
        assert!(Instant::now() >= second, "no slot comes early");
        pace.slots.close();
        assert!(pace.next().await.is_none());
    }
}
