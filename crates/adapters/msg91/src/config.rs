use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::signature::ReceiptSecrets;
use otpmux_http::{HttpConfig, HttpSettings, ReceiptSettings, check_credential};

use crate::Msg91;
use crate::provider::capabilities;

/// The address in MSG91's current documentation. `https://api.msg91.com/api/v5`, which its npm
/// package uses, is the same API.
const BASE_URL: &str = "https://control.msg91.com/api/v5";

otpmux_core::settings! {
    /// The settings of one account at MSG91; [`Msg91::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct Msg91Builder {
        /// The auth key from MSG91's dashboard.
        pub auth_key: Option<Secret> = None, secret().required(), example "env:MSG91_AUTH_KEY";
        /// The id of the OTP template whose text MSG91 sends. Absent: each message names a template
        /// for `msg91`.
        pub template_id: Option<String> = None, text(), example "60a1b2c3d4e5f6a7b8c9d0e1";
        /// The maker of codes: `otpmux` (otpmux makes and verifies them) or `vendor` (MSG91 makes
        /// and verifies them; no other provider can follow with the same code).
        pub code: String = "otpmux".to_owned(), choice(&["otpmux", "vendor"]), example "vendor";
        groups {
            /// How to reach MSG91.
            pub http: HttpSettings;
            /// Which delivery reports are accepted.
            pub receipts: ReceiptSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = Msg91Builder::ADAPTER;

impl Msg91Builder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Msg91, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn key(&self) -> Result<Secret, ConfigError> {
        let key = required("auth_key", &self.auth_key)?;
        check_credential(&key).map_err(|message| ConfigError::new("auth_key", message))?;
        Ok(key)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        self.http.config(BASE_URL)
    }

    /// Returns the secrets in the URL of delivery reports; `None` if they are off.
    pub(crate) fn receipt_secrets(&self) -> Result<Option<ReceiptSecrets>, ConfigError> {
        self.receipts.check_offered(false)?;
        self.receipts.secrets(None)
    }

    pub(crate) fn vendor_codes(&self) -> bool {
        self.code == "vendor"
    }
}

impl VendorSettings for Msg91Builder {
    const KIND: &'static str = "msg91";
    type Provider = Msg91;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.key()?;
        self.transport()?;
        self.receipt_secrets()?;
        Ok(capabilities(self))
    }

    fn provider(&self, id: ProviderId) -> Result<Msg91, ConfigError> {
        Msg91::new(id, self)
    }
}
