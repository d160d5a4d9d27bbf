use std::fmt;
use std::str::FromStr;

use otpmux_core::settings::ConfigError;
use otpmux_core::{ReceiptTrust, Secret};

use crate::Transport;
use crate::signature::{PublicKeys, ReceiptSecrets, Scheme};

otpmux_core::settings! {
    /// The keys of a provider whose vendor reports deliveries, beside the adapter's own.
    #[derive(Clone, Debug)]
    pub struct ReceiptSettings {
        /// Which delivery receipts are accepted at `/v1/receipts/NAME`: `off` (none), `signed` (those
        /// with a valid signature of the vendor) or `secret_in_url` (those whose URL holds a secret;
        /// weaker, because URLs are kept in logs on the way). Needs `public_url` of the server.
        pub receipts: ReceiptMode = ReceiptMode::Off, choice(&["off", "signed", "secret_in_url"]),
            example "signed";
        /// The secret or public key that the vendor signs receipts with, or the secret in the URL.
        /// Absent: the credential that the vendor signs with, if it is one of the others.
        pub receipt_secret: Option<Secret> = None, secret(), example "env:RECEIPT_SECRET";
        /// The secret of before a change, accepted as well. Remove it when the vendor uses the new
        /// one. Absent: only `receipt_secret`.
        pub receipt_secret_old: Option<Secret> = None, secret(), example "env:RECEIPT_SECRET_OLD";
    }
}

impl ReceiptSettings {
    /// Returns the claim of the provider's capabilities.
    pub fn trust(&self) -> Option<ReceiptTrust> {
        match self.receipts {
            ReceiptMode::Off => None,
            ReceiptMode::Signed => Some(ReceiptTrust::Signed),
            ReceiptMode::SecretInUrl => Some(ReceiptTrust::SecretInUrl),
        }
    }

    /// Returns the transport with the secrets of these settings: a vendor knows them and may repeat
    /// them in an answer, and they are never shown.
    pub fn hide_in(&self, transport: Transport) -> Transport {
        let secrets = self.receipt_secret.iter().chain(&self.receipt_secret_old).cloned();
        secrets.fold(transport, Transport::with_secret)
    }

    /// Returns the secrets that receipts are checked with; `None` if they are off. `credential` is
    /// the vendor's own credential that signs, where it is one; it holds if `receipt_secret` is
    /// absent.
    ///
    /// # Errors
    ///
    /// There is no secret, or one in a URL that could be guessed (less than 20 characters).
    pub fn secrets(
        &self,
        credential: Option<&Secret>,
    ) -> Result<Option<ReceiptSecrets>, ConfigError> {
        let credential = match self.receipts {
            ReceiptMode::Off => return Ok(None),
            ReceiptMode::Signed => credential,
            // A credential must not stand in a URL.
            ReceiptMode::SecretInUrl => None,
        };
        let secret = self.receipt_secret.as_ref().or(credential);
        let secret = secret.ok_or_else(|| self.missing())?;
        if self.receipts == ReceiptMode::SecretInUrl {
            for (key, secret) in [
                ("receipt_secret", Some(secret)),
                ("receipt_secret_old", self.receipt_secret_old.as_ref()),
            ] {
                if secret.is_some_and(|secret| secret.expose().len() < 20) {
                    let message = "too short for a secret in a URL: at least 20 characters";
                    return Err(ConfigError::new(key, message));
                }
            }
        }
        Ok(Some(ReceiptSecrets::new(secret.clone()).with_old(self.receipt_secret_old.clone())))
    }

    /// Returns the public keys that receipts are checked with; `None` if receipts are not `signed`.
    ///
    /// # Errors
    ///
    /// There is no key, or a text is not a key of this scheme.
    pub fn public_keys(&self, scheme: Scheme) -> Result<Option<PublicKeys>, ConfigError> {
        if self.receipts != ReceiptMode::Signed {
            return Ok(None);
        }
        let key = self.receipt_secret.as_ref().ok_or_else(|| self.missing())?;
        PublicKeys::read(scheme, key, self.receipt_secret_old.as_ref())
            .map(Some)
            .map_err(|(key, error)| ConfigError::new(key, error.to_string()))
    }

