use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use crate::answer::Answer;
use crate::call::Call;
use crate::error::CallError;
use crate::migrate;
use crate::options::{Options, OptionsError};
use crate::sql;
use crate::tls::Tls;
use crate::url;

/// How often a step is called again with other locks.
const TURNS: u32 = 4;

/// The connections of a store. Each runs one step at a time: a step that waits for a lock or for the
/// disk must hold up no other one.
///
/// A step is one unnamed statement, and nothing is kept in a session between steps, so a pooler may
/// give every step another server connection. This type never repeats a call that may have been
/// carried out.
pub(crate) struct Pool {
    config: Config,
    tls: Option<Tls>,
    schema: String,
    migrate: bool,
    connect_timeout: Duration,
    answer_timeout: Duration,
    permits: Semaphore,
    /// Those that no step uses; the one that was used last is at the end.
    idle: Mutex<Vec<Link>>,
    /// Whether the database has what the steps need.
    prepared: Mutex<Arc<OnceCell<()>>>,
}

/// One connection.
struct Link {
    client: Client,
    /// The task that reads and writes. It ends by itself when the client is dropped.
    task: AbortHandle,
}

/// A connection that a step uses. Unless it is given back, it is closed at once, also when the
/// caller stops waiting: an answer that comes later must not meet another step.
struct Lease<'p> {
    pool: &'p Pool,
    link: Option<Link>,
    _permit: SemaphorePermit<'p>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            link.task.abort();
        }
    }
}

impl Lease<'_> {
    fn give_back(mut self) {
        if let Some(link) = self.link.take() {
            lock(&self.pool.idle).push(link);
        }
    }
}

impl Pool {
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, OptionsError> {
        options.check()?;
        let config = url::parse(url)?;
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(Tls::new()?),
        };
        Ok(Self {
            config,
            tls,
            schema: options.schema.clone(),
            migrate: options.migrate,
            connect_timeout: options.connect_timeout,
            answer_timeout: options.answer_timeout,
            permits: Semaphore::new(options.connections),
            idle: Mutex::default(),
            prepared: Mutex::default(),
        })
    }

    /// Runs a step once. One that was rolled back because its locks did not suffice is called again.
    pub(crate) async fn call(&self, call: &Call) -> Result<Answer, CallError> {
        let parameters = call.parameters();
        let statement = sql::statement(&self.schema, call.step, parameters.len());
        let mut turn = 1;
        loop {
            let lease = self.lease().await?;
            let Some(link) = &lease.link else { return Err(CallError::Unreadable) };
            let asking = link.client.query_typed(&statement, &parameters);
            let rows = match timeout(self.answer_timeout, asking).await {
                Ok(rows) => rows.map_err(|error| CallError::of_asking(&error)),
                Err(_) => Err(CallError::NoAnswer(format!("not within {:?}", self.answer_timeout))),
            };
            match rows {
                Ok(rows) => {
                    lease.give_back();
                    return Answer::of(&rows);
                }
                Err(error) => {
                    if error.is_missing_schema() {
                        *lock(&self.prepared) = Arc::default();
                    }
                    if !error.ends_connection() {
                        lease.give_back();
                    }
                    if error.is_again() && turn < TURNS {
                        turn += 1;
                        continue;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Returns a connection to a database that has what the steps need.
    async fn lease(&self) -> Result<Lease<'_>, CallError> {
        let deadline = Instant::now() + self.connect_timeout;
        let late = |why: &str| CallError::Unreachable(why.to_owned());
        let busy = "all connections of this store were in use for too long; raise \
                    connections, or find out what keeps the server busy";
        let Ok(Ok(permit)) = timeout_at(deadline, self.permits.acquire()).await else {
            return Err(late(busy));
        };
        let link = match self.idle() {
            Some(link) => link,
            None => match timeout_at(deadline, self.connect()).await {
                Ok(link) => link?,
                Err(_) => return Err(late("it took too long")),
            },
        };
        let lease = Lease { pool: self, link: Some(link), _permit: permit };
        self.prepare(&lease).await?;
        Ok(lease)
    }

    /// Returns an idle connection that is not known to be broken.
    fn idle(&self) -> Option<Link> {
        let mut idle = lock(&self.idle);
        std::iter::from_fn(|| idle.pop()).find(|link| !link.client.is_closed())
    }

    /// Checks the database before the first step. One caller does, and the others wait.
    async fn prepare(&self, lease: &Lease<'_>) -> Result<(), CallError> {
        let prepared = Arc::clone(&*lock(&self.prepared));
        if prepared.initialized() {
            return Ok(());
        }
        let Some(link) = &lease.link else { return Ok(()) };
        let prepare = migrate::prepare(&link.client, &self.schema, self.migrate);
        // Creating everything takes longer than a step.
        let patience = self.connect_timeout + self.answer_timeout;
        match timeout(patience, prepared.get_or_try_init(|| prepare)).await {
            Ok(done) => done.copied(),
            Err(_) => Err(CallError::Unreachable("preparing its schema took too long".to_owned())),
        }
    }

    async fn connect(&self) -> Result<Link, CallError> {
        let failed = |error| CallError::of_connecting(&error);
        let (client, task) = match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                (client, tokio::spawn(connection))
            }
            Some(tls) => {
                let (client, connection) =
                    self.config.connect(tls.clone()).await.map_err(failed)?;
                (client, tokio::spawn(connection))
            }
        };
        // Its error, if it has one, is that of the step that runs.
        Ok(Link { client, task: task.abort_handle() })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Pool {
    /// Shows no server: its address and user are private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("schema", &self.schema)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
