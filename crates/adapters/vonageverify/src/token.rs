//! JSON Web Tokens that authenticate an application: RS256, good for 15 minutes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use otpmux_core::{Clock, Entropy, OsEntropy, Secret, SystemClock};
use otpmux_http::signature::Encoding;
use serde_json::json;

/// The life of a token, as Vonage's own clients choose it.
const LIFE: Duration = Duration::from_mins(15);
/// A token with less time left is not used again: the call and the difference of two clocks need
/// some.
const SPARE: Duration = Duration::from_mins(1);

/// The key of an application, and the token in use. Making one needs no request.
pub(crate) struct Signer {
    application_id: String,
    key: RsaKeyPair,
    clock: Arc<dyn Clock>,
    token: Mutex<Option<(SystemTime, Secret)>>,
}

impl Signer {
    /// # Errors
    ///
    /// The text is not an RSA private key; shows nothing of it.
    pub(crate) fn new(application_id: &str, key: &Secret) -> Result<Self, &'static str> {
        const RULE: &str = "must be an RSA private key in PEM form, with its BEGIN and END lines";
        let (pkcs8, der) = der(key.expose()).ok_or(RULE)?;
        let key = if pkcs8 { RsaKeyPair::from_pkcs8(&der) } else { RsaKeyPair::from_der(&der) };
        Ok(Self {
            application_id: application_id.to_owned(),
            key: key.map_err(|_| RULE)?,
            clock: Arc::new(SystemClock),
            token: Mutex::new(None),
        })
    }

    #[cfg(test)]
    pub(crate) fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the value of the `Authorization` header; `None` if the machine gives no randomness.
    pub(crate) fn bearer(&self) -> Option<Secret> {
        let now = self.clock.now();
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, token)) = &*token
            // A clock that was set back makes a token from the future, which Vonage refuses.
            && now < *until && until.duration_since(now).is_ok_and(|left| left <= LIFE)
        {
            return Some(token.clone());
        }
        let made = self.mint(now)?;
        *token = Some((now + LIFE - SPARE, made.clone()));
        Some(made)
    }

    /// Drops the token, so that the next call makes another one.
    pub(crate) fn forget(&self) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn mint(&self, now: SystemTime) -> Option<Secret> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let claims = json!({
            "application_id": self.application_id,
            "iat": seconds,
            "exp": seconds + LIFE.as_secs(),
            "jti": jti()?,
        });
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).ok()?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Some(Secret::new(format!("Bearer {signed}.{signature}")))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(•••)")
    }
}

/// Returns a new id of a token, in the form of a UUID.
fn jti() -> Option<String> {
    let mut bytes = [0; 16];
    OsEntropy.fill(&mut bytes).ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = Encoding::Hex.encode(&bytes);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(parts.join("-"))
}

/// Returns the bytes of a PEM text, and whether they are PKCS #8. Line ends may be written as `\n`,
/// as environment variables often hold them, or be absent.
fn der(pem: &str) -> Option<(bool, Vec<u8>)> {
    let pem = pem.replace("\\n", "\n");
    let (label, rest) = pem.split_once("-----BEGIN ")?.1.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.split_ascii_whitespace().collect();
    let pkcs8 = match label {
        "PRIVATE KEY" => true,
        "RSA PRIVATE KEY" => false,
        _ => return None,
    };
    Some((pkcs8, BASE64_STANDARD.decode(body).ok()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use otpmux_testkit::ManualClock;
    use serde_json::Value;

    use super::*;

    /// A key that was made for these tests and for the emulator only.
    pub(crate) const KEY: &str = include_str!("test_private_key.pem");

    fn claims(bearer: &Secret) -> Value {
        let token = bearer.expose().strip_prefix("Bearer ").unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let clock = Arc::new(ManualClock::at_unix(1_771_151_400));
        let signer = Signer::new("app", &Secret::new(KEY)).unwrap();
        let signer = signer.with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let first = signer.bearer().unwrap();
        clock.advance(Duration::from_mins(13));
        assert_eq!(signer.bearer().unwrap().expose(), first.expose());
        clock.advance(Duration::from_mins(1));
        let second = signer.bearer().unwrap();
        assert_ne!(second.expose(), first.expose());
        let (first, second) = (claims(&first), claims(&second));
        assert_eq!(first["application_id"], "app");
        assert_eq!(first["exp"].as_u64().unwrap() - first["iat"].as_u64().unwrap(), 900);
        assert_eq!(second["iat"].as_u64().unwrap() - first["iat"].as_u64().unwrap(), 840);
        assert_ne!(first["jti"], second["jti"]);
    }

    #[test]
    fn a_token_that_was_refused_is_not_used_again() {
        let signer = Signer::new("app", &Secret::new(KEY)).unwrap();
        let first = signer.bearer().unwrap();
        signer.forget();
        assert_ne!(signer.bearer().unwrap().expose(), first.expose());
    }

    #[test]
    fn a_key_is_read_in_every_usual_form() {
        let one_line = KEY.trim().replace('\n', "\\n");
        let without_ends = KEY.replace('\n', "");
        for text in [KEY, &one_line, &without_ends] {
            assert!(Signer::new("app", &Secret::new(text)).is_ok());
        }
        for text in ["", "key", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"] {
            assert!(Signer::new("app", &Secret::new(text)).is_err(), "{text}");
        }
    }
}
