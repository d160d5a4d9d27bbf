//! All parts that can fail: the vendors, the workers, and the Redis between them.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use otpmux::provider::{Entropy as _, OsEntropy};
use otpmux_testkit::RedisServer;
use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::Mistake;
use crate::accounts::VENDORS;
use crate::random::Random;
use crate::vendors::{Seen, VendorSite};
use crate::wire::{Ask, Setup};
use crate::workers::{Told, Worker};

const RESTARTS: u32 = 50;

#[derive(Debug)]
pub(crate) struct Stage {
    /// In the order of [`VENDORS`].
    pub(crate) vendors: Vec<VendorSite>,
    /// The second is the one that gets killed.
    pub(crate) workers: [Worker; 2],
    setup: Setup,
    redis: Arc<Mutex<RedisServer>>,
    redis_is_gone: AtomicBool,
    redis_restarts: AtomicU64,
    next_user: AtomicU64,
}

impl Stage {
    pub(crate) async fn set_up() -> Result<Self, Mistake> {
        // Steps that Redis has answered survive its end.
        let durable = ["--appendonly", "yes", "--appendfsync", "always"];
        let redis = spawn_blocking(move || RedisServer::start_with(&durable)).await?;
        let mut vendors = Vec::new();
        for vendor in VENDORS {
            vendors.push(VendorSite::start(vendor).await?);
        }
        let mut key = [[0; 16]; 2];
        OsEntropy.fill(key.as_flattened_mut())?;
        // Hexadecimal digits are valid base64, too: of 48 bytes.
        let [one, other] = key.map(u128::from_be_bytes);
        let server_key = format!("{one:032x}{other:032x}");
        let setup = Setup {
            name: String::new(),
            redis: redis.url(),
            server_key,
            vendors: vendors.iter().map(VendorSite::place).collect(),
        };
        let workers =
            [Worker::start('A', setup.clone()).await?, Worker::start('B', setup.clone()).await?];
        Ok(Self {
            vendors,
            workers,
            setup,
            redis: Arc::new(Mutex::new(redis)),
            redis_is_gone: AtomicBool::new(false),
            redis_restarts: AtomicU64::new(0),
            next_user: AtomicU64::new(0),
        })
    }

    /// Returns an unused Indian mobile number, which all three vendors reach.
    pub(crate) fn next_user(&self) -> (u64, String) {
        let number = self.next_user.fetch_add(1, Ordering::SeqCst);
        (number, format!("+91{}", 7_000_000_000 + number))
    }

    pub(crate) async fn ask(&self, worker: usize, what: Ask) -> Told {
        self.workers[worker % 2].ask(what).await
    }

    /// Returns a further worker whose vendors' addresses refuse connections, as long as the socket
    /// exists.
    pub(crate) async fn cut_off_worker(&self) -> Result<(Worker, TcpSocket), Mistake> {
        let nowhere = refusing_socket()?;
        let mut setup = self.setup.clone();
        for (place, site) in setup.vendors.iter_mut().zip(&self.vendors) {
            place.url = format!("http://{}{}", nowhere.local_addr()?, site.vendor.base_path());
        }
        Ok((Worker::start('C', setup).await?, nowhere))
    }

    pub(crate) fn site(&self, name: &str) -> Option<&VendorSite> {
        self.vendors.iter().find(|site| site.vendor.as_str() == name)
    }

    /// Returns the messages to a number, oldest first.
    pub(crate) fn handset(&self, number: &str) -> Vec<Seen> {
        let mut all: Vec<Seen> =
            self.vendors.iter().flat_map(|site| site.messages_to(number)).collect();
        all.sort_by(|one, other| one.at.cmp(&other.at));
        all
    }

    pub(crate) fn heal_all(&self, random: &mut Random) {
        for site in &self.vendors {
            site.set(None, random);
        }
    }

    pub(crate) fn vendors_in_trouble(&self) -> usize {
        self.vendors.iter().filter(|site| site.trouble().is_some()).count()
    }

    /// Kills the second worker again and again.
    pub(crate) async fn kill_until(&self, end: Instant, mut random: Random) -> Result<(), Mistake> {
        loop {
            let pause = random.millis(1000..2000);
            if Instant::now() + pause >= end {
                return Ok(());
            }
            sleep(pause).await;
            self.workers[1].kill().await?;
            self.workers[1].start_anew().await?;
        }
    }

    pub(crate) async fn restart_redis(&self, gone: Duration) -> Result<(), Mistake> {
        self.redis_is_gone.store(true, Ordering::SeqCst);
        let redis = Arc::clone(&self.redis);
        spawn_blocking(move || lock(&redis).kill()).await?;
        sleep(gone).await;
        // Another program may hold its port for a moment, and then the restart panics.
        let mut tries = 0..RESTARTS;
        loop {
            let redis = Arc::clone(&self.redis);
            match spawn_blocking(move || lock(&redis).restart()).await {
                Err(_) if tries.next().is_some() => sleep(Duration::from_millis(100)).await,
                restarted => break restarted?,
            }
        }
        self.redis_is_gone.store(false, Ordering::SeqCst);
        self.redis_restarts.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    pub(crate) fn redis_is_gone(&self) -> bool {
        self.redis_is_gone.load(Ordering::SeqCst)
    }

    pub(crate) fn redis_restarts(&self) -> u64 {
        self.redis_restarts.load(Ordering::SeqCst)
    }
}

fn lock(redis: &Mutex<RedisServer>) -> std::sync::MutexGuard<'_, RedisServer> {
    redis.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a port where the system refuses every connection.
fn refusing_socket() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket)
}
