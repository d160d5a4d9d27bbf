use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::signature::{Digest, Encoding, hmac};

/// The key that signs webhooks: `whsec_` and 24 to 64 random bytes in base64.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// A text is no key for webhooks. Shows nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be whsec_ and 24 to 64 random bytes in base64, such as `echo whsec_$(openssl rand -base64 32)` makes"
)]
pub struct WebhookSecretError;

otpmux_core::debug_as_display!(WebhookSecretError);

impl WebhookSecret {
    /// Returns the signature of a webhook: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
    /// `timestamp` is Unix time in seconds.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let timestamp = timestamp.to_string();
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        format!("v1,{}", Encoding::Base64.encode(&hmac(Digest::Sha256, &self.0, &parts)))
    }
}

impl FromStr for WebhookSecret {
    type Err = WebhookSecretError;

    fn from_str(text: &str) -> Result<Self, WebhookSecretError> {
        let key = text.strip_prefix("whsec_").and_then(|it| Encoding::Base64.decode(it));
        let key = key.filter(|key| (24..=64).contains(&key.len())).ok_or(WebhookSecretError)?;
        Ok(Self(Zeroizing::new(key)))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries (standard-webhooks, `webhook_test`).
    #[test]
    fn the_example_of_the_specification() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_length_of_a_key() {
        let of = |bytes: usize| format!("whsec_{}", Encoding::Base64.encode(&vec![7; bytes]));
        for bytes in [24, 32, 64] {
            assert!(of(bytes).parse::<WebhookSecret>().is_ok(), "{bytes}");
        }
        for text in
            [of(23), of(65), of(32).replace("whsec_", ""), "whsec_!".to_owned(), String::new()]
        {
            assert!(text.parse::<WebhookSecret>().is_err(), "{text}");
        }
    }
}
