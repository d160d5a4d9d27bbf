//! The interface to a gateway, of which the emulator knows nothing else.

use std::fmt;
use std::io;

use async_trait::async_trait;
use http::Method;
use serde_json::Value;

/// Passes the requests of the page's form on to a gateway. The program that embeds the emulator
/// implements it and sets it by [`Emulator::set_relay`](crate::Emulator::set_relay). The relay holds
/// the gateway's address and key, so that no browser ever sees the key.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync {
    /// Sends one request to the gateway and returns its answer, errors of the gateway included.
    /// An implementation has its own time limit.
    ///
    /// # Errors
    ///
    /// When there is no answer. The text is shown on the page: it must hold no secret.
    async fn relay(&self, request: RelayRequest) -> io::Result<RelayAnswer>;
}

/// A request of the form: send, verify, resend or status. No other passes.
#[derive(Clone)]
#[non_exhaustive]
pub struct RelayRequest {
    /// `POST`, or `GET` for a status.
    pub method: Method,
    /// The gateway's path, `/v1/verifications` or below. It holds no character that needs escaping.
    pub path: String,
    /// The JSON body of a `POST`. It holds codes and recipients.
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
