use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use otpmux::config::settings::ConfigError;
use otpmux::config::{ConfigErrors, TlsFiles};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{Accept, TlsAcceptor};

/// The certificate, which a reload may replace: new connections use the new one.
pub(crate) struct Tls(ArcSwap<ServerConfig>);

impl Tls {
    /// # Errors
    ///
    /// The mistakes in the files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, ConfigErrors> {
        Ok(Self(ArcSwap::new(Self::read(files)?)))
    }

    pub(crate) fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, ConfigErrors> {
        let certificate = read_chain(&files.certificate)
            .map_err(|message| ConfigError::new("server.tls_certificate", message))?;
        let key = PrivateKeyDer::from_pem_file(&files.private_key).map_err(|error| {
            let message = unreadable(&files.private_key, "no private key", &error);
            ConfigError::new("server.tls_private_key", message)
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificate, key))
            .map_err(|error| {
                ConfigError::new("server.tls_certificate", format!("cannot be used: {error}"))
            })?;
        Ok(Arc::new(config))
    }

    pub(crate) fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    pub(crate) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Accept<S> {
        TlsAcceptor::from(self.0.load_full()).accept(stream)
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(format!("the file {} holds no certificate", path.display())),
        Err(error) => Err(unreadable(path, "no certificate", &error)),
    }
}

fn unreadable(path: &Path, what: &str, error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => {
            format!("the file {} cannot be read: {error}", path.display())
        }
        // Any other error may quote the file.
        _ => format!("the file {} holds {what} in PEM", path.display()),
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
