//! Whether codes can be verified here, found out once a second at most.

use otpmux::admin::StoreState;
use otpmux::{Error, ErrorKind, OtpClient};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

/// How long an answer holds. It costs the store a write, and anybody may ask.
const HOLDS: Duration = Duration::from_secs(1);

/// How the store is, as far as this gateway needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It takes writes.
    Ok,
    /// It refuses new verifications for want of room, and still checks codes.
    Full,
    /// It is out of reach, or refuses writes.
    Unavailable,
    /// A server key of this gateway is not the one that others use under its id.
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

/// The last answer. Those who ask while it is found out wait for it, and share it.
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
