//! How much memory of Redis a verification takes, while it is pending and after its approval.

use std::io::Result;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;

use crate::flow::{Caller, Held, Numbers};
use crate::options::{Options, Program, Store};
use crate::redis_servers::Redis;
use crate::servers::Server;
use crate::vendor::Vendor;

/// How long a gateway may keep outcomes back to write them together.
const WRITTEN: Duration = Duration::from_millis(300);

/// Bytes of one verification with all that comes with it: limits, pointers, the tables of Redis.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) pending: u64,
    pub(crate) approved: u64,
}

/// Measures it on an empty Redis; `None` for a program that does not keep its data there, or if it
/// is not asked for.
pub(crate) async fn measure(
    options: &Options,
    server: &Server,
    redis: &Redis,
    vendor: &Rc<Vendor>,
    numbers: &Rc<Numbers>,
) -> Result<Option<Memory>> {
    let elsewhere = options.store != Store::Redis && server.program != Program::Floor;
    if elsewhere || options.memory_of == 0 {
        return Ok(None);
    }
    let own = (options.memory_of / options.clients).max(1);
    let clients = (0..options.clients).map(|client| Client {
        caller: Caller::new(server, client, vendor, numbers),
        held: Vec::new(),
    });
    // One flow of each: connections and scripts are there before the first reading.
    let mut clients: Vec<_> = clients.collect();
    for step in [Step::Send(1), Step::Verify] {
        clients = all(clients, step).await?;
    }
    redis.empty();
    let before = redis.memory()?;
    clients = all(clients, Step::Send(own)).await?;
    let pending = redis.memory()?;
    all(clients, Step::Verify).await?;
    let approved = redis.memory()?;
    let count = u64::from(own) * u64::from(options.clients);
    let one = |bytes: u64| bytes.saturating_sub(before) / count;
    Ok(Some(Memory { pending: one(pending), approved: one(approved) }))
}

/// A caller, and what it has not verified yet.
struct Client {
    caller: Caller,
    held: Vec<Held>,
}

#[derive(Clone, Copy)]
enum Step {
    Send(u32),
    Verify,
}

impl Client {
    async fn run(mut self, step: Step) -> Result<Self> {
        match step {
            Step::Send(times) => {
                for _ in 0..times {
                    self.held.push(self.caller.send().await?);
                }
            }
            Step::Verify => {
                for held in self.held.drain(..) {
                    self.caller.verify(held).await?;
                }
            }
        }
        Ok(self)
    }
}

/// Runs a step of all clients at the same time, and what a gateway writes later.
async fn all(clients: Vec<Client>, step: Step) -> Result<Vec<Client>> {
    let running: Vec<_> = clients.into_iter().map(|client| spawn_local(client.run(step))).collect();
    let mut clients = Vec::new();
    for one in running {
        clients.push(one.await??);
    }
    tokio::time::sleep(WRITTEN).await;
    Ok(clients)
}
