use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::signature::{PublicKeys, Scheme};
use otpmux_http::{HttpConfig, HttpSettings, ReceiptSettings, check_credential};

use crate::Prelude;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://api.prelude.dev";

otpmux_core::settings! {
    /// The settings of one account at Prelude; [`Prelude::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct PreludeBuilder {
        /// The API key from the Prelude dashboard.
        pub api_key: Option<Secret> = None, secret().required(), example "env:PRELUDE_API_KEY";
        /// The maker of codes: `vendor` (Prelude makes and verifies them; no other provider can
        /// follow with the same code) or `otpmux` (otpmux makes and verifies them; Prelude's support
        /// must enable custom codes for the account).
        pub code: String = "vendor".to_owned(), choice(&["otpmux", "vendor"]), example "otpmux";
        /// The id of a template. Absent: the account's default text.
        pub template_id: Option<String> = None, text(), example "prelude:psd2";
        /// The sender of messages, as enabled for the account. Absent: Prelude's choice.
        pub sender: Option<String> = None, text(), example "Example";
        /// Send e-mails, too. Prelude's support must enable them for the account.
        pub email: bool = false, flag(), example true;
        groups {
            /// How to reach Prelude.
            pub http: HttpSettings;
            /// Which webhooks are accepted. `receipt_secret` is the public key from the dashboard.
            pub receipts: ReceiptSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = PreludeBuilder::ADAPTER;

impl PreludeBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Prelude, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn key(&self) -> Result<Secret, ConfigError> {
        let key = required("api_key", &self.api_key)?;
        check_credential(&key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(key)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        self.http.config(BASE_URL)
    }

    pub(crate) fn otpmux_codes(&self) -> bool {
        self.code == "otpmux"
    }

    /// Returns the keys that webhooks are signed with; `None` unless they must be signed.
    pub(crate) fn webhook_keys(&self) -> Result<Option<PublicKeys>, ConfigError> {
        self.receipts.public_keys(Scheme::RsaPssSha256)
    }
}

impl VendorSettings for PreludeBuilder {
    const KIND: &'static str = "prelude";
    type Provider = Prelude;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.key()?;
        self.transport()?;
        self.webhook_keys()?;
        Ok(capabilities(self))
    }

    fn provider(&self, id: ProviderId) -> Result<Prelude, ConfigError> {
        Prelude::new(id, self)
    }
}
