//! The route to a vendor: a port that forwards everything until it is closed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

const BACKLOG: u32 = 1024;
/// How often a bind is tried: another program's outgoing connection may hold the port for a moment.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Front {
    addr: SocketAddr,
    vendor: SocketAddr,
    door: Mutex<Door>,
}

#[derive(Debug)]
enum Door {
    Open(JoinHandle<()>),
    /// Holds the port and does not listen, so that the system refuses every connection.
    Closed(TcpSocket),
}

impl Front {
    pub(crate) async fn open(vendor: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let door = Mutex::new(Door::Open(tokio::spawn(hand_on(listener, vendor))));
        Ok(Self { addr, vendor, door })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts every connection; from now on, new ones are refused.
    pub(crate) async fn shut(&self) -> io::Result<()> {
        let mut door = self.door.lock().await;
        if let Door::Open(task) = &mut *door {
            task.abort();
            // The listener is dropped with the task, however that ended.
            let _ = task.await;
            *door = Door::Closed(hold(self.addr).await?);
        }
        Ok(())
    }

    pub(crate) async fn reopen(&self) -> io::Result<()> {
        let mut door = self.door.lock().await;
        if matches!(*door, Door::Closed(_)) {
            let open = Door::Open(tokio::spawn(async {}));
            if let Door::Closed(socket) = std::mem::replace(&mut *door, open) {
                let listener = socket.listen(BACKLOG)?;
                *door = Door::Open(tokio::spawn(hand_on(listener, self.vendor)));
            }
        }
        Ok(())
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Door::Open(task) = self.door.get_mut() {
            task.abort();
        }
    }
}

/// Returns a port where the system refuses every connection.
pub(crate) fn nobody_listens() -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket)
}

async fn hold(addr: SocketAddr) -> io::Result<TcpSocket> {
    let mut tries = 0;
    loop {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        match socket.bind(addr) {
            Ok(()) => return Ok(socket),
            Err(_) if tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
        sleep(PAUSE).await;
    }
}

async fn hand_on(listener: TcpListener, vendor: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(one(stream, vendor));
                }
                // File descriptors have run out; some will be free again.
                Err(_) => sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn one(mut from: TcpStream, vendor: SocketAddr) {
    // Without it, small requests wait for the acknowledgement of earlier ones.
    let _ = from.set_nodelay(true);
    if let Ok(mut to) = TcpStream::connect(vendor).await {
        let _ = to.set_nodelay(true);
        // For the other side, a reset is an end, too.
        let _ = copy_bidirectional(&mut from, &mut to).await;
    }
}
