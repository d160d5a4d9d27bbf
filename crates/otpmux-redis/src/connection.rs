use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, PushInfo, PushKind, Value,
};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use crate::error::CallError;
use crate::options::Options;
use crate::script_call::ScriptCall;

/// How many redirections of a cluster one call follows before it fails.
const HOPS: usize = 4;
/// How many calls may wait to be written.
const QUEUE: usize = 1024;

/// Access to Redis: one connection at a time, shared by all calls.
///
/// It never repeats a call by itself. A call whose answer was lost may have counted a guess or
/// approved a code, so only its caller can decide what to do. A redirected call was not carried
/// out, so following a redirection is safe. This type follows a cluster itself because all keys of
/// a store are on one node, and the client library's cluster connection cannot follow a redirection
/// without also repeating a call whose answer was lost.
pub(crate) struct RedisConnection {
    /// Servers to connect to first.
    servers: Vec<ConnectionInfo>,
    cluster: bool,
    connect_timeout: Duration,
    answer_timeout: Duration,
    route: Mutex<Arc<Route>>,
}

/// One connection, including the time before it is made.
#[derive(Default)]
struct Route {
    /// The node that has the keys, as another node has said.
    node: Option<ConnectionInfo>,
    /// Made by the first call that needs it; calls that come meanwhile wait and share the result.
    made: OnceCell<Result<Connection, CallError>>,
}

#[derive(Clone)]
struct Connection {
    redis: MultiplexedConnection,
    lost: Arc<AtomicBool>,
    /// Whether the server is too old for script flags.
    old: Arc<AtomicBool>,
}

impl RedisConnection {
    pub(crate) fn new(servers: Vec<ConnectionInfo>, options: &Options) -> Self {
        Self {
            servers,
            cluster: options.cluster,
            connect_timeout: options.connect_timeout,
            answer_timeout: options.answer_timeout,
            route: Mutex::default(),
        }
    }