    /// Checks that the vendor offers what `receipts` asks for. `signs`: it signs receipts.
    ///
    /// # Errors
    ///
    /// `signed` at a vendor that does not sign, with what to write instead.
    pub fn check_offered(&self, signs: bool) -> Result<(), ConfigError> {
        match self.receipts {
            ReceiptMode::Signed if !signs => Err(ConfigError::new(
                "receipts",
                "this vendor does not sign receipts; write \"secret_in_url\", or \"off\"",
            )),
            _ => Ok(()),
        }
    }

    fn missing(&self) -> ConfigError {
        ConfigError::new(
            "receipt_secret",
            format!("missing; `receipts = \"{}\"` needs it", self.receipts),
        )
    }
}

/// Which receipts a provider accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptMode {
    /// None.
    #[default]
    Off,
    /// Those with a valid signature of the vendor.
    Signed,
    /// Those whose URL holds a secret, or a token that otpmux made for the message.
    SecretInUrl,
}

impl fmt::Display for ReceiptMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Signed => "signed",
            Self::SecretInUrl => "secret_in_url",
        })
    }
}

impl FromStr for ReceiptMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "signed" => Ok(Self::Signed),
            "secret_in_url" => Ok(Self::SecretInUrl),
            _ => Err("must be off, signed or secret_in_url".to_owned()),
        }
    }
}

otpmux_core::text_setting!(ReceiptMode);

#[cfg(test)]
mod tests {
    use otpmux_core::settings::{Section as _, SettingsReader};
    use serde_json::{Value, json};

    use super::*;

    fn read(table: &Value) -> Result<ReceiptSettings, String> {
        let resolve = |text: &str| Ok(Secret::new(text.trim_start_matches("env:")));
        let read = SettingsReader::new(&resolve)
            .read("p", ReceiptSettings::KEYS, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let mut settings = ReceiptSettings::default();
        settings.apply(&read);
        Ok(settings)
    }

    fn secrets(table: &Value, credential: Option<&str>) -> Result<Vec<String>, String> {
        let credential = credential.map(Secret::new);
        let found = read(table)?.secrets(credential.as_ref()).map_err(|error| error.to_string())?;
        let shown = |secrets: ReceiptSecrets| {
            secrets.iter().map(|secret| secret.expose().to_owned()).collect()
        };
        Ok(found.map(shown).unwrap_or_default())
    }

    #[test]
    fn off_needs_and_gives_nothing() {
        assert_eq!(secrets(&json!({}), Some("credential")), Ok(vec![]));
        assert_eq!(
            secrets(&json!({"receipts": "off", "receipt_secret": "env:A"}), None),
            Ok(vec![])
        );
    }

    #[test]
    fn signed_takes_its_own_secret_before_the_credential() {
        let signed = json!({"receipts": "signed"});
        assert_eq!(secrets(&signed, Some("credential")), Ok(vec!["credential".into()]));
        assert_eq!(
            secrets(&signed, None).unwrap_err(),
            "receipt_secret: missing; `receipts = \"signed\"` needs it"
        );
        let both = json!({
            "receipts": "signed", "receipt_secret": "env:NEW", "receipt_secret_old": "env:OLD"
        });
        assert_eq!(secrets(&both, Some("credential")), Ok(vec!["NEW".into(), "OLD".into()]));
    }

    #[test]
    fn a_secret_in_a_url_is_long_and_never_the_credential() {
        let table = |secret: &str| json!({"receipts": "secret_in_url", "receipt_secret": secret});
        assert!(secrets(&json!({"receipts": "secret_in_url"}), Some("credential")).is_err());
        let error = secrets(&table("env:SHORT"), None).unwrap_err();
        assert_eq!(
            error,
            "receipt_secret: too short for a secret in a URL: at least 20 characters"
        );
        assert!(secrets(&table(&format!("env:{}", "L".repeat(20))), None).is_ok());
    }

    #[test]
    fn a_mistake_says_what_to_write() {
        assert!(read(&json!({"receipts": true})).unwrap_err().contains("must be text in quotes"));
        let error = read(&json!({"receipts": "on"})).unwrap_err();
        assert!(error.contains("off") && error.contains("signed"), "{error}");
        let signed = read(&json!({"receipts": "signed"})).unwrap();
        assert!(signed.check_offered(true).is_ok());
        let error = signed.check_offered(false).unwrap_err().to_string();
        assert!(error.contains("secret_in_url"), "{error}");
    }
}
