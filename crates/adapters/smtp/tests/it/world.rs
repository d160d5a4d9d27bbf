use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Channel, Code, CodeSource, Context, Error, IdempotencyKey, Message, OsEntropy,
    OtpProvider as _, Recipient, SendRequest, Sent, Text,
};
use otpmux_smtp::{Smtp, SmtpBuilder};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

pub(crate) const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/localhost.pem");
pub(crate) const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/localhost.key");
pub(crate) const TO: &str = "ann@example.com";
pub(crate) const CODE: &str = "004217";

/// Settings for a server in clear text on this machine.
pub(crate) fn settings(port: u16) -> SmtpBuilder {
    Smtp::builder("127.0.0.1", "Acme <otp@acme.example>")
        .port(u32::from(port))
        .tls("none")
        .timeout(Duration::from_secs(10))
}

/// Settings for a server with the test certificate, STARTTLS required.
pub(crate) fn settings_tls(port: u16) -> SmtpBuilder {
    settings(port).tls("starttls").ca_file(CERTIFICATE)
}

pub(crate) fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_file(KEY).unwrap();
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) fn message() -> Message {
    Message::new(Text::new("Your Acme code is {code}."))
}

pub(crate) fn request(message: Message) -> SendRequest {
    request_to(TO, message)
}

pub(crate) fn request_to(to: &str, message: Message) -> SendRequest {
    let code: Code = CODE.parse().unwrap();
    let to: Recipient = to.parse().unwrap();
    let mut request = SendRequest::new(to, Channel::Email, CodeSource::Otpmux(code));
    request.message = Some(message);
    request
}

pub(crate) fn cx() -> Context {
    Context::new(IdempotencyKey::generate(&OsEntropy).unwrap())
}

pub(crate) async fn send(settings: SmtpBuilder, message: Message) -> Result<Sent, Error> {
    settings.build("mail").unwrap().send(&cx(), &request(message)).await
}
