use std::io;
use std::net::SocketAddr;

use otpmux::config::ConfigErrors;

/// Error returned when a gateway does not start.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(ConfigErrors),
    /// The gateway cannot listen on an address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
}

otpmux::debug_as_display!(StartError);

impl From<ConfigErrors> for StartError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}
