use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{HttpConfig, HttpSettings, ReceiptMode, ReceiptSettings, check_credential};

use crate::PlivoVerify;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://api.plivo.com/v1";

otpmux_core::settings! {
    /// The settings of one account at Plivo; [`PlivoVerify::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct PlivoVerifyBuilder {
        /// The Auth ID of the account or subaccount.
        pub auth_id: Option<String> = None, text().required().check(check_auth_id),
            example "MAXXXXXXXXXXXXXXXXXX";
        /// The Auth Token that belongs to it.
        pub auth_token: Option<Secret> = None, secret().required(),
            example "env:PLIVO_AUTH_TOKEN";
        /// The id of the Verify application: it sets the text, the length of codes and their expiry.
        /// Absent: the default application.
        pub app_uuid: Option<String> = None, text(),
            example "ec66515e-86f6-4507-8620-31c039538d7a";
        /// The name in the text, in the place of `${brand_name}`. Absent: the name of the service in
        /// the message, or else that of the application.
        pub brand_name: Option<String> = None, text(), example "Example";
        /// The maker of codes: `vendor` (Plivo makes and verifies them; no other provider can follow
        /// with the same code) or `otpmux` (otpmux makes and verifies them, and validates the session
        /// at Plivo afterwards).
        pub code: String = "vendor".to_owned(), choice(&["otpmux", "vendor"]), example "otpmux";
        groups {
            /// How to reach Plivo.
            pub http: HttpSettings;
            /// Which status callbacks are accepted: `secret_in_url`, because Plivo's signature does
            /// not cover what they say. The secret is the token that otpmux puts into each URL;
            /// `receipt_secret` is not needed.
            pub receipts: ReceiptSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = PlivoVerifyBuilder::ADAPTER;

impl PlivoVerifyBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<PlivoVerify, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn id(&self) -> Result<String, ConfigError> {
        let id = required("auth_id", &self.auth_id)?;
        check_auth_id(&id).map_err(|message| ConfigError::new("auth_id", message))?;
        Ok(id)
    }

    pub(crate) fn token(&self) -> Result<Secret, ConfigError> {
        let token = required("auth_token", &self.auth_token)?;
        check_credential(&token).map_err(|message| ConfigError::new("auth_token", message))?;
        Ok(token)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        self.http.config(BASE_URL)
    }

    pub(crate) fn otpmux_codes(&self) -> bool {
        self.code == "otpmux"
    }

    pub(crate) fn callbacks(&self) -> Result<bool, ConfigError> {
        self.receipts.check_offered(false)?;
        Ok(self.receipts.receipts == ReceiptMode::SecretInUrl)
    }
}

/// The id is a part of every path.
fn check_auth_id(id: &str) -> Result<(), String> {
    let fits = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let rule = || "must have 20 letters and digits, such as MAXXXXXXXXXXXXXXXXXX".to_owned();
    fits.then_some(()).ok_or_else(rule)
}

impl VendorSettings for PlivoVerifyBuilder {
    const KIND: &'static str = "plivoverify";
    type Provider = PlivoVerify;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.id()?;
        self.token()?;
        self.transport()?;
        self.callbacks()?;
        Ok(capabilities(self))
    }

    fn provider(&self, id: ProviderId) -> Result<PlivoVerify, ConfigError> {
        PlivoVerify::new(id, self)
    }
}