    /// Runs a script once, on the node that has its keys.
    pub(crate) async fn call(&self, call: &ScriptCall<'_>) -> Result<Value, CallError> {
        let deadline = Instant::now() + self.connect_timeout + self.answer_timeout;
        let mut hops = 0;
        loop {
            let route = self.route();
            let error = match self.connection(&route, deadline).await {
                Ok(connection) => match self.ask(connection, call, deadline).await {
                    Ok(value) => return Ok(value),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            match error {
                CallError::Moved { host, port } if self.cluster && hops < HOPS => {
                    hops += 1;
                    let node = self.node(host, port, &route);
                    let known = route.node.as_ref().is_some_and(|it| it.addr() == node.addr());
                    self.leave(&route, (!known).then_some(node));
                    if known {
                        // The node was tried, and another server answered in its place.
                        let why = "the node that has the keys cannot be reached";
                        return Err(CallError::Unreachable(why.to_owned()));
                    }
                }
                error => {
                    if error.ends_connection() {
                        self.leave(&route, route.node.clone());
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Returns the connection of this route. One that exists already needs no clock.
    async fn connection(&self, route: &Route, deadline: Instant) -> Result<Connection, CallError> {
        if let Some(made) = route.made.get() {
            return made.clone();
        }
        let late = |_| Err(CallError::Unreachable("it took too long".to_owned()));
        let connect = route.made.get_or_init(|| self.connect(route.node.as_ref()));
        timeout_at(deadline, connect).await.map_or_else(late, Clone::clone)
    }

    async fn ask(
        &self,
        mut connection: Connection,
        call: &ScriptCall<'_>,
        deadline: Instant,
    ) -> Result<Value, CallError> {
        // Pinned here, since a timeout would copy it.
        let ask = pin!(async {
            match connection.send(call, false).await {
                // Redis was restarted, or its scripts were flushed.
                Err(error) if error.is_no_script() => match connection.send(call, true).await {
                    // Nothing has run: the server is older than version 7.
                    Err(error) if error.is_no_lua() && !connection.is_old() => {
                        connection.old.store(true, Ordering::Relaxed);
                        connection.send(call, true).await
                    }
                    result => result,
                },
                result => result,
            }
        });
        let late = |_| Err(CallError::NoAnswer(format!("not within {:?}", self.answer_timeout)));
        let ends = deadline.min(Instant::now() + self.answer_timeout);
        timeout_at(ends, ask).await.unwrap_or_else(late)
    }

    /// Returns the route in use, or a new one if its connection was lost between calls.
    fn route(&self) -> Arc<Route> {
        let mut route = self.lock();
        if route.is_lost() {
            *route = Arc::new(Route { node: route.node.clone(), made: OnceCell::new() });
        }
        Arc::clone(&route)
    }

    /// Uses another route from the next call on, unless another task has replaced this one already.
    fn leave(&self, route: &Arc<Route>, node: Option<ConnectionInfo>) {
        let mut current = self.lock();
        if Arc::ptr_eq(&current, route) {
            *current = Arc::new(Route { node, made: OnceCell::new() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Route>> {
        // Nothing under the lock can panic half-route.
        self.route.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the node that another node has named, with the settings of the first server.
    fn node(&self, host: String, port: u16, from: &Route) -> ConnectionInfo {
        let like = from.node.as_ref().unwrap_or(&self.servers[0]);
        let addr = match like.addr() {
            // A node that does not know its own address leaves it out.
            ConnectionAddr::Tcp(same, _) => {
                ConnectionAddr::Tcp(if host.is_empty() { same.clone() } else { host }, port)
            }
            ConnectionAddr::TcpTls { host: same, .. } => ConnectionAddr::TcpTls {
                host: if host.is_empty() { same.clone() } else { host },
                port,
                insecure: false,
                tls_params: None,
            },
            other => other.clone(),
        };
        like.clone().set_addr(addr)
    }

    /// Tries the node that has the keys, then every server, each with a share of the remaining
    /// time: one that hangs must not use it all.
    async fn connect(&self, node: Option<&ConnectionInfo>) -> Result<Connection, CallError> {
        let deadline = Instant::now() + self.connect_timeout;
        let mut error = CallError::Unreachable("no server".to_owned());
        let servers: Vec<_> = node.into_iter().chain(&self.servers).collect();
        for (server, left) in servers.iter().zip((1..=servers.len()).rev()) {
            let now = Instant::now();
            let shares = u32::try_from(left).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(now) / shares;
            match timeout_at(now + share, connect(server)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(cause)) => error = CallError::of_connecting(&cause),
                Err(_) => error = CallError::Unreachable("it took too long".to_owned()),
            }
        }
        Err(error)
    }
}

impl Route {
    fn is_lost(&self) -> bool {
        let made = self.made.get().and_then(|made| made.as_ref().ok());
        made.is_some_and(|connection| connection.lost.load(Ordering::Relaxed))
    }
}

impl Connection {
    fn is_old(&self) -> bool {
        self.old.load(Ordering::Relaxed)
    }

    async fn send(&mut self, call: &ScriptCall<'_>, whole: bool) -> Result<Value, CallError> {
        let command = call.command(whole, !self.is_old());
        let value = self.redis.send_packed_command(&command).await;
        let value = value.and_then(Value::extract_error);
        value.map_err(|error| CallError::of_asking(&error))
    }
}

async fn connect(server: &ConnectionInfo) -> redis::RedisResult<Connection> {
    let lost = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&lost);
    // This module applies the timeouts itself.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.store(true, Ordering::Relaxed);
            }
            Ok::<(), std::convert::Infallible>(())
        });
    let client = Client::open(server.clone())?;
    let redis = client.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Connection { redis, lost, old: Arc::default() })
}

impl fmt::Debug for RedisConnection {
    /// Shows no server: its address and user are private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection")
            .field("servers", &self.servers.len())
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}
