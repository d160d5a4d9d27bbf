//! A vendor with the part of EasyOTP's API that a send needs. It hands every code to the flow that
//! waits for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::Result;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use crate::wire::Peer;

/// "Delivered" codes that no flow has taken yet, by number.
#[derive(Default)]
pub(crate) struct Vendor {
    codes: RefCell<HashMap<u64, String>>,
    /// How long each answer takes.
    pub(crate) delay: Cell<Duration>,
}

#[derive(Deserialize)]
struct Send<'a> {
    recipient: &'a str,
    code: &'a str,
}

const TAKEN: &[u8] = br#"{"success":true,"verification_id":"11f951d5-32d1-4b49-bdda-7da248e2615c","expires_at":"2030-01-01T12:05:00.000Z","request_id":"7b4d6022-7260-4568-b6b7-29c366c47bbc"}"#;
const REFUSED: &[u8] = br#"{"error":"not a send"}"#;

impl Vendor {
    /// Serves on a free port of loopback for as long as the thread's tasks run.
    pub(crate) async fn serve(self: &Rc<Self>) -> Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let vendor = Rc::clone(self);
        spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(peer) = Peer::accepted(stream) {
                    spawn_local(Rc::clone(&vendor).answer(peer));
                }
            }
        });
        Ok(address)
    }

    /// Returns the code that was sent to this number.
    pub(crate) fn take(&self, number: u64) -> Option<String> {
        self.codes.borrow_mut().remove(&number)
    }

    async fn answer(self: Rc<Self>, mut peer: Peer) {
        // After an invalid request or a closed connection there is no further answer, and the flow
        // fails.
        while let Ok(Some(request)) = peer.receive().await {
            let send = serde_json::from_slice::<Send<'_>>(request.body).ok();
            let number = send.as_ref().and_then(|send| send.recipient.get(1..)?.parse().ok());
            let known = send.zip(number).map(|(send, number)| {
                self.codes.borrow_mut().insert(number, send.code.to_owned());
            });
            let delay = self.delay.get();
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let (status, body) = match known {
                Some(()) => ("HTTP/1.1 200 OK", TAKEN),
                None => ("HTTP/1.1 400 Bad Request", REFUSED),
            };
            let kind = b"\r\ncontent-type: application/json\r\n";
            if peer.send(&[status.as_bytes(), kind], &[body]).await.is_err() {
                return;
            }
        }
    }
}
