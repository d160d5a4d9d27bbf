//! A vendor's port. While it is shut, the operating system refuses connections to it.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

/// The most connections that wait to be accepted; load tests open fewer at once.
const BACKLOG: u32 = 1024;
/// The pause between two tries to listen again on an address that another program took meanwhile.
const LISTEN_PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Port {
    addr: SocketAddr,
    /// Threads outside of the runtime also set faults.
    runtime: Handle,
    /// `None` while the port is shut. Behind a lock, so that shutting takes effect at once.
    listener: Mutex<Option<TcpListener>>,
    is_open: watch::Sender<bool>,
    /// Is bound and never listens: no other program gets the port while it is shut.
    _reservation: Option<TcpSocket>,
}

impl Port {
    /// Binds the address and listens. Must be called inside a Tokio runtime.
    pub(crate) fn open(addr: SocketAddr) -> io::Result<Self> {
        // Other systems do not let two sockets share an address like this.
        let reservation = cfg!(target_os = "linux").then(|| bind(addr)).transpose()?;
        let addr = match &reservation {
            Some(socket) => socket.local_addr()?,
            None => addr,
        };
        let listener = listen(addr)?;
        Ok(Self {
            addr: listener.local_addr()?,
            runtime: Handle::current(),
            listener: Mutex::new(Some(listener)),
            is_open: watch::Sender::new(true),
            _reservation: reservation,
        })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Shuts the port: connections are refused from this call on, and open ones are cut.
    pub(crate) fn shut(&self) {
        *self.listener() = None;
        self.is_open.send_replace(false);
    }

    /// Accepts connections again.
    pub(crate) fn reopen(&self) {
        {
            let mut listener = self.listener();
            if listener.is_none() {
                let _runtime = self.runtime.enter();
                // After a failure, `accept` tries again.
                *listener = listen(self.addr).ok();
            }
        }
        self.is_open.send_replace(true);
    }

    /// Returns the next connection. Waits while the port is shut.
    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        loop {
            let mut is_open = self.is_open.subscribe();
            let mut accepting = poll_fn(|cx| match &*self.listener() {
                Some(listener) => listener.poll_accept(cx),
                None => Poll::Pending,
            });
            let is_missing = *is_open.borrow_and_update() && self.listener().is_none();
            tokio::select! {
                accepted = &mut accepting => return accepted.map(|(stream, _)| stream),
                _ = is_open.changed() => {}
                () = sleep(LISTEN_PAUSE), if is_missing => self.reopen(),
            }
        }
    }

    /// Completes when the port is shut.
    pub(crate) async fn is_shut(&self) {
        let _ = self.is_open.subscribe().wait_for(|is_open| !is_open).await;
    }

    fn listener(&self) -> MutexGuard<'_, Option<TcpListener>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("addr", &self.addr).finish_non_exhaustive()
    }
}

fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows, the option would let another program take the address.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(addr)?;
    Ok(socket)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    bind(addr)?.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn a_shut_port_refuses_and_keeps_its_number() {
        let port = Port::open(([127, 0, 0, 1], 0).into()).unwrap();
        for _ in 0..3 {
            let (connected, accepted) =
                tokio::join!(TcpStream::connect(port.addr()), port.accept());
            assert_eq!(connected.unwrap().peer_addr().unwrap(), port.addr());
            accepted.unwrap();
            port.shut();
            port.is_shut().await;
            let error = TcpStream::connect(port.addr()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            port.reopen();
        }
    }

    /// A task that waits for connections is woken, also by a thread outside of the runtime.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_port_opens_under_one_who_waits() {
        let port = std::sync::Arc::new(Port::open(([127, 0, 0, 1], 0).into()).unwrap());
        port.shut();
        let waiting = tokio::spawn({
            let port = std::sync::Arc::clone(&port);
            async move { port.accept().await }
        });
        std::thread::spawn({
            let port = std::sync::Arc::clone(&port);
            move || port.reopen()
        })
        .join()
        .unwrap();
        TcpStream::connect(port.addr()).await.unwrap();
        waiting.await.unwrap().unwrap();
    }
}
