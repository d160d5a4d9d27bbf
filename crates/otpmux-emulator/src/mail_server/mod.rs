//! The protocol of mail servers with STARTTLS and logins (RFC 5321, 3207, 4954), as far as a client needs
//! it that hands mails over.

mod login;
mod session;
mod terms;
mod tls;

use std::sync::Arc;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

pub(crate) use tls::CERTIFICATE;

use crate::exchange::Rupture;
use crate::shared::Shared;
use crate::vendors::Vendor;
use session::{End, Session};

/// The path of a recipient, for faults: they take effect before the message.
const RCPT: &str = "/rcpt";
/// The path of a connection, for faults: they take effect in place of the greeting.
const CONNECT: &str = "/connect";

/// Serves a connection to the mail server.
pub(crate) async fn run(stream: TcpStream, vendor: Vendor, shared: Arc<Shared>) {
    // Without it, small answers wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = serve(stream, vendor, &shared) => {}
        // The server went down: its open connections end as when a process dies.
        () = shared.is_shut(vendor) => {}
        () = shared.stopped() => {}
    }
}

async fn serve(stream: TcpStream, vendor: Vendor, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    match Session::new(vendor, shared, false).greet(&mut stream).await {
        End::Rupture(how) => rupture(stream.into_inner(), how).await,
        // Data from before TLS must not count after it.
        End::StartTls if stream.buffer().is_empty() => {
            let Ok(accepted) = tls::acceptor().accept(stream.into_inner()).await else { return };
            let mut stream = BufReader::new(accepted);
            if let End::Rupture(how) = Session::new(vendor, shared, true).talk(&mut stream).await {
                rupture(stream.into_inner().into_inner().0, how).await;
            }
        }
        End::Closed | End::StartTls => {}
    }
}

async fn rupture(mut stream: TcpStream, how: Rupture) {
    // A client that is gone already needs no rupture.
    let _ = match how {
        Rupture::Reset => stream.set_zero_linger(),
        Rupture::Close => stream.shutdown().await,
        Rupture::Raw(bytes) => stream.write_all(bytes).await,
    };
}
