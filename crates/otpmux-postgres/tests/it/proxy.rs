//! A proxy before the server, which cuts connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What the proxy does with the next bytes of a client.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Cut {
    Nothing = 0,
    /// It closes before the server gets them.
    Before = 1,
    /// It forwards them, waits for the server's answer, and closes instead of forwarding it.
    After = 2,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    cut: Arc<AtomicU8>,
    serving: AbortHandle,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicU8::new(Cut::Nothing as u8));
        let theirs = Arc::clone(&cut);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, port, Arc::clone(&theirs)));
            }
        });
        Self { address, cut, serving: serving.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://otpmux@{}/postgres", self.address)
    }

    /// Cuts once.
    pub(crate) fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut client: TcpStream, port: u16, cut: Arc<AtomicU8>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(bytes @ 1..) = read else { return };
                let cut = cut.swap(Cut::Nothing as u8, Ordering::SeqCst);
                if cut == Cut::Before as u8 || server.write_all(&up[..bytes]).await.is_err() {
                    return;
                }
                if cut == Cut::After as u8 {
                    // The transaction is committed before its answer comes.
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(bytes @ 1..) = read else { return };
                if client.write_all(&down[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}
