use std::sync::{Arc, LazyLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// The certificate of the mail server, for `localhost` and the loopback addresses. Its key is public: it is
/// in this repository. Trust it in tests only.
pub(crate) const CERTIFICATE: &str = include_str!("localhost.pem");
const KEY: &str = include_str!("localhost.key");

/// Returns the acceptor of the mail server.
#[expect(clippy::expect_used, reason = "invariant: the certificate is part of this program")]
pub(super) fn acceptor() -> TlsAcceptor {
    static CONFIG: LazyLock<Arc<ServerConfig>> =
        LazyLock::new(|| Arc::new(config().expect("a certificate with its key")));
    TlsAcceptor::from(Arc::clone(&CONFIG))
}

fn config() -> Result<ServerConfig, rustls::Error> {
    let unreadable = |_| rustls::Error::General("the certificate cannot be read".to_owned());
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).map_err(unreadable)?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
}
