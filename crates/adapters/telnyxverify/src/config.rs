use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::signature::{PublicKeys, ReceiptSecrets, Scheme};
use otpmux_http::{HttpConfig, HttpSettings, ReceiptMode, ReceiptSettings, check_credential};

use crate::TelnyxVerify;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://api.telnyx.com/v2";

otpmux_core::settings! {
    /// The settings of one Verify profile at Telnyx; [`TelnyxVerify::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct TelnyxVerifyBuilder {
        /// An API key of the account.
        pub api_key: Option<Secret> = None, secret().required(), example "env:TELNYX_API_KEY";
        /// The id of the Verify profile: it sets the text, the language and the length of codes.
        pub verify_profile_id: Option<String> = None, text().required(),
            example "12ade33a-21c0-473b-b055-b3c836e1c292";
        /// The maker of codes: `otpmux` (otpmux makes and verifies them, and reports the result to
        /// Telnyx) or `vendor` (Telnyx makes and verifies them; no other provider can follow with the
        /// same code).
        pub code: String = "otpmux".to_owned(), choice(&["otpmux", "vendor"]), example "vendor";
        groups {
            /// How to reach Telnyx.
            pub http: HttpSettings;
            /// Which webhooks are accepted. `receipt_secret` is the account's public key.
            pub receipts: ReceiptSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = TelnyxVerifyBuilder::ADAPTER;

/// The proof that a webhook is from Telnyx.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    Signature(PublicKeys),
    SecretInUrl(ReceiptSecrets),
}

impl TelnyxVerifyBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<TelnyxVerify, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn key(&self) -> Result<Secret, ConfigError> {
        let key = required("api_key", &self.api_key)?;
        check_credential(&key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(key)
    }

    pub(crate) fn profile(&self) -> Result<String, ConfigError> {
        required("verify_profile_id", &self.verify_profile_id)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        self.http.config(BASE_URL)
    }

    pub(crate) fn otpmux_codes(&self) -> bool {
        self.code == "otpmux"
    }

    /// Returns what webhooks are checked with; `None` if they are off.
    pub(crate) fn proof(&self) -> Result<Option<Proof>, ConfigError> {
        Ok(match self.receipts.receipts {
            ReceiptMode::Signed => {
                self.receipts.public_keys(Scheme::Ed25519)?.map(Proof::Signature)
            }
            _ => self.receipts.secrets(None)?.map(Proof::SecretInUrl),
        })
    }
}

impl VendorSettings for TelnyxVerifyBuilder {
    const KIND: &'static str = "telnyxverify";
    type Provider = TelnyxVerify;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.key()?;
        self.profile()?;
        self.transport()?;
        self.proof()?;
        Ok(capabilities(self))
    }

    fn provider(&self, id: ProviderId) -> Result<TelnyxVerify, ConfigError> {
        TelnyxVerify::new(id, self)
    }
}
