//! Readiness: whether codes can be verified here, checked at most once a second.

use otpmux::admin::StoreState;
use otpmux::{Error, ErrorKind, OtpClient};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

/// How long a result is reused. A check costs the store a write, and needs no API key.
const HOLDS: Duration = Duration::from_secs(1);

/// The state of the store, as far as this gateway needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It accepts writes.
    Ok,
    /// It rejects new verifications for lack of room, and still checks codes.
    Full,
    /// It cannot be reached, or rejects writes.
    Unavailable,
    /// A server key of this gateway differs from the key that other processes use under its id.
    ServerKeyDiffers,
}

impl Standing {
    fn of(result: &Result<StoreState, Error>) -> Self {
        match result {
            Ok(StoreState::Ok) => Self::Ok,
            Ok(StoreState::Full) => Self::Full,
            Err(error) if error.kind() == ErrorKind::Configuration => Self::ServerKeyDiffers,
            Err(_) => Self::Unavailable,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::ServerKeyDiffers => "server_key_differs",
        }
    }
}

/// The last result. Requests that arrive during a check wait for it and share its result.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Standing)>>);

impl Readiness {
    pub(crate) async fn ask(&self, client: &OtpClient) -> Standing {
        let mut last = self.0.lock().await;
        if let Some((at, standing)) = *last
            && at.elapsed() < HOLDS
        {
            return standing;
        }
        let result = client.ready().await;
        let standing = Standing::of(&result);
        let before = last.map(|(_, standing)| standing);
        match &result {
            Err(error) if before != Some(standing) => {
                tracing::error!(%error, store = standing.as_str(), "not ready: no code can be verified");
            }
            Ok(StoreState::Full) if before != Some(standing) => {
                tracing::error!(
                    "the store is full: new verifications are refused, codes are still checked"
                );
            }
            Ok(StoreState::Ok) if before.is_some_and(|before| before != Standing::Ok) => {
                tracing::info!("ready again");
            }
            _ => {}
        }
        *last = Some((Instant::now(), standing));
        standing
    }
}
