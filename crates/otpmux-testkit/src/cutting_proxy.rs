#![expect(clippy::missing_panics_doc, reason = "a test that cannot be set up must fail")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Where a [`CuttingProxy`] cuts a connection, at the next request of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// Within the request: the server gets this percentage of its bytes, less than 100.
    Request(usize),
    /// Within the answer: the server gets the whole request, and the client this percentage of the
    /// bytes of the answer, less than 100.
    Answer(usize),
}

/// Proxy before a server of this machine, which forwards everything and cuts a connection on demand.
/// Dropping it ends it.
///
/// A request, and an answer, is what one read returns: enough for protocols whose messages are small
/// and written at once.
#[derive(Debug)]
pub struct CuttingProxy {
    address: SocketAddr,
    cut: Arc<Mutex<Option<Cut>>>,
    serving: AbortHandle,
}

impl CuttingProxy {
    /// Starts one before this port of 127.0.0.1. Must run within a tokio runtime.
    #[expect(clippy::expect_used, reason = "a test that cannot be set up must fail")]
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let address = listener.local_addr().expect("the port just bound");
        let cut = Arc::new(Mutex::new(None));
        let next = Arc::clone(&cut);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, port, Arc::clone(&next)));
            }
        });
        Self { address, cut, serving: serving.abort_handle() }
    }

    /// Returns its own address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts one connection, at the next request.
    pub fn cut(&self, cut: Cut) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut client: TcpStream, port: u16, next: Arc<Mutex<Option<Cut>>>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let mut cut = None;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(bytes @ 1..) = read else { return };
                cut = next.lock().unwrap_or_else(PoisonError::into_inner).take();
                let forwarded = match cut {
                    Some(Cut::Request(percent)) => bytes * percent / 100,
                    Some(Cut::Answer(_)) | None => bytes,
                };
                let written = server.write_all(&up[..forwarded]).await;
                if written.is_err() || forwarded < bytes {
                    return;
                }
            }
            // A transaction is committed before its answer comes.
            read = server.read(&mut down) => {
                let Ok(bytes @ 1..) = read else { return };
                let forwarded = match cut {
                    Some(Cut::Answer(percent)) => bytes * percent / 100,
                    Some(Cut::Request(_)) | None => bytes,
                };
                let written = client.write_all(&down[..forwarded]).await;
                if written.is_err() || forwarded < bytes {
                    return;
                }
            }
        }
    }
}
