//! TLS of vendors and webhooks.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// The one error here.
const NO_TLS: &str = "the TLS client cannot start; are root certificates installed?";

/// Returns the configuration that trusts the system's root certificates. Reading them takes milliseconds and
/// hundreds of kilobytes, so all clients of the process share one as long as one of them is there.
pub(crate) fn with_system_roots() -> Result<Arc<ClientConfig>, &'static str> {
    static SHARED: Mutex<Weak<ClientConfig>> = Mutex::new(Weak::new());
    // A reference is whole at any time.
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = shared.upgrade() {
        return Ok(config);
    }
    let config = config(|builder| builder.with_platform_verifier().map_err(|_| NO_TLS))?;
    *shared = Arc::downgrade(&config);
    Ok(config)
}

/// Returns a configuration that trusts no certificate, for plain HTTP.
pub(crate) fn without_roots() -> Result<Arc<ClientConfig>, &'static str> {
    config(|builder| Ok(builder.with_root_certificates(RootCertStore::empty())))
}

type Trust = ConfigBuilder<ClientConfig, WantsVerifier>;
type Trusting = ConfigBuilder<ClientConfig, WantsClientCert>;

fn config(
    trust: fn(Trust) -> Result<Trusting, &'static str>,
) -> Result<Arc<ClientConfig>, &'static str> {
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| NO_TLS)?;
    Ok(Arc::new(trust(builder)?.with_no_client_auth()))
}
