//! The interface to a gateway; the emulator uses no other.

use std::fmt;
use std::io;

use async_trait::async_trait;
use http::Method;
use serde_json::Value;

/// Forwards the requests of the page's form to a gateway. The program that embeds the emulator
/// implements it and sets it with [`Emulator::set_relay`](crate::Emulator::set_relay). The relay
/// holds the gateway's address and key, so that no browser sees the key.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync {
    /// Sends one request to the gateway and returns its answer, including errors of the gateway. An
    /// implementation sets its own time limit.
    ///
    /// # Errors
    ///
    /// There is no answer. The text is shown on the page: it must contain no secret.
    async fn relay(&self, request: RelayRequest) -> io::Result<RelayAnswer>;

    /// Whether the gateway goes by the emulator's clock ([`Emulator::clock`](crate::Emulator::clock)).
    /// Then the page has buttons that advance it, and compares the gateway's times with it.
    fn shares_clock(&self) -> bool {
        false
    }
}

/// A request of the form: send, verify, resend or status. Others are not forwarded.
#[derive(Clone)]
#[non_exhaustive]
pub struct RelayRequest {
    /// `POST`, or `GET` for a status.
    pub method: Method,
    /// The gateway's path: `/v1/verifications` or below. No character in it needs escaping.
    pub path: String,
    /// The JSON body of a `POST`. It contains codes and recipients.
    pub body: Option<Value>,
}

impl fmt::Debug for RelayRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The gateway's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; null if there is none.
    pub body: Value,
}
