#![expect(clippy::expect_used, reason = "a harness that cannot listen must fail the test")]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::connection::Player;
use super::{Connection, Play, Request};

/// Raw TCP server on 127.0.0.1 that misbehaves as its [`Play`] says and records the received bytes.
/// Dropping it ends it and all its connections.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use otpmux_testkit::faulty::{FaultyServer, Play};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let server = FaultyServer::start(Play::read_then_close()).await;
/// let mut client = tokio::net::TcpStream::connect(server.address()).await.unwrap();
/// client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
/// assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
/// assert_eq!(server.requests().len(), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct FaultyServer {
    address: SocketAddr,
    record: watch::Sender<Vec<Connection>>,
    released: watch::Sender<bool>,
    listening: AbortHandle,
}

impl FaultyServer {
    /// Listens on a free port and plays.
    ///
    /// # Panics
    ///
    /// If the machine has no free loopback port.
    pub async fn start(play: impl Into<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        Self::serve(listener, play.into(), Vec::new(), false)
    }

    /// As [`start`](Self::start), but its queue of new connections is full until
    /// [`release`](Self::release): a client waits for its TCP handshake.
    ///
    /// # Panics
    ///
    /// If the machine has no free loopback port, or the queue never fills.
    pub async fn start_busy(play: impl Into<Play>) -> Self {
        let socket = TcpSocket::new_v4().expect("a TCP socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free loopback port");
        let listener = socket.listen(1).expect("a socket that was bound");
        let address = listener.local_addr().expect("the port just bound");
        let mut fillers = Vec::new();
        while let Ok(filler) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await
        {
            fillers.push(filler.expect("a connection that waits in the queue"));
            assert!(fillers.len() < 100, "the queue of new connections never fills");
        }
        Self::serve(listener, play.into(), fillers, true)
    }

    fn serve(listener: TcpListener, play: Play, fillers: Vec<TcpStream>, wait: bool) -> Self {
        let address = listener.local_addr().expect("the port just bound");
        let record = watch::Sender::new(Vec::new());
        let released = watch::Sender::new(false);
        let listening = tokio::spawn(listen(
            listener,
            play,
            fillers,
            wait,
            record.clone(),
            released.subscribe(),
        ));
        Self { address, record, released, listening: listening.abort_handle() }
    }

    /// Returns its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns its URL, such as `http://127.0.0.1:4711`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns its URL for a TLS client; this server does not support TLS.
    pub fn https_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns all connections so far.
    pub fn connections(&self) -> Vec<Connection> {
        self.record.borrow().clone()
    }

    /// Returns the requests that were received whole, over all connections: those on which a vendor
    /// would act.
    pub fn requests(&self) -> Vec<Request> {
        let connections = self.record.borrow();
        let requests = connections.iter().flat_map(|connection| &connection.requests);
        requests.filter(|request| request.whole).cloned().collect()
    }

    /// Lets [`Step::Wait`](super::Step::Wait) and a busy server continue.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits until the record fulfils the condition.
    pub async fn until(&self, wanted: impl FnMut(&[Connection]) -> bool) {
        let mut wanted = wanted;
        // The sender is in `self`, so waiting cannot fail.
        let _ = self.record.subscribe().wait_for(|all| wanted(all)).await;
    }

    /// Waits until it has accepted at least this many connections and all have ended.
    pub async fn until_ended(&self, connections: usize) {
        self.until(|all| all.len() >= connections && all.iter().all(|one| one.ended)).await;
    }

    /// Returns how many connections were waiting or accepted before this call: connects as the last
    /// one in the queue, and waits until that connection has been accepted.
    ///
    /// # Panics
    ///
    /// If it does not listen any more.
    pub async fn drained(&self) -> usize {
        let last = TcpStream::connect(self.address).await.expect("a server that listens");
        let last = last.local_addr().expect("a connected socket");
        let mut before = 0;
        self.until(|all| {
            let position = all.iter().position(|one| one.peer == last);
            before = position.unwrap_or_default();
            position.is_some()
        })
        .await;
        before
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        // The listening task owns the connections' tasks.
        self.listening.abort();
    }
}

async fn listen(
    listener: TcpListener,
    play: Play,
    fillers: Vec<TcpStream>,
    wait: bool,
    record: watch::Sender<Vec<Connection>>,
    mut released: watch::Receiver<bool>,
) {
    if wait && released.wait_for(|released| *released).await.is_err() {
        return;
    }
    let mut strangers: HashSet<SocketAddr> = HashSet::new();
    for filler in &fillers {
        strangers.extend(filler.local_addr());
    }
    drop(fillers);
    let mut players = JoinSet::new();
    let mut index = 0;
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            return;
        };
        if strangers.remove(&peer) {
            continue;
        }
        let steps = play.connections.get(index).or(play.connections.last());
        let steps = steps.cloned().unwrap_or_default();
        record.send_modify(|all| all.push(Connection::new(peer)));
        let player =
            Player { stream, record: record.clone(), index, released: released.clone(), next: 0 };
        players.spawn(async move { player.play(&steps).await });
        index += 1;
    }
}
