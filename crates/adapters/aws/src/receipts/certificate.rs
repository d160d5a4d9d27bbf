use otpmux_core::{Context, Error};
use otpmux_http::signature::{PublicKey, Scheme};
use otpmux_http::{Answer, Call, Transport};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::sync::Mutex;

/// The certificate that SNS signs with. It changes about once a year, and then its URL does.
#[derive(Debug, Default)]
pub(super) struct Certificates(Mutex<Option<Held>>);

#[derive(Debug)]
struct Held {
    path: String,
    /// `SubjectPublicKeyInfo`, in DER.
    key: Vec<u8>,
}

impl Certificates {
    /// Returns the key of the certificate at a path that was checked, fetched at most once at a time.
    pub(super) async fn key(
        &self,
        cx: &Context,
        transport: &Transport,
        path: String,
        scheme: Scheme,
    ) -> Result<PublicKey, Error> {
        let mut held = self.0.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.path == path)
            && let Ok(key) = PublicKey::from_der(scheme, &held.key)
        {
            return Ok(key);
        }
        let call = Call::get("/SimpleNotificationService.pem").with_path(path.as_str());
        let answer = transport.call(cx, call).await?;
        let unreadable = || answer.protocol_error("SNS does not give its certificate");
        let key = key_of(&answer).ok_or_else(unreadable)?;
        let public = PublicKey::from_der(scheme, &key).map_err(|_| unreadable())?;
        *held = Some(Held { path, key });
        Ok(public)
    }
}

fn key_of(answer: &Answer) -> Option<Vec<u8>> {
    if answer.status() != 200 {
        return None;
    }
    let certificate = CertificateDer::from_pem_slice(answer.bytes()).ok()?;
    let certificate = webpki::EndEntityCert::try_from(&certificate).ok()?;
    Some(certificate.subject_public_key_info().as_ref().to_vec())
}
